"""Every sink obeys the same laws: in memory, ClickHouse embedded and behind HTTP, files, and webhooks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest

from bench.sap_receiver import Receiver as SapReceiver
from bench.sap_receiver import receiving as sap_receiving
from bench.warehouse.process import WarehouseProcess
from schemas.mdus.names import EVENTS, SERIES
from schemas.mdus.xml import name_of, text_at
from sinks.base import Sink
from sinks.buffer import BlockLimits
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.sink import ClickHouseSink
from sinks.clickhouse.tables import TABLE_OF_RECORD
from sinks.files.config import FilesConfig
from sinks.files.sink import FilesSink
from sinks.memory import ListSink
from sinks.records import Block
from sinks.sap_mdus.config import SapMdusConfig
from sinks.sap_mdus.names import uuid_of
from sinks.sap_mdus.sink import SapMdusSink
from sinks.webhook.config import WebhookConfig
from sinks.webhook.sink import WebhookSink
from tests.builders_readings import LOG, PLAIN, plain_origins, plain_record
from tests.conformance.sink_laws import Row, SinkLaws, Storage, expected
from tests.unit.sinks.receiver import Receiver, receiving
from tests.unit.sinks.sap_mdus.builders import determinant, devices


@dataclass
class Lists(Storage):
    together: bool = False
    written: dict[str, Block] = field(default_factory=dict)

    def sink(self, limits: BlockLimits) -> Sink:
        return ListSink(limits, self.written, self.together)

    def readings(self, sink: Sink) -> list[Row]:
        assert isinstance(sink, ListSink)
        return expected([record for record in sink.records if record.schema == "ReadingBatch"])

    def plain(self, sink: Sink, schema: str) -> list[tuple[int, int]]:
        assert isinstance(sink, ListSink)
        return [(offset, index) for _, offset, index in plain_origins(sink.records, schema)]


@dataclass
class Warehouse(Storage):
    dsn: str
    database: str = "kvarn"

    def sink(self, limits: BlockLimits) -> Sink:
        return ClickHouseSink(ClickHouseConfig(dsn=self.dsn, database=self.database, blocks=limits))

    def readings(self, sink: Sink) -> list[Row]:
        assert isinstance(sink, ClickHouseSink)
        query = "SELECT origin_partition, origin_offset, service_point, wh_imp FROM readings ORDER BY ALL"
        return [tuple(row) for row in sink.client.query(query).result_rows]

    def plain(self, sink: Sink, schema: str) -> list[tuple[int, int]]:
        assert isinstance(sink, ClickHouseSink)
        query = f"SELECT source_offset, source_index FROM {TABLE_OF_RECORD[schema].name} ORDER BY ALL"
        return [tuple(row) for row in sink.client.query(query).result_rows]


class Documents(Storage):
    """Storages of JSON lines: what was written shows as one text."""

    def text(self) -> bytes:
        raise NotImplementedError

    def _rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]

    def readings(self, sink: Sink) -> list[Row]:
        names = ("origin_partition", "origin_offset", "service_point", "wh_imp")
        found = [tuple(row[name] for name in names) for row in self._rows() if "origin_offset" in row]
        return sorted(cast(list[Row], found))

    def plain(self, sink: Sink, schema: str) -> list[tuple[int, int]]:
        # A schema is told by its topic, and that by the fields that it alone has.
        own = {field.name for field in PLAIN[schema].fields}
        rows = [row for row in self._rows() if set(row) == own]
        return sorted((row["source_offset"], row["source_index"]) for row in rows)


@dataclass
class Folder(Documents):
    path: Path

    def sink(self, limits: BlockLimits) -> Sink:
        return FilesSink(FilesConfig(folder=self.path, blocks=limits))

    def text(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.path.rglob("*.jsonl")))


@dataclass
class Posted(Documents):
    receiver: Receiver

    def sink(self, limits: BlockLimits) -> Sink:
        return WebhookSink(WebhookConfig(url=self.receiver.url, blocks=limits))

    def text(self) -> bytes:
        return b"".join(self.receiver.bodies.values())


PLACES = [(partition, offset) for partition in range(2) for offset in range(40)]
"""Where the records of the laws come from: the names of messages are made of it."""


@dataclass
class Sap(Storage):
    receiver: SapReceiver
    path: Path

    def sink(self, limits: BlockLimits) -> Sink:
        settings = {"url": self.receiver.url, "journal": self.path, "blocks": limits, "series": ["wh_imp"]}
        sink = SapMdusSink(SapMdusConfig.model_validate(settings))
        sink.take_registry("1", devices(2_000))
        return sink

    def _taken(self, message: str) -> list[tuple[str, Any]]:
        return [(uuid, one) for uuid, one in self.receiver.taken.items() if name_of(one) == message]

    def readings(self, sink: Sink) -> list[Row]:
        found = []
        for uuid, one in self._taken(SERIES.message):
            series = one.find(SERIES.subject)
            point = int(text_at(series, "UtilitiesMeasurementTaskAssignmentRole/UtilitiesPointOfDeliveryPartyID"))
            named = ("series", LOG), (point, f"{point + 0x4B56_4E00_0000_0000:016X}", "wh_imp")
            (place,) = [place for place in PLACES if uuid_of(*named[0], *place, *named[1]) == uuid]
            found.append((*place, point, int(text_at(series, "Item/Quantity").replace(".", ""))))
        return sorted(found)

    def plain(self, sink: Sink, schema: str) -> list[tuple[int, int]]:
        kind = {"Event": "event"}[schema]
        every = [(offset, index) for offset in range(4) for index in range(4)]
        uuids = [uuid for uuid, _ in self._taken(EVENTS.message)]
        return sorted(place for place in every for uuid in uuids
                      if uuid_of(kind, "/".join(map(str, (LOG, 0, *place)))) == uuid)  # fmt: skip


class TestSapMdus(SinkLaws):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Iterator[Storage]:
        with sap_receiving() as receiver:
            yield Sap(receiver, tmp_path / "journal.sqlite")

    def test_plain_records_of_every_schema_arrive(self, storage: Storage) -> None:
        places = [(offset, index) for offset in range(3) for index in range(4)]
        assert isinstance(storage, Sap)
        with self.opened(storage) as sink:
            for position, (offset, index) in enumerate(places):
                sink.accept(plain_record("Event", offset, index, position=position))
            for offset in range(12):
                sink.accept(determinant(offset, 1 + offset))
            sink.flush()
            assert storage.plain(sink, "Event") == places
            assert len(storage.receiver.values()) == 12


class TestFiles(SinkLaws):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Storage:
        return Folder(tmp_path / "out")


class TestWebhook(SinkLaws):
    @pytest.fixture
    def storage(self) -> Iterator[Storage]:
        with receiving() as receiver:
            yield Posted(receiver)


class TestListSink(SinkLaws):
    @pytest.fixture
    def storage(self) -> Storage:
        return Lists()


class TestListSinkOfAllPartitions(SinkLaws):
    @pytest.fixture
    def storage(self) -> Storage:
        return Lists(together=True)


class TestClickHouseEmbedded(SinkLaws):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Storage:
        return Warehouse(f"chdb://{tmp_path}/warehouse")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseProcess]:
    process = WarehouseProcess(tmp_path_factory.mktemp("served") / "warehouse")
    process.start()
    yield process
    process.end()


class TestClickHouseOverHttp(SinkLaws):
    databases = count()

    @pytest.fixture
    def storage(self, server: WarehouseProcess) -> Storage:
        return Warehouse(server.dsn, f"of_test_{next(self.databases)}")
