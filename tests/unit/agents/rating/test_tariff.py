"""The shipped tariff, to the paisa, and what a tariff file may not say."""

from __future__ import annotations

import pytest

from agents.rating.charges import rate
from agents.rating.tariff import InForce, parse_tariff, shipped_tariff, tariffs_in_force
from pipeline.errors import ConfigError

MSEDCL = shipped_tariff("msedcl-lt1b-2020")

KERALA = b"""
version: 1
code: kseb-lt1-2019
number: 7
name: domestic
valid_from: 2019-07-08
charges:
  - code: EC
    kind: slabs
    slabs:
      - {to: 50, rate: 3.15}
      - {to: 100, rate: 3.70}
      - {to: 150, rate: 4.80}
      - {to: 200, rate: 6.40}
      - {to: 250, rate: 7.60}
      - {to: 300, rate: 5.80, all_units: true}
      - {to: 350, rate: 6.60, all_units: true}
      - {to: 400, rate: 6.90, all_units: true}
      - {to: 500, rate: 7.10, all_units: true}
      - {rate: 7.90, all_units: true}
"""


@pytest.mark.parametrize(("units", "paise"), [(0, 0), (90, 31140), (100, 34600), (250, 146050), (620, 530120)])
def test_the_published_energy_charges_of_msedcl_are_met(units: int, paise: int) -> None:
    assert rate(MSEDCL, units * 1000).paise_of("EC") == paise


def test_the_published_bill_of_250_units_is_met_line_by_line() -> None:
    bill = rate(MSEDCL, 250_000)
    assert [(line.code, line.paise) for line in bill.lines] == [
        ("EC.1", 34600), ("EC.2", 111450), ("WHEELING", 36250), ("FAC.1", 5000), ("FAC.2", 12600), ("FIXED", 10000),
        ("DUTY", 33584),
    ]  # fmt: skip
    assert bill.total_paise == 243484


def test_two_meters_of_150_units_cost_more_together_than_apart() -> None:
    together, apart = rate(MSEDCL, 300_000), rate(MSEDCL, 150_000)
    assert together.paise_of("EC") == 183200
    assert 2 * apart.paise_of("EC") == 143500


def test_31_days_are_1_03_months_so_the_first_slab_holds_103_units() -> None:
    bill = rate(MSEDCL, 250_000, days=31)
    assert {line.code: int(line.base) for line in bill.lines if line.code.startswith("EC")} == {
        "EC.1": 103_000,
        "EC.2": 147_000,
    }
    assert bill.paise_of("FIXED") == 10300


def test_a_part_of_a_unit_is_not_billed() -> None:
    assert rate(MSEDCL, 100_999).total_paise == rate(MSEDCL, 100_000).total_paise


@pytest.mark.parametrize(
    ("units", "paise"), [(120, 43850), (250, 128250), (251, 145580), (260, 150800), (301, 198660), (620, 489800)]
)
def test_slabs_for_all_units_make_the_cliff_of_kerala(units: int, paise: int) -> None:
    assert rate(parse_tariff(KERALA, "kerala.yaml"), units * 1000).paise_of("EC") == paise


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((b"rate: 3.15", b"rate: 3.1500001"), "decimal places"),
        ((b"to: 100", b"to: 40"), "must rise"),
        ((b"{rate: 7.90", b"{to: 900, rate: 7.90"), "no upper bound"),
        ((b"number: 7", b"number: 7\ncolour: red"), "colour"),
        ((b"name: domestic", b"name: domestic\nzones: [{code: A, windows: ['00:00-12:00']}]"), "exactly once"),
        ((b"name: domestic", b"name: domestic\nzones: [{code: A, windows: ['00:00-12:10']}]"), "quarter hours"),
        ((b"valid_from: 2019-07-08", b"valid_from: soon"), "valid_from"),
    ],
)
def test_a_faulty_tariff_is_refused_with_the_place_of_the_fault(change: tuple[bytes, bytes], said: str) -> None:
    assert change[0] in KERALA
    with pytest.raises(ConfigError, match=said) as caught:
        parse_tariff(KERALA.replace(*change), "kerala.yaml")
    assert caught.value.where == "kerala.yaml"


def test_a_percentage_may_only_be_taken_of_charges_above_it() -> None:
    text = KERALA + b"  - {code: TAX, kind: percent, of: [FIXED], rate: 10}\n  - {code: FIXED, kind: fixed, rate: 5}\n"
    with pytest.raises(ConfigError, match="TAX"):
        parse_tariff(text, "kerala.yaml")


def test_a_document_takes_the_place_of_the_shipped_tariff_of_its_number() -> None:
    text = KERALA.replace(b"number: 7", b"number: 1")
    chosen = tariffs_in_force((InForce(MSEDCL),), {"tariffs/kerala.yaml": text, "rules/x.yaml": b"not read"})
    assert [tariff.rated.code for tariff in chosen] == ["kseb-lt1-2019"]
    with pytest.raises(ConfigError, match="TARIFF_TWICE"):
        tariffs_in_force((), {"tariffs/a.yaml": text, "tariffs/b.yaml": text})


def test_a_version_2_file_of_the_common_subset_goes_into_the_stream_and_another_says_what_it_lacks() -> None:
    text = KERALA.replace(b"version: 1", b"version: 2")
    assert parse_tariff(text, "kerala.yaml") == parse_tariff(KERALA, "kerala.yaml")
    more = text + b"  - {code: FIXED, kind: fixed, per: kw, rate: 40}\n  - {code: FAC, kind: adjustment, per: unit}\n"
    with pytest.raises(ConfigError, match=r"TARIFF_STREAM.*FIXED \(by kw\); FAC \(kind adjustment\)"):
        parse_tariff(more, "kerala.yaml")
    (found,) = tariffs_in_force((), {"tariffs/kerala.yaml": more})
    assert (found.rated.code, found.rated.charges) == ("kseb-lt1-2019", ())
    assert found.whole is not None
    assert [charge.code for charge in found.whole.charges][-2:] == ["FIXED", "FAC"]


@pytest.mark.parametrize("status", ["draft", "set_aside"])
def test_a_draft_does_not_take_the_place_of_the_live_tariff(status: str) -> None:
    live = KERALA.replace(b"number: 7", b"number: 77")
    draft = live.replace(b"version: 1", b"version: 2").replace(b"2019-07-08", b"2026-01-01")
    draft = draft.replace(b"name: domestic", b"name: domestic\nstatus: " + status.encode())
    with pytest.raises(ConfigError, match=status.replace("_", ".")) as caught:
        tariffs_in_force((), {"tariffs/live.yaml": live, "tariffs/next.yaml": draft})
    assert (caught.value.code, caught.value.where) == ("TARIFF_STATUS", "tariffs/next.yaml")
    ended = draft.replace(b"status: " + status.encode(), b"status: ended")
    assert len(tariffs_in_force((), {"tariffs/live.yaml": live, "tariffs/next.yaml": ended})) == 2
