"""What a tariff file may say and what is odd all the same: warnings beside the faults of reading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from agents.rating.engine.documents import Document, Fault, Path, read_document
from agents.rating.engine.exact import exact_text
from agents.rating.engine.format.charges import EnergyCharge, SlabCharge, SubsidyCharge, TodCharge, bases
from agents.rating.engine.format.tariff import Tariff

PEAK_PERCENT, SOLAR_PERCENT, SOLAR_HOURS = 10, -20, 8
"""Rule 8A of the consumer rules: peak at least 1.10 (commercial and industrial above 10 kW: 1.20) times the normal
tariff, solar hours at most 0.80 times, eight solar hours a day, peak hours not longer than solar hours."""


@dataclass(frozen=True)
class FaultCode:
    """One kind of finding in a tariff file."""

    code: str
    level: str
    meaning: str


FAULT_CODES: tuple[FaultCode, ...] = (
    FaultCode("TARIFF_YAML", "error", "the file is not YAML, or not UTF-8"),
    FaultCode("KEY_TWICE", "error", "a key stands twice in one mapping"),
    FaultCode("KEY_UNKNOWN", "error", "a key that is not known here"),
    FaultCode("KEY_MISSING", "error", "a key that must be given is not there"),
    FaultCode("VALUE_INVALID", "error", "a value of the wrong type or outside its limits"),
    FaultCode("CHARGE_KIND", "error", "no such kind of charge"),
    FaultCode("TARIFF_RULE", "error", "things that do not fit together, as slab bounds that fall"),
    FaultCode("NOT_IN_FORCE", "warning", "the tariff is set aside, ended or a draft"),
    FaultCode("SLAB_FALLS", "warning", "a telescopic slab is cheaper than the one before"),
    FaultCode("RATE_ZERO", "warning", "a charge of 0: a free slab is clearer as a subsidy line"),
    FaultCode("PEAK_LOW", "warning", "the peak costs less than rule 8A asks for"),
    FaultCode("SOLAR_HIGH", "warning", "solar hours cost more than rule 8A allows"),
    FaultCode("SOLAR_HOURS", "warning", "solar hours are not eight a day, or the peak is longer than they are"),
    FaultCode("ENERGY_UNNAMED", "warning", "the tariff has no energy charge"),
    FaultCode("SUBSIDY_EARLY", "warning", "a subsidy stands above a charge that is taken of what it pays"),
)


def lint(text: bytes, file: str) -> tuple[Document, tuple[Fault, ...]]:
    """All findings of a file, by line."""
    document = read_document(text, file)
    found = list(document.faults)
    if document.tariff is not None:
        levels = {row.code: row.level for row in FAULT_CODES}
        for code, path, message, hint in _odd(document.tariff):
            line, column = document.place(path)
            found.append(Fault(code, levels[code], file, line, column, message, hint))
    return document, tuple(sorted(found, key=lambda fault: (fault.line, fault.column, fault.code)))


Oddity = tuple[str, Path, str, str]


def _odd(tariff: Tariff) -> Iterator[Oddity]:
    if tariff.status != "in_force":
        yield "NOT_IN_FORCE", ("status",), f"the tariff is {tariff.status.replace('_', ' ')}", "do not bill with it"
    if not tariff.energy_codes():
        yield "ENERGY_UNNAMED", ("charges",), "no charge is the energy charge", "mark one with `energy: true`"
    yield from _slabs(tariff)
    yield from _zones(tariff)
    yield from _subsidies(tariff)


def _slabs(tariff: Tariff) -> Iterator[Oddity]:
    for place, charge in enumerate(tariff.charges):
        if isinstance(charge, SlabCharge):
            for number, (before, after) in enumerate(pairwise(charge.slabs), 1):
                if after.rate < before.rate and not after.all_units:
                    message = f"{charge.code}: {after.rate} after {before.rate}"
                    yield "SLAB_FALLS", ("charges", place, "slabs", number), message, "check the rate"
            if any(slab.rate == 0 for slab in charge.slabs):
                yield "RATE_ZERO", ("charges", place), f"{charge.code} has a slab at 0", "use a subsidy"
        elif getattr(charge, "rate", None) == 0:
            yield "RATE_ZERO", ("charges", place), f"{charge.code} is 0", "take it out, or give its rate"


def _zones(tariff: Tariff) -> Iterator[Oddity]:
    kinds = {zone.code: zone.kind for zone in tariff.calendar.zones}
    for place, charge in enumerate(tariff.charges):
        if not isinstance(charge, TodCharge):
            continue
        of = tariff.charge(charge.of) if charge.of else None
        flat = of.rate if isinstance(of, EnergyCharge) else None
        for number, zone in enumerate(charge.zones):
            percent = zone.percent if zone.percent is not None else None
            if percent is None and flat and zone.delta is not None:
                percent = zone.delta * 100 / flat
            path: Path = ("charges", place, "zones", number)
            if percent is None:
                continue
            if kinds[zone.zone] == "peak" and percent < PEAK_PERCENT:
                yield "PEAK_LOW", path, f"{zone.zone} costs {percent} % more", "rule 8A asks for 10 %, or 20 %"
            if kinds[zone.zone] == "solar" and percent > SOLAR_PERCENT:
                yield "SOLAR_HIGH", path, f"{zone.zone} costs {percent} %", "rule 8A asks for -20 % or less"
    yield from _hours(tariff)


def _hours(tariff: Tariff) -> Iterator[Oddity]:
    seasons: list[str | None] = [*(season.code for season in tariff.calendar.seasons)] or [None]
    for season in seasons:
        quarters = {"peak": 0, "solar": 0}
        for zone in tariff.calendar.zones:
            if zone.applies(season, "weekday") and zone.kind in quarters:
                quarters[zone.kind] += len(zone.quarters())
        solar, peak = (exact_text(Fraction(quarters[kind], 4)) for kind in ("solar", "peak"))
        if quarters["solar"] and (quarters["solar"] != SOLAR_HOURS * 4 or quarters["peak"] > quarters["solar"]):
            message = f"{solar} solar and {peak} peak hours{f' in {season}' if season else ''}"
            yield "SOLAR_HOURS", ("calendar", "zones"), message, "rule 8A: 8 solar hours, and no more of peak"


def _subsidies(tariff: Tariff) -> Iterator[Oddity]:
    paid: dict[str, tuple[int, str]] = {}
    for place, charge in enumerate(tariff.charges):
        if isinstance(charge, SubsidyCharge):
            paid |= dict.fromkeys(charge.of, (place, charge.code))
            continue
        of = bases(charge)
        for code in of:
            if code in paid and paid[code][1] not in of:
                where, name = paid[code]
                message = f"{charge.code} is taken of {code} before the subsidy {name}"
                yield "SUBSIDY_EARLY", ("charges", where), message, f"add {name} to its `of`, or put it below"
