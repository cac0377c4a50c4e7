"""Views of the newest revision. None is materialized: on a table with revisions a sum would count each of them.

The newest is found by reading the order key backwards. Its parts stand in LIMIT BY as columns: through an expression
there, a filter of the query would not reach the table.
"""

from __future__ import annotations

from sinks.clickhouse.columns import Table
from sinks.clickhouse.packed_tables import DAYS, READINGS
from sinks.clickhouse.plain_tables import DETERMINANTS, EXCEPTIONS, LOSSES

LATEST = (READINGS, DAYS, DETERMINANTS, LOSSES, EXCEPTIONS)


def latest_view(table: Table) -> str:
    """CREATE VIEW of the newest revision of each key of `table`."""
    names = ", ".join(f"`{column.name}`" for column in table.columns)
    key, order = ", ".join(table.order_by[:-1]), ", ".join(f"{part} DESC" for part in table.order_by)
    return (
        f"CREATE OR REPLACE VIEW {table.name}_latest AS\nSELECT {names}\nFROM {table.name}\n"
        f"ORDER BY {order}\nLIMIT 1 BY {key}\nCOMMENT 'the newest revision of each row of {table.name}'"
    )
