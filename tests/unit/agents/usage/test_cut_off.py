"""Days that a cut-off made final while they were in the hot window: months take them when they leave it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from agents.usage.config import UsageConfig
from pipeline.localtime import DAY_SECS
from tests.builders_usage import EPOCH, OFFSET, PROVISIONAL, Row, Stage
from tests.oracles.usage_oracle import Day
from tests.unit.agents.usage.test_usage import JANUARY, used


def midnight(day: date) -> int:
    """Begin of a local day, epoch seconds."""
    return (day - EPOCH).days * DAY_SECS - OFFSET


@pytest.mark.parametrize("hot_days", [2, 3])
def test_a_day_that_a_cut_off_made_final_counts_as_it_was_when_it_left_the_window(hot_days: int) -> None:
    stage, found = Stage(UsageConfig(hot_days=hot_days)), []
    for row in used(5_000, 5_000, 5_000, 5_000):
        cut_off, leaves = (midnight(row.day + timedelta(days=days)) for days in (1, hot_days))
        nothing_yet = replace(row, figures=Day(0, known=False, absent=48))
        found += stage.take([nothing_yet], cut_off + 12 * 3600)
        found += stage.take([replace(row, state=PROVISIONAL)], cut_off + 14 * 3600)
        found += stage.take([row], leaves)
    assert found == []


def test_of_a_record_that_settles_a_day_twice_the_last_row_counts() -> None:
    day = JANUARY + timedelta(days=40)
    early, late = Row(7, day, Day(1_000, absent=3)), Row(7, day, Day(5_000))
    stage = Stage()
    stage.take([early, Row(8, day, Day(7_000)), late], midnight(day + timedelta(days=3)))
    slots = stage.store.locate(np.array([7, 8], np.uint64), np.array([7, 8], np.uint64))
    assert stage.store.areas["points"].flat[0]["use"][slots].tolist() == [5_000, 7_000]
