"""`kvarn facts from-events`: outages that meters have reported themselves, as a file to look at and to import."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bench.replay.times import ZONE, epoch_ms, iso, zone_of
from cli.output import Json, console, emit
from cli.sql import DEFAULT_DSN, Database, Dsn, warehouse_of
from connectors.facts.from_events import FAILED, RESTORED, PowerEvent, paired
from connectors.facts.model import Fact
from pipeline.codes import Flag
from pipeline.errors import ConfigError
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.reader import open_reader

MOST_EVENTS = 1_000_000
COLUMNS = ("service_point", "from", "until", "confirmed", "source", "why", "id")
QUESTION = (
    "SELECT device, service_point, toUnixTimestamp(time) AS at, code FROM events "
    "WHERE code IN ({failed}, {restored}) AND bitAnd(flags, {invalid}) = 0 "
    "AND time >= fromUnixTimestamp({since}) AND time < fromUnixTimestamp({until}) "
    "GROUP BY device, service_point, at, code LIMIT {most}"
)


def from_events(
    output: Annotated[Path, typer.Argument(help="CSV file that is written, for `kvarn facts import`.", dir_okay=False)],
    since: Annotated[str, typer.Option("--from", help="Events at or after this time, like 2026-01-31T18:30.")],
    until: Annotated[str, typer.Option("--to", help="Events before this time.")],
    least_secs: Annotated[int, typer.Option(min=0, help="Shorter outages are left out.")] = 60,
    zone: Annotated[str, typer.Option(help="Time zone of times given without one, and of those written.")] = ZONE,
    dsn: Dsn = DEFAULT_DSN,
    database: Database = "kvarn",
    as_json: Json = False,
) -> None:
    """Pair power failures (101) and restorations (102) of the warehouse's events to outages.

    Events whose clock was invalid are left out. The last failure of a meter without a restoration is an outage that
    goes on.
    """
    where = zone_of(zone)
    first, last = (int((epoch_ms(text, where) or 0) // 1000) for text in (since, until))
    if not 0 <= first < last:
        raise ConfigError("TIMES_WRONG", where="--from, --to", what="the end is not behind the begin",
                          do="give two times, the earlier one first")  # fmt: skip
    found = paired(_events(warehouse_of(dsn, database), first, last), least_secs)
    try:
        _write(output, found.outages, where)
    except OSError as error:
        raise ConfigError("OUTPUT_UNWRITABLE", where=str(output), what=error.strerror or str(error),
                          do="name a file in a folder that can be written to") from error  # fmt: skip
    said = {
        "outages": len(found.outages), "open": sum(not one.until for one in found.outages), "short": found.short,
        "failures_without_restoration": found.failures, "restorations_without_failure": found.restorations,
    }  # fmt: skip
    if as_json:
        emit(said)
        return
    console().print(f"{said['outages']:,} outages ({said['open']:,} go on) written to {output}", markup=False)
    console().print(
        f"left out: {found.short:,} shorter than {least_secs} s, {found.failures:,} failures and "
        f"{found.restorations:,} restorations without the other"
    )


def _write(output: Path, outages: Iterable[Fact], zone: ZoneInfo) -> None:
    with output.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for one in outages:
            ends = iso(1000 * one.until, zone) if one.until else ""
            rows.writerow((one.point, iso(1000 * one.start, zone), ends, "yes", one.source, one.why, one.id))


def _events(config: ClickHouseConfig, since: int, until: int) -> list[PowerEvent]:
    reader = open_reader(config)
    try:
        question = QUESTION.format(failed=FAILED, restored=RESTORED, invalid=int(Flag.CLOCK_INVALID), since=since,
                                   until=until, most=MOST_EVENTS + 1)  # fmt: skip
        rows: list[dict[str, Any]] = json.loads(reader.ask(question, "JSON") or "{}").get("data", [])
    finally:
        reader.close()
    if len(rows) > MOST_EVENTS:
        raise ConfigError("EVENTS_MANY", where="--from, --to", what=f"more than {MOST_EVENTS:,} events",
                          do="ask for a shorter time")  # fmt: skip
    return [PowerEvent(row["device"], int(row["service_point"]), int(row["at"]), int(row["code"])) for row in rows]
