"""What a prepaid account has, from everything that was said of it at once: no entries, no order, decimal rupees.

Written from the rules in words (docs/prepaid.md), without the connector's code: payments that hold, less the arrears
that they pay, less what the days or the bills of the months come to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

PAISE = Decimal("0.01")


def rupees(paise: int) -> Decimal:
    """Paise as rupees."""
    return Decimal(paise) / 100


def standing(
    payments: Iterable[Mapping[str, Any]], arrears_percent: int
) -> tuple[Decimal, Decimal]:  # fmt: skip
    """(credit, arrears) in rupees of records of schema Payment; copies of an id count once."""
    by_id = {record["id"]: record for record in payments}
    back = {record["reverses"] for record in by_id.values() if record["kind"] == "REVERSAL"}
    credit, owed, for_arrears = Decimal(0), Decimal(0), Decimal(0)
    for reference, record in by_id.items():
        amount = rupees(record["amount"])
        if reference in back:
            continue
        if record["kind"] in ("PAYMENT", "CREDIT", "OPEN"):
            credit += amount
        elif record["kind"] == "DEBIT":
            credit -= amount
        elif record["kind"] == "ARREARS":
            owed += amount
        if record["kind"] == "PAYMENT":
            for_arrears += (amount * arrears_percent / 100).quantize(PAISE, ROUND_DOWN)
    taken = min(owed, for_arrears)
    return credit - taken, owed - taken


def slab_bill(wh: int, days: int, length: int) -> Decimal:
    """A tariff of the tests in rupees: 100 units at 3.46, what is above at 7.43; 100 a month by days; 16 % duty."""
    units = Decimal(wh // 1000)
    energy = (min(units, Decimal(100)) * Decimal("3.46")).quantize(PAISE, ROUND_HALF_UP)
    energy += (max(units - 100, Decimal(0)) * Decimal("7.43")).quantize(PAISE, ROUND_HALF_UP)
    fixed = (Decimal(100) * days / length).quantize(PAISE, ROUND_HALF_UP)
    duty = ((energy + fixed) * Decimal("0.16")).quantize(PAISE, ROUND_HALF_UP)
    return energy + fixed + duty


def charged(
    days: Iterable[Mapping[str, Any]], bills: Iterable[Mapping[str, Any]], length: int,
    counted: Callable[[int], bool] = lambda _: True,
) -> Decimal:  # fmt: skip
    """Charge of one month in rupees from determinants of its days and of itself: the largest revision counts."""
    newest: dict[int, Mapping[str, Any]] = {}
    for record in days:
        before = newest.get(record["period_start"])
        if counted(record["period_start"]) and (before is None or before["revision"] < record["revision"]):
            newest[record["period_start"]] = record
    final = [bill for bill in bills if bill["state"] == "FINAL"]
    if final and len(newest) == length:
        return rupees(max(final, key=lambda bill: bill["revision"])["total_paise"])
    if not newest:
        return Decimal(0)
    return slab_bill(sum(record["wh_imp"] for record in newest.values()), len(newest), length)
