"""A month of consumers on five published tariffs: the engine's bills are those of an oracle that does not know it.

One in ten is net metered, one in twenty on time of day with demand, one in fifty changes load or tariff in the month.
"""

from __future__ import annotations

import datetime
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from agents.rating.engine.catalogue import find
from agents.rating.engine.format.schemes import NetMetering
from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.quantities import Quantities
from agents.rating.engine.rate import rate
from agents.rating.engine.splits import Part, rate_parts
from tests.oracles.interval_bills_oracle import A_DAY, Consumer, bill, zones

FIRST = datetime.date(2026, 7, 1)
DAYS = 31
CONSUMERS = 1_000
DOMESTIC = ("msedcl-lt1b-2020", "delhi-domestic-2019", "kseb-lt1-2019", "uppcl-lmv1-urban-2022")


def consumers(seed: int, count: int) -> list[Consumer]:
    """A simulated month; every second plant exports more than its house uses."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        industry = number % 20 == 0
        mean = int(random.integers(3_000, 60_000)) if industry else int(random.integers(20, 700))
        imported = random.poisson(mean, DAYS * A_DAY).astype(np.int64)
        one = Consumer(
            tariff="delhi-industry-2019" if industry else DOMESTIC[int(random.integers(len(DOMESTIC)))],
            load_kw=int(random.integers(8, 60)) if industry else int(random.integers(1, 30)),
            load_kva=int(random.integers(10, 70)), phases=int(random.choice([1, 3])), imported=imported,
            exported=np.zeros_like(imported), apparent=imported * 100 // int(random.integers(85, 100)),
        )  # fmt: skip
        if number % 10 == 5:
            tariff = one.tariff if one.tariff != "msedcl-lt1b-2020" else "delhi-domestic-2019"
            sun = np.tile((np.arange(A_DAY) // 12 == 1) | (np.arange(A_DAY) // 12 == 2), DAYS)
            exported = np.where(sun, random.poisson(mean * random.choice([1, 3]), len(imported)), 0).astype(np.int64)
            one = replace(one, tariff=tariff, net=True, exported=exported, bank_wh=int(random.integers(0, 90_000)))
        if number % 50 == 7:
            day = int(random.integers(1, DAYS))
            after = int(random.integers(1, 30))
            tariff = one.tariff if number % 100 == 7 else "uppcl-lmv1-urban-2022"
            one = replace(one, change_day=day, load_after=after, tariff_after=tariff)
        found.append(one)
    return found


def of_part(one: Consumer, first: int, last: int, load_kw: int) -> dict[str, Any]:
    """What the engine is told of days `first` to `last`."""
    rows = slice(first * A_DAY, last * A_DAY)
    apparent = one.apparent[rows]
    peak, solar = zones(apparent)
    whole = int(apparent.sum())
    return {
        "wh": int(one.imported[rows].sum()), "export_wh": int(one.exported[rows].sum()), "vah": whole,
        "zones_vah": {"PEAK": peak, "OFFPEAK": solar, "NORMAL": whole - peak - solar},
        "md_va": 2 * int(apparent.max()), "load_w": 1000 * load_kw, "load_va": 1000 * one.load_kva,
        "phases": one.phases, "begins": FIRST + datetime.timedelta(days=first),
    }  # fmt: skip


def tariff_of(one: Consumer, name: str) -> Tariff:
    scheme = {"net_metering": NetMetering(scheme="net_metering")} if one.net else {}
    return find(name).model_copy(update=scheme)


def rated(one: Consumer) -> tuple[int, int]:
    """(paise, banked Wh) by the engine."""
    bank = {"": one.bank_wh} if one.bank_wh else {}
    if not one.change_day:
        found = rate(tariff_of(one, one.tariff), Quantities(**of_part(one, 0, DAYS, one.load_kw), bank_wh=bank),
                     partial=True)  # fmt: skip
        return found.total_paise, sum(found.bank_wh.values())
    cut = one.change_day
    before = Quantities(**of_part(one, 0, cut, one.load_kw), days=cut, bank_wh=bank)
    after = Quantities(**of_part(one, cut, DAYS, one.load_after or one.load_kw), days=DAYS - cut)
    parts = rate_parts(
        [Part(tariff_of(one, one.tariff), before), Part(tariff_of(one, one.tariff_after or one.tariff), after)],
        partial=True,
    )
    return parts.total_paise, sum(parts.parts[-1].bank_wh.values())


@pytest.mark.parametrize("seed", [1])
def test_bills_of_a_month_are_those_of_the_oracle(seed: int) -> None:
    everyone = consumers(seed, CONSUMERS)
    found = [rated(one) for one in everyone]
    expected = [bill(one) for one in everyone]
    wrong = [
        (one.tariff, one.change_day, one.net, Decimal(paise) / 100, own.total)
        for one, (paise, bank), own in zip(everyone, found, expected, strict=True)
        if (Decimal(paise) / 100, bank) != (own.total, own.bank_wh)
    ]
    assert wrong == []
    assert sum(one.net for one in everyone) == CONSUMERS // 10
    assert sum(own.bank_wh > 0 for own in expected) > 10
