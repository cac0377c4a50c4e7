"""Net metering: zones, bank, settlement; net billing, gross metering and groups."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from agents.rating.engine.catalogue import load
from agents.rating.engine.documents import parse
from agents.rating.engine.netting import set_off, share
from agents.rating.engine.quantities import Quantities
from agents.rating.engine.rate import rate
from pipeline.errors import ConfigError

ROOFTOP = load(str(Path(__file__).parents[5] / "examples" / "tariffs" / "rooftop.yaml"))
MONTH = Quantities(
    wh=300_000, zones_wh={"SOLAR": 80_000, "PEAK": 120_000, "OFFPEAK": 100_000}, load_w=3_000,
    export_wh=250_000, zones_export_wh={"SOLAR": 250_000},
)  # fmt: skip


def test_surplus_is_set_off_in_its_own_zone_then_off_peak_and_the_rest_is_banked() -> None:
    off = set_off(ROOFTOP, MONTH)
    # 170 units are left of solar hours: 100 go to off-peak, none to the peak, 70 into the bank.
    assert off.billed == {"SOLAR": 0, "PEAK": 120_000, "OFFPEAK": 0}
    assert off.bank == {"OFFPEAK": 70_000}
    bill = rate(ROOFTOP, MONTH)
    assert [(line.code, line.paise) for line in bill.lines] == [
        ("EC.1", 40000), ("EC.2", 14000), ("TOD.PEAK", 12000), ("FIXED", 15000),
    ]  # fmt: skip
    assert bill.bank_wh == {"OFFPEAK": 70_000}


def test_a_bank_is_used_in_the_next_month_and_paid_at_the_end_of_march() -> None:
    used = rate(ROOFTOP, Quantities(wh=50_000, zones_wh={"OFFPEAK": 50_000}, bank_wh={"OFFPEAK": 70_000}, load_w=0))
    assert (used.units_wh, used.bank_wh) == (0, {"OFFPEAK": 20_000})
    march = Quantities(wh=0, zones_wh={"OFFPEAK": 0}, bank_wh={"OFFPEAK": 20_000}, load_w=0,
                       begins=datetime.date(2027, 3, 1))  # fmt: skip
    settled = rate(ROOFTOP, march)
    assert settled.bank_wh == {}
    assert settled.total_paise == settled.paise_of("SETTLEMENT") == -20 * 290


def test_fixed_charges_are_due_when_nothing_is_left_to_bill() -> None:
    bill = rate(ROOFTOP, Quantities(wh=10_000, export_wh=40_000, load_w=2_000))
    assert (bill.units_wh, bill.total_paise, bill.bank_wh) == (0, 10000, {"": 30_000})


OTHER = """
version: 2
code: other
number: 5
name: other
valid_from: 2026-04-01
net_metering: {scheme: SCHEME}
charges:
  - {code: EC, kind: energy, rate: 6.00}
  - {code: EXPORT, kind: export, quantity: QUANTITY, rate: 2.25}
"""


@pytest.mark.parametrize(
    ("scheme", "quantity", "paise"),
    [("net_billing", "kwh_export", 300 * 600 - 250 * 225), ("gross_metering", "kwh_generation", 300 * 600 - 400 * 225)],
)
def test_net_billing_and_gross_metering_bill_the_whole_import_and_pay_by_the_unit(
    scheme: str, quantity: str, paise: int
) -> None:
    tariff = parse(OTHER.replace("SCHEME", scheme).replace("QUANTITY", quantity).encode(), "other.yaml")
    bill = rate(tariff, Quantities(wh=300_000, export_wh=250_000, generation_wh=400_000))
    assert bill.total_paise == paise


def test_a_groups_plant_is_shared_to_the_watt_hour() -> None:
    shared = share({"SOLAR": 100, "PEAK": 2}, {"a": 1, "b": 1, "c": 1})
    assert shared == {"a": {"SOLAR": 34, "PEAK": 1}, "b": {"SOLAR": 33, "PEAK": 1}, "c": {"SOLAR": 33, "PEAK": 0}}


@pytest.mark.parametrize("order", [("SOLAR", "PEAK", "OFFPEAK"), ("OFFPEAK", "PEAK", "SOLAR")])
def test_surplus_is_given_away_in_the_order_of_the_calendar_however_zones_are_given(order: tuple[str, ...]) -> None:
    scheme = ROOFTOP.net_metering
    assert scheme is not None
    own = ROOFTOP.model_copy(update={"net_metering": scheme.model_copy(update={"bank_as": None})})
    imported, exported = {"SOLAR": 0, "PEAK": 0, "OFFPEAK": 60}, {"SOLAR": 50, "PEAK": 40, "OFFPEAK": 0}
    given = Quantities(
        wh=60, zones_wh={zone: imported[zone] for zone in order}, export_wh=90,
        zones_export_wh={zone: exported[zone] for zone in order},
    )  # fmt: skip
    assert set_off(own, given).bank == {"PEAK": 30}


def test_zones_that_exceed_the_whole_are_refused() -> None:
    with pytest.raises(ConfigError, match="ZONES_SUM"):
        set_off(ROOFTOP, Quantities(wh=10, zones_wh={"PEAK": 11}))
