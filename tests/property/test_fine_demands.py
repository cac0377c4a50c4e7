"""Billing and excess demand of many determinants against exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.rating.engine.exact import half_away
from agents.rating.engine.format.tariff import Tariff
from agents.rating.fine_tariffs import FineTariffs, demands, fine_tariffs
from pipeline.errors import ConfigError

ONE = np.zeros(1, np.int64)


def tariff(power_factor: str | None, **rule: object) -> Tariff:
    return Tariff.model_validate({
        "version": 2, "code": "t", "number": 1, "name": "t", "valid_from": "2020-01-01",
        "load_power_factor": power_factor, "billing_demand": rule,
        "charges": [{"code": "DC", "kind": "demand", "rate": 1}],
    })  # fmt: skip


def book(*tariffs: Tariff | None) -> FineTariffs:
    found = fine_tariffs(tariffs, ONE, ONE, ONE + len(tariffs) - 1)
    assert found is not None
    return found


def expected(one: Tariff | None, recorded: int, sanctioned: int) -> tuple[int, int]:
    rule = None if one is None else one.billing_demand
    if one is None or rule is None or recorded < 0 or sanctioned <= 0:
        return -1, -1
    contract = Fraction(sanctioned)
    if rule.unit == "kva":
        if one.load_power_factor is None:
            return -1, -1
        contract /= Fraction(one.load_power_factor)
    excess = max(0, int(recorded - contract))
    if rule.history_percent is not None:
        return -1, excess
    found = max(Fraction(recorded), contract * Fraction(rule.contract_percent or 0) / 100)
    if rule.rounding == "half_up":
        found = Fraction(1000 * half_away(found / 1000))
    elif rule.rounding == "up":
        found = Fraction(1000 * math.ceil(found / 1000))
    return int(found), excess


SHARES = st.one_of(st.none(), st.decimals("0.1", 100, places=2).map(str))
RULES = st.fixed_dictionaries({
    "unit": st.sampled_from(["kw", "kva"]), "contract_percent": SHARES,
    "history_percent": st.one_of(st.none(), st.none(), SHARES), "rounding": st.sampled_from(["none", "half_up", "up"]),
})  # fmt: skip
WATTS = st.one_of(st.integers(-1, 40_000), st.integers(0, 20).map(lambda half: 500 * half), st.integers(0, 2**32 - 1))


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(st.sampled_from([None, "0.9", "0.875", "0.0001", "1"]), RULES), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 3), WATTS, st.one_of(st.just(0), WATTS.filter(lambda watt: watt >= 0))),
             min_size=1, max_size=8),
)  # fmt: skip
def test_demands_of_many_determinants_are_those_of_exact_fractions(
    rules: list[tuple[str | None, dict[str, object]]], rows: list[tuple[int, int, int]]
) -> None:
    tariffs = [*(tariff(factor, **rule) for factor, rule in rules), None]
    version = [min(place, len(tariffs) - 1) for place, _, _ in rows]
    columns = (np.array(version), *(np.array([row[place] for row in rows], np.int64) for place in (1, 2)))
    wanted = [
        expected(tariffs[place], recorded, load) for place, (_, recorded, load) in zip(version, rows, strict=True)
    ]
    assert [tuple(pair) for pair in demands(book(*tariffs), *columns).tolist()] == wanted


def test_shares_that_no_product_has_room_for_are_refused() -> None:
    with pytest.raises(ConfigError, match="TARIFF_DEMAND"):
        book(tariff("0.912345678", unit="kva", contract_percent="85.1234567"))
