"""A tariff beside the live one: what the bills of stored months would have been, and who pays more or less.

Pure: months come as `StoredMonth`, read from the warehouse by the command line. Money is integer paise.
"""

from __future__ import annotations

import datetime
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import pairwise

from agents.rating.engine.adjustments import Adjustments, landed
from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.quantities import Quantities
from agents.rating.engine.rate import rate

EDGES = (-50, -20, -10, -5, -1, 1, 5, 10, 20, 50)
"""Bounds of the histogram: per cent of the bill before. What is between -1 and 1 is counted as unchanged."""
MONTH_VALUE = "value of the month"
"""What a charge of monthly values lacks where that has not landed."""
Lacks = tuple[tuple[str, str], ...]
"""Charges that were left out, each with the quantity that is not known."""
NOTHING: Lacks = ()
LOADS_W = (1_000, 2_000, 5_000, 10_000, 50_000)
UNITS_WH = (50_000, 100_000, 200_000, 500_000, 1_000_000)


@dataclass(frozen=True)
class StoredMonth:
    """A bill key of kind MONTH as it stands in the warehouse, with what the other tariff needs of its intervals."""

    account: int
    service_point: int
    period_start: int
    state: str
    tariff: str
    paise: int | None
    """What was billed; None: it was not rated."""
    given: Quantities
    missing_intervals: int = 0


@dataclass(frozen=True)
class Rerated:
    """The same month by both tariffs."""

    month: StoredMonth
    before: int
    after: int
    lacks: Lacks = ()
    """Of either tariff."""

    @property
    def delta(self) -> int:
        """Paise more; negative: less."""
        return self.after - self.before

    @property
    def bucket(self) -> int:
        """Place in the histogram, by the delta in per cent of the bill before; a bill of 0 that becomes one counts as
        doubled."""
        of, delta = abs(self.before), self.delta
        if not of:
            of, delta = 1, (delta > 0) - (delta < 0)
        return sum(edge * of <= 100 * delta for edge in EDGES)


def rerate(
    months: Iterable[StoredMonth], candidate: Tariff, live: Tariff | None, adjustments: Sequence[Adjustments] = ()
) -> Iterator[Rerated]:
    """Each month by `candidate`, against what was billed, or by `live` where it was not rated or `live` is given.

    Months of a service point come in their order: what it banks in one comes into the next. Months that have neither
    a bill nor `live` are left out. adjustments: documents of monthly values.
    """
    new, old = _Rater(candidate, adjustments), None if live is None else _Rater(live, adjustments)
    for month in months:
        before, lacked = month.paise, NOTHING
        if old is not None:
            before, lacked = old.rated(month)
        if before is None:
            continue
        after, lacks = new.rated(month)
        yield Rerated(month, before, after, tuple(dict.fromkeys((*lacks, *lacked))))


@dataclass
class _Rater:
    """A tariff, the monthly values of its charges, and what service points have banked."""

    tariff: Tariff
    adjustments: Sequence[Adjustments]
    banks: dict[int, Mapping[str, int]] = field(default_factory=dict)
    values: dict[datetime.date, dict[str, tuple[Decimal, ...]]] = field(default_factory=dict)

    def rated(self, month: StoredMonth) -> tuple[int, Lacks]:
        """(paise, what is left out) of a month."""
        given = replace(month.given, adjustments={**self._landed(month.given.begins), **month.given.adjustments})
        if month.service_point in self.banks:
            given = replace(given, bank_wh=self.banks[month.service_point])
        bill = rate(self.tariff, given, partial=True)
        if self.tariff.net_metering is not None:
            self.banks[month.service_point] = bill.bank_wh
        return bill.total_paise, (*bill.missing, *((code, MONTH_VALUE) for code in bill.pending))

    def _landed(self, begins: datetime.date | None) -> dict[str, tuple[Decimal, ...]]:
        if begins is None or not self.adjustments:
            return {}
        if begins not in self.values:
            self.values[begins] = landed(self.adjustments, self.tariff, begins)
        return self.values[begins]


@dataclass
class Group:
    """Sums of a class of consumers."""

    months: int = 0
    before: int = 0
    after: int = 0
    more: int = 0
    less: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(EDGES) + 1))
    deltas: list[int] = field(default_factory=list)

    def add(self, one: Rerated) -> None:
        """Count a month."""
        self.months += 1
        self.before += one.before
        self.after += one.after
        self.more += one.delta > 0
        self.less += one.delta < 0
        self.buckets[one.bucket] += 1
        self.deltas.append(one.delta)

    def quantile(self, percent: int) -> int:
        """The delta below or at which `percent` of the months lie (nearest rank)."""
        ordered = sorted(self.deltas)
        return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]


def bucket_names() -> tuple[str, ...]:
    """Headings of the histogram, from the largest fall to the largest rise."""
    inner = (f"{low:+} to {high:+} %" for low, high in pairwise(EDGES))
    return (f"below {EDGES[0]:+} %", *inner, f"above {EDGES[-1]:+} %")


def band(value: int | None, bounds: Sequence[int], unit: str) -> str:
    """The band that a value lies in, in thousands of its unit; a bound belongs to the band below it."""
    if value is None:
        return "not known"
    place = bisect_right(bounds, value - 1)
    if place == len(bounds):
        return f"above {bounds[-1] // 1000} {unit}"
    return f"up to {bounds[place] // 1000} {unit}"


CLASSES: dict[str, Callable[[StoredMonth], str]] = {
    "tariff": lambda month: month.tariff or "none",
    "load": lambda month: band(month.given.load_w, LOADS_W, "kW"),
    "units": lambda month: band(month.given.wh, UNITS_WH, "kWh"),
}
"""What consumers may be classed by."""


def grouped(found: Iterable[Rerated], by: str) -> dict[str, Group]:
    """Sums by class, the class with the most months first."""
    groups: dict[str, Group] = {}
    for one in found:
        groups.setdefault(CLASSES[by](one.month), Group()).add(one)
    return dict(sorted(groups.items(), key=lambda item: (-item[1].months, item[0])))
