"""Half a day of one meter is lost: an exception opens, and closes when the frames come after all. Others have none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from connectors.simulator import Frames
from pipeline.codes import Kind
from pipeline.columns import Array
from tests.scenarios import world
from tests.scenarios.world import Feed, Run

POINT = 4
FIRST, LAST, AFTER = 3, 30, 48 + 10
"""Intervals that are lost, and the slot at which they come after all."""


@pytest.fixture(scope="module")
def fed() -> Feed:
    return world.feed(meters=12, days=2, seed=9, faults="none", network={"consumers_per_dt": 6})


def lost(frames: Frames) -> Array:
    inside = (frames.interval >= FIRST) & (frames.interval <= LAST)
    return np.asarray((frames.kind == Kind.BLOCK) & (frames.point == POINT) & inside)


def exceptions(run: Run) -> list[dict[str, Any]]:
    return sorted(run.driver.records("exceptions"), key=lambda record: record["revision"])


def test_a_clean_fleet_has_none(fed: Feed, folder: Path) -> None:
    assert exceptions(Run(fed, world.play(world.driver(folder), fed))) == []


def test_what_is_lost_opens_one_and_what_comes_late_closes_it(fed: Feed, folder: Path) -> None:
    late = fed.held(lost, AFTER)
    found = exceptions(Run(late, world.play(world.driver(folder), late)))
    fleet = fed.truth.fleet
    assert {record["service_point"] for record in found} == {int(fleet.points.id[POINT])}
    assert [(record["rule"], record["state"]) for record in found] == [("V01", "OPEN"), ("V01", "CLOSED")]
    opened, closed = found
    assert opened["period_start"] == closed["period_start"] == fleet.config.start_time
    assert opened["intervals_estimated"] == LAST - FIRST + 1
    assert opened["wh_at_stake"] > 0
    assert (closed["intervals_actual"], closed["wh_at_stake"]) == (48, 0)
