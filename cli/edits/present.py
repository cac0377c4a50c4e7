"""What stands in the warehouse beside what is proposed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from rich.table import Table

from cli.output import aside, console
from connectors.edits.event import Event, rows_of
from pipeline.channels import ENERGY
from pipeline.edits import EditWhat
from pipeline.errors import ConfigError, KvarnError
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.reader import Reader, open_reader

SHOWN = 200
TOGETHER = 1000

Now = dict[tuple[int, int], dict[str, Any]]
"""(service point, start) -> row of readings_latest."""


def changes(events: Iterable[Event], dsn: str, database: str) -> list[dict[str, Any]]:
    """A row an interval and channel: what is there now, and what is proposed; null where it is not known."""
    proposed = list(events)
    now = _present(proposed, dsn, database)
    made = []
    for event in proposed:
        for row in rows_of(event.intervals):
            there = now.get((event.service_point, row["start"]), {})
            for channel in ENERGY:
                value = row[channel.name]
                if value is None and (event.what is EditWhat.VALUES or channel is not ENERGY[0]):
                    continue
                made.append({
                    "service_point": event.service_point, "start": row["start"], "channel": channel.name,
                    "now": _number(there.get(channel.name)), "quality": there.get(f"{channel.name}_quality"),
                    "method": there.get("method"), "proposed": value, "what": event.what.name,
                })  # fmt: skip
    return made


def _present(events: list[Event], dsn: str, database: str) -> Now:
    try:
        reader = open_reader(ClickHouseConfig(dsn=dsn, database=database))
    except (KvarnError, ValueError) as error:
        aside().print(f"What is there now is not shown: {error}", markup=False)
        return {}
    try:
        return rows_at(reader, [(e.service_point, row["start"]) for e in events for row in rows_of(e.intervals)])
    except ConfigError as error:
        aside().print(f"What is there now is not shown: {error}", markup=False)
        return {}
    finally:
        reader.close()


def rows_at(reader: Reader, places: list[tuple[int, int]]) -> Now:
    """The newest revisions at (service point, start)."""
    columns = ", ".join(f"{channel.name}, {channel.name}_quality" for channel in ENERGY)
    found: Now = {}
    for at in range(0, len(places), TOGETHER):
        part = places[at : at + TOGETHER]
        points, starts = sorted({point for point, _ in part}), [start for _, start in part]
        text = (
            f"SELECT service_point, toUnixTimestamp(interval_start) AS start, method, {columns} FROM readings_latest "  # noqa: S608
            f"WHERE service_point IN ({', '.join(map(str, points))}) "
            f"AND interval_start >= fromUnixTimestamp({min(starts)}) AND interval_start <= "
            f"fromUnixTimestamp({max(starts)}) AND toUnixTimestamp(interval_start) IN "
            f"({', '.join(map(str, sorted(set(starts))))})"
        )
        for row in json.loads(reader.ask(text, "JSON") or "{}").get("data", []):
            found[int(row["service_point"]), int(row["start"])] = row
    return found


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def show_changes(rows: list[dict[str, Any]], shown: Callable[[int], str]) -> None:
    """The table for people."""
    table = Table(box=None)
    for name in ("service point", "interval", "channel", "now", "quality", "proposed"):
        table.add_column(name, justify="right" if name in ("now", "proposed") else "left")
    for row in rows[:SHOWN]:
        proposed = row["what"].lower() if row["proposed"] is None else f"{row['proposed']:,}"
        now = "?" if row["now"] is None else f"{row['now']:,}"
        table.add_row(str(row["service_point"]), shown(row["start"]), row["channel"], now, row["quality"] or "",
                      proposed)  # fmt: skip
    out = console()
    out.print(table, markup=False)
    if len(rows) > SHOWN:
        out.print(f"and {len(rows) - SHOWN:,} more: --json has all")
