"""Native blocks of plain records: the columns of their Avro leaves as ClickHouse has them in memory."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from sinks.avro_program import TEXT, program_of
from sinks.clickhouse import native
from sinks.clickhouse.columns import Column, Table
from sinks.clickhouse.plain_tables import ITEM_TYPES, LOG
from sinks.plain import Form, LeafColumn, PlainRows, leaf_columns
from sinks.records import Record

Pieces = list[bytes | memoryview]


def plain_block(table: Table, records: Sequence[Record]) -> native.NativeBlock:
    """The plain records of a topic."""
    parts = [record.value for record in records if isinstance(record.value, PlainRows)]
    leaves = leaf_columns(table.schema, parts, _forms(table))
    columns = [_column(column, leaves) for column in table.stored if column.field]
    if LOG[0].name in (column.name for column in table.columns):
        columns += _log_places(records)
    return native.block(columns, sum(len(part) for part in parts))


def _column(column: Column, leaves: Mapping[str, LeafColumn]) -> native.NativeColumn:
    kind = _sent_as(column)
    if column.field in ITEM_TYPES:
        pieces: Pieces = [np.cumsum(leaves[column.field].numbers).astype("<u8").tobytes()]
        for item, item_type in ITEM_TYPES[column.field].items():
            pieces += _values(leaves[f"{column.field}.{item}"], item_type)
        return native.NativeColumn(column.name, kind, pieces)
    return native.NativeColumn(column.name, kind, _values(leaves[column.field], kind))


def _sent_as(column: Column) -> str:
    """Low cardinality is how the table keeps a text; it is sent plain, and the engine makes the dictionary."""
    return re.sub(r"LowCardinality\(((?:Nullable\()?String\)?)\)", r"\1", column.type)


def _values(found: LeafColumn, kind: str) -> Pieces:
    marks: Pieces = [found.marks.data.cast("B")] if kind.startswith("Nullable(") else []
    return [*marks, (found.texts if found.leaf.kind == TEXT else found.numbers).data.cast("B")]


@cache
def _forms(table: Table) -> Mapping[str, Form]:
    """Each leaf of a table's records as its column has it in memory."""
    kinds = {column.field: _sent_as(column) for column in table.stored if column.field}
    for name in ITEM_TYPES.keys() & kinds.keys():
        del kinds[name]
        kinds |= {f"{name}.{item}": kind for item, kind in ITEM_TYPES[name].items()}
    symbols = {leaf.name: leaf.symbols for leaf in program_of(table.schema).leaves}
    return {name: _form(kind, symbols[name]) for name, kind in kinds.items()}


def _form(kind: str, symbols: Sequence[str]) -> Form:
    inner = kind.removeprefix("Nullable(").removesuffix(")") if kind.startswith("Nullable(") else kind
    if inner == "String":
        return Form()
    if "DateTime" in inner:
        return Form(native.dtype_of(inner), 0, native.LAST_SECOND)
    return Form(native.dtype_of(inner), symbols=_numbers_of(inner, symbols))


def _numbers_of(kind: str, symbols: Sequence[str]) -> tuple[int, ...]:
    """The warehouse's number of each symbol, in the order of the schema."""
    known = {name: int(number) for name, number in re.findall(r"'(\w+)' = (\d+)", kind)}
    return tuple(known[symbol] for symbol in symbols)


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
