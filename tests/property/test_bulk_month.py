"""A month of 10,000 consumers by the bulk kernel, against oracles that read neither kernel nor engine."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np

from agents.rating.bulk import tables as t
from agents.rating.bulk.bills import Months, rate_many
from agents.rating.bulk.encode import encoded, no_values, put_values
from agents.rating.bulk.quantities import records
from agents.rating.engine.quantities import Quantities
from agents.rating.engine.splits import split_by_days
from bench.rating.months import DOMESTIC, INDUSTRY, ROOFTOP, book_of
from tests.oracles.demand_oracle import high_tension, rooftop
from tests.oracles.month_oracle import month

CONSUMERS, DAYS = 10_000, 30
FAC = "0.35"
ZONES = {ROOFTOP: ("SOLAR", "PEAK", "OFFPEAK"), INDUSTRY: ("NIGHT", "SOLAR", "PEAK", "REST")}


def thousands(units: dict[str, int]) -> dict[str, int]:
    return {zone: value * 1000 for zone, value in units.items()}


def domestic(chance: Any, place: int) -> tuple[list[tuple[int, Quantities]], Decimal]:
    """Rows (tariff, quantities) of a consumer, and what the oracle says; two in a hundred change their tariff."""
    wh, load = int(chance.gamma(2.0, 120_000)), int(chance.integers(1, 30))
    whole = Quantities(wh=wh, days=DAYS, load_w=load * 1000, phases=1)
    if chance.random() >= 0.02 / 0.85:
        return [(place, whole)], month(wh, [(DOMESTIC[place], DAYS)], Decimal(load))
    after, other = int(chance.integers(1, DAYS)), (place + 1) % len(DOMESTIC)
    halves = split_by_days(whole, [after, DAYS - after])
    parts = [(DOMESTIC[place], after), (DOMESTIC[other], DAYS - after)]
    return list(zip((place, other), halves, strict=True)), month(wh, parts, Decimal(load))


def net_metered(chance: Any) -> tuple[list[tuple[int, Quantities]], Decimal, int]:
    imported, exported, bank = ({zone: int(chance.integers(0, 250)) for zone in ZONES[ROOFTOP]} for _ in range(3))
    load = int(chance.integers(1, 10))
    given = Quantities(
        wh=sum(imported.values()) * 1000, zones_wh=thousands(imported), export_wh=sum(exported.values()) * 1000,
        zones_export_wh=thousands(exported), bank_wh=thousands(bank), load_w=load * 1000, days=DAYS,
    )  # fmt: skip
    total, banked = rooftop(imported, exported, bank, load)
    return [(ROOFTOP, given)], total, banked


def industry(chance: Any) -> tuple[list[tuple[int, Quantities]], Decimal]:
    zones = {zone: int(chance.integers(0, 90_000)) for zone in ZONES[INDUSTRY]}
    kwh, contract = sum(zones.values()), int(chance.integers(50, 900))
    kvah, recorded = kwh + int(chance.integers(1, 40_000)), int(contract * chance.uniform(0.4, 1.2))
    history = [int(contract * chance.uniform(0.4, 1.2)) for _ in range(int(chance.integers(0, 13)))]
    given = Quantities(
        wh=kwh * 1000, vah=kvah * 1000, days=DAYS, load_va=contract * 1000, md_window_va=recorded * 1000,
        demand_history=tuple(value * 1000 for value in history), zones_wh=thousands(zones),
        adjustments={"FAC": (Decimal(FAC),)},
    )  # fmt: skip
    return [(INDUSTRY, given)], high_tension(kwh, kvah, contract, recorded, history, zones, FAC)


def test_ten_thousand_bills_are_the_oracles_to_the_paisa() -> None:
    chance, book = np.random.default_rng(20260601), book_of()
    rows: list[tuple[int, Quantities]] = []
    first, expected, banks = [], [], {}
    for consumer in range(CONSUMERS):
        draw = chance.random()
        first.append(len(rows))
        if draw < 0.10:
            made, total, banks[len(rows)] = net_metered(chance)
        elif draw < 0.15:
            made, total = industry(chance)
        else:
            made, total = domestic(chance, consumer % len(DOMESTIC))
        rows += made
        expected.append(int(total * 100))
    places = [place for place, _ in rows]
    columns = encoded(book, places, [given for _, given in rows])
    follows = np.ones(len(rows), np.int64)
    follows[first] = 0
    records(columns)["follows"] = follows
    values, landed = no_values(book, 1)
    put_values(book, INDUSTRY, {"FAC": (Decimal(FAC),)}, values[0], landed[0])
    months = Months(np.where(np.array(places) == INDUSTRY, 0, t.NONE).astype(np.int32), values, landed)
    rated = rate_many(book, np.array(places, np.int32), columns, months)
    totals = np.add.reduceat(rated.figures["total"], first)
    assert 150 < follows.sum() < 250
    assert (rated.figures["status"] == t.RATED).all()
    assert np.flatnonzero(totals != np.array(expected)).tolist() == []
    assert {row: int(rated.bank[row].sum()) for row in banks} == {row: units * 1000 for row, units in banks.items()}
