"""What sinks are fed with: records of topics, and the blocks that are cut from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.batch import ReadingBatch
from pipeline.columns import Array
from pipeline.step import Batch, Origin
from sinks.origins import Origins

PLAIN_BYTES = 1_000
"""What a plain record is taken to hold in memory when its size is not given."""


@dataclass(frozen=True)
class Record:
    """One record on its way into a sink.

    `offset` is its place in (topic, partition) and grows from record to record. `value` is a batch of packed columns
    (None: a tick or control went by), or the mapping of a plain record. `origin` is None for a record that comes from
    no log: it is never taken for a copy. `index` is its place among the records of that origin in the same output.
    `previous_offset` (batches only) is the origin offset that the same source sent before: a hole is refused by it.
    """

    topic: str
    partition: int
    offset: int
    schema: str
    value: Batch | Mapping[str, Any] | None
    origin: Origin | None
    index: int = 0
    previous_offset: int | None = None
    stage: str = ""
    size: int = 0


def size_of(value: Batch | Mapping[str, Any] | None) -> int:
    """Bytes that a value is taken to hold."""
    if value is None:
        return 0
    if isinstance(value, Mapping):
        return PLAIN_BYTES
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
    return 0 if value is None else 1
