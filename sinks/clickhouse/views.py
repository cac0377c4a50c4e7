"""Views of the newest revision. None is materialized: on a table with revisions a sum would count each of them.

The newest is found by reading the order key backwards. Its parts stand in LIMIT BY as columns: through an expression
there, a filter of the query would not reach the table.
"""

from __future__ import annotations

from sinks.clickhouse.columns import Table
from sinks.clickhouse.packed_tables import DAYS, READINGS
from sinks.clickhouse.plain_tables import (
    COPY,
    DETERMINANTS,
    EXCEPTION_WORKS,
    EXCEPTIONS,
    FACTS,
    LOSSES,
    PROFILE_ROWS,
    READINESS_TABLE,
)

LATEST = (READINGS, DAYS, DETERMINANTS, LOSSES, PROFILE_ROWS, EXCEPTIONS, EXCEPTION_WORKS, FACTS, READINESS_TABLE)

ORDER_OF_ONE = ("revision", *COPY, "log_partition", "log_offset")
"""Parts of an order key that tell the newer of two rows about the same: its revision, or its place in the log."""

PROFILE_VALUES = (
    "CREATE OR REPLACE VIEW profile_values AS\n"
    "SELECT day, profile, service_point, time, device, code, template, flags, received_at, sent.obis AS obis, "
    "sent.attribute AS attribute, sent.value AS value, toFloat64OrNull(sent.value) AS number, sent.unit AS unit, "
    "sent.text AS text, sent.time AS value_time\n"
    "FROM profile_rows_latest\nARRAY JOIN `values` AS sent\n"
    "COMMENT 'a row a value of profile_rows_latest; number: value as a float'"
)
"""CREATE VIEW of single values of profiles."""


def latest_view(table: Table) -> str:
    """CREATE VIEW of the newest revision of each key of `table`."""
    names = ", ".join(f"`{column.name}`" for column in table.columns)
    key = ", ".join(part for part in table.order_by if part not in ORDER_OF_ONE)
    order = ", ".join(f"{part} DESC" for part in table.order_by)
    return (
        f"CREATE OR REPLACE VIEW {table.name}_latest AS\nSELECT {names}\nFROM {table.name}\n"
        f"ORDER BY {order}\nLIMIT 1 BY {key}\nCOMMENT 'the newest revision of each row of {table.name}'"
    )
