"""A bill in the warehouse: its key, its revision, and the days and intervals that were in it then."""

# ruff: noqa: S608 - statements are put together from numbers

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.channels import ENERGY
from pipeline.errors import ConfigError

Row = dict[str, Any]
Ask = Callable[[str], list[Row]]
"""Rows of a statement, as JSONEachRow has them."""

REVISION_SHIFT = 20
"""A reading's revision is (offset << 20) | row."""
NAMES = tuple(channel.name for channel in ENERGY)
_KEY = re.compile(r"(\d+)/(\d+)/(\d{4}-\d\d-\d\d|\d+)(?:@(\d+))?")
_NUMBER = re.compile(r"-?\d+")
_TEXTS = frozenset({"rate", "system_title", "tariff", "code"})


@dataclass(frozen=True)
class BillKey:
    """account/service_point/period_start, and the revision that is meant; None: the newest."""

    account: int
    service_point: int
    period_start: int
    revision: int | None = None

    @staticmethod
    def read(text: str, zone: ZoneInfo) -> BillKey:
        """Of a text; the start is a local day or epoch seconds. Raises ConfigError."""
        match = _KEY.fullmatch(text.strip())
        if match is None:
            raise ConfigError(
                "BILL_KEY_FORM", where=text, what="it is no ACCOUNT/SERVICE_POINT/START",
                do="write it like 700012/300045/2026-01-01, with @7 behind it for revision 7; account 0 where none is",
            )  # fmt: skip
        start = match[3]
        if "-" in start:
            try:
                day = datetime.datetime.fromisoformat(start).replace(tzinfo=zone)
            except ValueError as error:
                raise ConfigError("BILL_KEY_FORM", where=text, what=str(error), do="name a day that exists") from error
            start = str(int(day.timestamp()))
        return BillKey(int(match[1]), int(match[2]), int(start), None if match[4] is None else int(match[4]))


def answers(ask: Callable[[str, str | None], bytes]) -> Ask:
    """`ask` of a warehouse's reader as rows; numbers of 64 bits may come as texts, and become numbers."""

    def rows(statement: str) -> list[Row]:
        lines = ask(statement, "JSONEachRow").splitlines()
        return [{name: _whole(name, value) for name, value in json.loads(line).items()} for line in lines if line]

    return rows


def _whole(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_whole(name, item) for item in value]
    if isinstance(value, dict):
        return {key: _whole(key, item) for key, item in value.items()}
    if isinstance(value, str) and name not in _TEXTS and _NUMBER.fullmatch(value):
        return int(value)
    return value


def bill_of(ask: Ask, key: BillKey, kind: str) -> Row:
    """The determinant of a key; raises ConfigError when there is none. Times are epoch seconds, `at` UTC."""
    where = (
        f"FROM determinants WHERE service_point = {key.service_point} "
        f"AND period_start = toDateTime({key.period_start}, 'UTC') AND kind = '{kind}' AND account = {key.account}"
    )
    times = ("period_start", "period_end", "demand_start", "demand_va_start")
    chosen = "" if key.revision is None else f"AND revision = {key.revision} "
    listed = ", ".join(f"toUnixTimestamp({name}) AS {name}_secs" for name in times)
    found = ask(f"SELECT * EXCEPT ({', '.join(times)}), {listed} {where} {chosen}ORDER BY revision DESC LIMIT 1")
    if not found:
        known = ask(
            f"SELECT DISTINCT account, kind, toUnixTimestamp(period_start) AS start FROM determinants "
            f"WHERE service_point = {key.service_point} ORDER BY start DESC, kind, account LIMIT 6"
        )
        revision = "" if key.revision is None else f" and revision {key.revision}"
        named = ", ".join(f"{row['account']}/{key.service_point}/{row['start']} ({row['kind']})" for row in known)
        raise ConfigError(
            "BILL_UNKNOWN", where=f"{key.account}/{key.service_point}/{key.period_start}",
            what=f"the warehouse has no {kind} determinant of this key{revision}",
            do=f"use one of {named}" if named else "check the service point, or wait until a day of it is settled",
        )  # fmt: skip
    (row,) = found
    for name in times:
        row[name] = row.pop(f"{name}_secs")
    revisions = ask(f"SELECT DISTINCT revision, reason, state {where} ORDER BY revision")
    return {**row, "revisions": revisions}


def _as_of(bill: Row, column: str) -> str:
    """Rows of the bill's period that its record of the log had before it."""
    return (
        f"service_point = {bill['service_point']} AND {column} >= toDateTime({bill['period_start']}, 'UTC') "
        f"AND {column} < toDateTime({bill['period_end']}, 'UTC') "
        f"AND bitShiftRight(revision, {REVISION_SHIFT}) <= {bill['source_offset']}"
    )


def intervals_of(ask: Ask, bill: Row) -> list[Row]:
    """The intervals of a bill's period as they were when it was made, in order of time."""
    energies = ", ".join(f"{name}, toString({name}_quality) AS {name}_quality" for name in NAMES)
    return ask(
        f"SELECT toUnixTimestamp(interval_start) AS start, interval_secs AS secs, revision, device, "
        f"leftPad(hex(device), 16, '0') AS system_title, {energies}, toString(method) AS method, failed_rules, "
        "flag_names, origin_topic, origin_partition, origin_offset, frame, counter "
        f"FROM readings WHERE {_as_of(bill, 'interval_start')} "
        "ORDER BY interval_start, readings.revision DESC LIMIT 1 BY interval_start"
    )


def days_of(ask: Ask, bill: Row) -> list[Row]:
    """The settlements of the days of a bill's period as they were when it was made."""
    parts = ("opening", "closing", "register", "actual", "estimated")
    columns = ", ".join(f"{name}_{part}" for name in NAMES for part in parts)
    return ask(
        f"SELECT toUnixTimestamp(day_start) AS start, revision, toString(state) AS state, register_notes, {columns}, "
        "intervals_actual, intervals_estimated, intervals_missing, intervals_suspect, origin_offset "
        f"FROM days WHERE {_as_of(bill, 'day_start')} ORDER BY day_start, days.revision DESC LIMIT 1 BY day_start"
    )


def midnights_of(ask: Ask, bill: Row) -> list[Row]:
    """What the meters said of their registers at both ends of the period, in the newest record of each."""
    registers = ", ".join(f"{name}_register" for name in NAMES)
    ends = ", ".join(f"toDateTime({bill[name]}, 'UTC')" for name in ("period_start", "period_end"))
    return ask(
        f"SELECT toUnixTimestamp(time) AS start, device, leftPad(hex(device), 16, '0') AS system_title, {registers}, "
        "origin_topic, origin_partition, origin_offset FROM snapshots "
        f"WHERE service_point = {bill['service_point']} AND time IN ({ends}) AND kind = 'DAILY' "
        f"AND bitShiftRight(revision, {REVISION_SHIFT}) <= {bill['source_offset']} "
        "ORDER BY time, snapshots.revision DESC LIMIT 1 BY time, device"
    )
