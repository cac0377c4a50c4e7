"""What every sink takes and gives: records in, blocks out, each block written once in effect.

A record is one value of a topic, with its origin in the first log. `BlockBuffer` (sinks.buffer) drops copies by origin
and gathers blocks; a sink only writes them. Writing is idempotent by the block's token, so that a block which was
planned before a crash can simply be written again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from pipeline.errors import ConfigError
from pipeline.reference import Registry
from pipeline.runtime.moments import Moments
from sinks.buffer import BlockBuffer, BlockLimits
from sinks.phases import PHASES
from sinks.records import Block, Record


class Sink(ABC):
    """A place where topics end.

    `exclusive`: one process alone can write to where it writes, so it takes every partition, and their blocks together.

    Use: `open()`, then `accept(record)` again and again; `flush()` writes what is gathered; `close()` writes nothing.
    `accept` returns 0 for a copy, raises Fatal at a hole, and Backpressure when the buffer is full: flush, then offer
    the same record again. `write` raises Transient when the block should be tried again (it stays pending) and
    Fatal when it never can be.
    """

    schemas: frozenset[str]
    """Schemas of the records that it takes."""

    def __init__(self, limits: BlockLimits, *, exclusive: bool = False) -> None:
        self.exclusive = exclusive
        self.blocks = BlockBuffer(limits, joint=exclusive)
        self.moments = Moments(PHASES)
        self.place = ""
        """What tells where it writes from any other such place, once it is open; empty: it cannot tell."""
        self._pending: list[Block] = []

    @abstractmethod
    def open(self) -> None:
        """Connect, and bring what is there up to date; raises ConfigError when that cannot be."""

    @abstractmethod
    def write(self, block: Block) -> int:
        """Write one block and return its rows; the same token a second time changes nothing."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything; gathered records that were not flushed are left to the log."""

    def take_registry(self, version: str, registry: Registry) -> None:  # noqa: B027  (most sinks keep no master data)
        """Keep a version of the registry beside the data; the last one that is given is in force."""

    def rest(self) -> None:  # noqa: B027  (most sinks have nothing to do between blocks)
        """Called again and again between blocks, for what time alone makes due; raises Transient to be called later."""

    def accept(self, record: Record, now: float = 0.0) -> int:
        """Take a record and return how many of its values were new; copies are dropped."""
        if record.schema not in self.schemas:
            raise ConfigError(
                "SINK_SCHEMA",
                where=record.topic,
                what=f"this sink does not take {record.schema}",
                do=f"give it topics of {', '.join(sorted(self.schemas))}",
            )
        return self.blocks.accept(record, now)

    def flush(self, now: float | None = None) -> list[Block]:
        """Write what is gathered, or with `now` only the blocks that are due then."""
        due = self.blocks.partitions() if now is None else self.blocks.due(now)
        self._pending.extend(self.blocks.cut(due))
        written = []
        while self._pending:
            self.write(self._pending[0])
            written.append(self._pending.pop(0))
        return written
