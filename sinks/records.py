"""What sinks are fed with: records of topics, and the blocks that are cut from them."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.batch import ReadingBatch
from pipeline.columns import Array
from pipeline.step import Batch, Origin
from sinks.origins import Origins
from sinks.plain import PlainRows

Value = Batch | PlainRows
"""What a record holds: packed columns, or any number of plain records that follow each other in a partition."""


@dataclass(frozen=True)
class Record:
    """What one or more values of a topic hold, on its way into a sink.

    `offset` is the place of the last of them in (topic, partition) and grows from record to record. `value` is None
    when only a tick or control went by. `origin` and `previous_offset` are those of a batch of packed columns: a hole
    in the offsets that its source sent is refused; plain records carry their origins in `value`.
    """

    topic: str
    partition: int
    offset: int
    schema: str
    value: Value | None
    origin: Origin | None = None
    previous_offset: int | None = None


def size_of(value: Value | None) -> int:
    """Bytes that a value holds."""
    if value is None:
        return 0
    if isinstance(value, PlainRows):
        return value.nbytes
    columns: list[Array] = [getattr(value, column.name) for column in value.COLUMNS]
    return sum(array.nbytes for array in columns)


@dataclass(frozen=True)
class Block:
    """Records of one partition that are written together, offsets `first` to `last`, both included.

    `before` are the origins seen when the block begins: with them the same range gives the same rows again.
    """

    topic: str
    partition: int
    first: int
    last: int
    log: str
    records: tuple[Record, ...]
    before: Origins
    after: Origins

    @property
    def token(self) -> str:
        """Name of the block. `log` tells a topic from another of the same name whose offsets begin again."""
        return f"{self.topic}-{self.log}-{self.partition}-{self.first}-{self.last}"


def rows_of(record: Record) -> int:
    """Rows that a record gives rise to, over all tables."""
    value = record.value
    if isinstance(value, ReadingBatch):
        return len(value.service_point) + len(value.day_service_point) + len(value.snapshot_service_point)
    return len(value) if isinstance(value, PlainRows) else 0
