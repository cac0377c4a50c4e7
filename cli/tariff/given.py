"""Options of the command line as the quantities of a period: exact integers, never floats."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path

from agents.rating.engine.adjustments import Adjustments, parse_adjustments
from agents.rating.engine.adjustments import landed as values_of_month
from agents.rating.engine.format.charges import AdjustmentCharge
from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.quantities import WHOLE, Quantities
from cli.tariff.options import Given
from pipeline.errors import ConfigError


def quantities(given: Given, adjustments: dict[str, tuple[Decimal, ...]] | None = None) -> Quantities:
    """The quantities; raises ConfigError for what is no number. `adjustments`: values from documents."""
    return Quantities(
        wh=thousandths("--units", given.units),
        days=given.days,
        begins=_date(given.date),
        zones_wh=_by_name("--zone", given.zone or ()),
        vah=_maybe("--kvah", given.kvah),
        zones_vah=_by_name("--zone-kvah", given.zone_kvah or ()),
        varh_lag=_maybe("--kvarh-lag", given.kvarh_lag),
        varh_lead=_maybe("--kvarh-lead", given.kvarh_lead),
        power_factor=None if given.pf is None else _power_factor(given.pf),
        export_wh=thousandths("--export", given.export),
        zones_export_wh=_by_name("--zone-export", given.zone_export or ()),
        generation_wh=thousandths("--generation", given.generation),
        bank_wh=_by_name("--bank", given.bank or ()),
        md_w=_maybe("--md-kw", given.md_kw),
        md_va=_maybe("--md-kva", given.md_kva),
        md_window_w=_maybe("--md-window-kw", given.md_window_kw),
        md_window_va=_maybe("--md-window-kva", given.md_window_kva),
        demand_history=tuple(thousandths("--history", text) for text in given.history or ()),
        load_w=_maybe("--load-kw", given.load_kw),
        load_va=_maybe("--load-kva", given.load_kva),
        phases=given.phases,
        hours=None if given.hours is None else Fraction(number("--hours", given.hours)),
        interruption_hours=Fraction(number("--interruptions", given.interruptions)),
        flags=frozenset(given.flag or ()),
        adjustments={**(adjustments or {}), **_values(given.adjust or ())},
        arrears_paise=_paise(given.arrears),
        arrears_days=given.arrears_days,
    )


def number(option: str, text: str) -> Decimal:
    """A decimal number of 0 or more; raises ConfigError."""
    found = _decimal(option, text)
    if found < 0:
        raise _fault(option, text, "it is below 0")
    return found


def _decimal(option: str, text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise _fault(option, text, "it is no number") from None
    if not found.is_finite() or abs(found) >= Decimal(10) ** 12:
        raise _fault(option, text, "it is no usable number")
    return found


def thousandths(option: str, text: str) -> int:
    """A number of at most three decimal places, times 1000: kWh as Wh; raises ConfigError."""
    exact = Fraction(number(option, text)) * 1000
    if exact.denominator != 1:
        raise _fault(option, text, "it has more than three decimal places")
    return int(exact)


def _maybe(option: str, text: str | None) -> int | None:
    return None if text is None else thousandths(option, text)


def _by_name(option: str, texts: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for text in texts:
        name, sign, value = text.rpartition("=")
        if not sign:
            name, value = "", text
        if name in found:
            raise _fault(option, text, "it stands twice")
        found[name] = thousandths(option, value)
    return found


def _values(texts: Iterable[str]) -> dict[str, tuple[Decimal, ...]]:
    found: dict[str, tuple[Decimal, ...]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        found[name] = tuple(_decimal("--adjust", value) for value in values.split(","))
    return found


def _power_factor(text: str) -> Fraction:
    found = number("--pf", text)
    if not 0 < found <= 1:
        raise _fault("--pf", text, "it is not above 0 and at most 1")
    return Fraction(found)


def _paise(text: str) -> int:
    exact = Fraction(number("--arrears", text)) * 100
    if exact.denominator != 1:
        raise _fault("--arrears", text, "it has parts of a paisa")
    return int(exact)


def _date(text: str | None) -> datetime.date | None:
    if text is None:
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise _fault("--date", text, "it is no date YYYY-MM-DD") from None


def _fault(option: str, text: str, what: str) -> ConfigError:
    return ConfigError("OPTION_VALUE", where=option, what=f"{text!r}: {what}", do="correct the option")


def check_names(tariff: Tariff, asked: Quantities) -> None:
    """Raise ConfigError when an option names a zone or an adjustment that the tariff does not have."""
    adjusted = {charge.code for charge in tariff.charges if isinstance(charge, AdjustmentCharge)}
    _known("--adjust", asked.adjustments, adjusted, tariff)
    zones = {zone.code for zone in tariff.calendar.zones}
    for option, named in (
        ("--zone", asked.zones_wh),
        ("--zone-kvah", asked.zones_vah),
        ("--zone-export", asked.zones_export_wh),
        ("--bank", asked.bank_wh),
    ):
        _known(option, named, zones | {WHOLE}, tariff)


def _known(option: str, named: Iterable[str], known: set[str], tariff: Tariff) -> None:
    unknown = sorted(set(named) - known)
    if unknown:
        names = ", ".join(sorted(name for name in known if name)) or "none"
        raise ConfigError(
            "OPTION_VALUE",
            where=option,
            what=f"{tariff.code} has no {unknown[0]!r}",
            do=f"use one that it has: {names}",
        )


def landed(documents: Iterable[Path] | None, tariff: Tariff, date: str | None) -> dict[str, tuple[Decimal, ...]]:
    """Values of the month by charge, from documents; raises ConfigError."""
    if not documents:
        return {}
    month = _date(date)
    if month is None:
        raise ConfigError("OPTION_VALUE", where="--adjustments", what="the month is not known", do="give --date")
    return values_of_month(read_documents(documents), tariff, month)


def read_documents(paths: Iterable[Path] | None) -> list[Adjustments]:
    """Documents of monthly values; raises ConfigError."""
    return [parse_adjustments(path.read_bytes(), str(path)) for path in paths or ()]
