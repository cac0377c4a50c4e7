"""`kvarn exceptions list`."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.table import Table

from cli.exceptions import options
from cli.exceptions.queue import Exceptional, open_exceptions, warehouse
from cli.output import Json, console, emit
from cli.sql import DEFAULT_DSN, Database, Dsn


def list_exceptions(
    rule: options.Rules = None,
    node: options.Nodes = None,
    service_point: options.Points = None,
    older_than: options.OlderThan = None,
    owner: options.Owner = None,
    severity: options.Severity = None,
    rupees: options.Rupees = None,
    day: options.Day = None,
    limit: options.Limit = 1000,
    dsn: Dsn = DEFAULT_DSN,
    database: Database = "kvarn",
    as_json: Json = False,
) -> None:
    """List exceptions that are open and that nobody has accepted or closed, the most rupees first."""
    chosen = options.filter_of(rule, node, service_point, older_than, owner, severity, rupees, day)
    with warehouse(dsn, database) as reader:
        found = open_exceptions(reader, chosen, limit)
    if as_json:
        emit({"count": len(found), "rules": dict(sorted(Counter(one.rule for one in found).items())),
              "exceptions": [row_of(one) for one in found]})  # fmt: skip
    else:
        _show(found)


def row_of(one: Exceptional) -> dict[str, Any]:
    """An exception in a line."""
    row = one.row
    return {
        "day": row["first_day"], "service_point": one.service_point, "rule": one.rule, "severity": row["severity_name"],
        "dt": int(row["dt"]), "feeder": int(row["feeder"]), "rupees": float(row["rupees"]),
        "wh_at_stake": int(row["wh_at_stake"]), "age_days": int(row["age_days"]), "work": row["work"],
        "owner": row["owner"], "note": row["note"], "edit": row["edit"], "edit_state": row["edit_state"],
    }  # fmt: skip


def _show(found: list[Exceptional]) -> None:
    out = console()
    table = Table(box=None)
    names = ("day", "service point", "rule", "node", "rupees", "age", "work", "owner")
    for name in names:
        table.add_column(name, justify="right" if name in ("rupees", "age") else "left")
    for one in found[:100]:
        row = row_of(one)
        node = str(row["dt"] or row["feeder"] or "")
        table.add_row(row["day"], str(one.service_point), one.rule, node, f"{row['rupees']:,.0f}", str(row["age_days"]),
                      row["work"], row["owner"])  # fmt: skip
    out.print(table, markup=False)
    for rule, count in sorted(Counter(one.rule for one in found).items()):
        out.print(f"{count:>9,}  {rule}")
    total = sum(float(one.row["rupees"]) for one in found)
    out.print(f"{len(found):>9,}  in all, {total:,.0f} rupees at stake")
