"""The ClickHouse sink: blocks of records into the base tables, each block once in effect.

Guarantees: a block that is written again under its token changes nothing, also after a crash between two of its tables,
because each table remembers the tokens of its last inserts. A row that still comes twice collapses by the table's key.
"""

from __future__ import annotations

import os
from typing import Any

from pipeline.errors import Fatal, KvarnError, Transient
from pipeline.localtime import OFFSETS
from pipeline.reference import Registry
from sinks.base import Sink
from sinks.clickhouse import migrate
from sinks.clickhouse.client import connect, errors_as_ours, identity
from sinks.clickhouse.columns import Table
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.hygiene_tables import LOG_TIMES, log_times_block, promise
from sinks.clickhouse.native import NativeBlock
from sinks.clickhouse.packed_block import packed_block, sources
from sinks.clickhouse.packed_tables import PACKED_TABLES
from sinks.clickhouse.plain_block import plain_block
from sinks.clickhouse.registry_block import registry_block
from sinks.clickhouse.registry_tables import REGISTRY_TABLES
from sinks.clickhouse.server import QueryServer
from sinks.clickhouse.tables import TABLE_OF_RECORD
from sinks.clickhouse.whole import Wholeness, check_aside
from sinks.records import Block

INSERT = {
    # Replacing rows within a block costs four times the rest of an insert, and copies are dropped before it.
    "optimize_on_insert": "0",
    # A block that replays an outage, or meters with wild clocks, reach many months.
    "max_partitions_per_insert_block": "0",
    "insert_deduplicate": "1",
    "async_insert": "0",
}


class ClickHouseSink(Sink):
    """`type: clickhouse` in topologies.yaml."""

    schemas = frozenset({"ReadingBatch", *TABLE_OF_RECORD})

    def __init__(self, config: ClickHouseConfig) -> None:
        super().__init__(config.blocks, exclusive=config.embedded)
        self.config = config
        self._client: Any = None
        self._spoiled = False
        self._server: QueryServer | None = None
        self._wholeness = Wholeness()

    def open(self) -> None:
        """Connect and migrate; raises ConfigError, or Transient when a server does not answer."""
        try:
            # Before the engine starts, which it does badly on a full disk.
            self._check_room()
            self._connect()
            migrate.apply(self._client, migrate.load(self.config.timezone))
            promise(self._client, self.config.sla)
            with errors_as_ours(self.config.database):
                self.place = identity(self._client)
                if self.config.embedded:
                    check_aside(self._client, self.config.dsn)
        except KvarnError:
            self._close_client()
            raise
        if self.config.embedded and self.config.answer_queries and self._server is None:
            self._server = QueryServer(self.config)
            self._server.start()

    def _connect(self, *, make: bool = True) -> None:
        if self._client is None:
            self._client = connect(self.config, {"max_memory_usage": str(self.config.memory_bytes)}, make=make)

    @property
    def client(self) -> Any:
        """The open client; another thread needs one of its own (`sinks.clickhouse.client.connect`)."""
        if self._client is None:
            raise Fatal("SINK_CLOSED", where=self.config.database, what="the sink is not open", do="call open() first")
        return self._client

    def write(self, block: Block) -> int:
        """Insert a block; raises Transient when the warehouse is away or busy."""
        if not block.records:
            return 0
        self._renew()
        try:
            self._check_room()
            with errors_as_ours(f"{self.config.database}, block {block.token}"):
                rows = self._insert(block)
                self._check_whole()
                return rows
        except KvarnError:
            self._spoil()
            raise

    def _spoil(self) -> None:
        """What a failed statement leaves in a connection must not reach the next one."""
        self._spoiled = True

    def _renew(self) -> None:
        if not self._spoiled:
            return
        # The old one is closed last: the engine ends with its last connection, and starts badly on a full disk.
        spoiled, self._client = self._client, None
        try:
            self._connect(make=False)
        except KvarnError:
            self._client = spoiled
            raise
        if spoiled is not None:
            spoiled.close()
        self._check_place()
        self._check_whole()
        self._spoiled = False

    def _check_room(self) -> None:
        if not self.config.embedded:
            return
        with errors_as_ours(str(self.config.folder)):
            self.config.folder.mkdir(parents=True, exist_ok=True)
            state = os.statvfs(self.config.folder)
        free = state.f_bavail * state.f_frsize
        if free < self.config.spare_bytes:
            raise Transient(
                "WAREHOUSE_FULL", where=str(self.config.folder),
                what=f"{free >> 20} MiB are free on its disk, of the {self.config.spare_bytes >> 20} that must stay",
                do="give its disk more room, or free some",
            )  # fmt: skip

    def _check_whole(self) -> None:
        if self.config.embedded:
            with errors_as_ours(self.config.database):
                self._wholeness.check(self._client, str(self.config.folder))

    def _check_place(self) -> None:
        """Raise Fatal when the warehouse that answers now is not the one that had the blocks so far."""
        with errors_as_ours(self.config.database):
            found = identity(self._client)
        if found != self.place:
            raise Fatal(
                "WAREHOUSE_OTHER", where=self.config.database,
                what="another warehouse, or an empty one, answers where the one was that has the blocks so far",
                do="bring that one back; to fill this one from the start, give the sink another group",
            )  # fmt: skip

    def _insert(self, block: Block) -> int:
        schema = block.records[0].schema
        if schema == "ReadingBatch":
            self._insert_into(LOG_TIMES, log_times_block(block.records), block.token)
            batches = sources(block.records)
            if not batches:
                return 0
            # Of a zone that is not in the table the order is a guess, and the engine's.
            offset = OFFSETS.get(self.config.timezone, 0)
            made = ((table, packed_block(table, batches, offset)) for table in PACKED_TABLES)
            return sum(self._insert_into(table, rows, block.token) for table, rows in made)
        table = TABLE_OF_RECORD[schema]
        return self._insert_into(table, plain_block(table, block.records), block.token)

    def _insert_into(self, table: Table, block: NativeBlock, token: str) -> int:
        if block.rows:
            names = [column.name for column in table.stored]
            settings = {**INSERT, "insert_deduplication_token": token}
            # The embedded engine takes a file, a server the block piece by piece; either is read once.
            body = block if self.config.embedded else block.chunks()
            self.client.raw_insert(table.name, names, body, fmt="Native", settings=settings)
            self.moments.reach("sink-in-block")
        return block.rows

    def take_registry(self, version: str, registry: Registry) -> None:
        """Write the version whole, unless it is the newest already; raises Transient when the warehouse is away."""
        self._renew()
        with errors_as_ours(f"{self.config.database}, registry {version[:12]}"):
            question = f"SELECT argMax(version, registry), max(registry) FROM {REGISTRY_TABLES[-1].name}"  # noqa: S608
            newest, number = self.client.query(question).first_row
            if newest == version:
                return
            for table in REGISTRY_TABLES:
                block = registry_block(table, registry, version, number + 1)
                self._insert_into(table, block, f"{table.name}-{version}-{number + 1}")

    def close(self) -> None:
        """Close the client; an embedded warehouse can then be opened by another process."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        self._close_client()

    def _close_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
