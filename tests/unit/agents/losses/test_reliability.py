"""SAIFI, SAIDI, CAIDI and MAIFI: the golden case, the exclusions, what cannot be told."""

from __future__ import annotations

from fractions import Fraction

import pytest

from agents.losses.indices.reliability import (
    IEEE_1366,
    MINUTE,
    SOP_3_MINUTES,
    Interruption,
    Kind,
    reliability,
)

GOLDEN = [Interruption(120, 30 * MINUTE), Interruption(50, 90 * MINUTE)]


def test_the_golden_case() -> None:
    found = reliability(GOLDEN, 1000)
    assert (found.saifi, found.saidi_mins, found.maifi) == (Fraction(17, 100), Fraction(81, 10), 0)
    assert f"{float(found.caidi_mins or 0):.2f}" == "47.65"
    assert found.caidi_mins == Fraction(810, 17)


def test_what_is_momentary_follows_the_rule() -> None:
    events = [*GOLDEN, Interruption(100, 5 * MINUTE), Interruption(10, 3 * MINUTE, count=4), Interruption(1, 301)]
    ieee, sop = reliability(events, 1000, IEEE_1366), reliability(events, 1000, SOP_3_MINUTES)
    assert (ieee.sustained, ieee.momentary) == (3, 2)
    assert (sop.sustained, sop.momentary) == (4, 1)
    assert ieee.maifi == Fraction(140, 1000)
    assert sop.maifi == Fraction(40, 1000)
    assert (ieee.saifi, sop.saifi) == (Fraction(171, 1000), Fraction(271, 1000))


@pytest.mark.parametrize("kind", [Kind.PLANNED, Kind.LOAD_SHEDDING, Kind.FORCE_MAJEURE])
def test_excluded_kinds_do_not_count_and_are_told(kind: Kind) -> None:
    found = reliability([*GOLDEN, Interruption(1000, 36000, kind), Interruption(5, None, kind)], 1000)
    assert found.saidi_mins == Fraction(81, 10)
    assert found.excluded == {kind: 2}
    assert found.without_end == 0


def test_a_fuse_of_one_consumer_counts_unless_the_sop_says_otherwise() -> None:
    events = [*GOLDEN, Interruption(1, 60 * MINUTE, Kind.CONSUMER_FUSE)]
    assert reliability(events, 1000).saifi == Fraction(171, 1000)
    assert reliability(events, 1000, IEEE_1366.without_fuses()).saifi == Fraction(17, 100)


def test_an_interruption_without_an_end_makes_the_indices_unknown() -> None:
    found = reliability([*GOLDEN, Interruption(3, None)], 1000)
    assert (found.saifi, found.saidi_mins, found.caidi_mins, found.maifi) == (None,) * 4
    assert (found.without_end, found.why) == (1, "interruptions without an end")


def test_without_an_interruption_there_is_no_caidi_and_without_customers_nothing() -> None:
    quiet = reliability([], 1000)
    assert (quiet.saifi, quiet.saidi_mins, quiet.caidi_mins) == (0, 0, None)
    assert "no CAIDI" in quiet.why
    assert reliability([], 0).saifi is None


def test_a_feeder_that_comes_back_in_steps_is_a_row_a_step() -> None:
    found = reliability([Interruption(60, 10 * MINUTE), Interruption(40, 20 * MINUTE)], 100)
    assert (found.saifi, found.saidi_mins) == (1, 14)


def test_numbers_that_cannot_be_are_refused() -> None:
    for wrong in ({"customers": -1, "secs": 1}, {"customers": 1, "secs": -1}, {"customers": 1, "secs": 1, "count": 0}):
        with pytest.raises(ValueError, match="cannot be"):
            Interruption(**wrong)
    with pytest.raises(ValueError, match="more customers"):
        reliability([Interruption(11, 600)], 10)
