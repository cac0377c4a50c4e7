"""DDL from the column tables: what the migrations must add up to.

`python -m sinks.clickhouse.render` prints it, to begin a migration with. Applied migrations are never changed: a test
compares the tables that they make with the ones rendered here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from sinks.clickhouse.columns import Table, month, quoted
from sinks.clickhouse.estimate_views import ESTIMATE_VIEWS
from sinks.clickhouse.hygiene_view import create_view
from sinks.clickhouse.hygiene_views import HYGIENE_VIEWS
from sinks.clickhouse.prepaid_views import PREPAID_VIEWS
from sinks.clickhouse.registry_tables import REGISTRY_TABLES, in_force_view
from sinks.clickhouse.tables import TABLES
from sinks.clickhouse.views import LATEST, PROFILE_VALUES, latest_view
from sinks.clickhouse.work_views import WORK_VIEWS

SETTINGS = (
    # Insert tokens: how many are remembered a table. A block is repeated only while it is the newest of its partition.
    ("non_replicated_deduplication_window", "10000"),
    # An offset is committed once a block is in: it must then survive the machine, not the process only.
    ("fsync_after_insert", "1"),
    ("fsync_part_directory", "1"),
    # Parts are merged sixteen and more at a time instead of five: a row is written half as often
    # (docs/decisions/0003-fewer-merges.md).
    ("merge_selector_base", "16"),
)


def create_table(table: Table) -> str:
    """CREATE TABLE, with `{timezone}` where the configured zone goes."""
    lines = [column.ddl for column in table.columns]
    if table.time:
        # The order key begins with the local day, so rows of a granule lie close in time: a filter on the time itself,
        # which the key alone would not use, then skips by this index.
        lines.append(f"INDEX by_time {table.time} TYPE minmax GRANULARITY 1")
    columns = ",\n    ".join(lines)
    partition = f"PARTITION BY {month(table.time)}\n" if table.time else ""
    order = ", ".join(table.order_expressions)
    settings = ", ".join(f"{name} = {value}" for name, value in SETTINGS)
    return (
        f"CREATE TABLE IF NOT EXISTS {table.name}\n(\n    {columns}\n)\nENGINE = {table.engine}\n"
        f"{partition}ORDER BY ({order})\nSETTINGS {settings}\n"
        f"COMMENT {quoted(table.doc)}"
    )


def statements() -> Iterable[str]:
    """Everything, in the order of creation."""
    yield from (create_table(table) for table in TABLES.values())
    yield from (latest_view(table) for table in LATEST)
    yield create_view(PROFILE_VALUES)
    yield from (in_force_view(table) for table in REGISTRY_TABLES)
    yield from (create_view(view) for view in (*HYGIENE_VIEWS, *ESTIMATE_VIEWS, *WORK_VIEWS, *PREPAID_VIEWS))


def main() -> None:
    """Print the whole of it."""
    sys.stdout.write("".join(f"{statement};\n\n" for statement in statements()))


if __name__ == "__main__":
    main()
