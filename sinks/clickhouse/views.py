"""Views of the newest revision, and of its values. None is materialized: a sum would count each revision.

The newest is found by reading the order key backwards. Its parts stand in LIMIT BY as columns: through an expression
there, a filter of the query would not reach the table.
"""

from __future__ import annotations

from sinks.clickhouse.columns import Table
from sinks.clickhouse.hygiene_view import View
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

PROFILE_VALUES = View(
    "profile_values",
    "a row a value of profile_rows_latest; number: value as a float",
    (
        ("day", "local day of `time`"),
        ("profile", "logical name of the profile: 0.0.94.91.10.255 nameplate, 1.0.98.1.0.255 billing, event logs"),
        ("service_point", "service point"),
        ("time", "stamp of the row by the meter's clock, UTC"),
        ("device", "device"),
        ("code", "event code of IS 15959 in the row of an event log; 0 for other profiles"),
        ("template", "table by which the columns were named"),
        ("flags", "bits of what decode noticed"),
        ("received_at", "when the connector had the frame, UTC"),
        ("obis", "logical name of the object: 1.0.1.8.3.255 is import in zone 3"),
        ("attribute", "attribute of the object: 2 is its value, 5 the time of a maximum"),
        ("value", "exact decimal in `unit`, before the multiplying factor; null for a text or a time"),
        ("number", "the same as a float"),
        ("unit", "Wh, VAh, varh, W, VA, var, V, A, Hz, min, dBm; empty for counts, ratios and others"),
        ("text", "text, or octets in hexadecimal digits; null for a number or a time"),
        ("value_time", "a time by the meter's clock, UTC; null for others, and for a time that is none"),
    ),
    """
SELECT day, profile, service_point, time, device, code, template, flags, received_at, sent.obis AS obis,
    sent.attribute AS attribute, sent.value AS value, toFloat64OrNull(sent.value) AS number, sent.unit AS unit,
    sent.text AS text, sent.time AS value_time
FROM profile_rows_latest
ARRAY JOIN `values` AS sent
""",
)
"""Single values of profiles."""


def latest_view(table: Table) -> str:
    """CREATE VIEW of the newest revision of each key of `table`."""
    names = ", ".join(f"`{column.name}`" for column in table.columns)
    key = ", ".join(part for part in table.order_by if part not in ORDER_OF_ONE)
    order = ", ".join(f"{part} DESC" for part in table.order_by)
    return (
        f"CREATE OR REPLACE VIEW {table.name}_latest AS\nSELECT {names}\nFROM {table.name}\n"
        f"ORDER BY {order}\nLIMIT 1 BY {key}\nCOMMENT 'the newest revision of each row of {table.name}'"
    )
