"""A topology with a cut-off: bills are final some hours after midnight, and say what still changes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from connectors.simulator import Frames
from pipeline.columns import Array
from tests.scenarios import rows, world
from tests.scenarios.test_late_data import MIDNIGHT, MISSED, POINT
from tests.scenarios.world import Feed, Run

CUT_OFF_HOURS, LATE_HOURS = 4, 7
HISTORY = frozenset({
    "day_state", "state", "reason", "supersedes", "tick_time", "delta_wh_imp", "delta_vah_imp", "delta_wh_exp",
    "delta_vah_exp", "delta_paise", "revision",
})  # fmt: skip
"""Columns that tell how a bill came about."""


def block(frames: Frames) -> Array:
    return np.asarray((frames.kind == 1) & (frames.point == POINT) & (frames.interval == MISSED))


def cut_off(text: str) -> str:
    assert "- vee: {}" in text
    return text.replace("- vee: {}", f"- vee: {{final_after_secs: {CUT_OFF_HOURS * 3600}}}")


@pytest.fixture(scope="module")
def fed() -> Feed:
    return world.feed(meters=12, days=2, seed=9, faults="none", network={"consumers_per_dt": 6})


@pytest.fixture(scope="module")
def run(fed: Feed, folder: Path) -> Run:
    """A frame of the first day comes when the day has been final for some hours."""
    late = fed.held(block, MIDNIGHT + 2 * LATE_HOURS)
    return Run(late, world.play(world.driver(folder, change=cut_off), late))


def days_of(run: Run, row: int) -> list[dict[str, Any]]:
    """All revisions of the first day's determinant of a point."""
    point, begin = int(run.fed.truth.fleet.points.id[row]), run.fed.truth.fleet.config.start_time
    found = [
        dict(one)
        for one in run.driver.records("determinants")
        if (one["service_point"], one["kind"], one["period_start"]) == (point, "DAY", begin)
    ]
    return sorted(found, key=lambda one: one["revision"])


def test_a_bill_is_final_at_the_cut_off(run: Run) -> None:
    (first, last) = days_of(run, POINT + 1)
    assert [(one["state"], one["reason"]) for one in (first, last)] == [
        ("PROVISIONAL", "FIRST"),
        ("FINAL", "FINALISED"),
    ]
    midnight = run.fed.truth.fleet.config.start_time + rows.DAY_SECS
    table = rows.section(run.driver, "readings", "settlement")
    final = (table["day_state"] == 1) & (table["day_start"] == midnight - rows.DAY_SECS)
    assert final.sum() >= 12


def test_what_comes_later_is_a_new_revision_of_a_final_bill_with_its_reason(run: Run) -> None:
    revisions = days_of(run, POINT)
    assert [one["state"] for one in revisions[-2:]] == ["FINAL", "FINAL"]
    assert (revisions[-2]["reason"], revisions[-1]["reason"]) == ("FINALISED", "LATE_DATA")
    assert revisions[-1]["supersedes"] == revisions[-2]["revision"]
    assert (revisions[-2]["intervals_actual"], revisions[-1]["intervals_actual"]) == (47, 48)


def test_in_the_end_all_is_as_without_a_cut_off(run: Run, folder: Path) -> None:
    usual = Run(run.fed, world.play(world.driver(folder), run.fed))
    ours, theirs = (rows.histories(one.driver, leave=HISTORY, last=True) for one in (run, usual))
    assert ours == theirs
