"""Bills of three domestic tariffs for any days, in Decimal rupees from their published tables; a month may have parts.

Nothing is read from the tariff files or the engine. Bounds and fixed charges follow the days: 31 are 1.03 months.
Energy is billed in whole units, and what is left over comes into the next part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal

D = Decimal
ENDLESS = D("Infinity")


def paisa(amount: Decimal) -> Decimal:
    return amount.quantize(D("0.01"), ROUND_HALF_UP)


def months_of(days: int) -> Decimal:
    return paisa(D(days) / 30)


def climb(units: Decimal, months: Decimal, table: Sequence[tuple[str, str]]) -> Decimal:
    """Each slab of (last unit, price) is a line of the bill, and rounded."""
    total, below = D(0), D(0)
    for last, price in table:
        above = D(last) * months if last else ENDLESS
        total += paisa(max(D(0), min(units, above) - below) * D(price))
        below = above
    return total


def price_at(units: Decimal, months: Decimal, table: Sequence[tuple[str, str]]) -> Decimal:
    return next(D(price) for last, price in table if not last or units <= D(last) * months)


def maharashtra(units: Decimal, months: Decimal, load: Decimal) -> Decimal:
    energy = climb(units, months, (("100", "3.46"), ("300", "7.43"), ("500", "10.32"), ("", "11.71")))
    fuel = climb(units, months, (("100", "0.50"), ("300", "0.84"), ("500", "1.07"), ("", "1.19")))
    before = energy + fuel + paisa(units * D("1.45")) + paisa(100 * months)
    return before + paisa(before * D("0.16"))


def delhi(units: Decimal, months: Decimal, load: Decimal) -> Decimal:
    energy = climb(units, months, (("200", "3"), ("400", "4.5"), ("800", "6.5"), ("1200", "7"), ("", "8")))
    per_kw = price_at(load, D(1), (("2", "20"), ("5", "50"), ("15", "100"), ("25", "200"), ("", "250")))
    before = energy + paisa(load * months * per_kw)
    return before + paisa(before * D("0.08")) + paisa(before * D("0.07")) + paisa(before * D("0.05"))


def kerala(units: Decimal, months: Decimal, load: Decimal) -> Decimal:
    rising = (("50", "3.15"), ("100", "3.70"), ("150", "4.80"), ("200", "6.40"), ("250", "7.60"))
    flat = (("300", "5.80"), ("350", "6.60"), ("400", "6.90"), ("500", "7.10"), ("", "7.90"))
    fixed = (("50", "35"), ("100", "45"), ("150", "55"), ("200", "70"), ("250", "80"), ("300", "100"), ("350", "110"),
             ("400", "120"), ("500", "130"), ("", "150"))  # fmt: skip
    low = units <= 250 * months
    energy = climb(units, months, rising) if low else paisa(units * price_at(units, months, flat))
    return energy + paisa(months * price_at(units, months, fixed))


DOMESTIC: dict[str, Callable[[Decimal, Decimal, Decimal], Decimal]] = {
    "msedcl-lt1b-2020": maharashtra,
    "delhi-domestic-2019": delhi,
    "kseb-lt1-2019": kerala,
}


def month(wh: int, parts: Sequence[tuple[str, int]], load: Decimal) -> Decimal:
    """The bill of a month of parts (tariff, days), its energy at the average per day; single phase."""
    days, passed, billed, total = sum(length for _, length in parts), 0, 0, D(0)
    for name, length in parts:
        passed += length
        until = wh * passed // days
        units = (until - billed) // 1000
        billed += units * 1000
        total += DOMESTIC[name](D(units), months_of(length), load)
    return total
