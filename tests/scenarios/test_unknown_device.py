"""A device that the registry learns of later: its parked frames flow on, and nothing tells the difference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from connectors.simulator import Fault
from connectors.simulator.columns import NEVER
from tests.scenarios import rows, world
from tests.scenarios.world import Run

HISTORY = frozenset({
    "supersedes", "reason", "delta_wh_imp", "delta_vah_imp", "delta_wh_exp", "delta_vah_exp", "delta_paise",
    "tick_time", "received_at", "raw",
})  # fmt: skip
"""What tells how a row came to be what it is."""
LATER = "none,unknown_later=0.1,missing=0.02,missing_daily=0.05,late=0.02"


@pytest.fixture(scope="module")
def learned(folder: Path) -> Run:
    fed = world.feed(meters=40, days=2, seed=6, faults=LATER, network={"consumers_per_dt": 10})
    return Run(fed, world.play(world.driver(folder), fed))


@pytest.fixture(scope="module")
def known(learned: Run, folder: Path) -> Run:
    """The same frames under a registry that knows every device from the start."""
    fed = learned.fed
    last = fed.truth.fleet.registry_versions[-1][1]
    slots = [replace(slot, registry=None if slot.number else last) for slot in fed.slots]
    everything = replace(fed, slots=slots)
    return Run(everything, world.play(world.driver(folder), everything))


@pytest.fixture(scope="module")
def points(learned: Run) -> list[int]:
    """Service points that the registry learns of."""
    spells = learned.fed.truth.fleet.spells
    rows_of = np.flatnonzero((spells.known_slot > 0) & (spells.known_slot < NEVER))
    found: list[int] = learned.fed.truth.fleet.points.id[rows_of].tolist()
    return found


def test_frames_wait_until_the_registry_knows_their_device(learned: Run, known: Run) -> None:
    early = sum(int((slot.frames.fault == Fault.UNKNOWN_LATER).sum()) for slot in learned.fed.slots)
    assert early > 100
    assert len(learned.driver.records("parked")) == early
    assert learned.driver.parked == []
    assert known.driver.records("parked") == []


def test_the_readings_are_those_of_a_run_in_which_it_was_known_from_the_start(
    learned: Run, known: Run, points: list[int]
) -> None:
    wanted, found = (rows.histories(run.driver, leave=HISTORY, last=True) for run in (known, learned))
    mine = np.isin(learned.readings["service_point"], points)
    assert mine.sum() == len(points) * 96
    for table in wanted:
        assert (table, sorted(found[table] - wanted[table])[:3]) == (table, [])
        assert (table, sorted(wanted[table] - found[table])[:3]) == (table, [])


def test_it_is_billed_and_balanced_for_the_time_before_it_was_known(learned: Run, points: list[int]) -> None:
    truth = learned.fed.truth
    found = rows.last_of(learned.driver.records("determinants"), "kind", "service_point", "period_start")
    flowed = truth.billed(truth.register_energy)
    checked = 0
    for point in points:
        place = learned.place[point]
        for day in range(2):
            if truth.known[day, place]:
                record = found["DAY", point, truth.fleet.config.start_time + day * rows.DAY_SECS]
                assert record["wh_imp"] == flowed[day, place, 0]
                checked += 1
    assert checked >= 4
