"""Native blocks of a registry version, one for each table of master data."""

from __future__ import annotations

import numpy as np

from pipeline.reference import Registry
from sinks.clickhouse import native
from sinks.clickhouse.columns import TOPIC, Column, Table


def registry_block(table: Table, registry: Registry, version: str, number: int) -> native.NativeBlock:
    """The Native block of the version that is the `number`-th."""
    rows = len(getattr(registry, table.stored[0].field))
    columns = [_column(column, registry, version, number, rows) for column in table.stored]
    return native.block(columns, rows)


def _column(column: Column, registry: Registry, version: str, number: int, rows: int) -> native.NativeColumn:
    if column.type == TOPIC:
        return native.constants(column.name, [(version, rows)])
    if not column.field:
        return native.arrays(column.name, column.type, [np.full(rows, number, np.uint64)])
    values = getattr(registry, column.field)
    if column.type == "String":
        return native.texts(column.name, (bytes(value) for value in values))
    return native.arrays(column.name, column.type, [values])
