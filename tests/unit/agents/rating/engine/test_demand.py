"""Demand, power factor and load factor, computed by hand from the formulas."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from agents.rating.engine.catalogue import load
from agents.rating.engine.demand import factor_percent
from agents.rating.engine.format.charges import FactorCharge
from agents.rating.engine.load_revision import revised_load
from agents.rating.engine.quantities import Quantities
from agents.rating.engine.rate import rate

EXAMPLES = Path(__file__).parents[5] / "examples" / "tariffs"
HT = load(str(EXAMPLES / "ht-industry.yaml"))
MONTH = Quantities(
    wh=100_000_000, vah=104_000_000, days=30, load_va=300_000, md_window_va=320_000, adjustments={"FAC": (Decimal(0),)},
    zones_wh={"PEAK": 20_000_000, "SOLAR": 30_000_000, "NIGHT": 25_000_000, "REST": 25_000_000},
)  # fmt: skip


def test_a_high_tension_bill_is_what_the_formulas_say() -> None:
    bill = rate(HT, replace(MONTH, adjustments={"FAC": (Decimal(1),)}))
    # EC 720000, DEMAND 320 x 454, EXCESS 20 x 681, WHEELING 57000, FAC 100000: 1035900; power factor 0.962: -0.5 %.
    assert {line.code: line.paise for line in bill.lines} == {
        "EC": 72_000_000,
        "DEMAND": 14_528_000,
        "EXCESS": 1_362_000,
        "WHEELING": 5_700_000,
        "FAC": 10_000_000,
        "PF": -517_950,
        "TOD.PEAK": 2_880_000,
        "TOD.SOLAR": -4_320_000,
        "TOD.NIGHT": -625_000,
        "DUTY": 7_575_529,
        "ROUNDING": 21,
    }
    assert bill.billing_demand == 320
    assert bill.power_factor == Fraction(962, 1000)
    # 1035900 - 5179.50 - 20650 = 1010070.50; duty 75755.2875.
    assert bill.total_paise == 108_582_600


@pytest.mark.parametrize(
    ("recorded", "history", "billed"),
    [(100, (), 195), (100, (280,), 210), (100, (500,), 300), (310, (500,), 310), (100, (0,) * 11 + (280,), 195)],
)
def test_billing_demand_is_the_largest_of_its_rules(recorded: int, history: tuple[int, ...], billed: int) -> None:
    given = replace(MONTH, md_window_va=recorded * 1000, demand_history=tuple(value * 1000 for value in history))
    assert rate(HT, given).billing_demand == billed


def test_demand_within_the_tolerance_is_no_excess_and_whole_beyond_it() -> None:
    assert rate(HT, replace(MONTH, md_window_va=315_000)).paise_of("EXCESS") == 0
    assert rate(HT, replace(MONTH, md_window_va=316_000)).paise_of("EXCESS") == 16 * 68100


@pytest.mark.parametrize(
    ("units", "interruptions", "percent", "factor"),
    [
        (180_000, 0, "6.2475", "83.33"),
        (205_200, 0, "15", "95"),
        (180_000, 100, "10.74", "88.24"),  # 7.5 + 3.24
        (150_000, 0, "0", "69.44"),
    ],
)
def test_the_load_factor_earns_by_the_point_up_to_a_cap(
    units: int, interruptions: int, percent: str, factor: str
) -> None:
    given = replace(
        MONTH, wh=units * 1000, vah=units * 1000, md_window_va=300_000, interruption_hours=Fraction(interruptions),
        zones_wh={"REST": units * 1000},
    )  # fmt: skip
    bill = rate(HT, given)
    energy = Fraction(720 * units)
    assert bill.load_factor == Fraction(factor)
    assert bill.paise_of("LF") == -round(energy * Fraction(percent) / 100)


def test_no_load_factor_incentive_above_the_contract_demand() -> None:
    assert rate(HT, replace(MONTH, wh=205_200_000, vah=205_200_000, zones_wh={"REST": 0})).load_factor is None


KERALA = FactorCharge.model_validate(
    {
        "code": "PF", "kind": "power_factor", "of": ["EC"],
        "steps": [
            {"since": "0.95", "until": "1", "percent_per_point": "-0.5"},
            {"since": "0.95", "until": "0.90", "percent_per_point": "0.5"},
            {"since": "0.90", "until": "0", "percent_per_point": "1"},
        ],
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("value", "percent"),
    [("1", "-2.5"), ("0.97", "-1"), ("0.95", "0"), ("0.92", "1.5"), ("0.90", "2.5"), ("0.88", "4.5")],
)
def test_steps_of_power_factor_add_up_as_in_kerala(value: str, percent: str) -> None:
    assert factor_percent(KERALA, Fraction(value), Fraction(1, 100)) == Fraction(percent)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Quantities(wh=4_000, varh_lag=3_000), "0.8"),
        (Quantities(wh=4_000, varh_lag=0, varh_lead=3_000), "0.8"),
        (Quantities(wh=0, varh_lag=0), "1"),
        (Quantities(wh=1_000, power_factor=Fraction("0.9876")), "0.988"),
    ],
)
def test_power_factor_comes_from_reactive_energy_where_there_is_no_apparent(given: Quantities, expected: str) -> None:
    bill = rate(HT, replace(given, load_va=1, md_window_va=0, days=30, zones_wh={"REST": 0}))
    assert bill.power_factor == Fraction(expected)


def test_the_load_is_revised_to_the_lowest_of_three_months_above_it() -> None:
    assert revised_load(5_000, [4_000, 5_600, 5_200, 5_900, 4_800, 5_400]) == 5_200
    assert revised_load(5_000, [4_000, 5_600, 5_200, 4_800]) is None


def test_a_minimum_charge_fills_up_what_is_missing_and_arrears_grow_by_days() -> None:
    bill = rate(HT, replace(MONTH, wh=0, vah=0, power_factor=Fraction(1), md_window_va=0, zones_wh={"REST": 0},
                            arrears_paise=1_000_000, arrears_days=45))  # fmt: skip
    assert bill.paise_of("DEMAND") == 195 * 45400
    assert bill.paise_of("MINIMUM") == 300 * 30000 - 195 * 45400
    assert bill.paise_of("LPSC") == 18_750
