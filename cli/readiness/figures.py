"""What the warehouse knows of a billing cycle: one row a consumer, and what the gate said of it before."""

from __future__ import annotations

import calendar
import datetime
import json
import re
from typing import Any
from zoneinfo import ZoneInfo

from agents.readiness.judge import Cycle, Figures, Key
from pipeline.errors import ConfigError
from sinks.clickhouse.reader import Reader

_TEXTS = ("category", "group", "state")
_MONTH = re.compile(r"(?P<year>\d{4})-(?P<month>0[1-9]|1[0-2])")

LAST_TICK = "SELECT toUnixTimestamp(max(time)) AS at, count() AS ticks FROM log_times"

CONSUMERS = """
SELECT p.account AS account, p.service_point AS service_point, p.dt AS dt, p.feeder AS feeder,
    d.revision AS revision, toString(d.state) AS state, d.tariff AS tariff, d.total_paise AS total_paise,
    d.intervals_expected AS expected, d.intervals_estimated AS estimated,
    d.intervals_missing + d.intervals_suspect AS missing,
    arrayCount(r -> r.channel = 'wh_imp' AND r.opening IS NULL, d.registers)
    + arrayCount(r -> r.channel = 'wh_imp' AND r.closing IS NULL, d.registers) AS registers_missing,
    s.settled AS settled, s.final AS final, x.open AS exceptions, e.waiting AS edits
FROM (
    SELECT DISTINCT account, service_point, dt, feeder FROM (
        SELECT p.service_point AS service_point, argMin(p.account, p.valid_from) AS account,
            argMin(p.dt, p.valid_from) AS dt, argMin(p.feeder, p.valid_from) AS feeder
        FROM service_points_latest AS p
        WHERE p.account != 0 AND p.valid_from < fromUnixTimestamp({end}) AND p.valid_to > fromUnixTimestamp({start})
        GROUP BY service_point)
    UNION DISTINCT
    SELECT DISTINCT account, service_point, toUInt32(0), toUInt32(0) FROM determinants
    WHERE kind = 'MONTH' AND day = '{first}' AND account != 0 AND service_point NOT IN (
        SELECT service_point FROM service_points_latest)
) AS p
LEFT JOIN (
    SELECT * FROM determinants_latest WHERE kind = 'MONTH' AND day = '{first}'
) AS d ON d.account = p.account AND d.service_point = p.service_point
LEFT JOIN (
    SELECT service_point, count() AS settled, countIf(state = 'FINAL') AS final FROM days_latest
    WHERE day BETWEEN '{first}' AND '{last}' GROUP BY service_point
) AS s ON s.service_point = p.service_point
LEFT JOIN (
    SELECT service_point, count() AS open FROM exceptions_open WHERE severity = 'ERROR'
        AND period_start < fromUnixTimestamp({end}) AND period_end > fromUnixTimestamp({start}) GROUP BY service_point
) AS x ON x.service_point = p.service_point
LEFT JOIN (
    SELECT service_point, uniqExact(id) AS waiting FROM edits_latest WHERE state IN ('PROPOSED', 'WAITING')
        AND arrayExists(one -> one.start >= fromUnixTimestamp({start}) AND one.start < fromUnixTimestamp({end}),
            intervals)
    GROUP BY service_point
) AS e ON e.service_point = p.service_point
ORDER BY account, service_point
"""

BEFORE = """
SELECT account, service_point, toUnixTimestamp(cycle_start) AS cycle_start, toUnixTimestamp(cycle_end) AS cycle_end,
    revision, category, group, toString(state) AS state, toUnixTimestamp(expected_at) AS expected_at,
    arrayMap(r -> (toString(r.code), r.found, r.allowed, r.blocks), reasons) AS reasons, paise_at_stake,
    determinant_revision, toUnixTimestamp(judged_at) AS judged_at
FROM readiness_latest WHERE day = '{first}' ORDER BY account, service_point
"""


def ask(reader: Reader, text: str) -> list[dict[str, Any]]:
    """The rows that answer a question."""
    return list(json.loads(reader.ask(text, "JSON") or "{}").get("data", []))


def cycle_of(month: str | None, at: int, zone: str) -> tuple[Cycle, str, str]:
    """(cycle, first and last local day) of `2026-01`; without one the last month that is over at `at`."""
    if month is None:
        first = datetime.datetime.fromtimestamp(at, ZoneInfo(zone)).date().replace(day=1)
        first = (first - datetime.timedelta(days=1)).replace(day=1)
    else:
        found = _MONTH.fullmatch(month)
        if found is None:
            raise ConfigError("CYCLE_FORM", where="--cycle", what=f"{month!r} is no month", do="say 2026-01")
        first = datetime.date(int(found["year"]), int(found["month"]), 1)
    days = calendar.monthrange(first.year, first.month)[1]
    last = first + datetime.timedelta(days=days - 1)
    start, end = _midnight(first, zone), _midnight(last + datetime.timedelta(days=1), zone)
    return Cycle(start, end, days), first.isoformat(), last.isoformat()


def _midnight(day: datetime.date, zone: str) -> int:
    return int(datetime.datetime.combine(day, datetime.time(), ZoneInfo(zone)).timestamp())


def last_tick(reader: Reader) -> int:
    """Time of the log up to which the warehouse has it; raises ConfigError when nothing has come yet."""
    (row,) = ask(reader, LAST_TICK)
    if not int(row["ticks"]):
        raise ConfigError("NO_TICKS", where="log_times", what="the warehouse knows no time of the log yet",
                          do="wait for the first readings, or say --at")  # fmt: skip
    return int(row["at"])


def figures(reader: Reader, cycle: Cycle, first: str, last: str) -> list[Figures]:
    """All consumers of a cycle: those of the registry at its begin, and those that have a determinant of it."""
    return [_figures(row) for row in ask(reader, CONSUMERS.format(start=cycle.start, end=cycle.end, first=first,
                                                                  last=last))]  # fmt: skip


def _figures(row: dict[str, Any]) -> Figures:
    known = int(row["revision"] or 0) > 0
    number = {name: int(row[name] or 0) for name in ("expected", "estimated", "missing", "registers_missing",
                                                     "exceptions", "edits", "dt", "feeder")}  # fmt: skip
    return Figures(
        account=int(row["account"]), service_point=int(row["service_point"]),
        revision=int(row["revision"]) if known else None, final=known and row["state"] == "FINAL",
        tariff=row["tariff"] if known else None,
        paise=int(row["total_paise"]) if known and row["total_paise"] is not None else None,
        days_settled=int(row["settled"] or 0), days_final=int(row["final"] or 0), **number,
    )  # fmt: skip


def before(reader: Reader, first: str) -> dict[Key, dict[str, Any]]:
    """What the gate said last of each consumer of a cycle, as records of schema Readiness."""
    found = {}
    for row in ask(reader, BEFORE.format(first=first)):
        record = {name: value if name in _TEXTS else _number(value) for name, value in row.items()}
        record["reasons"] = [
            {"code": one[0], "found": int(one[1]), "allowed": int(one[2]), "blocks": bool(one[3])}
            if isinstance(one, list)
            else {"code": one["1"], "found": int(one["2"]), "allowed": int(one["3"]), "blocks": bool(one["4"])}
            for one in row["reasons"]
        ]
        found[(record["account"], record["service_point"], record["cycle_start"], record["cycle_end"])] = record
    return found


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdigit() else value
