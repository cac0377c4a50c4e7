"""Quantities of the reference engine as columns, and monthly values of adjustments as a table."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from agents.rating.bulk.compiled import EPOCH, Book
from agents.rating.bulk.quantities import WHOLE_ZONE, bit, new_quantities, records
from agents.rating.bulk.tables import RATE_SCALE
from agents.rating.engine.adjustments import Adjustments
from agents.rating.engine.quantities import WHOLE, Quantities
from pipeline.columns import Array
from pipeline.errors import ConfigError

PLAIN = (
    ("vah", "vah_imp"), ("varh_lag", "varh_lag"), ("varh_lead", "varh_lead"), ("md_w", "md_w"), ("md_va", "md_va"),
    ("md_window_w", "md_window_w"), ("md_window_va", "md_window_va"), ("load_w", "load_w"), ("load_va", "load_va"),
    ("phases", "phases"), ("days", "days"),
)  # fmt: skip
"""Fields of Quantities that may be None, and their columns; the bit is called as the field."""
FRACTIONS = ("slab_months", "fixed_months", "power_factor", "hours")


def encoded(book: Book, tariff: Sequence[int], given: Sequence[Quantities]) -> Array:
    """Rows int64 (bills, WIDTH) of bills by the tariffs at these places of the book; raises ConfigError."""
    columns = new_quantities(len(given))
    for row, place, one in zip(records(columns), tariff, given, strict=True):
        _encode(row, book, place, one)
    return columns


def _encode(row: Any, book: Book, place: int, given: Quantities) -> None:
    tariff, known = book.tariffs[place], 0
    row["wh_imp"], row["wh_exp"], row["wh_generation"] = given.wh, given.export_wh, given.generation_wh
    row["marks"] = sum(1 << number for number, mark in enumerate(book.marks) if mark in given.flags)
    row["arrears_paise"], row["arrears_days"] = given.arrears_paise, given.arrears_days
    for name, column in PLAIN:
        value = getattr(given, name)
        if value is not None:
            row[column], known = value, known | bit(name)
    for name in FRACTIONS:
        value = getattr(given, name)
        if value is not None:
            row[name], row[f"{name}_in"], known = value.numerator, value.denominator, known | bit(name)
    dark = Fraction(given.interruption_hours)
    row["dark_hours"], row["dark_hours_in"] = dark.numerator, dark.denominator
    if given.begins is not None:
        row["begin_day"], known = (given.begins - EPOCH).days, known | bit("begins")
    rule = tariff.billing_demand
    history = given.demand_history[: rule.history_months] if rule is not None else ()
    if history:
        row["history"], known = max(history), known | bit("history")
    zones = {zone.code: number for number, zone in enumerate(tariff.calendar.zones)}
    for name, column, flag in (
        ("zones_wh", "zone_wh_imp", "zones_wh"), ("zones_vah", "zone_vah_imp", "zones_vah"),
        ("zones_export_wh", "zone_wh_exp", ""), ("bank_wh", "bank_wh", ""),
    ):  # fmt: skip
        held: Mapping[str, int] = getattr(given, name)
        for zone, energy in held.items():
            row[column][_zone(zones, zone, name, tariff.code)] = energy
        if held and flag:
            known |= bit(flag)
    row["known"] = known


def _zone(zones: Mapping[str, int], zone: str, what: str, tariff: str) -> int:
    if what == "bank_wh" and zone == WHOLE:
        return WHOLE_ZONE
    if zone not in zones:
        raise ConfigError(
            "BULK_ZONE", where=tariff, what=f"{what} names {zone!r}, which is not a zone", do="name the tariff's zones"
        )
    return zones[zone]


def no_values(book: Book, months: int) -> tuple[Array, Array]:
    """(values i64, landed u8), (months, values) each: no adjustment has landed."""
    shape = (months, max(book.value_count, 1))
    return np.zeros(shape, np.int64), np.zeros(shape, np.uint8)


def put_values(book: Book, place: int, given: Mapping[str, Sequence[Decimal]], values: Array, landed: Array) -> None:
    """Values of the adjustments of the tariff at `place` into a row of the table, by code; raises ConfigError."""
    for code, (first, count) in book.values[place].items():
        found = tuple(given.get(code, ()))
        if not found:
            continue
        if len(found) != count:
            raise ConfigError(
                "ADJUSTMENT_VALUES", where=code, what=f"{len(found)} values", do=f"give {count} for the month"
            )
        for number, value in enumerate(found):
            scaled = Fraction(value) * RATE_SCALE
            if scaled.denominator != 1 or abs(scaled) >= 10**12:
                raise ConfigError(
                    "ADJUSTMENT_VALUES", where=code, what=f"{value}", do="give at most five decimal places"
                )
            values[first + number], landed[first + number] = int(scaled), 1


def values_of(book: Book, documents: Sequence[Adjustments], months: Sequence[datetime.date]) -> tuple[Array, Array]:
    """(values, landed) of billing months, as documents of FAC and FPPAS say them."""
    values, landed = no_values(book, len(months))
    for row, month in enumerate(months):
        for place, tariff in enumerate(book.tariffs):
            found = {one.charge: one.values_of(tariff.code, month) for one in documents}
            put_values(book, place, found, values[row], landed[row])
    return values, landed
