"""AT&C: the published figures, what is unknown, what is negative, which nodes lose most."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from agents.losses.indices.atc import Account, account
from agents.losses.indices.formulas import BY_CODE, FORMULAS, Formula
from agents.losses.indices.inputs import QUANTITIES, Inputs
from agents.losses.indices.ranking import Placed, rankings

MOP, MOP_CAPPED = BY_CODE["mop-2023-07"], BY_CODE["mop-2023-07-capped"]
CEA, CEA_CAPPED = BY_CODE["cea-2016-17"], BY_CODE["cea-2016-17-capped"]
MU = 10**9
MILLION_RS = 10**8

GOLDEN = Inputs(
    own_generation=0,
    auxiliary=0,
    purchased=1200 * MU,
    traded=0,
    transmission_losses=0,
    wheeled_in=0,
    sold=1020 * MU,
    wheeled_out=0,
    revenue=7140 * MILLION_RS,
    subsidy_booked=900 * MILLION_RS,
    subsidy_received=850 * MILLION_RS,
    subsidy_arrears=0,
    opening_debtors=1500 * MILLION_RS,
    closing_debtors=1650 * MILLION_RS,
    written_off=0,
)


def percent(found: Account) -> str:
    assert found.loss is not None
    return f"{float(found.loss):.3f}"


def value(found: Account, letter: str) -> Fraction:
    held = found[letter].value
    assert held is not None
    return held


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: formula.code)
def test_the_golden_case_has_every_row_by_every_formula(formula: Formula) -> None:
    found = account(GOLDEN, formula)
    assert [row.row for row in found.rows] == list("ABCDEFGHIJKL")
    assert [value(found, letter) / MU for letter in "ABCD"] == [1200, 0, 1200, 1020]
    assert [value(found, letter) / MILLION_RS for letter in "EFGH"] == [7140, 7090, 1500, 1650]
    assert value(found, "I") == Fraction(6940, 7140)
    assert found.billing_efficiency.value == Fraction(85, 100)
    assert found.td_loss.value == 15
    assert [f"{float(value(found, letter) / MU):.2f}" for letter in "JK"] == ["991.43", "208.57"]
    assert percent(found) == "17.381"
    assert (found.subsidy_booked, found.subsidy_received) == (900 * MILLION_RS, 850 * MILLION_RS)
    assert found.missing == found.notes == ()


def test_more_subsidy_received_lowers_the_loss() -> None:
    found = account(replace(GOLDEN, subsidy_received=950 * MILLION_RS), MOP)
    assert value(found, "F") == 7190 * MILLION_RS
    assert f"{float(value(found, 'I')):.6f}" == "0.985994"
    assert percent(found) == "16.190"


def test_a_collection_efficiency_above_one_counts_whole_without_the_cap_and_as_one_with_it() -> None:
    inputs = replace(GOLDEN, subsidy_received=1200 * MILLION_RS)
    found, capped = account(inputs, MOP), account(inputs, MOP_CAPPED)
    assert f"{float(value(found, 'I')):.6f}" == f"{float(capped.uncapped.value or 0):.6f}" == "1.021008"
    assert (percent(found), percent(capped)) == ("13.214", "15.000")
    assert value(capped, "I") == 1
    assert "above 100 %" in found.notes[0]
    assert "counts as 100 %" in capped.notes[0]


def test_wheeled_units_are_taken_out_of_both_sides_and_falsify_the_loss_where_they_are_not() -> None:
    inputs = replace(
        GOLDEN, purchased=1300 * MU, sold=1120 * MU, wheeled_in=100 * MU, wheeled_out=100 * MU,
        subsidy_received=950 * MILLION_RS,
    )  # fmt: skip
    assert percent(account(inputs, MOP)) == "16.190"
    assert percent(account(inputs, replace(MOP, code="with-wheeling", include_wheeling=True))) == "15.053"


def test_arrears_of_subsidy_count_since_2023_and_did_not_before() -> None:
    inputs = replace(GOLDEN, subsidy_arrears=100 * MILLION_RS)
    found, before = account(inputs, MOP), account(inputs, CEA)
    assert (percent(found), percent(before)) == ("16.190", "17.381")
    assert (found.subsidy_received, before.subsidy_received) == (950 * MILLION_RS, 850 * MILLION_RS)
    assert account(replace(inputs, subsidy_arrears=None), CEA).missing == ()


def test_input_energy_is_put_together_of_its_parts() -> None:
    parts = replace(GOLDEN, own_generation=50 * MU, auxiliary=3 * MU, traded=40 * MU, transmission_losses=7 * MU)
    found = account(parts, MOP)
    assert [value(found, letter) / MU for letter in "ABC"] == [1207, 7, 1200]
    assert account(Inputs(net_input=5, wheeled_in=2), MOP)["C"].value == 3


def test_a_net_input_that_is_metered_needs_no_parts() -> None:
    none = dict.fromkeys(("own_generation", "auxiliary", "purchased", "traded", "transmission_losses"))
    found = account(replace(GOLDEN, net_input=1200 * MU, **none), MOP)
    assert percent(found) == "17.381"
    assert found["A"].value is None
    assert found["A"].why == "net input is given"
    assert found.missing == ()


LEANS = {
    "own_generation": "ACKL", "auxiliary": "ACKL", "purchased": "ACKL", "traded": "ACKL", "wheeled_in": "ACKL",
    "transmission_losses": "BCKL", "sold": "DJKL", "wheeled_out": "DJKL", "revenue": "EFIJKL",
    "subsidy_booked": "FIJKL", "subsidy_received": "FIJKL", "subsidy_arrears": "FIJKL",
    "opening_debtors": "GIJKL", "closing_debtors": "HIJKL", "written_off": "HIJKL",
}  # fmt: skip


@pytest.mark.parametrize("name", [quantity.name for quantity in QUANTITIES if quantity.name != "net_input"])
def test_what_is_missing_is_named_by_the_rows_that_lean_on_it_and_is_never_zero(name: str) -> None:
    found = account(replace(GOLDEN, **{name: None}), MOP)
    assert found.missing == (name,)
    assert "".join(row.row for row in found.rows if row.value is None) == LEANS[name]
    assert {row.missing for row in found.rows if row.value is None} == {(name,)}


def test_a_negative_loss_is_shown_and_not_clipped() -> None:
    for formula in FORMULAS:
        found = account(replace(GOLDEN, sold=1320 * MU, closing_debtors=1450 * MILLION_RS), formula)
        assert found.loss == (1 - Fraction(1320, 1200) * Fraction(7140, 7140)) * 100 == -10
        assert value(found, "K") == -120 * MU
        assert "more sold than put in" in found.notes[0]


def test_a_share_of_nothing_or_less_is_unknown_with_the_reason() -> None:
    for sold in (0, 5):
        found = account(replace(GOLDEN, purchased=0, sold=sold), MOP)
        assert found.loss is None
        assert found["L"].why == "net input energy (C) is not above zero"
        assert found["K"].value is not None
    found = account(replace(GOLDEN, revenue=0), MOP)
    assert [found[letter].value for letter in "IJKL"] == [None] * 4
    assert {found[letter].why for letter in "IJKL"} == {"revenue (E) is not above zero"}


def test_floats_and_impossible_signs_are_refused() -> None:
    with pytest.raises(TypeError, match=r"sold is 1\.5"):
        Inputs(sold=1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="purchased is -1"):
        Inputs(purchased=-1)
    assert Inputs(opening_debtors=-1).opening_debtors == -1


def test_a_net_input_that_its_parts_do_not_make_is_a_contradiction() -> None:
    assert replace(GOLDEN, net_input=1200 * MU).contradiction() is None
    assert "parts make" in (replace(GOLDEN, net_input=1200 * MU - 1).contradiction() or "")
    assert replace(GOLDEN, net_input=1, traded=None).contradiction() is None


def placed(node: str, sold: int | None, level: str = "feeder") -> Placed:
    return Placed(node, level, "2025-26", account(replace(GOLDEN, sold=None if sold is None else sold * MU), MOP))


def test_a_ranking_has_each_node_once_and_names_those_without_a_loss() -> None:
    nodes = [placed("b", 900), placed("a", 900), placed("c", 1300), placed("d", None), placed("e", 1000)]
    (found,) = rankings(nodes, 2)
    assert [item.node for item in found.highest] == ["a", "b"]
    assert [item.node for item in found.lowest] == ["c", "e"]
    assert found.unknown == ("d",)


def test_nodes_of_different_levels_are_not_compared() -> None:
    found = rankings([placed("a", 900), placed("b", 1000, "DT"), placed("c", 1010)], 5)
    assert [(item.level, [p.node for p in item.highest], [p.node for p in item.lowest]) for item in found] == [
        ("feeder", ["a"], ["c"]),
        ("DT", ["b"], []),
    ]


def test_by_units_a_great_node_with_a_small_share_comes_first() -> None:
    small = Placed("small", "", "1", account(replace(GOLDEN, purchased=2 * MU, sold=MU), MOP))
    great = Placed("great", "", "1", account(GOLDEN, MOP))
    assert [rankings([small, great], 1, by)[0].highest[0].node for by in ("percent", "units")] == ["small", "great"]
