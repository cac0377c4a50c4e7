"""Gather records into blocks in bounded memory. Pure: the caller brings the time.

A block has a part of each of its partitions. A part covers every offset from where the one before ended, copies and
empty records included, so that blocks follow each other without a gap and their ranges of offsets name them.
`joint`: the partitions of a topic are written together, which one owner of them all may do; many small inserts become
one. Otherwise each partition has blocks of its own, so that another process can take it over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import Backpressure, Fatal
from sinks.origins import Origins
from sinks.plain import PlainRows
from sinks.records import Block, Part, Record, rows_of, size_of

Group = tuple[str, int]
"""Partitions that are written together: (topic, partition), or (topic, ALL) when joint."""

ALL = -1


class BlockLimits(BaseModel):
    """When a block is cut, and how much is held at most."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: int = Field(400_000, ge=1, description="rows of a block; one part of the warehouse")
    block_bytes: int = Field(64 << 20, ge=1, description="bytes of a block")
    age_secs: float = Field(5.0, gt=0, description="a block is written at the latest after this time")
    buffer_bytes: int = Field(512 << 20, ge=1, description="bytes of all blocks; above it nothing more is taken")


@dataclass
class _Open:
    """A part that is being filled; `first` is where the one before ended, `planned` where a planned one must end."""

    first: int
    before: Origins
    origins: Origins
    planned: int | None = None
    last: int | None = None
    records: list[Record] = field(default_factory=list)
    rows: int = 0
    size: int = 0


@dataclass
class _Filling:
    """The open parts of a group, by partition."""

    log: str
    parts: dict[int, _Open] = field(default_factory=dict)
    since: float | None = None

    @property
    def planned(self) -> dict[int, _Open]:
        """The parts of a block that was planned before and must be made again as it was."""
        return {partition: part for partition, part in self.parts.items() if part.planned is not None}

    @property
    def passed(self) -> dict[int, _Open]:
        """The parts that have passed an offset."""
        return {partition: part for partition, part in self.parts.items() if part.last is not None}


class BlockBuffer:
    """The blocks being filled. `full` are groups whose block has reached a limit or the end of its plan."""

    def __init__(self, limits: BlockLimits, *, joint: bool = False) -> None:
        self.limits = limits
        self.joint = joint
        self.size = 0
        self.full: set[Group] = set()
        self._groups: dict[Group, _Filling] = {}

    def _group(self, topic: str, partition: int) -> Group:
        return (topic, ALL if self.joint else partition)

    # ------------------------------------------------------------------------------------------ partitions

    def assign(
        self, topic: str, partition: int, first: int, origins: Origins, *, log: str = "", planned: int | None = None
    ) -> None:
        """Go on with a partition at offset `first`, after `origins`; `planned` is where a planned block ends."""
        self.revoke(topic, partition)
        filling = self._groups.setdefault(self._group(topic, partition), _Filling(log))
        filling.log = log
        filling.parts[partition] = _Open(first, origins.copy(), origins.copy(), planned)

    def revoke(self, topic: str, partition: int) -> None:
        """Forget what was gathered of a partition: its next owner reads it again."""
        group = self._group(topic, partition)
        filling = self._groups.get(group)
        gone = filling.parts.pop(partition, None) if filling else None
        if filling and gone:
            self.size -= gone.size
            self._judge(group, filling)
            if not filling.parts:
                del self._groups[group]

    def planned(self, topic: str, partition: int) -> int | None:
        """Last offset of the planned block that a partition is reading again, if it is."""
        filling = self._groups.get(self._group(topic, partition))
        part = filling.parts.get(partition) if filling else None
        return part.planned if part else None

    # ------------------------------------------------------------------------------------------ records

    def accept(self, record: Record, now: float) -> int:
        """Take a record and return how many of its values were new: copies are dropped.

        Raises Backpressure, with nothing taken, when the buffer is full or a planned block ends before this record.
        """
        group = self._group(record.topic, record.partition)
        filling, part = self._part(group, record)
        size = size_of(record.value)
        if part.planned is not None:
            if record.offset > part.planned:
                self.passed(record.topic, record.partition, part.planned, now)
                raise _flush_first(record, f"the planned block ends at offset {part.planned}")
        elif self.size and self.size + size > self.limits.buffer_bytes and not filling.planned:
            raise _flush_first(record, f"{self.size} bytes are gathered")
        if part.last is not None and record.offset <= part.last:
            raise Fatal(
                "OFFSET_BACKWARDS",
                where=f"{record.topic} [{record.partition}]",
                what=f"offset {record.offset} came after {part.last}",
                do="start the sink again: it goes on from what it has committed",
            )
        fresh, count = _without_copies(part.origins, record)
        if fresh.value is not None or fresh.tick is not None:
            part.records.append(fresh)
            part.rows += rows_of(fresh)
            part.size += size
            self.size += size
        self.passed(record.topic, record.partition, record.offset, now)
        return count

    def _part(self, group: Group, record: Record) -> tuple[_Filling, _Open]:
        filling = self._groups.get(group)
        if filling is None:
            filling = self._groups[group] = _Filling(record.origin.topic_id if record.origin else "")
        part = filling.parts.get(record.partition)
        if part is None:
            part = filling.parts[record.partition] = _Open(record.offset, Origins(), Origins())
        return filling, part

    def passed(self, topic: str, partition: int, last: int, now: float) -> None:
        """Offsets up to `last` hold nothing more to read (a transaction's mark, a compacted record)."""
        group = self._group(topic, partition)
        filling = self._groups[group]
        part = filling.parts[partition]
        part.last = last if part.last is None else max(part.last, last)
        filling.since = now if filling.since is None else filling.since
        self._judge(group, filling)

    # ------------------------------------------------------------------------------------------ blocks

    def partitions(self) -> list[Group]:
        """Groups of which something can be cut, in a fixed order; of a planned block only the whole can."""
        return sorted(group for group, filling in self._groups.items() if filling.passed and self._whole(filling))

    def due(self, now: float) -> list[Group]:
        """Groups whose block has reached a limit, or the end of its plan."""
        return [group for group in self.partitions() if group in self.full or self._is_old(self._groups[group], now)]

    def largest(self) -> list[Group]:
        """The group that holds most, as a list of one or none."""
        held = [(sum(part.size for part in self._groups[group].parts.values()), group) for group in self.partitions()]
        return [max(held)[1]] if held else []

    def cut(self, groups: Iterable[Group]) -> list[Block]:
        """The blocks of these groups; new parts begin behind theirs."""
        blocks = []
        for group in groups:
            filling = self._groups[group]
            parts = tuple(self._close(filling, partition) for partition in sorted(filling.planned or filling.passed))
            blocks.append(Block(group[0], filling.log, parts))
            filling.since = None
            self._judge(group, filling)
        return blocks

    def _close(self, filling: _Filling, partition: int) -> Part:
        part = filling.parts[partition]
        assert part.last is not None
        after = part.origins.copy()
        self.size -= part.size
        filling.parts[partition] = _Open(part.last + 1, after, part.origins)
        return Part(partition, part.first, part.last, tuple(part.records), part.before, after)

    def _whole(self, filling: _Filling) -> bool:
        return all(
            part.last is not None and part.last >= part.planned
            for part in filling.planned.values() if part.planned is not None
        )  # fmt: skip

    def _is_old(self, filling: _Filling, now: float) -> bool:
        return filling.since is not None and now - filling.since >= self.limits.age_secs

    def _judge(self, group: Group, filling: _Filling) -> None:
        if filling.planned:
            # The same ranges must give the same block, whatever the limits are now.
            full = self._whole(filling)
        else:
            parts = filling.parts.values()
            full = (
                sum(part.rows for part in parts) >= self.limits.rows
                or sum(part.size for part in parts) >= self.limits.block_bytes
            )
        (self.full.add if full else self.full.discard)(group)


def _without_copies(origins: Origins, record: Record) -> tuple[Record, int]:
    """(the record with what is new in it, how many values that is)."""
    value = record.value
    if isinstance(value, PlainRows):
        rows = value.kept(origins.admit_rows(value))
        return replace(record, value=rows if len(rows) else None), len(rows)
    where = f"{record.topic} [{record.partition}]"
    new = record.origin is None or origins.admit(record.origin, record.previous_offset, where)
    return record if new else replace(record, value=None, tick=None), int(new)


def _flush_first(record: Record, what: str) -> Backpressure:
    return Backpressure(
        "SINK_FULL",
        where=f"{record.topic} [{record.partition}]",
        what=what,
        do="flush, then offer the record again",
        retry_after_secs=0.1,
    )
