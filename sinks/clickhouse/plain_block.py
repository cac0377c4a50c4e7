"""Native blocks of plain records: the columns of their Avro leaves as ClickHouse has them in memory."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.columns import Array
from sinks.clickhouse import native
from sinks.clickhouse.columns import Column, Table
from sinks.clickhouse.plain_tables import ITEM_TYPES, LOG, REJECTS
from sinks.plain import LeafColumn, PlainRows, leaf_columns
from sinks.records import Record

Pieces = list[bytes | memoryview]


def plain_block(table: Table, records: Sequence[Record]) -> native.NativeBlock:
    """The plain records of a topic."""
    parts = [record.value for record in records if isinstance(record.value, PlainRows)]
    leaves = leaf_columns(table.schema, parts)
    columns = [_column(column, leaves) for column in table.stored if column.field]
    if table is REJECTS:
        columns += _log_places(records)
    return native.block(columns, sum(len(part) for part in parts))


def _column(column: Column, leaves: Mapping[str, LeafColumn]) -> native.NativeColumn:
    # Low cardinality is how the table keeps a text; it is sent plain, and the engine makes the dictionary.
    kind = re.sub(r"LowCardinality\(((?:Nullable\()?String\)?)\)", r"\1", column.type)
    if kind.startswith(("Array(", "Map(")):
        items = ITEM_TYPES[column.field]
        ends = np.cumsum(leaves[column.field].numbers).astype("<u8")
        pieces: Pieces = [ends.tobytes()]
        for item, item_type in items.items():
            pieces += _values(leaves[f"{column.field}.{item}"], item_type)
        return native.NativeColumn(column.name, kind, pieces)
    return native.NativeColumn(column.name, kind, _values(leaves[column.field], kind))


def _values(found: LeafColumn, kind: str) -> Pieces:
    marks: Pieces = [found.marks.tobytes()] if kind.startswith("Nullable(") else []
    inner = kind.removeprefix("Nullable(").removesuffix(")") if marks else kind
    if inner == "String":
        return [*marks, found.texts.data.cast("B")]
    numbers = found.numbers
    if found.leaf.symbols:
        numbers = _numbers_of(inner, found.leaf.symbols)[numbers]
    return [*marks, native.fitted(numbers, inner).data.cast("B")]


def _numbers_of(kind: str, symbols: Sequence[str]) -> Array:
    """The warehouse's number of each symbol, in the order of the schema."""
    known = {name: int(number) for name, number in re.findall(r"'(\w+)' = (\d+)", kind)}
    return np.array([known[symbol] for symbol in symbols], np.int64)


def _log_places(records: Sequence[Record]) -> list[native.NativeColumn]:
    """The columns `LOG`: where a record from no log stands in its own topic."""
    partitions, offsets = [], []
    for record in records:
        assert isinstance(record.value, PlainRows)
        rows = record.value
        none = np.array([not log for log, _ in rows.said], bool)[rows.producers]
        partitions.append(np.where(none, record.partition, -1))
        offsets.append(np.where(none, rows.offsets, -1))
    return [native.arrays(column.name, column.type, parts)
            for column, parts in zip(LOG, (partitions, offsets), strict=True)]  # fmt: skip
