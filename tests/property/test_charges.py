"""Bills of any tariff: the kernel against the same sums in Decimal."""

from __future__ import annotations

import datetime
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agents.rating.charges import compile_tariffs, rate, rate_periods
from agents.rating.tariff import EnergyCharge, FixedCharge, PercentCharge, Slab, SlabCharge, Tariff

PAISA = Decimal("0.01")

rates = st.decimals(min_value=Decimal("0"), max_value=Decimal("99.99999"), places=5)


@st.composite
def slab_charges(draw: st.DrawFn, code: str) -> SlabCharge:
    bounds = sorted(draw(st.sets(st.integers(1, 2000), max_size=4)))
    prices = draw(st.lists(rates, min_size=len(bounds) + 1, max_size=len(bounds) + 1))
    first_all = draw(st.integers(0, len(prices)))
    slabs = tuple(
        Slab(to=bound, rate=price, all_units=place >= first_all)
        for place, (bound, price) in enumerate(zip([*bounds, None], prices, strict=True))
    )
    return SlabCharge(code=code, kind="slabs", slabs=slabs)


@st.composite
def tariffs(draw: st.DrawFn, number: int = 1) -> Tariff:
    charges = [
        draw(slab_charges("EC")),
        EnergyCharge(code="WHEEL", kind="energy", rate=draw(rates)),
        FixedCharge(code="FIX", kind="fixed", rate=draw(rates)),
        PercentCharge(code="TAX", kind="percent", of=("EC", "FIX"), rate=draw(rates)),
        EnergyCharge(code="REBATE", kind="energy", rate=-draw(rates)),
        PercentCharge(code="CESS", kind="percent", of=("TAX", "REBATE"), rate=draw(rates)),
    ]
    return Tariff(
        version=1, code=f"t{number}", number=number, name="t", valid_from=datetime.date(2020, 1, 1),
        step_wh=draw(st.sampled_from((1, 1000))), charges=tuple(charges),
    )  # fmt: skip


def rounded(amount: Decimal) -> Decimal:
    return amount.quantize(PAISA, ROUND_HALF_UP)


def oracle(tariff: Tariff, wh: int, months: Decimal) -> Decimal:
    """The bill in rupees."""
    units = Decimal(wh - wh % tariff.step_wh) / 1000
    amounts: dict[str, Decimal] = {}
    for charge in tariff.charges:
        match charge:
            case SlabCharge():
                amounts[charge.code] = slab_amount(charge, units, months)
            case EnergyCharge():
                amounts[charge.code] = rounded(units * charge.rate)
            case FixedCharge():
                amounts[charge.code] = rounded(months * charge.rate)
            case PercentCharge():
                amounts[charge.code] = rounded(sum(amounts[code] for code in charge.of) * charge.rate / 100)
    return sum(amounts.values(), Decimal(0))


def slab_amount(charge: SlabCharge, units: Decimal, months: Decimal) -> Decimal:
    bounds = [Decimal(slab.to) * months if slab.to is not None else Decimal("Infinity") for slab in charge.slabs]
    reached = next(place for place, bound in enumerate(bounds) if units <= bound)
    if charge.slabs[reached].all_units:
        return rounded(units * charge.slabs[reached].rate)
    amount, below = Decimal(0), Decimal(0)
    for slab, bound in zip(charge.slabs, bounds, strict=True):
        amount += rounded(max(Decimal(0), min(units, bound) - below) * slab.rate)
        below = bound
    return amount


@given(tariffs(), st.integers(0, 5_000_000), st.one_of(st.none(), st.integers(1, 400)))
def test_a_bill_is_exact_to_the_paisa(tariff: Tariff, wh: int, days: int | None) -> None:
    months = Decimal(1) if days is None else rounded(Decimal(days) / tariff.month_days)
    assert rate(tariff, wh, days).total_paise == oracle(tariff, wh, months) * 100


@given(st.lists(tariffs(), min_size=1, max_size=3), st.lists(st.integers(0, 10**12), min_size=1, max_size=8))
def test_many_periods_at_once_are_rated_as_each_alone(book: list[Tariff], whs: list[int]) -> None:
    tariffs_ = tuple(tariff.model_copy(update={"number": place}) for place, tariff in enumerate(book, 1))
    compiled = compile_tariffs(tariffs_)
    version = np.array([place % (len(book) + 1) - 1 for place in range(len(whs))], np.int32)
    units = np.array(
        [wh - wh % tariffs_[row].step_wh if row >= 0 else wh for wh, row in zip(whs, version, strict=True)], np.int64
    )
    base = np.full((len(whs), compiled.widest), 99, np.int64)
    paise, total = base.copy(), np.full(len(whs), 99, np.int64)
    rate_periods(units, np.full(len(whs), 100), version, compiled.versions, compiled.lines, base, paise, total)
    for wh, row, amount in zip(whs, version.tolist(), total.tolist(), strict=True):
        assert amount == (rate(tariffs_[row], wh).total_paise if row >= 0 else 0)


@given(st.integers(0, 3_000_000), st.integers(0, 3_000_000), rates)
def test_more_energy_never_costs_less_where_slabs_are_telescopic(one: int, other: int, price: Decimal) -> None:
    slabs = (Slab(to=100, rate=price), Slab(to=500, rate=price + 1), Slab(rate=price + 2))
    tariff = Tariff(
        version=1, code="t", number=1, name="t", valid_from=datetime.date(2020, 1, 1),
        charges=(SlabCharge(code="EC", kind="slabs", slabs=slabs),),
    )  # fmt: skip
    low, high = sorted((one, other))
    assert rate(tariff, low).total_paise <= rate(tariff, high).total_paise
