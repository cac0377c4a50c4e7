"""Many bills rated from Python: rows in, lines by code out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.rating.bulk import tables as t
from agents.rating.bulk.compiled import Book
from agents.rating.bulk.encode import no_values
from agents.rating.bulk.kernels import rate_bills
from agents.rating.bulk.quantities import records
from agents.rating.engine.rate import ROUNDING, SETTLEMENT
from pipeline.columns import Array


@dataclass(frozen=True)
class Months:
    """Monthly values: month i32 (bills,) row of values i64 and landed u8 (months, values), t.NONE for none."""

    month: Array
    values: Array
    landed: Array


def rate_many(book: Book, tariff: Array, columns: Array, months: Months | None = None) -> t.Rated:
    """Rate rows int64 (bills, WIDTH) by the tariffs i32 (bills,) of the book, t.NONE for none."""
    rated = t.new_rated(len(columns), book.width)
    if months is None:
        months = Months(np.full(len(columns), t.NONE, np.int32), *no_values(book, 1))
    rate_bills(records(columns), tariff, months.month, book.tables, months.values, months.landed, rated)
    return rated


def codes_of(book: Book, place: int) -> tuple[tuple[str, ...], ...]:
    """For each line of a tariff's bills (the codes with one of them, and with several), as the engine names them.

    Only a subsidy of some units calls its line otherwise when it has one alone.
    """
    tariff, tables = book.tariffs[place], book.tables
    row = tables.tariffs[place]
    found: list[tuple[str, ...]] = []
    for charge, compiled in zip(tariff.charges, tables.charges[row["charges_from"] :], strict=False):
        kind, count = int(compiled["kind"]), int(compiled["lines"])
        if kind == t.TOD:
            names = [f"{charge.code}.{zone.zone}" for zone in getattr(charge, "zones", ())]
        elif kind in (t.SLABS, t.ADJUST_SLAB, t.SUBSIDY_UNITS):
            names = [f"{charge.code}.{number}" for number in range(1, count + 1)]
        else:
            names = [charge.code]
        found += [(charge.code if kind == t.SUBSIDY_UNITS and not n else name, name) for n, name in enumerate(names)]
    return (*found, (SETTLEMENT, SETTLEMENT), (ROUNDING, ROUNDING))


def lines_of(codes: Sequence[tuple[str, ...]], rated: t.Rated, item: int) -> list[tuple[str, int]]:
    """Code and paise of the lines of a bill, in its order. codes: `codes_of` its tariff."""
    there = [slot for slot in range(len(codes)) if rated.there[item, slot]]
    names = []
    for slot in there:
        alone, several = codes[slot]
        follows = slot + 1 in there and codes[slot + 1][1].startswith(f"{alone}.")
        names.append(several if alone != several and follows else alone)
    return [(name, int(rated.paise[item, slot])) for name, slot in zip(names, there, strict=True)]
