"""Stored months by another tariff."""

from __future__ import annotations

import datetime
from dataclasses import replace

from agents.rating.engine.adjustments import parse_adjustments
from agents.rating.engine.catalogue import find
from agents.rating.engine.format.charges import AdjustmentCharge
from agents.rating.engine.format.schemes import NetMetering
from agents.rating.engine.quantities import Quantities
from agents.rating.engine.shadow import Rerated, StoredMonth, band, bucket_names, grouped, rerate

KERALA, DELHI = find("kseb-lt1-2019"), find("delhi-domestic-2019")


def month(point: int, units: int, paise: int | None, start: int = 0, export: int = 0) -> StoredMonth:
    given = Quantities(wh=1000 * units, load_w=3000, phases=1, export_wh=1000 * export)
    return StoredMonth(1, point, start, "FINAL", "live", paise, given)


def test_a_month_is_compared_with_what_was_billed() -> None:
    (found,) = rerate([month(1, 250, 100_000)], KERALA, None)
    assert (found.before, found.after, found.delta) == (100_000, 128_250 + 8_000, 36_250)
    assert bucket_names()[found.bucket] == "+20 to +50 %"


def test_a_month_without_a_bill_is_compared_with_the_tariff_that_is_named() -> None:
    assert list(rerate([month(1, 250, None)], KERALA, None)) == []
    (found,) = rerate([month(1, 250, None)], KERALA, KERALA)
    assert found.before == found.after > 0


def test_a_bill_of_nothing_that_becomes_one_is_doubled() -> None:
    (found,) = rerate([month(1, 250, 0)], KERALA, None)
    assert grouped([found], "units")["up to 500 kWh"].buckets[-1] == 1


def test_what_a_month_banks_comes_into_the_next_of_the_same_point() -> None:
    tariff = KERALA.model_copy(update={"net_metering": NetMetering(scheme="net_metering")})
    months = [month(1, 100, 0, 0, export=150), month(2, 100, 0, 0), month(1, 100, 0, 31), month(2, 100, 0, 31)]
    found = [one.after for one in rerate(months, tariff, None)]
    assert found[0] == 3_500  # fixed charge
    assert found[1] == found[3]
    assert found[2] == 50 * 315 + 3_500  # 50 units of the bank are set off


def test_charges_that_cannot_be_rated_are_named() -> None:
    given = Quantities(wh=250_000)
    (found,) = rerate([StoredMonth(1, 1, 0, "FINAL", "live", 0, given)], DELHI, None)
    assert ("FIXED", "load_kw") in found.lacks


FAC = KERALA.model_copy(
    update={
        "charges": (*KERALA.charges, AdjustmentCharge(code="FAC", kind="adjustment", per="percent", of=("FIXED1",)))
    }
)
MAY = datetime.date(2026, 5, 1)


def test_a_monthly_value_that_has_not_landed_is_named_and_a_document_brings_it() -> None:
    stored = month(1, 250, 0)
    stored = replace(stored, given=replace(stored.given, begins=MAY))
    (found,) = rerate([stored], FAC, None)
    assert found.lacks == (("FAC", "value of the month"),)
    text = b"{version: 1, charge: FAC, months: {2026-05: {values: [10]}}}"
    (landed,) = rerate([stored], FAC, None, [parse_adjustments(text, "fac.yaml")])
    assert (landed.after - found.after, landed.lacks) == (800, ())
    (both,) = rerate([stored], KERALA, FAC)
    assert (both.before, both.lacks) == (found.after, (("FAC", "value of the month"),))


def test_a_difference_stands_in_the_histogram_where_its_exact_percentage_does() -> None:
    stored, names = month(1, 0, 0), bucket_names()
    more = 101 * 10**16
    for before, after, name in (
        (10**18 + 1, more + 1, "-1 to +1 %"), (10**18, more, "+1 to +5 %"), (-100, -150, "-50 to -20 %"),
        (0, -1, "below -50 %"), (0, 0, "-1 to +1 %"),
    ):  # fmt: skip
        assert (before, names[Rerated(stored, before, after).bucket]) == (before, name)


def test_sums_quantiles_and_buckets_of_a_class() -> None:
    found = list(rerate([month(point, 250, 100_000 + 10_000 * point) for point in range(1, 21)], KERALA, None))
    (group,) = grouped(found, "tariff").values()
    assert (group.months, group.before, group.after) == (20, 4_100_000, 20 * 136_250)
    assert group.more + group.less == 20
    assert [group.quantile(percent) for percent in (5, 50, 95)] == [-163_750, -73_750, 16_250]
    assert sum(group.buckets) == 20
    assert len(bucket_names()) == len(group.buckets)


def test_bands() -> None:
    assert [band(value, (1_000, 2_000), "kW") for value in (None, 0, 1_000, 1_001, 2_000, 2_001)] == [
        "not known", "up to 1 kW", "up to 1 kW", "up to 2 kW", "up to 2 kW", "above 2 kW",
    ]  # fmt: skip
