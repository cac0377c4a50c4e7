"""The queue as the warehouse has it, and the readings behind an exception."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cli.exceptions.options import Filter
from cli.sql import warehouse_of
from pipeline.channels import ENERGY
from sinks.clickhouse.reader import Reader, open_reader

COLUMNS = (
    "toString(day) AS first_day, service_point, toString(rule) AS rule_code, toString(severity) AS severity_name, dt, "
    "feeder, toUnixTimestamp(period_start) AS start, toUnixTimestamp(period_end) AS end, rupees, wh_at_stake, "
    "age_days, work, owner, note, edit, edit_state"
)
WORKED = (
    "SELECT service_point, toString(rule) AS rule_code, toUnixTimestamp(period_start) AS start, toString(work) AS work,"
    " owner, note, edit FROM exception_work_latest WHERE edit != ''"
)


@dataclass(frozen=True)
class Exceptional:
    """An exception: its key, and what is known of it; `start` and `end` epoch seconds UTC."""

    service_point: int
    rule: str
    start: int
    end: int
    row: dict[str, Any]

    @property
    def owner(self) -> str:
        """Who has it; empty: nobody."""
        return str(self.row["owner"])


@dataclass(frozen=True)
class Sent:
    """An interval of an exception: what the meter sent by channel; suspect: it is not used because of the rule."""

    start: int
    suspect: bool
    values: dict[str, int]


@contextmanager
def warehouse(dsn: str, database: str) -> Iterator[Reader]:
    """A reader of the warehouse; raises ConfigError when there is none."""
    reader = open_reader(warehouse_of(dsn, database))
    try:
        yield reader
    finally:
        reader.close()


def open_exceptions(reader: Reader, chosen: Filter, most: int) -> list[Exceptional]:
    """Those that are open and meant, the most rupees first."""
    where = " AND ".join(chosen.conditions) or "1"
    text = (
        f"SELECT {COLUMNS} FROM (SELECT * FROM exceptions_open WHERE {where}) "  # noqa: S608
        f"ORDER BY rupees DESC, age_days DESC, service_point, rule_code LIMIT {most}"
    )
    return [_exceptional(row) for row in _ask(reader, text)]


def worked_on(reader: Reader, chosen: Filter, most: int) -> list[Exceptional]:
    """Those for which an edit was proposed, open or not; of the filter rules and service points count."""
    only = Filter(rules=chosen.rules, points=chosen.points, owner=chosen.owner)
    where = " AND ".join(only.conditions) or "1"
    text = f"SELECT * FROM ({WORKED} AND {where}) ORDER BY start DESC, service_point, rule_code LIMIT {most}"  # noqa: S608
    return [_exceptional({"end": row["start"], **row}) for row in _ask(reader, text)]


def _exceptional(row: dict[str, Any]) -> Exceptional:
    return Exceptional(int(row["service_point"]), row["rule_code"], int(row["start"]), int(row["end"]), row)


def sent(reader: Reader, one: Exceptional) -> list[Sent]:
    """The intervals of an exception that the meter sent: those at which its rule failed, or all when none says so.

    The value as sent is that of the newest revision whose quality is actual or suspect.
    """
    taken = "r.{name}_quality IN ('ACTUAL', 'SUSPECT')"
    values = ", ".join(
        f"argMaxIf(r.{channel.name}, r.revision, {taken.format(name=channel.name)}) AS {channel.name}_sent, "
        f"countIf({taken.format(name=channel.name)}) AS {channel.name}_times"
        for channel in ENERGY
    )
    text = (
        f"SELECT toUnixTimestamp(r.interval_start) AS start, {values}, "  # noqa: S608
        f"argMax(toString(r.wh_imp_quality), r.revision) AS quality_now, "
        f"max(has(r.failed_rules, '{one.rule}')) AS failed, countIf(r.wh_imp_quality = 'SUSPECT') AS suspect "
        f"FROM readings AS r WHERE r.service_point = {one.service_point} "
        f"AND r.interval_start >= fromUnixTimestamp({one.start}) AND r.interval_start < fromUnixTimestamp({one.end}) "
        "GROUP BY r.interval_start HAVING quality_now != 'MANUAL' ORDER BY start"
    )
    rows = [row for row in _ask(reader, text) if any(int(row[f"{channel.name}_times"]) for channel in ENERGY)]
    failing = [row for row in rows if int(row["failed"])]
    return [_sent(row) for row in failing or rows]


def _sent(row: dict[str, Any]) -> Sent:
    values = {c.name: int(row[f"{c.name}_sent"]) for c in ENERGY if int(row[f"{c.name}_times"])}
    suspect = int(row["failed"]) > 0 and int(row["suspect"]) > 0 and row["quality_now"] != "ACTUAL"
    return Sent(int(row["start"]), suspect, values)


def _ask(reader: Reader, text: str) -> Iterable[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(reader.ask(text, "JSON") or "{}").get("data", [])
    return found
