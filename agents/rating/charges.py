"""Tariffs compiled to integer arrays, and the kernel that rates many periods with them.

Rates are integers of 0.00001 rupees (or per cent), energy is Wh, money is paise. Each line of a bill is base x rate,
rounded once, half a paisa away from zero; a percentage is taken of the rounded lines above it.
"""

from __future__ import annotations

import calendar as civil
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from agents.rating.calendar import QUARTERS
from agents.rating.tariff import RATE_DIGITS, EnergyCharge, FixedCharge, PercentCharge, SlabCharge, Tariff
from pipeline.columns import Array
from pipeline.jit import expanded, kernel
from pipeline.localtime import OFFSETS

RATE_SCALE = 10**RATE_DIGITS
MONTH = 100
"""Length of a calendar month in the unit of `months`: hundredths."""
NO_BOUND = np.int64(2**62)
LARGEST_WH = 10**15
"""Energy of a period up to which every product of the kernel fits 64 bits, with rates below 10,000 rupees."""

SLAB, ENERGY, FIXED, PERCENT = range(4)
BASE_UNITS = ("Wh", "Wh", "months", "paise")

LINE = np.dtype(
    [
        ("kind", "<u1"),
        ("all_units", "<u1"),
        ("rate", "<i8"),  # 0.00001 rupees, or 0.00001 per cent
        ("above", "<i8"),  # Wh a month: the slab begins behind it
        ("upto", "<i8"),  # Wh a month: and ends with it
        ("cap", "<i8"),  # Wh a month: consumption above it is billed by an all-units slab instead
        ("of", "<u4"),  # bit n: percentage is taken of line n of the same bill
    ]
)

VERSION = np.dtype(
    [
        ("number", "<u2"),
        ("valid_from", "<i8"),  # epoch seconds of the first local midnight it is in force
        ("step_wh", "<i8"),
        ("first", "<i4"),  # its lines in the table of lines
        ("lines", "<i4"),
        ("calendar", "<i4"),  # row of the table of calendars
    ]
)


@dataclass(frozen=True)
class LineText:
    """What stands in a determinant beside base and paise."""

    code: str
    base_unit: str
    rate: str


@dataclass(frozen=True)
class TariffBook:
    """All tariffs in force, compiled: versions sorted by number and start; calendars u1 (n, 96) zone by quarter."""

    tariffs: tuple[Tariff, ...]
    versions: Array
    lines: Array
    calendars: Array
    texts: tuple[tuple[LineText, ...], ...]

    @property
    def widest(self) -> int:
        """Lines of the longest bill."""
        return max((len(texts) for texts in self.texts), default=0)

    def version_of(self, number: int, time: int) -> int:
        """Row of the version of tariff `number` that is in force at `time`, or -1."""
        rows = np.flatnonzero((self.versions["number"] == number) & (self.versions["valid_from"] <= time))
        return int(rows[-1]) if len(rows) else -1


def compile_tariffs(tariffs: tuple[Tariff, ...]) -> TariffBook:
    """The book of `tariffs`, which are sorted by number and start."""
    versions = np.zeros(len(tariffs), VERSION)
    calendars = np.zeros((len(tariffs), QUARTERS), np.uint8)
    lines: list[tuple[int, int, int, int, int, int, int]] = []
    texts: list[tuple[LineText, ...]] = []
    for row, tariff in enumerate(tariffs):
        own, text = _lines(tariff)
        midnight = civil.timegm(tariff.valid_from.timetuple()) - OFFSETS[tariff.timezone]
        versions[row] = (tariff.number, midnight, tariff.step_wh, len(lines), len(own), row)
        for place, zone in enumerate(tariff.zones):
            calendars[row, zone.quarters()] = place
        lines += own
        texts.append(text)
    return TariffBook(tariffs, versions, np.array(lines, LINE), calendars, tuple(texts))


def _lines(tariff: Tariff) -> tuple[list[tuple[int, int, int, int, int, int, int]], tuple[LineText, ...]]:
    rows: list[tuple[int, int, int, int, int, int, int]] = []
    texts: list[LineText] = []
    places: dict[str, list[int]] = {}
    for charge in tariff.charges:
        first = len(rows)
        match charge:
            case SlabCharge():
                rows += _slabs(charge)
                texts += [
                    LineText(f"{charge.code}.{place}", BASE_UNITS[SLAB], str(slab.rate))
                    for place, slab in enumerate(charge.slabs, 1)
                ]
            case EnergyCharge():
                rows.append((ENERGY, 0, _scaled(charge.rate), 0, int(NO_BOUND), int(NO_BOUND), 0))
            case FixedCharge():
                rows.append((FIXED, 0, _scaled(charge.rate), 0, 0, 0, 0))
            case PercentCharge():
                mask = sum(1 << place for code in charge.of for place in places[code])
                rows.append((PERCENT, 0, _scaled(charge.rate), 0, 0, 0, mask))
        if not isinstance(charge, SlabCharge):
            texts.append(LineText(charge.code, BASE_UNITS[rows[-1][0]], str(charge.rate)))
        places[charge.code] = list(range(first, len(rows)))
    return rows, tuple(texts)


def _slabs(charge: SlabCharge) -> list[tuple[int, int, int, int, int, int, int]]:
    bounds = [0, *(int(NO_BOUND) if slab.to is None else slab.to * 1000 for slab in charge.slabs)]
    cap = next((bounds[place] for place, slab in enumerate(charge.slabs) if slab.all_units), int(NO_BOUND))
    return [
        (SLAB, int(slab.all_units), _scaled(slab.rate), bounds[place], bounds[place + 1], cap, 0)
        for place, slab in enumerate(charge.slabs)
    ]


def _scaled(rate: Decimal) -> int:
    return int(rate.scaleb(RATE_DIGITS).to_integral_exact())


@expanded
def _share(base, rate, scale):  # type: ignore[no-untyped-def]
    """base x rate / scale, half away from zero; whole scales are taken out first, so that the product fits 64 bits."""
    size = abs(base)
    whole = size // scale
    part = ((size - whole * scale) * abs(rate) * 2 + scale) // (2 * scale)
    amount = whole * abs(rate) + part
    return amount if (base < 0) == (rate < 0) else -amount


@expanded
def _scaled_bound(bound, months):  # type: ignore[no-untyped-def]
    return bound if bound >= NO_BOUND else bound * months // MONTH


@kernel
def _line_base(line, units, months):  # type: ignore[no-untyped-def]
    """Wh that a slab or energy line is charged for."""
    above = _scaled_bound(line.above, months)
    upto = _scaled_bound(line.upto, months)
    if units <= above:
        return np.int64(0)
    if line.all_units:
        return units if units <= upto else np.int64(0)
    if units > _scaled_bound(line.cap, months):
        return np.int64(0)
    return min(units, upto) - above


@kernel
def rate_periods(units, months, version, versions, lines, base, paise, total):  # type: ignore[no-untyped-def]
    """Bills of n periods.

    units i64 (n,) Wh, a multiple of the tariff's step; months i64 (n,) length in 1/100 months; version i32 (n,) row of
    `versions`, -1 for none; out: base, paise i64 (n, lines), total i64 (n,) paise.
    """
    for item in range(units.shape[0]):
        total[item] = 0
        for place in range(base.shape[1]):
            base[item, place] = 0
            paise[item, place] = 0
        if version[item] < 0:
            continue
        tariff = versions[version[item]]
        for place in range(tariff.lines):
            line = lines[tariff.first + place]
            if line.kind == FIXED:
                amount = months[item]
                cost = _share(amount, line.rate, np.int64(RATE_SCALE * MONTH // 100))
            elif line.kind == PERCENT:
                amount = np.int64(0)
                for other in range(place):
                    if (line.of >> other) & 1:
                        amount += paise[item, other]
                cost = _share(amount, line.rate, np.int64(100 * RATE_SCALE))
            else:
                amount = _line_base(line, units[item], months[item])
                # Wh x 0.00001 rupees a kWh: 1,000 Wh a kWh, 100 paise a rupee.
                cost = _share(amount, line.rate, np.int64(1000 * RATE_SCALE // 100))
            base[item, place] = amount
            paise[item, place] = cost
            total[item] += cost


@dataclass(frozen=True)
class BillLine:
    """One line: `base` x `rate`, rounded to the paisa. `base` of a fixed charge is months."""

    code: str
    base: Decimal
    base_unit: str
    rate: str
    paise: int


@dataclass(frozen=True)
class Bill:
    """A rated period."""

    tariff: str
    units_wh: int
    lines: tuple[BillLine, ...]

    @property
    def total_paise(self) -> int:
        """Sum of the lines."""
        return sum(line.paise for line in self.lines)

    def paise_of(self, charge: str) -> int:
        """Sum of the lines of one charge, all its slabs."""
        return sum(line.paise for line in self.lines if line.code.split(".")[0] == charge)


def months_of(days: int, month_days: int) -> int:
    """Length of `days` in 1/100 months, half up: MSEDCL bills 31 days as 1.03 months."""
    exact = Decimal(days * MONTH) / month_days
    return int(exact.to_integral_value(ROUND_HALF_UP))


def rate(tariff: Tariff, wh: int, days: int | None = None) -> Bill:
    """The bill of one period: a calendar month, or `days` days. Lines without a base are left out."""
    if not 0 <= wh <= LARGEST_WH:
        raise ValueError(f"{wh} Wh is not between 0 and {LARGEST_WH}")
    book = compile_tariffs((tariff,))
    months = MONTH if days is None else months_of(days, tariff.month_days)
    units = wh - wh % tariff.step_wh
    base = np.zeros((1, book.widest), np.int64)
    paise, total = np.zeros_like(base), np.zeros(1, np.int64)
    rate_periods(
        np.array([units]), np.array([months]), np.zeros(1, np.int32), book.versions, book.lines, base, paise, total
    )
    return Bill(tariff.code, units, tuple(_bill_lines(book.texts[0], base[0], paise[0])))


def _bill_lines(texts: tuple[LineText, ...], base: Array, paise: Array) -> list[BillLine]:
    lines = []
    for text, amount, cost in zip(texts, base.tolist(), paise.tolist(), strict=False):
        if amount:
            exact = Decimal(amount) / MONTH if text.base_unit == "months" else Decimal(amount)
            lines.append(BillLine(text.code, exact, text.base_unit, text.rate, cost))
    return lines
