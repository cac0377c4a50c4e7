"""What sinks are fed with: records of topics, and the blocks that are cut from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.batch import ReadingBatch
from pipeline.columns import Array
from pipeline.step import Batch, Origin, Tick
from sinks.origins import Origins
from sinks.plain import PlainRows

Value = Batch | PlainRows
"""What a record holds: packed columns, or any number of plain records that follow each other in a partition."""


@dataclass(frozen=True)
class Record:
    """What one or more values of a topic hold, on its way into a sink.

    `offset` is the place of the last of them in (topic, partition) and grows from record to record. `value` is None
    when only a tick or control went by. `origin` and `previous_offset` are those of a batch of packed columns: a hole
    in the offsets that its source sent is refused; plain records carry their origins in `value`. `tick` stands in the
    first log at `origin`: what lies before it there had arrived by its time.
    """

    topic: str
    partition: int
    offset: int
    schema: str
    value: Value | None
    origin: Origin | None = None
    previous_offset: int | None = None
    tick: Tick | None = None


def size_of(value: Value | None) -> int:
    """Bytes that a value holds."""
    if value is None:
        return 0
    if isinstance(value, PlainRows):
        return value.nbytes
    columns: list[Array] = [getattr(value, column.name) for column in value.COLUMNS]
    return sum(array.nbytes for array in columns)


@dataclass(frozen=True)
class Part:
    """Records of one partition, offsets `first` to `last`, both included.

    `before` are the origins seen when it begins: with them the same range gives the same rows again.
    """

    partition: int
    first: int
    last: int
    records: tuple[Record, ...]
    before: Origins
    after: Origins


def token_of(topic: str, log: str, ranges: Iterable[tuple[int, int, int]]) -> str:
    """Name of the block of these (partition, first, last).

    `log` is the topic's id: it tells a topic from another of the same name whose offsets begin again.
    """
    return f"{topic}-{log}-" + "+".join(f"{partition}-{first}-{last}" for partition, first, last in sorted(ranges))


@dataclass(frozen=True)
class Block:
    """What is written to the tables of one topic at once: a part of one partition, or parts of several."""

    topic: str
    log: str
    parts: tuple[Part, ...]

    @property
    def token(self) -> str:
        """Its name: the same ranges have the same rows, so what has this name already need not be written."""
        return token_of(self.topic, self.log, ((part.partition, part.first, part.last) for part in self.parts))

    @property
    def records(self) -> list[Record]:
        """The records of all parts."""
        return [record for part in self.parts for record in part.records]

    @property
    def rows(self) -> int:
        """Rows over all tables."""
        return sum(rows_of(record) for record in self.records)


def rows_of(record: Record) -> int:
    """Rows that a record gives rise to, over all tables."""
    value = record.value
    if isinstance(value, ReadingBatch):
        return len(value.service_point) + len(value.day_service_point) + len(value.snapshot_service_point)
    return len(value) if isinstance(value, PlainRows) else 0
