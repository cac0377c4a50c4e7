"""Two warehouses row by row: the same frames must give the same rows, however they were cut and wherever they ran.

Left out is what says where a row came from (origins, offsets, received times) and the numbers of revisions, which are
places in the log; their order and number count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

Ask = Callable[[str], list[dict[str, Any]]]

LINEAGE = {
    "origin_topic", "origin_partition", "origin_offset", "frame", "received_at", "topic", "partition", "offset",
    "source_topic_id", "source_partition", "source_offset", "source_index", "log_partition", "log_offset",
    "lineage_from", "lineage_to", "versions", "tick_time",
}  # fmt: skip
"""Columns that tell where a row was made, not what it says."""

KEYS: dict[str, tuple[str, ...]] = {
    "readings": ("service_point", "interval_start"),
    "days": ("service_point", "day_start"),
    "snapshots": ("service_point", "time", "kind", "device"),
    "events": (),
    "profile_rows": (),
    "determinants": (),
    "losses": ("node", "span", "start"),
    "rejects": (),
}
"""Table -> what identifies a row beside its revision; empty: rows are compared as they are."""

PLACES = {"readings", "days", "snapshots"}
"""Tables whose revision is a place in the log: it is replaced by its rank."""


Tables = dict[str, Counter[str]]
"""Table -> every row as text, with how often it stands there."""


def all_rows(ask: Ask) -> Tables:
    """All tables of a warehouse."""
    return {table: rows(ask, table) for table in KEYS}


def compare_rows(one: Tables, other: Tables) -> dict[str, dict[str, int]]:
    """Table -> rows in `one`, rows in `other`, and rows that only one of them has."""
    return {
        table: {
            "rows": sum(one[table].values()),
            "other_rows": sum(other[table].values()),
            "different": sum(((one[table] - other[table]) + (other[table] - one[table])).values()),
        }
        for table in KEYS
    }


def rows(ask: Ask, table: str) -> Counter[str]:
    """Every row as text, with how often it stands there."""
    stored = [
        row["name"]
        for row in ask(
            "SELECT name FROM system.columns WHERE database = currentDatabase() "  # noqa: S608 - names from the table above
            f"AND table = '{table}' AND default_kind != 'ALIAS' ORDER BY position"
        )
    ]
    columns = [name for name in stored if name not in LINEAGE]
    if table in PLACES:
        rank = f"row_number() OVER (PARTITION BY {', '.join(KEYS[table])} ORDER BY revision) AS revision"
        columns = [rank if name == "revision" else f"`{name}`" for name in columns]
    # Bytes of frames are no text, and JSON could not carry them.
    columns = ["hex(raw) AS raw" if name == "raw" else name for name in columns]
    statement = f"SELECT toString(tuple(*)) AS line FROM (SELECT {', '.join(columns)} FROM {table} FINAL)"  # noqa: S608
    return Counter(row["line"] for row in ask(statement))
