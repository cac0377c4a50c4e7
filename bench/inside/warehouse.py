"""What chains have sent, into a warehouse of this process: the sink's own code without Kafka, its parts timed apart."""

from __future__ import annotations

import resource
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from bench.inside.chains import StageClock
from pipeline.localtime import OFFSETS
from pipeline.runtime.chain import OutputRun, Outputs, singly
from pipeline.topology.plan import Plan
from pipeline.wire import BATCHES, Contracts
from sinks.clickhouse import migrate
from sinks.clickhouse.client import connect
from sinks.clickhouse.columns import Table
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.native import NativeBlock
from sinks.clickhouse.packed_block import packed_block, sources
from sinks.clickhouse.packed_tables import PACKED_TABLES
from sinks.clickhouse.plain_block import plain_block
from sinks.clickhouse.sink import INSERT
from sinks.clickhouse.tables import TABLE_OF_RECORD
from sinks.read import read_plain, read_record
from sinks.records import Record, rows_of

READ, BLOCKS, INSERTED = "sink: records read", "sink: blocks made", "sink: insert and merges"

TIMEZONE = "Asia/Kolkata"
"""Of the warehouse's local days."""

AT_ONCE = 20_000
"""Plain records that are read together: some megabytes, as a poll under load brings."""

QUIET_SECS, MOST_SECS = 6.0, 300.0
"""Without a merge for so long all are done: the engine looks for new ones every five seconds."""


@dataclass(frozen=True)
class Ready:
    """A block for one table, as the engine takes it."""

    table: Table
    block: NativeBlock


def ready_blocks(plan: Plan, contracts: Contracts, outputs: Outputs, rows: int, clock: StageClock) -> list[Ready]:
    """Blocks of at most some `rows` rows for each topic that goes into the warehouse, in order of arrival."""
    schemas = {topic.name: topic.schema or "" for sink in plan.sinks.values() for topic in sink.topics}
    found = []
    with clock.of(READ, False):
        records = list(_records(contracts, schemas, outputs))
    for _, of_topic in groupby(sorted(records, key=lambda one: one.topic), key=lambda one: one.topic):
        for some in _cut(list(of_topic), rows):
            with clock.of(BLOCKS, False):
                found += _ready(some)
    return found


def _records(contracts: Contracts, schemas: dict[str, str], outputs: Outputs) -> Iterator[Record]:
    """As a sink reads them: batches one by one, plain records of a topic thousands at a time."""
    offsets: Counter[str] = Counter()
    plain: dict[str, list[bytes]] = {}
    for output in outputs:
        schema = schemas.get(output.topic, "")
        if schema in BATCHES:
            assert not isinstance(output, OutputRun)
            offsets[output.topic] += 1
            yield read_record(contracts, schema, output.topic, 0, offsets[output.topic], output.value)
        elif schema:
            held = plain.setdefault(output.topic, [])
            held += output.values if isinstance(output, OutputRun) else [output.value]
    for topic, values in plain.items():
        for first in range(0, len(values), AT_ONCE):
            some = values[first : first + AT_ONCE]
            yield read_plain(contracts, schemas[topic], topic, 0, range(first, first + len(some)), some)


def _cut(records: list[Record], rows: int) -> Iterator[list[Record]]:
    held: list[Record] = []
    count = 0
    for record in records:
        if record.value is None:
            continue
        held.append(record)
        count += rows_of(record)
        if count >= rows:
            yield held
            held, count = [], 0
    if held:
        yield held


def _ready(records: list[Record]) -> list[Ready]:
    schema = records[0].schema
    if schema == "ReadingBatch":
        batches = sources(records)
        made = [Ready(table, packed_block(table, batches, OFFSETS[TIMEZONE])) for table in PACKED_TABLES]
    else:
        table = TABLE_OF_RECORD[schema]
        made = [Ready(table, plain_block(table, records))]
    return [one for one in made if one.block.rows]


class Inserts:
    """A warehouse in `folder`, for blocks that are ready."""

    def __init__(self, folder: Path) -> None:
        config = ClickHouseConfig(dsn=f"chdb://{folder / 'warehouse'}", timezone=TIMEZONE)
        self.client: Any = connect(config)
        migrate.apply(self.client, migrate.load(config.timezone))
        self._number = 0

    def insert(self, blocks: list[Ready], pause_secs: float = 0.0) -> float:
        """CPU seconds of this process for inserting them, until nothing is merged any more."""
        begin = cpu_secs()
        for one in blocks:
            self.put(one)
            time.sleep(pause_secs)
        self.until_quiet()
        return cpu_secs() - begin

    def put(self, one: Ready) -> None:
        """Insert a block."""
        self._number += 1
        names = [column.name for column in one.table.stored]
        settings = {**INSERT, "insert_deduplication_token": str(self._number)}
        self.client.raw_insert(one.table.name, names, one.block, fmt="Native", settings=settings)

    def until_quiet(self) -> None:
        """Wait until nothing is merged any more."""
        deadline, busy_at = time.monotonic() + MOST_SECS, time.monotonic()
        while time.monotonic() < min(busy_at + QUIET_SECS, deadline):
            if self.client.query("SELECT count() FROM system.merges").first_row[0]:
                busy_at = time.monotonic()
            time.sleep(0.5)

    def close(self) -> None:
        """Close the engine."""
        self.client.close()


@contextmanager
def inserts(folder: Path) -> Iterator[Inserts]:
    """A warehouse in `folder`, closed at the end."""
    found = Inserts(folder)
    try:
        yield found
    finally:
        found.close()


def cpu_secs() -> float:
    """CPU seconds of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def octets_of(outputs: Outputs) -> Counter[str]:
    """Octets of the records' values by topic."""
    found: Counter[str] = Counter()
    for output in singly(outputs):
        found[output.topic] += len(output.value)
    return found
