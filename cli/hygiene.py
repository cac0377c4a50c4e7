"""`kvarn hygiene`: is what the meters should have sent there, in time, and does it add up; asked of the warehouse."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.output import Json, console, emit
from cli.sql import DEFAULT_DSN, Database, Dsn, Seconds, warehouse_of
from pipeline.errors import ConfigError
from sinks.clickhouse.reader import open_reader

Rows = list[dict[str, Any]]
Ask = Callable[[str], Rows]

LEVELS = ("TOTAL", "FEEDER", "DT")

SLA = (
    "SELECT hours, promised_percent, meters, meters_by, meters_percent, kept, rows_expected, rows_by, rows_percent, "
    "rows_received, registers_expected, registers_by, rows_in_outage FROM sla_days "
    "WHERE day = '{day}' AND level = 'TOTAL' ORDER BY hours"
)
NODES = (
    "SELECT level, node, hours, meters, meters_by, meters_percent, rows_expected, rows_by, rows_percent FROM sla_days "
    "WHERE day = '{day}' AND level = '{level}' AND hours = (SELECT min(hours) FROM sla_latest) "
    "ORDER BY meters_percent, rows_percent, node LIMIT {most}"
)
POINTS = (
    "SELECT service_point, dt, feeder, expected, received, in_outage, complete_by FROM timeliness "
    "WHERE day = '{day}' AND received < expected ORDER BY expected - received DESC, service_point LIMIT {most}"
)
ENERGY = (
    "SELECT service_points, register_wh, not_metered_wh, unexplained_wh, unexplained_absolute_wh, "
    "service_points_unexplained FROM unexplained_nodes WHERE day = '{day}' AND level = 'TOTAL'"
)
ENERGY_POINTS = (
    "SELECT service_point, register_wh, actual_wh, estimated_wh, not_metered_wh, unexplained_wh FROM unexplained "
    "WHERE day = '{day}' AND (not_metered_wh != 0 OR unexplained_wh != 0) "
    "ORDER BY abs(unexplained_wh) DESC, abs(not_metered_wh) DESC, service_point LIMIT {most}"
)
COUNTERS = (
    "SELECT count() AS devices, countIf(c.unused > 0) AS devices_with_gaps, sum(c.unused) AS unused, "
    "sum(last_counter - first_counter + 1) AS spanned FROM counter_days AS c WHERE day = '{day}'"
)
COUNTER_DEVICES = (
    "SELECT leftPad(hex(device), 16, '0') AS device, service_point, unused, frames FROM counter_days "
    "WHERE day = '{day}' AND unused > 0 ORDER BY unused DESC, device LIMIT {most}"
)
CLOCKS = (
    "SELECT countIf(name = 'meter clock ahead') AS ahead, countIf(name = 'meter clock behind') AS behind, "
    "max(abs(drift_secs)) AS largest_drift_secs FROM clocks WHERE toDate(since, '{zone}') <= '{day}' "
    "AND (until IS NULL OR toDate(until, '{zone}') > '{day}')"
)
CLOCK_ROWS = (
    "SELECT count() AS service_points, sum(c.doubtful) AS doubtful, sum(c.invalid) AS invalid, "
    "sum(c.off_grid) AS off_grid FROM clock_days AS c WHERE day = '{day}'"
)


def hygiene(
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Local day. [the last one that is settled]")
    ] = None,
    by: Annotated[str, typer.Option(help="What is listed below the totals: feeder, dt, or point.")] = "feeder",
    most: Annotated[int, typer.Option(min=0, help="Most rows of a list.")] = 10,
    as_json: Json = False,
    dsn: Dsn = DEFAULT_DSN,
    database: Database = "kvarn",
    timezone: Annotated[str, typer.Option(help="Zone of local days.")] = "Asia/Kolkata",
    seconds: Seconds = 60.0,
) -> None:
    """Show a day's completeness and timeliness against what is promised, unexplained energy, counters and clocks.

    Asks the warehouse, also while a pipeline is running; what is promised stands in the sink's option `sla`. The same
    figures for your own dashboards: views sla_days, timeliness, unexplained, counter_days, clocks (docs/hygiene.md).

    Examples:

        kvarn hygiene --day 2026-01-15 --by dt

        kvarn hygiene --json
    """
    if by not in ("feeder", "dt", "point"):
        raise ConfigError("HYGIENE_BY", where="--by", what=f"{by!r} is none of them", do="use feeder, dt or point")
    reader = open_reader(warehouse_of(dsn, database, timezone=timezone, query_secs=seconds))
    try:
        figures = ask_figures(
            lambda text: list(json.loads(reader.ask(text, "JSON") or "{}").get("data", [])),
            str(day.date()) if day else None, by, most, timezone,
        )  # fmt: skip
    finally:
        reader.close()
    if as_json:
        emit(figures)
    else:
        show(console(), figures)


def ask_figures(ask: Ask, day: str | None, by: str, most: int, zone: str) -> dict[str, Any]:
    """All figures of a day; raises ConfigError when the warehouse has no day, or not this one."""
    (bounds,) = ask("SELECT max(day) AS last, count() AS n FROM days")
    if not int(bounds["n"]):
        raise ConfigError("NO_DAYS", where="days", what="no day is settled yet", do="wait for the first midnight")
    chosen = day or str(bounds["last"])
    if not int(ask(f"SELECT count() AS n FROM days WHERE day = '{chosen}'")[0]["n"]):  # noqa: S608 - a date
        raise ConfigError("NO_SUCH_DAY", where="--day", what=f"{chosen} is not settled", do="see SELECT DISTINCT day "
                          "FROM days")  # fmt: skip

    def rows(question: str) -> Rows:
        found = ask(question.format(day=chosen, most=most, zone=zone, level=by.upper()))
        return [{name: plain(value) for name, value in row.items()} for row in found]

    return {
        "day": chosen,
        "sla": rows(SLA),
        by: rows(POINTS if by == "point" else NODES),
        "energy": (rows(ENERGY) or [{}])[0],
        "energy_points": rows(ENERGY_POINTS),
        "counters": rows(COUNTERS)[0],
        "counter_devices": rows(COUNTER_DEVICES),
        "clocks": {**rows(CLOCKS)[0], **rows(CLOCK_ROWS)[0]},
    }


def plain(value: Any) -> Any:
    """A number where the answer has one in quotes, as JSON of the warehouse has large ones."""
    return int(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value


def show(out: Console, figures: dict[str, Any]) -> None:
    """Print the figures for people."""
    out.print(f"[bold]{figures['day']}[/]")
    _promises(out, figures["sla"])
    for name, title in (("feeder", "Feeders, the worst first"), ("dt", "Transformers, the worst first"),
                        ("point", "Service points that lack rows"), ("energy_points", "Energy by service point, Wh"),
                        ("counter_devices", "Devices whose counters have gaps")):  # fmt: skip
        if figures.get(name):
            _list(out, title, figures[name])
    energy, counters, clocks = figures["energy"], figures["counters"], figures["clocks"]
    if energy:
        out.print(
            f"Energy: {energy['service_points']:,} service points have both registers, {energy['register_wh']:,} Wh; "
            f"{energy['not_metered_wh']:,} Wh had to be estimated, {energy['unexplained_wh']:,} Wh nothing explains "
            f"({energy['service_points_unexplained']:,} points, {energy['unexplained_absolute_wh']:,} Wh without sign)"
        )
    else:
        out.print("Energy: no service point has registers at both ends of the day")
    out.print(f"Counters: {counters['unused']:,} of {counters['spanned']:,} no used frame had, of "
              f"{counters['devices_with_gaps']:,} of {counters['devices']:,} devices")  # fmt: skip
    out.print(f"Clocks: {clocks['ahead']:,} ahead, {clocks['behind']:,} behind, at most "
              f"{clocks['largest_drift_secs']:,} s; rows in doubt {clocks['doubtful']:,}, invalid "
              f"{clocks['invalid']:,}, off the grid {clocks['off_grid']:,}")  # fmt: skip


def _promises(out: Console, rows: Rows) -> None:
    table = Table("by", "meters complete", "promised", "", "rows", "registers", title="Against what is promised",
                  title_justify="left")  # fmt: skip
    for row in rows:
        table.add_row(
            f"{row['hours']} h", f"{row['meters_by']:,} of {row['meters']:,} ({row['meters_percent']:.2f} %)",
            f"{row['promised_percent']:.2f} %", "kept" if row["kept"] else "missed",
            f"{row['rows_by']:,} of {row['rows_expected']:,} ({row['rows_percent']:.2f} %)",
            f"{row['registers_by']:,} of {row['registers_expected']:,}",
        )  # fmt: skip
    if rows:
        table.caption = (f"{rows[0]['rows_received']:,} rows by now; {rows[0]['rows_in_outage']:,} are not expected: "
                         "confirmed outages")  # fmt: skip
    out.print(table)


def _list(out: Console, title: str, rows: Rows) -> None:
    table = Table(title=title, title_justify="left")
    for name, value in rows[0].items():
        table.add_column(name, justify="right" if isinstance(value, (int, float)) else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else f"{value:,}" if isinstance(value, int) and name.endswith("_wh")
                        else str(value) for name, value in row.items()))  # fmt: skip
    out.print(table, markup=False)
