"""The reference engine against the oracle of the published tables, and against the streaming stage's kernel."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.rating import charges
from agents.rating.engine.catalogue import find
from agents.rating.engine.exact import exact_text
from agents.rating.engine.quantities import Quantities
from agents.rating.engine.rate import rate
from agents.rating.engine.upgrade import upgraded
from agents.rating.tariff import Tariff
from tests.oracles.bills_oracle import BILLS
from tests.property.test_charges import tariffs

PUBLISHED = st.sampled_from(sorted(BILLS))


def paid(name: str, units: int, load: int) -> tuple[Decimal, Decimal]:
    given_ = Quantities(wh=units * 1000, load_w=load * 1000, phases=1)
    bill = rate(find(name), given_)
    return Decimal(bill.energy_paise) / 100, Decimal(bill.total_paise) / 100


@pytest.mark.parametrize("name", sorted(BILLS))
@pytest.mark.parametrize("units", [0, 1, 50, 51, 100, 101, 150, 200, 201, 250, 251, 300, 301, 400, 401, 500, 501, 1201])
def test_the_engine_agrees_with_the_oracle_at_every_bound(name: str, units: int) -> None:
    assert paid(name, units, 3) == BILLS[name](units, 3)


@given(PUBLISHED, st.integers(0, 1500), st.integers(1, 30))
def test_the_engine_agrees_with_the_oracle(name: str, units: int, load: int) -> None:
    assert paid(name, units, load) == BILLS[name](units, load)


@settings(max_examples=60)
@given(tariffs(), st.integers(0, 5_000_000), st.one_of(st.none(), st.integers(1, 400)))
def test_a_version_1_tariff_gives_the_lines_of_the_kernel(tariff: Tariff, wh: int, days: int | None) -> None:
    expected = charges.rate(tariff, wh, days)
    found = rate(upgraded(tariff), Quantities(wh=wh, days=days))
    assert found.units_wh == expected.units_wh
    assert [(line.code, line.base, line.paise) for line in found.lines] == [
        (line.code, Fraction(line.base) / (1000 if line.base_unit == "Wh" else 1), line.paise)
        for line in expected.lines
    ]


@given(st.sampled_from(["msedcl-lt1b-2020", "delhi-domestic-2019", "uppcl-lmv1-urban-2022"]), st.integers(0, 3_000_000))
def test_more_energy_never_costs_less_where_slabs_are_telescopic(name: str, wh: int) -> None:
    one, more = (rate(find(name), Quantities(wh=value, load_w=2_000)).total_paise for value in (wh, wh + 1_000))
    assert one <= more


@given(st.fractions())
def test_exact_text_is_exact_or_has_six_places(value: Fraction) -> None:
    text = exact_text(value)
    assert abs(Fraction(text) - value) <= Fraction(1, 2_000_000)
    assert "e" not in text.lower()
