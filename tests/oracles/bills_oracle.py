"""Bills of the published tariffs, written from their tables and not from the files or the engine.

Energy is counted unit by unit: the price of the first unit, of the second, and so on. Money is Decimal rupees, rounded
to the paisa for each part of a bill as it is printed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

D = Decimal


def paisa(amount: Decimal) -> Decimal:
    return amount.quantize(D("0.01"), ROUND_HALF_UP)


def climb(units: int, *steps: tuple[int, str], top: str) -> Decimal:
    """Price of `units` counted one by one; each step is (last unit, price)."""
    cost = D(0)
    for number in range(1, units + 1):
        cost += next((D(price) for last, price in steps if number <= last), D(top))
    return cost


def msedcl_2020(units: int, load: int) -> tuple[Decimal, Decimal]:
    energy = climb(units, (100, "3.46"), (300, "7.43"), (500, "10.32"), top="11.71")
    fac = climb(units, (100, "0.50"), (300, "0.84"), (500, "1.07"), top="1.19")
    before = energy + units * D("1.45") + fac + 100
    return energy, before + paisa(before * D("0.16"))


def delhi(units: int, load: int) -> tuple[Decimal, Decimal]:
    energy = climb(units, (200, "3"), (400, "4.5"), (800, "6.5"), (1200, "7"), top="8")
    per_kw = 20 if load <= 2 else 50 if load <= 5 else 100 if load <= 15 else 200 if load <= 25 else 250
    base = energy + per_kw * load
    return energy, base + sum((paisa(base * D(share) / 100) for share in (8, 7, 5)), D(0))


def tamil_nadu_2024(units: int, load: int) -> tuple[Decimal, Decimal]:
    energy = climb(
        units, (100, "0"), (400, "4.80"), (500, "6.45"), (600, "8.55"), (800, "9.65"), (1000, "10.70"), top="11.80"
    )
    half = D("2.40") * max(0, min(units, 200) - 100) if units <= 500 else D(0)
    return energy, energy - half


def tamil_nadu_2022(units: int, load: int) -> tuple[Decimal, Decimal]:
    first = "2.25" if units <= 500 else "4.50"
    steps = ((400, "4.50"), (500, "6"), (600, "8"), (800, "9"), (1000, "10"))
    paid = climb(units, (100, "0"), (200, first), *steps, top="11")
    return climb(units, (100, "0"), *steps, top="11"), paid


def kerala(units: int, load: int) -> tuple[Decimal, Decimal]:
    if units <= 250:
        energy = climb(units, (50, "3.15"), (100, "3.70"), (150, "4.80"), (200, "6.40"), top="7.60")
    else:
        flat = ((300, "5.80"), (350, "6.60"), (400, "6.90"), (500, "7.10"))
        energy = units * next((D(price) for last, price in flat if units <= last), D("7.90"))
    fixed = ((50, 35), (100, 45), (150, 55), (200, 70), (250, 80), (300, 100), (350, 110), (400, 120), (500, 130))
    return energy, energy + next((amount for last, amount in fixed if units <= last), 150)


def uttar_pradesh(units: int, load: int) -> tuple[Decimal, Decimal]:
    energy = climb(units, (150, "5.50"), (300, "6"), top="6.50")
    base = energy + 110 * load
    return energy, base + paisa(base * D("0.05"))


def bescom(units: int, load: int) -> tuple[Decimal, Decimal]:
    energy = units * D("5.80")
    bill = energy + paisa(units * D("0.36")) + 145 * load + paisa(energy * D("0.09"))
    return energy, D(math.floor(bill + D("0.5")))


BILLS: dict[str, Callable[[int, int], tuple[Decimal, Decimal]]] = {
    "msedcl-lt1b-2020": msedcl_2020,
    "delhi-domestic-2019": delhi,
    "tangedco-lt1a-2024": tamil_nadu_2024,
    "tangedco-lt1a-2022": tamil_nadu_2022,
    "kseb-lt1-2019": kerala,
    "uppcl-lmv1-urban-2022": uttar_pradesh,
    "bescom-lt1-2025": bescom,
}
"""Shipped tariff -> energy charge and whole bill in rupees of whole units and a load in kW, single phase, one cycle."""
