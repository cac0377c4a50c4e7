"""What the cold lane asks the warehouse: readings, settlements, determinants and requests of some service points."""

# ruff: noqa: S608 - statements are put together from names of columns and from numbers

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pipeline.channels import ENERGY
from sinks.clickhouse.reader import Reader

NAMES = tuple(channel.name for channel in ENERGY)
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Found:
    """Rows by column; times are epoch seconds. begin: first local midnight of which there is a settlement, 0: none."""

    begin: int
    readings: Rows
    requests: Rows
    days: Rows
    bills: Rows
    said: Rows


def ask(reader: Reader, points: Iterable[int], days: tuple[int, int], months: tuple[int, int]) -> Found:
    """Readings and requests that begin in `days`, settlements and determinants of `months`, both [from, to) epoch s.

    Raises Transient while the warehouse is away, ConfigError when it has no such tables.
    """
    listed = ", ".join(str(int(point)) for point in sorted(set(points)))

    def where(column: str, span: tuple[int, int]) -> str:
        return (
            f"WHERE service_point IN ({listed}) AND {column} >= toDateTime({span[0]}, 'UTC') "
            f"AND {column} < toDateTime({span[1]}, 'UTC')"
        )

    energies = f"[{', '.join(NAMES)}] AS energy"
    begin = _rows(reader, "SELECT toUnixTimestamp(min(day_start)) AS begin FROM days")
    return Found(
        int(begin[0]["begin"]) if begin else 0,
        _rows(
            reader,
            "SELECT service_point, device, toUnixTimestamp(interval_start) AS start, interval_secs AS secs, revision, "
            f"frame, flags, toUInt8(method) AS method, rules, quality, {energies} FROM readings "
            + where("interval_start", days),
        ),
        _rows(
            reader,
            "SELECT DISTINCT service_point, device, toUnixTimestamp(one.time) AS time, one.kind AS kind, "
            "one.flags AS flags, one.counter AS counter, one.present AS present, "
            f"[{', '.join(f'one.{name}' for name in NAMES)}] AS energy, "
            "source_partition AS partition, source_offset AS offset FROM cold_requests ARRAY JOIN `rows` AS one "
            + where("day_start", days),
        ),
        _rows(reader, _days() + where("day_start", months)),
        _rows(reader, _bills(energies) + where("period_start", months)),
        _rows(
            reader,
            "SELECT DISTINCT service_point, one.kind AS kind, one.number AS number, "
            "toUnixTimestamp(one.start) AS start, "
            f"one.secs AS secs, one.present AS present, [{', '.join(f'one.{name}' for name in NAMES)}] AS energy, "
            "source_partition AS partition, source_offset AS offset FROM cold_requests ARRAY JOIN `statements` AS one "
            + where("day_start", days),
        ),
    )


@dataclass(frozen=True)
class FoundAround:
    """Rows of facts, and readings as octets of the columns AROUND_COLUMNS, each of 8 octets, little-endian."""

    readings: bytes
    checks: Rows
    temperatures: Rows
    neighbours: Rows


AROUND_COLUMNS = ("service_point", "start", "secs", "method", "quality", *NAMES)


def ask_around(
    reader: Reader, points: Iterable[int], nodes: Iterable[int], place: str, days: tuple[int, int]
) -> FoundAround:
    """Good readings of service points and of their neighbours, and facts about the points, the nodes above them and a
    place, that begin in `days`, [from, to) epoch s. Of each fact the newest revision holds.

    Raises as `ask`.
    """
    listed = _numbers(points)
    above = f"service_point IN ({listed})"
    if nodes := list(nodes):
        above += f" OR node IN ({_numbers(nodes)})"
    if place:
        above += f" OR place = {_quoted(place)}"
    begins = f"start >= {int(days[0])} AND start < {int(days[1])}"
    neighbours = _rows(
        reader,
        "SELECT service_point, one.service_point AS neighbour, start, until FROM ("
        + _facts("NEIGHBOURS", f"service_point IN ({listed})", "neighbours")
        + f") ARRAY JOIN neighbours AS one WHERE start < {int(days[1])} AND (until = 0 OR until > {int(days[0])})",
    )
    wanted = _numbers([*points, *(int(row["neighbour"]) for row in neighbours)])
    return FoundAround(
        reader.ask(
            "SELECT toUInt64(service_point), toInt64(toUnixTimestamp(interval_start)), toInt64(interval_secs), "
            f"toInt64(toUInt8(method)), toUInt64(quality), {', '.join(f'toInt64({name})' for name in NAMES)} "
            f"FROM readings_latest WHERE service_point IN ({wanted}) AND wh_imp_quality = 'ACTUAL' "
            f"AND interval_start >= toDateTime({int(days[0])}, 'UTC') "
            f"AND interval_start < toDateTime({int(days[1])}, 'UTC') ORDER BY service_point, interval_start",
            "RowBinary",
        ),
        _rows(
            reader,
            f"SELECT service_point, indexOf([{', '.join(map(_quoted, NAMES))}], channel) - 1 AS channel, start, until, "
            "energy FROM (" + _facts("CHECK", f"service_point IN ({listed})", "channel", "ifNull(energy, 0) AS energy")
            + f") WHERE {begins} AND channel >= 0",
        ),
        _rows(
            reader,
            "SELECT service_point, node, start, tenths FROM ("
            + _facts("TEMPERATURE", f"({above})", "node", "ifNull(temperature, 0) AS tenths") + f") WHERE {begins}",
        ),
        neighbours,
    )  # fmt: skip


def _facts(kind: str, of: str, *columns: str) -> str:
    """The newest revision of each fact of a kind; it is known by its id."""
    listed = ", ".join(columns)
    return (
        "SELECT service_point, toUnixTimestamp(from_time) AS start, ifNull(toUnixTimestamp(until_time), 0) AS until, "
        f"{listed} FROM facts WHERE kind = '{kind}' AND {of} ORDER BY revision DESC LIMIT 1 BY id"
    )


def _numbers(found: Iterable[int]) -> str:
    return ", ".join(str(int(one)) for one in sorted(set(found)))


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _lists(*names: str) -> str:
    columns = {"register_energy": "register"}
    return ", ".join(f"[{', '.join(f'{one}_{columns.get(name, name)}' for one in NAMES)}] AS {name}" for name in names)


def _days() -> str:
    return (
        "SELECT service_point, toUnixTimestamp(day_start) AS start, revision, registers, "
        + _lists("opening", "closing", "register_energy", "actual", "estimated", "suspect", "unexplained")
        + ", [intervals_actual, intervals_estimated, intervals_missing, intervals_suspect] AS counts, "
        "[wh_imp_demand, vah_imp_demand] AS demand, [toUnixTimestamp(wh_imp_demand_start), "
        "toUnixTimestamp(vah_imp_demand_start)] AS demand_start FROM days_latest "
    )


def _bills(energies: str) -> str:
    return (
        "SELECT service_point, toUnixTimestamp(period_start) AS start, kind = 'MONTH' AS month, revision, "
        f"{energies}, estimated_wh AS estimated, arrayMap(one -> one.wh, zones) AS zones, "
        "[ifNull(demand_w, 0), ifNull(demand_va, 0)] AS demand, "
        "[ifNull(toUnixTimestamp(demand_start), 0), ifNull(toUnixTimestamp(demand_va_start), 0)] AS demand_start, "
        "[intervals_actual, intervals_estimated, intervals_missing, intervals_suspect] AS counts, "
        "bitOr(arrayExists(one -> isNotNull(one.opening), registers), "
        "2 * arrayExists(one -> isNotNull(one.closing), registers)) AS known, "
        "arrayMap(one -> ifNull(one.opening, 0), registers) AS opening, "
        "arrayMap(one -> ifNull(one.closing, 0), registers) AS closing FROM determinants_latest "
    )


def _rows(reader: Reader, statement: str) -> Rows:
    return [json.loads(line) for line in reader.ask(statement, "JSONEachRow").splitlines() if line]
