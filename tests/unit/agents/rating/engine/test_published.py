"""The published tariffs that are shipped: their golden values, to the paisa."""

from __future__ import annotations

import pytest

from agents.rating.engine.catalogue import FOLDER, find, load, shipped
from agents.rating.engine.lint import lint
from agents.rating.engine.quantities import Quantities
from agents.rating.engine.rate import rate
from pipeline.errors import ConfigError

ENERGY = {
    "msedcl-lt1b-2020": {90: 31140, 100: 34600, 250: 146050, 620: 530120},
    "delhi-domestic-2019": {150: 45000, 350: 127500, 900: 480000, 1300: 770000},
    "tangedco-lt1a-2024": {100: 0, 300: 96000, 450: 176250, 650: 342250, 1200: 937000},
    "kseb-lt1-2019": {120: 43850, 250: 128250, 251: 145580, 260: 150800, 301: 198660, 620: 489800},
}
PAID = {"tangedco-lt1a-2022": {200: 22500, 400: 112500, 500: 172500, 800: 455000, 900: 555000}}


def cases(table: dict[str, dict[int, int]]) -> list[tuple[str, int, int]]:
    return [(name, units, paise) for name, row in table.items() for units, paise in row.items()]


@pytest.mark.parametrize(("name", "units", "paise"), cases(ENERGY))
def test_published_energy_charges_are_met(name: str, units: int, paise: int) -> None:
    assert rate(find(name), Quantities(wh=units * 1000), partial=True).energy_paise == paise


@pytest.mark.parametrize(("name", "units", "paise"), cases(PAID))
def test_what_a_consumer_pays_after_both_subsidies_is_met(name: str, units: int, paise: int) -> None:
    assert rate(find(name), Quantities(wh=units * 1000)).total_paise == paise


def test_the_published_bill_of_250_units_is_met_line_by_line() -> None:
    bill = rate(find("msedcl-lt1b-2020"), Quantities(wh=250_000))
    assert [(line.code, line.paise) for line in bill.lines] == [
        ("EC.1", 34600), ("EC.2", 111450), ("WHEELING", 36250), ("FAC.1", 5000), ("FAC.2", 12600), ("FIXED", 10000),
        ("DUTY", 33584),
    ]  # fmt: skip
    assert bill.total_paise == 243484


def test_a_fraction_of_a_kilowatt_counts_as_a_whole_one_in_uttar_pradesh() -> None:
    bill = rate(find("uppcl-lmv1-urban-2022"), Quantities(wh=0, load_w=2_100))
    assert bill.paise_of("FIXED") == 33000


def test_a_load_known_in_kva_only_is_converted_where_the_tariff_says_how() -> None:
    bill = rate(find("uppcl-lmv1-urban-2022"), Quantities(wh=0, load_va=10_000))
    assert bill.paise_of("FIXED") == 9 * 11000


def test_karnataka_bills_the_nearest_rupee_and_the_state_pays_up_to_200_units() -> None:
    tariff = find("bescom-lt1-2025")
    applied = frozenset({"gruha_jyothi"})
    assert rate(tariff, Quantities(wh=200_000, load_w=2_000, flags=applied)).total_paise == 0
    above = rate(tariff, Quantities(wh=201_000, load_w=2_000, flags=applied))
    # 1165.80 + 72.36 + 290.00 + 104.92 = 1633.08
    assert (above.total_paise, above.rounding_paise) == (163300, -8)


def test_kvah_are_billed_where_the_tariff_says_so_and_load_decides_the_rate() -> None:
    tariff = find("delhi-nondomestic-2019")
    small = Quantities(wh=90_000, vah=100_000, load_va=3_000, load_w=3_000, md_va=2_500)
    large = Quantities(wh=90_000, vah=100_000, load_va=3_001, load_w=3_000, md_va=2_500)
    assert rate(tariff, small).energy_paise == 60000
    assert rate(tariff, large).energy_paise == 85000


def test_demand_above_the_load_costs_30_per_cent_more_fixed_charge() -> None:
    given = Quantities(
        wh=900_000, vah=1_000_000, load_va=20_000, load_w=18_000, md_va=25_000,
        zones_vah={"PEAK": 200_000, "OFFPEAK": 100_000, "NORMAL": 700_000},
    )  # fmt: skip
    bill = rate(find("delhi-industry-2019"), given)
    assert bill.paise_of("FIXED") == 500000
    assert bill.paise_of("EXCESS") == 5 * 75_00
    # 20 % of 7.75 is 1.55 a unit.
    assert bill.paise_of("TOD") == (200 - 100) * 155


def test_solar_hours_are_cheaper_under_the_order_that_was_set_aside() -> None:
    tariff = find("msedcl-lt1b-2025")
    assert tariff.status == "set_aside"
    bill = rate(tariff, Quantities(wh=250_000, zones_wh={"SOLAR": 100_000, "REST": 150_000}))
    assert bill.energy_paise == 57400 + 150 * 1257
    assert bill.paise_of("TOD") == -8000
    assert bill.notes == ("FAC is not known yet: its line comes with the revision",)


def test_a_charge_without_its_quantity_is_an_error_or_is_named() -> None:
    tariff = find("delhi-domestic-2019")
    with pytest.raises(ConfigError, match="FIXED needs load_kw"):
        rate(tariff, Quantities(wh=150_000))
    assert rate(tariff, Quantities(wh=150_000), partial=True).missing == (("FIXED", "load_kw"),)


def test_shipped_tariffs_have_no_fault_and_are_found_by_a_beginning() -> None:
    for path in FOLDER.glob("*.yaml"):
        assert [fault for fault in lint(path.read_bytes(), path.name)[1] if fault.level == "error"] == []
    assert {tariff.code for tariff in shipped().values()} == set(shipped())
    assert find("kseb").code == load("kseb-lt1-2019.yaml").code == "kseb-lt1-2019"
    with pytest.raises(ConfigError, match=r"2 tariffs fit.*msedcl-lt1b-2020, msedcl-lt1b-2025"):
        find("msedcl")
    with pytest.raises(ConfigError, match="TARIFF_FILE"):
        load("nowhere.yaml")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("kerala", "kseb-lt1-2019"),
        ("TN 2024", "tangedco-lt1a-2024"),
        ("msedcl-2020", "msedcl-lt1b-2020"),
        ("delhi domestic", "delhi-domestic-2019"),
        ("up urban", "uppcl-lmv1-urban-2022"),
    ],
)
def test_words_that_fit_one_tariff_find_it(said: str, code: str) -> None:
    assert find(said).code == code
