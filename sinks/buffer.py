"""Gather records into blocks, one block a (topic, partition), in bounded memory. Pure: the caller brings the time.

A block covers every offset from where the one before ended, copies and empty records included, so that blocks follow
each other without a gap and a range of offsets names its block.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import Backpressure, Fatal
from sinks.origins import Origins
from sinks.plain import PlainRows
from sinks.records import Block, Record, rows_of, size_of

Partition = tuple[str, int]


class BlockLimits(BaseModel):
    """When a block is cut, and how much is held at most."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: int = Field(200_000, ge=1, description="rows of a block; one part of the warehouse")
    block_bytes: int = Field(64 << 20, ge=1, description="bytes of a block")
    age_secs: float = Field(5.0, gt=0, description="a block is written at the latest after this time")
    buffer_bytes: int = Field(512 << 20, ge=1, description="bytes of all blocks; above it nothing more is taken")


@dataclass
class _Open:
    """A block that is being filled; `first` is where the one before ended."""

    log: str
    first: int | None
    before: Origins
    planned: int | None = None
    last: int | None = None
    records: list[Record] = field(default_factory=list)
    rows: int = 0
    size: int = 0
    since: float = 0.0


class BlockBuffer:
    """The blocks being filled, by (topic, partition)."""

    def __init__(self, limits: BlockLimits) -> None:
        self.limits = limits
        self.size = 0
        self.full: set[Partition] = set()
        self._open: dict[Partition, _Open] = {}
        self._origins: dict[Partition, Origins] = {}

    def assign(
        self, topic: str, partition: int, first: int, origins: Origins, *, log: str = "", planned: int | None = None
    ) -> None:
        """Go on with a partition at offset `first`, after `origins`; `planned` is where a planned block ends."""
        key = (topic, partition)
        self.revoke(topic, partition)
        self._origins[key] = origins.copy()
        self._open[key] = _Open(log, first, origins.copy(), planned)

    def revoke(self, topic: str, partition: int) -> None:
        """Forget what was gathered of a partition: its next owner reads it again."""
        gone = self._open.pop((topic, partition), None)
        self.full.discard((topic, partition))
        self._origins.pop((topic, partition), None)
        self.size -= gone.size if gone else 0

    def accept(self, record: Record, now: float) -> int:
        """Take a record and return how many of its values were new: copies are dropped.

        Raises Backpressure, with nothing taken, when the buffer is full or a planned block ends before this record.
        """
        key = (record.topic, record.partition)
        block = self._block(key, record)
        size = size_of(record.value)
        if block.planned is not None:
            if record.offset > block.planned:
                self.passed(*key, block.planned, now)
                raise _flush_first(record, f"the planned block ends at offset {block.planned}")
        elif self.size and self.size + size > self.limits.buffer_bytes:
            raise _flush_first(record, f"{self.size} bytes are gathered")
        if block.last is not None and record.offset <= block.last:
            raise Fatal(
                "OFFSET_BACKWARDS",
                where=f"{record.topic} [{record.partition}]",
                what=f"offset {record.offset} came after {block.last}",
                do="start the sink again: it goes on from what it has committed",
            )
        fresh, count = self._without_copies(key, record)
        self.passed(*key, record.offset, now)
        if fresh.value is not None:
            block.records.append(fresh)
            block.rows += rows_of(fresh)
            block.size += size
            self.size += size
            if self._is_full(block):
                self.full.add(key)
        return count

    def _without_copies(self, key: Partition, record: Record) -> tuple[Record, int]:
        """(the record with what is new in it, how many values that is)."""
        origins, value = self._origins[key], record.value
        if isinstance(value, PlainRows):
            rows = value.kept(origins.admit_rows(value))
            return replace(record, value=rows if len(rows) else None), len(rows)
        where = f"{record.topic} [{record.partition}]"
        new = record.origin is None or origins.admit(record.origin, record.previous_offset, where)
        return record if new else replace(record, value=None), int(new)

    def _block(self, key: Partition, record: Record) -> _Open:
        block = self._open.get(key)
        if block is None:
            log = record.origin.topic_id if record.origin else ""
            block = self._open[key] = _Open(log, record.offset, Origins())
            self._origins[key] = Origins()
        return block

    def passed(self, topic: str, partition: int, last: int, now: float) -> None:
        """Offsets up to `last` hold nothing more to read (a transaction's mark, a compacted record)."""
        block = self._open[(topic, partition)]
        if block.last is None:
            block.since = now
        block.last = last if block.last is None else max(block.last, last)
        if self._is_full(block):
            self.full.add((topic, partition))

    def planned(self, topic: str, partition: int) -> int | None:
        """Last offset of the planned block that a partition is reading again, if it is."""
        block = self._open.get((topic, partition))
        return block.planned if block else None

    def partitions(self) -> list[Partition]:
        """Partitions that have passed at least one offset since the block before, in a fixed order."""
        return sorted(key for key, block in self._open.items() if block.last is not None)

    def due(self, now: float) -> list[Partition]:
        """Partitions whose block has reached a limit, or the end of its plan."""
        return [key for key in self.partitions() if key in self.full or self._is_old(self._open[key], now)]

    def largest(self) -> list[Partition]:
        """The partition that holds most, as a list of one or none; a planned block must be read to its end first."""
        held = [
            (block.size, key) for key, block in self._open.items() if block.last is not None and block.planned is None
        ]
        return [max(held)[1]] if held else []

    def _is_full(self, block: _Open) -> bool:
        if block.planned is not None:
            # The same range must give the same block, whatever the limits are now.
            return block.last is not None and block.last >= block.planned
        return block.rows >= self.limits.rows or block.size >= self.limits.block_bytes

    def _is_old(self, block: _Open, now: float) -> bool:
        return block.planned is None and now - block.since >= self.limits.age_secs

    def cut(self, partitions: Iterable[Partition]) -> list[Block]:
        """The blocks of these partitions; new ones begin behind them."""
        blocks = []
        for key in partitions:
            block, origins = self._open[key], self._origins[key]
            assert block.first is not None
            assert block.last is not None
            after = origins.copy()
            blocks.append(Block(*key, block.first, block.last, block.log, tuple(block.records), block.before, after))
            self.size -= block.size
            self.full.discard(key)
            self._open[key] = _Open(block.log, block.last + 1, after)
        return blocks


def _flush_first(record: Record, what: str) -> Backpressure:
    return Backpressure(
        "SINK_FULL",
        where=f"{record.topic} [{record.partition}]",
        what=what,
        do="flush, then offer the record again",
        retry_after_secs=0.1,
    )
