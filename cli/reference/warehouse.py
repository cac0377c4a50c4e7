"""The page of the warehouse: every table and view, its order, its columns."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cli.reference.markdown import code, page, table
from sinks.clickhouse.columns import Column, Table
from sinks.clickhouse.estimate_views import ESTIMATE_VIEWS
from sinks.clickhouse.hygiene_view import View
from sinks.clickhouse.hygiene_views import HYGIENE_VIEWS
from sinks.clickhouse.plain_tables import PROFILE_ROWS
from sinks.clickhouse.prepaid_views import PREPAID_VIEWS
from sinks.clickhouse.tables import TABLES
from sinks.clickhouse.views import LATEST, PROFILE_VALUES
from sinks.clickhouse.work_views import WORK_VIEWS

INTRODUCTION = """
Tables of the ClickHouse sink, embedded or on a server. `kvarn sql` asks them, also while a pipeline is running. Each
base table keeps every revision; tables with `View:` have a `<table>_latest`, which shows the newest of each row and is
what most questions want. Stamps are UTC; `day` is the local day of the configured zone. Filter by the first columns of
the table's order key, `day` where it is among them. Energy is in whole Wh, VAh and varh. A column that is calculated is
not stored, and `SELECT *` leaves it out.
"""

GUARANTEES = """
Rows come from blocks of records. A block is planned in Kafka before it is written, and inserted under a token that the
table remembers, so a crash neither loses nor doubles a row; a copy that comes by another way has the same key as its
original and collapses with it. No materialized view stands on these tables: it would count every revision.
"""

HYGIENE = """
Completeness, timeliness, unexplained energy, counters and clocks by day; what the figures mean and cannot say:
[hygiene](../hygiene.md). `kvarn hygiene` prints them. Views are calculated when they are asked: filter by `day`.
"""

ESTIMATES = """
How far estimates are off, and what is expected of each one: [the running scorecard](../vee-accuracy.md). `kvarn vee
scores` prints it. Filter `readings_estimates` by `service_point`: a gap is looked for over all days.
"""

PREPAID = """
How accounts of the [prepaid ledger](../prepaid.md) stand.
"""

WORK = """
What people do: [edits](../edits.md) and [exceptions](../exceptions.md).
"""

EXAMPLES = (
    ("A service point's curve", "SELECT interval_start, wh_imp, wh_imp_quality FROM readings_latest\n"
     "WHERE service_point = 27000000001 AND day BETWEEN '2026-01-01' AND '2026-01-31' ORDER BY interval_start"),
    ("A day over a feeder", "SELECT interval_start, sum(wh_imp) FROM readings_latest WHERE day = '2026-01-01'\n"
     "AND service_point IN (SELECT service_point FROM service_points_latest WHERE feeder = 11)\n"
     "GROUP BY interval_start ORDER BY interval_start"),
    ("Days that their registers do not explain", "SELECT service_point, day, wh_imp_unexplained FROM days_latest\n"
     "WHERE wh_imp_unexplained != 0 ORDER BY abs(wh_imp_unexplained) DESC LIMIT 20"),
    ("History of an interval", "SELECT revision, wh_imp, wh_imp_quality, method, failed_rules FROM readings FINAL\n"
     "WHERE service_point = 27000000001 AND interval_start = '2025-12-31 18:30:00' ORDER BY revision"),
    ("What had come of a day 8 and 24 hours after its end",
     "SELECT level, node, hours, meters, meters_by, meters_percent, promised_percent FROM sla_days\n"
     "WHERE day = '2026-01-01' ORDER BY level, node, hours"),
    ("Why frames were not used", "SELECT stage, code, count() FROM rejects FINAL GROUP BY stage, code"),
)  # fmt: skip


def warehouse() -> str:
    """docs/reference/warehouse.md"""
    return page(
        "Warehouse",
        INTRODUCTION,
        "## Questions",
        *(f"{title}:\n\n```sql\n{query}\n```" for title, query in EXAMPLES),
        "## What holds",
        GUARANTEES,
        *(part for each in TABLES.values() for part in _table(each)),
        "## Views of hygiene",
        HYGIENE,
        *(part for each in HYGIENE_VIEWS for part in _view(each)),
        "## Views of estimates",
        ESTIMATES,
        *(part for each in ESTIMATE_VIEWS for part in _view(each)),
        "## Views of edits and exceptions",
        WORK,
        *(part for each in WORK_VIEWS for part in _view(each)),
        "## Views of prepaid accounts",
        PREPAID,
        *(part for each in PREPAID_VIEWS for part in _view(each)),
    )


def _table(each: Table) -> Iterator[str]:
    latest = f" View: `{each.name}_latest`." if each in LATEST or each.schema == "Registry" else ""
    yield f"## {each.name}"
    yield f"{each.doc}. From `{each.schema}`. Order key: {', '.join(f'`{name}`' for name in each.order_by)}.{latest}"
    yield table(("column", "type", "", "meaning"), (_row(column) for column in each.columns))
    if each is PROFILE_ROWS:
        yield from _view(PROFILE_VALUES)


def _view(view: View) -> tuple[str, ...]:
    rows = ((code(name), doc) for name, doc in view.columns)
    return f"### {view.name}", f"{view.doc[0].upper()}{view.doc[1:]}.", table(("column", "meaning"), rows)


def _row(column: Column) -> tuple[str, str, str, str]:
    # The members of code tables stand on the page of codes.
    kind = re.sub(r"Enum8\([^()]*\)", "Enum8", column.type)
    return code(column.name), code(kind), "calculated" if column.alias else "", column.doc
