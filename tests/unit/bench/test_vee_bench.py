"""`kvarn bench vee` with small loads: what is planted, what is compared, and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest

from agents.vee.rulesets.stream import STREAMED
from bench.vee.case import VeeCase, read_vee_case
from bench.vee.compare import Tally, compare
from bench.vee.figures import figures
from bench.vee.measure import SHAPES, Result, meters_of, run
from bench.vee.meters import MOST_LOST, Day

SMALL = {"meters": 60, "profile_meters": 60, "series_meters": 2, "series_days": 16, "batch_frames": 25,
         "profile_batch_frames": 13, "rounds": 2}  # fmt: skip


@pytest.fixture(name="case")
def small_case() -> VeeCase:
    return read_vee_case().model_copy(update=SMALL)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_what_was_planted_is_estimated_and_energies_are_the_truth(case: VeeCase, shape) -> None:
    said = figures(case, run(case, lambda *_: None, [shape]))
    (one,) = said["cases"]
    correct = one["correct"]
    assert said["correct"], correct
    assert correct["missing"] > 0
    assert correct["spikes"] > 0
    assert correct["estimated"] == correct["missing"] + correct["found"]
    assert correct["different"] == correct["days_different"] == correct["refused"] == 0
    assert correct["doubted"] <= (0.002 * correct["intervals"] if shape.whole else 0)
    assert one["rounds"] == 2
    assert one["spread"]["least"] <= one["value"] <= one["spread"]["most"]
    assert one["unit"] == "interval readings/s a core"
    assert abs(one["value"] - 4 * one["intervals_a_second"]) <= 2, "an interval has four readings"
    assert one["intervals_a_second"] == pytest.approx(1e9 / one["ns_an_interval"], rel=0.01)
    assert one["channels"] == ["wh_imp", "vah_imp", "wh_exp", "vah_exp"]
    if shape.whole:
        assert {"V01", "V07", "V12", "V14", "V25"} <= set(one["rules"])
        # No network, no clocks, and not two whole months.
        assert not {"V05", "V17", "V35"} & set(one["rules"])
    else:
        assert tuple(one["rules"]) == STREAMED
        assert correct["intervals"] == 60 * (86_400 // shape.interval_secs) * 5
        assert one["goal"] == (2_000_000 if shape.name == "single" else 5_000_000)


def test_the_shares_that_are_planted_are_those_of_the_case(case: VeeCase) -> None:
    meters = meters_of(case.model_copy(update={"profile_meters": 4000}), SHAPES[0])
    day = meters.day(3)
    assert 0.019 < day.lost.mean() < 0.021
    assert 0.0045 < day.spike.mean() < 0.0055
    assert not (day.lost & day.spike).any()
    assert day.spike.sum(axis=1).max() <= 2
    assert (day.lost.sum(axis=1)[day.spike.any(axis=1)] <= MOST_LOST).all()
    assert ((day.sent != day.truth).any(axis=-1) == day.spike).all()
    assert (day.truth.max(axis=(1, 2)) > 0).all()
    again = meters.day(3)
    assert all((one == other).all() for one, other in zip(day, again, strict=True))


def a_day() -> tuple[Day, np.ndarray, np.ndarray]:
    truth = np.full((2, 48, 4), 100, np.int64)
    lost, spike = np.zeros((2, 48), np.bool_), np.zeros((2, 48), np.bool_)
    lost[0, 5], spike[1, 7] = True, True
    sent = truth.copy()
    sent[1, 7, :2] = 900
    return Day(truth, sent, lost, spike), truth.copy(), (lost | spike)[..., None]


def test_readings_that_differ_are_counted() -> None:
    day, energy, estimated = a_day()
    right = compare(day, energy, estimated)
    assert right.right
    assert (right.missing, right.spikes, right.found, right.estimated, right.days) == (1, 1, 1, 2, 2)
    energy[0, 9, 3] += 1
    assert (compare(day, energy, estimated).different, compare(day, energy, estimated).days_different) == (1, 1)


def test_an_estimate_must_leave_the_days_energy_as_it_was() -> None:
    day, energy, estimated = a_day()
    energy[0, 5, 0] += 1
    found = compare(day, energy, estimated)
    assert (found.different, found.days_different, found.right) == (0, 1, False)


def test_what_lacks_an_estimate_or_has_one_too_many_is_counted() -> None:
    day, energy, estimated = a_day()
    estimated[0, 5] = False
    assert not compare(day, energy, estimated).counted
    assert compare(day, energy, estimated).different == 1
    estimated[0, 5], estimated[0, 6] = True, True
    found = compare(day, energy, estimated)
    assert (found.different, found.doubted, found.right) == (0, 1, False)
    assert compare(day, energy, estimated, most_doubted=0.02).right, "one of 96 may be doubted"


def test_a_spike_that_is_not_found_is_told_and_its_day_left_out() -> None:
    day, energy, estimated = a_day()
    estimated[1, 7], energy[1, 7] = False, day.sent[1, 7]
    found = compare(day, energy, estimated)
    assert (found.found, found.different, found.days_different) == (0, 0, 0)
    assert not found.right


def test_wrong_readings_keep_a_goal_from_being_met(case: VeeCase) -> None:
    fast = Result(SHAPES[0], 1, 10**6, [10**6], Tally(intervals=48, different=1))
    assert figures(case, [fast])["cases"][0]["met"] is False
    good = Result(SHAPES[0], 1, 10**6, [8 * 10**8], Tally(intervals=48))
    assert figures(case, [good])["cases"][0]["met"] is True, "1.25 million intervals a second have 5 million readings"
    slow = Result(SHAPES[0], 1, 10**6, [8 * 10**8 + 10**6], Tally(intervals=48))
    assert figures(case, [slow])["cases"][0]["met"] is False
    assert figures(case, [good], own_load=True)["cases"][0]["met"] is None
    good.refused = 1
    assert figures(case, [good])["cases"][0]["met"] is False
