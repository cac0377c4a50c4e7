"""Periods that change in the middle, prepaid days, and monthly values that land later."""

from __future__ import annotations

import datetime
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from agents.rating.engine.adjustments import FppasInputs, parse_adjustments, recovered
from agents.rating.engine.catalogue import find, load
from agents.rating.engine.exact import rounded
from agents.rating.engine.intervals import Interval, cut, summed
from agents.rating.engine.prepaid import DayEnergy, deductions, post
from agents.rating.engine.quantities import Quantities
from agents.rating.engine.rate import rate
from agents.rating.engine.splits import Part, rate_parts, split_by_days
from pipeline.errors import ConfigError

EXAMPLES = Path(__file__).parents[5] / "examples" / "tariffs"
MSEDCL = find("msedcl-lt1b-2020")


def test_a_tariff_change_splits_units_by_days_and_slabs_with_them() -> None:
    first, second = split_by_days(Quantities(wh=300_000, days=30), [12, 18])
    assert (first.wh, second.wh) == (120_000, 180_000)
    bill = rate_parts(
        [Part(MSEDCL, first), Part(find("msedcl-lt1b-2025"), replace(second, zones_wh={"REST": 180_000}))]
    )
    # 12 days are 0.40 months: 40 units at 3.46, 80 at 7.43; 18 days 0.60: 60 at 5.74, 120 at 12.57.
    assert [part.energy_paise for part in bill.parts] == [40 * 346 + 80 * 743, 60 * 574 + 120 * 1257]
    assert [part.paise_of("FIXED") for part in bill.parts] == [4000, 7800]


def test_a_change_of_load_is_charged_by_days_and_rounded_once() -> None:
    tariff = find("bescom-lt1-2025")
    parts = split_by_days(Quantities(wh=100_000, days=30, load_w=2_000), [15, 15])
    bill = rate_parts([Part(tariff, parts[0]), Part(tariff, replace(parts[1], load_w=5_000))])
    assert [part.paise_of("FIXED") for part in bill.parts] == [14500, 36250]
    assert bill.total_paise % 100 == 0
    assert all("ROUNDING" not in {line.code for line in part.lines} for part in bill.parts)


def test_a_remainder_below_a_unit_is_carried_into_the_next_part() -> None:
    parts = split_by_days(Quantities(wh=101_000, days=30), [15, 15])
    bill = rate_parts([Part(MSEDCL, part) for part in parts])
    assert [part.units_wh for part in bill.parts] == [50_000, 51_000]


def test_no_part_is_refused_because_its_zones_were_rounded_up() -> None:
    exact = MSEDCL.model_copy(update={"step_wh": 1})
    whole = Quantities(wh=5, zones_wh={"A": 1, "B": 3}, export_wh=2, zones_export_wh={"A": 1, "B": 1}, days=2)
    first, second = split_by_days(whole, [1, 1])
    assert all(sum(part.zones_wh.values()) <= part.wh for part in (first, second))
    assert all(sum(part.zones_export_wh.values()) <= part.export_wh for part in (first, second))
    assert (first.wh + second.wh, first.export_wh + second.export_wh) == (5, 2)
    assert sum(bill.units_wh for bill in rate_parts([Part(exact, first), Part(exact, second)]).parts) == 5


def test_days_that_are_not_the_periods_are_refused() -> None:
    with pytest.raises(ConfigError, match="SPLIT_DAYS"):
        split_by_days(Quantities(wh=1, days=30), [10, 10])


def test_intervals_split_exactly_and_give_zones_and_demand_in_the_window() -> None:
    tariff = load(str(EXAMPLES / "ht-industry.yaml"))
    midnight = 1_775_000_000 // 86_400 * 86_400 - 19_800
    quarter = [
        Interval(midnight + 4 * 3600, 500, 600),  # 04:00, outside the window
        Interval(midnight + 12 * 3600, 300, 310),  # solar
        Interval(midnight + 86_400 + 19 * 3600, 250, 260),  # peak of the day after
    ]
    day = datetime.date(1970, 1, 1) + datetime.timedelta(days=(midnight + 19_800) // 86_400)
    assert [len(part) for part in cut(tariff, quarter, [day + datetime.timedelta(days=1)])] == [2, 1]
    found = summed(tariff, quarter)
    assert found["zones_wh"] == {"NIGHT": 500, "SOLAR": 300, "PEAK": 250}
    assert (found["wh"], found["vah"]) == (1050, 1170)
    assert (found["md_va"], found["md_window_va"]) == (2400, 1240)
    assert rate(tariff, Quantities(**found, days=30, load_va=2_000)).units_wh == 1000


def test_daily_deductions_sum_to_the_months_bill_and_warn_once() -> None:
    tariff = load(str(EXAMPLES / "rooftop.yaml"))
    known = Quantities(wh=0, load_w=3_000)
    days = [DayEnergy(5_000, {"PEAK": 2_000, "SOLAR": 1_500, "OFFPEAK": 1_500}) for _ in range(30)]
    charges = deductions(tariff, datetime.date(2026, 4, 1), days, known)
    whole = rate(
        tariff,
        replace(known, wh=150_000, zones_wh={"PEAK": 60_000, "SOLAR": 45_000, "OFFPEAK": 45_000}),
    )
    assert sum(charge.paise for charge in charges) == whole.total_paise == 100 * 400 + 50 * 700 + 6000 - 4500 + 15000
    # The first day: 5 x 4.00 + 2.00 - 1.50 + 150 / 30.
    assert charges[0].paise == 2550
    assert charges[29].paise == 4050
    postings = post(tariff, 30_000, charges)
    assert [posting.warnings for posting in postings if posting.warnings] == [(20000,), (10000,), (0,)]
    assert [posting.may_disconnect for posting in postings].index(True) == 13


def test_fppas_is_computed_and_recovered_in_part() -> None:
    inputs = FppasInputs.model_validate(
        {"a": "1000", "c": "0.40", "d": "400", "e": "300", "intrastate_loss": "4", "dl": "12", "abr": "7.0"}
    )
    assert inputs.z() == Fraction("9.6")
    assert rounded(inputs.percent(), 3) == Fraction("8.455")
    assert rounded(recovered(inputs.percent()), 3) == Fraction("8.110")
    assert recovered(Fraction(5)) == 5


def test_a_monthly_value_lands_two_months_later_and_brings_its_line() -> None:
    document = parse_adjustments((EXAMPLES / "fppas.yaml").read_bytes(), "fppas.yaml")
    tariff, june = find("delhi-domestic-2019"), datetime.date(2026, 6, 1)
    assert document.values_of(tariff.code, june) == (Decimal("8.11"),)
    assert document.costs_of(june) == datetime.date(2026, 4, 1)
    assert document.values_of(tariff.code, datetime.date(2026, 8, 1)) == ()
    assert document.values_of("bescom-lt1-2025", june) == ()
    before = Quantities(wh=100_000, load_w=1_000, begins=june)
    provisional = rate(tariff, before)
    assert provisional.notes == ("PPAC of 2026-06 is not known yet: its line comes with the revision",)
    landed = rate(tariff, replace(before, adjustments={"PPAC": document.values_of(tariff.code, june)}))
    assert landed.total_paise - provisional.total_paise == landed.paise_of("PPAC") == 2595


def test_a_document_with_a_fault_is_refused_with_its_place() -> None:
    text = (EXAMPLES / "fppas.yaml").read_bytes().replace(b"2026-07:", b"2026-13:")
    with pytest.raises(ConfigError, match="months"):
        parse_adjustments(text, "fppas.yaml")
    with pytest.raises(ConfigError, match="either values or fppas"):
        parse_adjustments(b"version: 1\ncharge: FAC\nmonths: {2026-01: {}}\n", "x.yaml")
