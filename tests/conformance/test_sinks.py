"""Every sink obeys the same laws: in memory, and ClickHouse on the embedded engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sinks.base import Sink
from sinks.buffer import BlockLimits
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.sink import ClickHouseSink
from sinks.clickhouse.tables import TABLE_OF_RECORD
from sinks.memory import ListSink
from sinks.records import Block
from tests.builders_readings import plain_origins
from tests.conformance.sink_laws import Row, SinkLaws, Storage, expected


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
    folder: Path

    def sink(self, limits: BlockLimits) -> Sink:
        return ClickHouseSink(ClickHouseConfig(dsn=f"chdb://{self.folder}", blocks=limits))

    def readings(self, sink: Sink) -> list[Row]:
        assert isinstance(sink, ClickHouseSink)
        query = "SELECT origin_partition, origin_offset, service_point, wh_imp FROM readings ORDER BY ALL"
        return [tuple(row) for row in sink.client.query(query).result_rows]

    def plain(self, sink: Sink, schema: str) -> list[tuple[int, int]]:
        assert isinstance(sink, ClickHouseSink)
        query = f"SELECT source_offset, source_index FROM {TABLE_OF_RECORD[schema].name} ORDER BY ALL"
        return [tuple(row) for row in sink.client.query(query).result_rows]


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
        return Warehouse(tmp_path / "warehouse")
