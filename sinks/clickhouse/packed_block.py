"""Native blocks of packed columns: what a ReadingBatch holds for each of its tables, without touching a row.

A block travels through a file or a connection, so it is made small: a column of zeros is left out, which the engine
fills in, and one of small values goes in a smaller type, which the engine widens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.batch import ReadingBatch
from pipeline.columns import Array
from pipeline.step import Origin
from sinks.clickhouse import native
from sinks.clickhouse.columns import TOPIC, Column, Table
from sinks.clickhouse.runs import Runs, lay, runs_of
from sinks.records import Record

Source = tuple[Origin, ReadingBatch]


def sources(records: Sequence[Record]) -> list[Source]:
    """The batches of a block of readings, with their origins."""
    found = []
    for record in records:
        if record.value is None:
            continue
        assert isinstance(record.value, ReadingBatch)
        assert record.origin is not None
        found.append((record.origin, record.value))
    return found


def packed_block(table: Table, batches: Sequence[Source], offset: int = 0) -> native.NativeBlock:
    """The rows of one table of packed columns; offset: of local time, seconds, for the order of the table."""
    first = table.stored[0].field
    filled = [(origin, batch) for origin, batch in batches if len(getattr(batch, first))]
    counts = [len(getattr(batch, first)) for _, batch in filled]
    runs = _runs(table, filled, offset)
    columns = [_packed_column(column, filled, counts, runs) for column in table.stored]
    return native.block([column for column in columns if column is not None], sum(counts))


def _runs(table: Table, batches: Sequence[Source], offset: int) -> list[Runs] | None:
    """Where the rows of each batch go to; None when they stay in their order."""
    if any(column.present for column in table.stored):
        return None
    fields = {column.name: column.field for column in table.stored}
    point, time, order = (
        [getattr(batch, fields[name]) for _, batch in batches] for name in ("service_point", table.time, "revision")
    )
    return runs_of(point, time, order, offset)


def _packed_column(
    column: Column, batches: Sequence[Source], counts: Sequence[int], runs: list[Runs] | None
) -> native.NativeColumn | None:
    """A column of a block; None: all zeros."""
    if column.type == TOPIC:
        values = list(dict.fromkeys(origin.topic_id for origin, _ in batches))
        places = [_same(values.index(origin.topic_id), rows) for (origin, _), rows in zip(batches, counts, strict=True)]
        return native.low_cardinality(column.name, values, _joined(places, np.dtype("<u1"), runs))
    if column.field.startswith("origin."):
        name = column.field.removeprefix("origin.")
        parts = [_same(getattr(origin, name), rows) for (origin, _), rows in zip(batches, counts, strict=True)]
    else:
        parts = [_values(batch, column.field, column.item) for _, batch in batches]
    if column.present:
        bit = np.uint32(1 << column.present_bit)
        present = [getattr(batch, column.present) & bit for _, batch in batches]
        return native.nullable(column.name, column.type, parts, present)
    least, most = _bounds(parts)
    if least == most == 0 and native.zero_is_default(column.type):
        return None
    kind = native.narrowed(column.type, least, most)
    if not native.holds(kind, least, most):
        parts = [native.fitted(part, kind) for part in parts]
    return native.whole(column.name, kind, _joined(parts, np.dtype(native.dtype_of(kind)), runs))


def _same(value: int, rows: int) -> Array:
    """A value for each of `rows` rows, in no memory."""
    return np.broadcast_to(np.int64(value), (rows,))


def _bounds(parts: Sequence[Array]) -> tuple[int, int]:
    """Least and greatest value; (0, 0) of nothing."""
    seen = [part[:1] if part.strides == (0,) else part for part in parts]
    return min((int(part.min()) for part in seen), default=0), max((int(part.max()) for part in seen), default=0)


def _joined(parts: Sequence[Array], dtype: np.dtype[Any], runs: list[Runs] | None) -> Array:
    """The rows of all batches in an array of `dtype`, in the order of the block."""
    out = np.empty(sum(map(len, parts)), dtype)
    if parts and all(part.strides == (0,) for part in parts) and len({int(part[0]) for part in parts}) == 1:
        out[:] = parts[0][0]
    elif runs is not None:
        for part, mine in zip(parts, runs, strict=True):
            lay(part, mine, out)
    elif parts:
        np.concatenate(parts, out=out, casting="unsafe")
    return out


def _values(batch: ReadingBatch, field: str, item: int | None) -> Array:
    array: Array = getattr(batch, field)
    return array if item is None else array[:, item]
