"""Native blocks of packed columns: what a ReadingBatch holds for each of its tables, without touching a row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.batch import ReadingBatch
from pipeline.columns import Array
from pipeline.step import Origin
from sinks.clickhouse import native
from sinks.clickhouse.columns import TOPIC, Column, Table
from sinks.records import Record

Source = tuple[Origin, ReadingBatch]


def sources(records: Sequence[Record]) -> list[Source]:
    """The batches of a block of readings, with their origins."""
    found = []
    for record in records:
        assert isinstance(record.value, ReadingBatch)
        assert record.origin is not None
        found.append((record.origin, record.value))
    return found


def packed_block(table: Table, batches: Sequence[Source]) -> native.NativeBlock:
    """The rows of one table of packed columns."""
    first = table.stored[0].field
    filled = [(origin, batch) for origin, batch in batches if len(getattr(batch, first))]
    counts = [len(getattr(batch, first)) for _, batch in filled]
    columns = [_packed_column(column, filled, counts) for column in table.stored]
    return native.block(columns, sum(counts))


def _packed_column(column: Column, batches: Sequence[Source], counts: Sequence[int]) -> native.NativeColumn:
    if column.type == TOPIC:
        runs = [(origin.topic_id, rows) for (origin, _), rows in zip(batches, counts, strict=True)]
        return native.constants(column.name, runs)
    if column.field.startswith("origin."):
        places = [getattr(origin, column.field.removeprefix("origin.")) for origin, _ in batches]
        return native.arrays(column.name, column.type, [np.repeat(np.array(places, np.int64), counts)])
    parts = [_values(batch, column.field, column.item) for _, batch in batches]
    if column.present:
        bit = np.uint32(1 << column.present_bit)
        present = [getattr(batch, column.present) & bit for _, batch in batches]
        return native.nullable(column.name, column.type, parts, present)
    return native.arrays(column.name, column.type, parts)


def _values(batch: ReadingBatch, field: str, item: int | None) -> Array:
    array: Array = getattr(batch, field)
    return array if item is None else array[:, item]
