"""DDL from the column tables: what the migrations must add up to.

`python -m sinks.clickhouse.render` prints it, to begin a migration with. Applied migrations are never changed: a test
compares the tables that they make with the ones rendered here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from sinks.clickhouse.columns import Table, month, quoted
from sinks.clickhouse.tables import TABLES
from sinks.clickhouse.views import LATEST, latest_view

SETTINGS = (
    # Insert tokens: how many are remembered a table. A block is repeated only while it is the newest of its partition.
    ("non_replicated_deduplication_window", "10000"),
    # An offset is committed once a block is in: it must then survive the machine, not the process only.
    ("fsync_after_insert", "1"),
    ("fsync_part_directory", "1"),
)


def create_table(table: Table) -> str:
    """CREATE TABLE, with `{timezone}` where the configured zone goes."""
    # The order key begins with the local day, so rows of a granule lie close in time: a filter on the time itself,
    # which the key alone would not use, then skips by this index.
    index = f"INDEX by_time {table.time} TYPE minmax GRANULARITY 1"
    columns = ",\n    ".join([*(column.ddl for column in table.columns), index])
    order = ", ".join(table.order_expressions)
    settings = ", ".join(f"{name} = {value}" for name, value in SETTINGS)
    return (
        f"CREATE TABLE IF NOT EXISTS {table.name}\n(\n    {columns}\n)\nENGINE = {table.engine}\n"
        f"PARTITION BY {month(table.time)}\nORDER BY ({order})\nSETTINGS {settings}\n"
        f"COMMENT {quoted(table.doc)}"
    )


def statements() -> Iterable[str]:
    """Everything, in the order of creation."""
    yield from (create_table(table) for table in TABLES.values())
    yield from (latest_view(table) for table in LATEST)


def main() -> None:
    """Print the whole of it."""
    sys.stdout.write("".join(f"{statement};\n\n" for statement in statements()))


if __name__ == "__main__":
    main()
