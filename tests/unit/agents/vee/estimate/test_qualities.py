"""The table of methods, and quality codes of other systems, out and in."""

from __future__ import annotations

import pytest

from agents.vee.estimate import Order
from agents.vee.estimate.errors import SHIPPED
from agents.vee.estimate.masks import TRIED
from agents.vee.estimate.methods import BY_METHOD, TABLE
from agents.vee.estimate.order import STEPS
from agents.vee.estimate.qualities import ESPI_IN, espi_in, espi_out, ies_in, ies_out, nem12_in, nem12_out
from agents.vee.estimate.work import ESTIMATES, NAMES_DAYS, WHOLE_GAP
from connectors.readings_in.qualities import class_of
from pipeline.codes import Method, Quality

SAID = {
    Quality.ACTUAL: "actual",
    Quality.ESTIMATED: "estimated",
    Quality.MANUAL: "edited",
    Quality.SUSPECT: "suspect",
    Quality.MISSING: "missing",
    Quality.DERIVED: "actual",
}
"""What the readers of head-ends' files call the same."""


def test_every_method_has_one_row() -> None:
    assert sorted(row.method for row in TABLE) == sorted(set(Method) - {Method.NONE})
    ids = [row.id for row in TABLE if row.id]
    assert ids == [f"E{number:02d}" for number in range(1, 19)]
    assert len({row.ies for row in TABLE}) == len(TABLE)


def test_the_default_order_is_that_of_the_design() -> None:
    ids = [BY_METHOD[step.method].id for step in STEPS]
    assert ids == ["E15", "E01", "E02", "E03", "E04", "E05", "E12", "E11", "E09", "E10", "E08", ""]
    assert [BY_METHOD[step.method].place for step in STEPS] == list(range(1, len(STEPS) + 1))
    assert BY_METHOD[Method.BRIDGE].place is None


def test_what_can_be_called_is_in_the_table_and_has_an_expected_error() -> None:
    assert set(ESTIMATES) | NAMES_DAYS | WHOLE_GAP <= set(BY_METHOD)
    assert set(TRIED) <= set(ESTIMATES)
    assert {step.method for step in Order().steps} - set(ESTIMATES) == {Method.AGREED, Method.OUTAGE, Method.FLAT}
    assert {Method.AGREED, Method.OUTAGE, Method.CHECK_METER, *TRIED} <= set(SHIPPED)


@pytest.mark.parametrize(
    ("quality", "method", "nem12", "espi"),
    [
        (Quality.ACTUAL, Method.NONE, "A", 17),
        (Quality.ESTIMATED, Method.LINEAR, "S17", 9),
        (Quality.ESTIMATED, Method.LIKE_DAY, "S15", 8),
        (Quality.ESTIMATED, Method.NEAR_DAY, "S14", 8),
        (Quality.ESTIMATED, Method.OUTAGE, "S19", 11),
        (Quality.ESTIMATED, Method.NONE, "S18", 16),
        (Quality.MANUAL, Method.AGREED, "S16", 7),
        (Quality.MANUAL, Method.NONE, "S16", 7),
        (Quality.DERIVED, Method.NONE, "S12", 11),
        (Quality.SUSPECT, Method.NONE, "N", 10),
        (Quality.MISSING, Method.NONE, "N", None),
    ],
)
def test_codes_out(quality: Quality, method: Method, nem12: str, espi: int | None) -> None:
    assert nem12_out(quality, method) == nem12
    assert espi_out(quality, method) == espi


def test_final_and_billed() -> None:
    assert nem12_out(Quality.ESTIMATED, Method.LINEAR, final=True) == "F17"
    assert nem12_out(Quality.ACTUAL, final=True) == "A"
    assert espi_out(Quality.ACTUAL, billed=True) == 19


@pytest.mark.parametrize("code", ["A", "N", "S", "E", "E52", "F17", *(f"S{number}" for number in range(11, 76))])
def test_nem12_in_agrees_with_what_readers_make_of_it(code: str) -> None:
    found = nem12_in(code)
    assert found is not None
    assert SAID[found[0]] == class_of(code, {}), code


@pytest.mark.parametrize("code", sorted(ESPI_IN))
def test_espi_in_agrees_with_what_readers_make_of_it(code: int) -> None:
    known = class_of(str(code), {})
    found = espi_in(code)
    assert found is not None
    if known is not None:
        assert SAID[found[0]] == known


@pytest.mark.parametrize("code", ["V", "A17", "S1", "X17", ""])
def test_what_is_no_nem12_code(code: str) -> None:
    assert nem12_in(code) is None


def test_other_codes_are_not_known() -> None:
    assert espi_in(3) is None
    assert ies_in("FANCY") is None


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.method.name)
def test_ies_says_and_understands_every_method(row: object) -> None:
    said = ies_out(row.quality, row.method)  # type: ignore[attr-defined]
    assert said is not None
    assert ies_in(*said) == (row.quality, row.method)  # type: ignore[attr-defined]


def test_ies_of_measured_and_doubted_values() -> None:
    assert ies_out(Quality.ACTUAL) == ("VALID", "METER", "")
    assert ies_out(Quality.SUSPECT) == ("SUSPECT", "METER", "")
    assert ies_out(Quality.MISSING) is None
    assert ies_in("VALID") == (Quality.ACTUAL, Method.NONE)
    assert ies_in("REJECTED") == (Quality.MISSING, Method.NONE)
    assert ies_out(Quality.ESTIMATED, Method.LINEAR) == ("ESTIMATED", "ESTIMATED", "linear-interpolation")
