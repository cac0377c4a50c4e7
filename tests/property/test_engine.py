"""The reference engine against the oracle of the published tables, and against the streaming stage's kernel."""

from __future__ import annotations

import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agents.rating import charges
from agents.rating.engine.bulk import downgraded
from agents.rating.engine.catalogue import find, load
from agents.rating.engine.documents import parse
from agents.rating.engine.exact import exact_text
from agents.rating.engine.netting import set_off, share
from agents.rating.engine.prepaid import DayEnergy, deductions
from agents.rating.engine.quantities import Quantities
from agents.rating.engine.rate import rate
from agents.rating.engine.splits import Part, rate_parts, split_by_days
from agents.rating.engine.upgrade import upgraded
from agents.rating.tariff import Tariff
from tests.oracles.bills_oracle import BILLS
from tests.oracles.demand_oracle import high_tension, rooftop
from tests.property.test_charges import tariffs

EXAMPLES = Path(__file__).parents[2] / "examples" / "tariffs"
ROOFTOP, HT = load(str(EXAMPLES / "rooftop.yaml")), load(str(EXAMPLES / "ht-industry.yaml"))
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


ENERGY = st.integers(0, 400_000)
ZONES = st.dictionaries(st.sampled_from(["SOLAR", "PEAK", "OFFPEAK"]), ENERGY, min_size=1)


@given(ZONES, ZONES, ZONES)
def test_set_off_neither_makes_nor_loses_energy(
    imported: dict[str, int], exported: dict[str, int], bank: dict[str, int]
) -> None:
    total, out = sum(imported.values()), sum(exported.values())
    given_ = Quantities(wh=total, zones_wh=imported, export_wh=out, zones_export_wh=exported, bank_wh=bank)
    off = set_off(ROOFTOP, given_)
    assert total + sum(off.bank.values()) == off.total + out + sum(bank.values())
    assert min(off.billed.values(), default=0) >= 0
    assert off.total == sum(off.billed.values())
    # A zone is never billed more than it took.
    assert all(energy <= imported.get(zone, 0) for zone, energy in off.billed.items())


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 100), min_size=1),
    st.dictionaries(st.sampled_from("xy"), ENERGY),
)
def test_shares_of_a_group_sum_to_the_pool(parts: dict[str, int], pool: dict[str, int]) -> None:
    assume(sum(parts.values()) > 0)
    shared = share(pool, parts)
    assert {zone: sum(member[zone] for member in shared.values()) for zone in pool} == pool


SPLITS = st.lists(st.integers(1, 40), min_size=1, max_size=5)


@given(st.integers(0, 10**7), SPLITS, ZONES)
def test_energies_of_parts_sum_to_the_whole_over_any_split(wh: int, days: list[int], zones: dict[str, int]) -> None:
    parts = split_by_days(Quantities(wh=wh + sum(zones.values()), zones_wh=zones, days=sum(days)), days)
    assert sum(part.wh for part in parts) == wh + sum(zones.values())
    assert {zone: sum(part.zones_wh[zone] for part in parts) for zone in zones} == zones
    assert [part.days for part in parts] == days
    assert all(sum(part.zones_wh.values()) <= part.wh + len(zones) for part in parts)


LINEAR = parse(
    b"version: 2\ncode: l\nnumber: 1\nname: l\nvalid_from: 2026-01-01\nstep_wh: 1\nmonth_digits: null\n"
    b"charges:\n  - {code: EC, kind: energy, rate: 7.31}\n  - {code: FIXED, kind: fixed, rate: 113.37}\n",
    "linear.yaml",
)


@given(st.integers(0, 10**7), SPLITS)
def test_lines_that_are_linear_sum_to_the_whole_within_half_a_paisa_a_part(wh: int, days: list[int]) -> None:
    whole = Quantities(wh=wh, days=sum(days))
    parts = rate_parts([Part(LINEAR, part) for part in split_by_days(whole, days)])
    bill = rate(LINEAR, whole)
    for code in ("EC", "FIXED"):
        difference = sum(part.paise_of(code) for part in parts.parts) - bill.paise_of(code)
        assert abs(difference) <= Fraction(len(days) + 1, 2)


@settings(max_examples=25)
@given(st.sampled_from(sorted(BILLS)), st.lists(st.integers(0, 90_000), min_size=30, max_size=30))
def test_prepaid_days_sum_to_the_bill_of_the_month_to_the_paisa(name: str, days: list[int]) -> None:
    tariff = find(name).model_copy(update={"rounding": "paisa"})
    known = Quantities(wh=0, load_w=2_000, phases=1)
    charges_ = deductions(tariff, datetime.date(2026, 4, 1), [DayEnergy(wh) for wh in days], known)
    month = Quantities(wh=sum(days), load_w=2_000, phases=1, slab_months=Fraction(1), fixed_months=Fraction(1))
    assert sum(charge.paise for charge in charges_) == rate(tariff, month).total_paise
    assert charges_[-1].to_date_paise == rate(tariff, month).total_paise


@settings(max_examples=40)
@given(tariffs(), st.integers(0, 3_000_000))
def test_what_the_kernel_can_rate_is_the_same_in_both_versions(tariff: Tariff, wh: int) -> None:
    newer = upgraded(tariff)
    assert downgraded(newer, "x") == tariff.model_copy(update={"zones": ()})
    assert charges.rate(downgraded(newer, "x"), wh).total_paise == rate(newer, Quantities(wh=wh)).total_paise


KWH = st.integers(0, 300_000)
ZONE_KWH = st.dictionaries(st.sampled_from(["SOLAR", "PEAK", "OFFPEAK"]), st.integers(0, 400), min_size=1)


@given(
    st.fixed_dictionaries(dict.fromkeys(("PEAK", "SOLAR", "NIGHT", "REST"), KWH)),
    st.integers(0, 60_000),
    st.integers(1, 600),
    st.integers(0, 700),
    st.lists(st.integers(0, 700), max_size=12),
    st.sampled_from(["0", "0.35", "-0.17"]),
)
def test_a_high_tension_bill_agrees_with_the_oracle(
    zones: dict[str, int], more: int, contract: int, recorded: int, history: list[int], fac: str
) -> None:
    kwh = sum(zones.values())
    kvah = kwh + more + 1
    given_ = Quantities(
        wh=kwh * 1000, vah=kvah * 1000, days=30, load_va=contract * 1000, md_window_va=recorded * 1000,
        demand_history=tuple(value * 1000 for value in history), adjustments={"FAC": (Decimal(fac),)},
        zones_wh={zone: value * 1000 for zone, value in zones.items()},
    )  # fmt: skip
    expected = high_tension(kwh, kvah, contract, recorded, history, zones, fac)
    assert Decimal(rate(HT, given_).total_paise) / 100 == expected


@given(ZONE_KWH, ZONE_KWH, ZONE_KWH, st.integers(1, 10))
def test_a_net_metered_bill_agrees_with_the_oracle(
    imported: dict[str, int], exported: dict[str, int], bank: dict[str, int], kilowatt: int
) -> None:
    def milli(units: dict[str, int]) -> dict[str, int]:
        return {zone: value * 1000 for zone, value in units.items()}

    given_ = Quantities(
        wh=sum(imported.values()) * 1000, zones_wh=milli(imported), export_wh=sum(exported.values()) * 1000,
        zones_export_wh=milli(exported), bank_wh=milli(bank), load_w=kilowatt * 1000,
    )  # fmt: skip
    bill = rate(ROOFTOP, given_)
    total, banked = rooftop(imported, exported, bank, kilowatt)
    assert (Decimal(bill.total_paise) / 100, sum(bill.bank_wh.values())) == (total, banked * 1000)
