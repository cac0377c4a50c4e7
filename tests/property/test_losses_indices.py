"""Indices are what their definitions say, computed by other means."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from agents.losses.indices.atc import account
from agents.losses.indices.formulas import FORMULAS, Formula
from agents.losses.indices.inputs import Inputs
from agents.losses.indices.reliability import RULES, Interruption, Kind, Rule, reliability
from tests.oracles.atc_oracle import by_customer, through_rate_loss

WH = st.integers(0, 10**14)
PAISE = st.integers(-(10**13), 10**13)
CLOSE = Fraction(1, 10**40)
"""The oracle computes with 80 digits."""


@given(
    st.sampled_from(FORMULAS), st.integers(1, 10**14), st.tuples(WH, WH, WH, WH), st.tuples(WH, WH),
    st.integers(1, 10**14), st.integers(1, 10**13), st.tuples(PAISE, PAISE, PAISE), st.tuples(PAISE, PAISE, PAISE),
)  # fmt: skip
def test_the_loss_is_that_of_the_through_rate(
    formula: Formula, net: int, parts: tuple[int, int, int, int], wheeled: tuple[int, int], delivered: int, billed: int,
    subsidy: tuple[int, int, int], debt: tuple[int, int, int],
) -> None:  # fmt: skip
    generated, used, traded, lost = parts
    # What is bought makes the net input; generation above it stands for itself.
    bought = net + used + traded + lost + wheeled[0]
    net += generated
    owed, received, arrears = subsidy
    inputs = Inputs(
        own_generation=generated, auxiliary=used, purchased=bought, traded=traded, transmission_losses=lost,
        wheeled_in=wheeled[0], sold=delivered + wheeled[1], wheeled_out=wheeled[1], revenue=billed, subsidy_booked=owed,
        subsidy_received=received, subsidy_arrears=arrears, opening_debtors=debt[0], closing_debtors=debt[1],
        written_off=debt[2],
    )  # fmt: skip
    found = account(inputs, formula)
    expected = through_rate_loss(
        generated=generated, used=used, bought=bought, traded=traded, lost=lost, wheeled=wheeled,
        sold=delivered + wheeled[1], billed=billed, owed=owed,
        received=received + (arrears if formula.code.startswith("mop") else 0), debt=debt,
        capped=formula.code.endswith("capped"),
    )  # fmt: skip
    assert found.loss is not None
    assert abs(found.loss - Fraction(expected)) <= CLOSE * max(1, abs(found.loss))
    realised, unrealised = found["J"].value, found["K"].value
    assert realised is not None
    assert unrealised is not None
    assert realised + unrealised == net


@given(st.data(), st.integers(1, 12), st.sampled_from(RULES))
def test_the_indices_are_those_of_customers_counted_one_by_one(data: st.DataObject, customers: int, rule: Rule) -> None:
    who = st.lists(st.integers(0, customers - 1), unique=True)
    drawn = data.draw(st.lists(st.tuples(who, st.integers(0, 700), st.sampled_from(Kind))))
    counted = [(people, secs) for people, secs, kind in drawn if kind in (Kind.FAULT, Kind.CONSUMER_FUSE)]
    found = reliability([Interruption(len(people), secs, kind) for people, secs, kind in drawn], customers, rule)
    expected = by_customer(counted, customers, 180 if rule.code == "sop-3-minutes" else 300)
    for got, wanted in zip((found.saifi, found.saidi_mins, found.caidi_mins, found.maifi), expected, strict=True):
        assert (got is None) == (wanted is None)
        if got is not None and wanted is not None:
            assert abs(got - Fraction(wanted)) <= CLOSE * max(1, got)
