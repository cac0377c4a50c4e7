"""An order of estimates in the shipped topology: it holds from its control record on, and a replay gives the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from connectors.simulator import Frames
from pipeline.codes import Kind, Method, Quality
from pipeline.columns import Array
from pipeline.runtime.references import MemoryReferences
from tests.scenarios import rows, world
from tests.scenarios.world import Feed, Run

POINT = 3
LOST = range(60, 64)
"""Row of the service point that lacks intervals, and by which number they end: two hours of the second day."""
ORDER = """
order: [LIKE_DAY, CARRIED]
expected_error:
  LIKE_DAY: {1 h: 111}
  SCALED: {1 h: 222}
"""


def lost(frames: Frames) -> Array:
    mine = (frames.kind == Kind.BLOCK) & (frames.point == POINT)
    return np.asarray(mine & np.isin(frames.interval, LOST))


def register(frames: Frames) -> Array:
    return np.asarray((frames.kind == Kind.DAILY) & (frames.point == POINT))


@pytest.fixture(scope="module")
def fed() -> Feed:
    return world.feed(meters=6, days=3, seed=9, faults="none", network={"consumers_per_dt": 6}).without(lost)


def played(fed: Feed, folder: Path, text: str, references: MemoryReferences | None = None) -> Run:
    to = world.driver(folder, references=references)
    documents = {"estimates.yaml": text.encode()} if text else {}
    for slot in fed.slots:
        if slot.registry is not None:
            to.put_in_force(registry=slot.registry, keys=fed.keys, documents=documents)
        world.send(to, slot.frames)
        to.tick(slot.tick.time, slot.tick.lateness_secs)
    return Run(fed, to)


def told(run: Run) -> set[tuple[int, int, int]]:
    """Quality of wh_imp, method and expected error of the lost intervals."""
    found, begin = run.readings, run.fed.truth.fleet.config.start_time
    place = (found["interval_start"] - begin) // 1800
    mine = (found["service_point"] == run.fed.truth.fleet.points.id[POINT]) & np.isin(place + 1, LOST)
    assert int(mine.sum()) == len(LOST)
    columns = (found["q"][mine, 0], found["method"][mine], found["expected_error"][mine])
    return set(zip(*(column.tolist() for column in columns), strict=True))


def test_the_order_in_force_and_its_figures_are_those_of_the_readings(fed: Feed, folder: Path) -> None:
    alone = fed.without(register)
    assert told(played(alone, folder, "")) == {(Quality.ESTIMATED, Method.LINEAR, 494)}
    assert told(played(alone, folder, ORDER)) == {(Quality.ESTIMATED, Method.LIKE_DAY, 111)}
    assert told(played(fed, folder, ORDER)) == {(Quality.ESTIMATED, Method.SCALED, 222)}


def test_what_is_no_estimate_has_no_expected_error(fed: Feed, folder: Path) -> None:
    run = played(fed, folder, "")
    estimated = run.readings["q"][:, 0] == Quality.ESTIMATED
    assert estimated.any()
    assert not run.readings["expected_error"][~estimated].any()
    assert bool((run.readings["expected_error"][estimated] > 0).all())


def test_a_replay_gives_the_same_bytes(fed: Feed, folder: Path) -> None:
    references = MemoryReferences()
    run = played(fed, folder, ORDER, references)
    again = world.driver(folder, references=references)
    again.replay(run.driver.log)
    assert world.values(again, ["readings"]) == world.values(run.driver, ["readings"])
    assert rows.histories(again) == rows.histories(run.driver)
