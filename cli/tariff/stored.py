"""Months of the warehouse as the tariff engine takes them, with zones and windows of another tariff."""

# ruff: noqa: S608 - statements are put together from numbers, and from codes that are checked

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from agents.rating.calendar import QUARTER_SECS, QUARTERS
from agents.rating.engine.format.calendar import quarters_of
from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.quantities import Quantities
from agents.rating.engine.shadow import StoredMonth
from agents.rating.tables import BILLED_QUALITIES
from pipeline.errors import ConfigError
from pipeline.localtime import DAY_SECS, OFFSETS
from sinks.clickhouse.reader import Reader

BILLS = (
    "SELECT d.account AS account, d.service_point AS service_point, toUnixTimestamp(d.period_start) AS start, "
    "toUnixTimestamp(d.period_end) AS end, d.state AS state, d.wh_imp AS wh, d.vah_imp AS vah, d.wh_exp AS export_wh, "
    "d.demand_w AS md_w, d.demand_va AS md_va, ifNull(d.tariff, '') AS tariff, d.total_paise AS paise, "
    "d.intervals_missing AS missing, p.sanctioned_w AS load_w "
    "FROM determinants_latest AS d LEFT JOIN service_points_latest AS p ON p.service_point = d.service_point "
    "AND p.valid_from <= d.period_start AND p.valid_to > d.period_start "
    "WHERE d.kind = 'MONTH' AND d.period_start = fromUnixTimestamp({start}) AND d.wh_imp >= 0 AND {which} "
    "ORDER BY d.service_point"
)
MONTHS = (
    "SELECT DISTINCT toUnixTimestamp(period_start) AS start FROM determinants_latest WHERE kind = 'MONTH' "
    "AND period_start >= fromUnixTimestamp({since}) AND period_end <= fromUnixTimestamp({until}) ORDER BY start"
)
CHOSEN = (
    "(SELECT d.service_point FROM determinants_latest AS d "
    "WHERE d.kind = 'MONTH' AND d.period_start = fromUnixTimestamp({start}) AND {which})"
)
BEFORE = (
    "SELECT service_point, sum(wh_imp) AS wh FROM determinants_latest WHERE kind = 'MONTH' "
    f"AND period_start < fromUnixTimestamp({{start}}) AND service_point IN {CHOSEN} GROUP BY service_point"
)
"""Energy of all months before, by whatever tariff: what is below a whole unit of it is carried into the month."""
BILLED = ", ".join(f"'{quality.name}'" for quality in BILLED_QUALITIES)
ZONES = (
    f"SELECT service_point, zone, sumIf(wh_imp, wh_quality IN ({BILLED})) AS wh, "
    f"sumIf(vah_imp, vah_quality IN ({BILLED})) AS vah, sumIf(wh_exp, export_quality IN ({BILLED})) AS export_wh, "
    "maxIf(intDiv(wh_imp * 3600, interval_secs), counted AND wh_quality = 'ACTUAL') AS md_w, "
    "maxIf(intDiv(vah_imp * 3600, interval_secs), counted AND vah_quality = 'ACTUAL') AS md_va FROM ("
    "SELECT service_point, wh_imp, vah_imp, wh_exp, interval_secs, wh_imp_quality AS wh_quality, "
    "vah_imp_quality AS vah_quality, wh_exp_quality AS export_quality, "
    "intDiv(toUnixTimestamp(interval_start) - {start}, {quarter}) AS place, "
    "[{zones}][place + 1] AS zone, has([{window}], place % {quarters}) AS counted FROM readings_latest "
    "WHERE day >= '{first}' AND day <= '{last}' AND toUnixTimestamp(interval_start) >= {start} "
    f"AND toUnixTimestamp(interval_start) < {{end}} AND service_point IN {CHOSEN}"
    ") GROUP BY service_point, zone ORDER BY service_point, zone"
)
"""Energies that count, and the largest demand that was measured, as in determinants."""


APPARENT = ("zones_vah", "md_window_va")


def months_between(reader: Reader, since: int, until: int) -> list[int]:
    """Starts of the billing months that lie in a span of epoch seconds; raises ConfigError when there is none."""
    found = [int(row["start"]) for row in _rows(reader, MONTHS.format(since=since, until=until))]
    if not found:
        raise ConfigError(
            "NO_MONTHS", where="--from, --to", what="the warehouse has no determinants of a month there",
            do="see SELECT DISTINCT period_start FROM determinants_latest WHERE kind = 'MONTH'",
        )  # fmt: skip
    return found


def of_tariffs(codes: list[str]) -> str:
    """The condition that determinants have one of these tariffs; raises ConfigError for a code that is none."""
    for code in codes:
        if not code.isascii() or not all(sign.isalnum() or sign in "-_." for sign in code):
            raise ConfigError("TARIFF_CODE", where=code, what="it is no code of a tariff", do="see kvarn tariff list")
    return f"d.tariff IN ({', '.join(repr(code) for code in codes)})" if codes else "isNotNull(d.tariff)"


def stored_months(reader: Reader, start: int, candidate: Tariff, which: str) -> Iterator[StoredMonth]:
    """One billing month of all service points that `which` takes, in their order."""
    bills = _rows(reader, BILLS.format(start=start, which=which))
    if not bills:
        return
    end = max(int(row["end"]) for row in bills)
    before = {
        int(row["service_point"]): int(row["wh"]) for row in _rows(reader, BEFORE.format(start=start, which=which))
    }
    zones = _zones(reader, start, end, candidate, which) if _by_interval(candidate) else {}
    for row in bills:
        own = zones.get(int(row["service_point"]), {})
        carry = before.get(int(row["service_point"]), 0) % candidate.step_wh
        yield StoredMonth(
            int(row["account"]), int(row["service_point"]), start, row["state"], row["tariff"],
            _maybe(row["paise"]), _given(row, carry, own, candidate), int(row["missing"]),
        )  # fmt: skip


def _given(row: dict[str, Any], carry: int, own: dict[str, Any], candidate: Tariff) -> Quantities:
    """What a month is rated by: a month, however many of them the tariff bills together."""
    load, wh, vah = int(row["load_w"] or 0) or None, int(row["wh"]), int(row["vah"])
    if wh and not vah:
        # Energy without apparent energy: that was not measured.
        own = {name: value for name, value in own.items() if name not in APPARENT}
    return Quantities(
        wh=wh + carry, vah=None if wh and not vah else vah, export_wh=int(row["export_wh"]), md_w=_maybe(row["md_w"]),
        md_va=_maybe(row["md_va"]), load_w=load, begins=_local_day(int(row["start"]), candidate),
        slab_months=Fraction(1), fixed_months=Fraction(1), **own,
    )  # fmt: skip


def _maybe(number: str | int | None) -> int | None:
    return None if number is None else int(number)


def _by_interval(candidate: Tariff) -> bool:
    return bool(candidate.calendar.zones) or (
        candidate.billing_demand is not None and candidate.billing_demand.window is not None
    )


def _zones(reader: Reader, start: int, end: int, candidate: Tariff, which: str) -> dict[int, dict[str, Any]]:
    """Energies by zone and demand in the window, as fields of `Quantities`, by service point."""
    window = candidate.billing_demand.window if candidate.billing_demand is not None else None
    counted = quarters_of(window) if window is not None else range(QUARTERS)
    codes = [zone.code for zone in candidate.calendar.zones]
    places = []
    for time in range(start, end, QUARTER_SECS):
        zone = candidate.calendar.zone_at(_local_day(time, candidate), (time - start) // QUARTER_SECS % QUARTERS)
        places.append(0 if zone is None else 1 + codes.index(zone.code))
    statement = ZONES.format(
        start=start, end=end, quarter=QUARTER_SECS, quarters=QUARTERS, zones=",".join(map(str, places)),
        window=",".join(map(str, counted)), first=_local_day(start, candidate), last=_local_day(end - 1, candidate),
        which=which,
    )  # fmt: skip
    found: dict[int, dict[str, Any]] = {}
    for row in _rows(reader, statement):
        own = found.setdefault(
            int(row["service_point"]),
            {"zones_wh": {}, "zones_vah": {}, "zones_export_wh": {}, "md_window_w": 0, "md_window_va": 0},
        )
        if int(row["zone"]):
            for name in ("wh", "vah", "export_wh"):
                own[f"zones_{name}"][codes[int(row["zone"]) - 1]] = int(row[name])
        for name in ("w", "va"):
            own[f"md_window_{name}"] = max(own[f"md_window_{name}"], int(row[f"md_{name}"]))
    return found


def _local_day(time: int, tariff: Tariff) -> datetime.date:
    return datetime.date(1970, 1, 1) + datetime.timedelta(days=(time + OFFSETS[tariff.timezone]) // DAY_SECS)


def _rows(reader: Reader, statement: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in reader.ask(statement, "JSONEachRow").splitlines() if line]
