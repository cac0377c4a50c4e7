"""`kvarn bench rating` with small loads: what is rated, what is compared, and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest

from agents.rating.bulk.quantities import records
from bench.rating.case import RatingCase, read_rating_case
from bench.rating.figures import figures
from bench.rating.measure import Result, bills, readings
from bench.rating.months import INDUSTRY, ROOFTOP, Consumers

SMALL = {"meters": 60, "batch_frames": 25, "consumers": 2000, "sample": 40, "rounds": 2}


@pytest.fixture(name="case")
def small_case() -> RatingCase:
    return read_rating_case().model_copy(update=SMALL)


def quiet(*_: object) -> None:
    pass


def test_intervals_are_rated_to_the_truth_and_bills_to_the_reference_engine(case: RatingCase) -> None:
    result = readings(case, quiet)
    assert result.wrong == {"days": 0, "months": 0, "bills": 0}
    assert result.count == 60 * 48
    assert len(result.mix) == 5


def test_bills_of_the_mix_are_those_of_the_reference_engine(case: RatingCase) -> None:
    result = bills(case, quiet)
    assert result.wrong == {"status": 0, "lines": 0, "totals": 0}
    assert result.compared == 40
    said = figures(case, [result])
    assert said["close"]["rating_cpu_secs"] == pytest.approx(1e6 / said["cases"][0]["value"], abs=0.01)


def test_the_consumers_are_those_of_the_case(case: RatingCase) -> None:
    consumers = Consumers(case.model_copy(update={"consumers": 40_000}))
    shares = np.bincount(consumers.tariff) / 40_000
    assert len(shares) == 5
    assert abs(shares[ROOFTOP] - 0.10) < 0.01
    assert abs(shares[INDUSTRY] - 0.05) < 0.01
    changed = consumers.changed_after > 0
    assert abs(changed.mean() - 0.02) < 0.005
    tariff, columns = consumers.rows()
    found = records(columns)
    assert len(columns) == 40_000 + changed.sum()
    assert found["follows"].sum() == changed.sum()
    assert found["wh_imp"].sum() == consumers.columns["wh_imp"].sum()
    second = np.flatnonzero(found["follows"])
    assert (found["days"][second] + found["days"][second - 1] == 30).all()
    assert (tariff[second] != tariff[second - 1]).all()
    assert (found["wh_exp"] > found["wh_imp"]).any(), "some have a surplus"


def test_what_differs_keeps_a_goal_from_being_met(case: RatingCase) -> None:
    fast = Result("readings", 10**7, [10**9 - 1], wrong={"days": 0, "months": 0, "bills": 0})
    assert figures(case, [fast])["cases"][0]["met"] is True
    assert figures(case, [fast], own_load=True)["cases"][0]["met"] is None
    fast.wrong["bills"] = 1
    said = figures(case, [fast])
    assert (said["cases"][0]["met"], said["correct"]) == (False, False)
    slow = Result("readings", 10**7, [10**9 + 10**6])
    assert figures(case, [slow])["cases"][0]["met"] is False
