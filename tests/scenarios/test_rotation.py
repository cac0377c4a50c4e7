"""A fleet whose keys are exchanged in the middle of a day: the warehouse does not show it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from connectors.simulator import Frames
from connectors.simulator.frames import joined
from connectors.simulator.rotation import announced_slot
from pipeline.keystore import key_ring
from pipeline.reference import BEGINNING, KeyRing
from tests.scenarios import rows, world
from tests.scenarios.world import Feed, Run

OPTIONS = {
    "meters": 16, "days": 2, "seed": 21, "faults": "none,late=0.05,outage=0.2,tamper=0.2",
    "network": {"consumers_per_dt": 8},
}  # fmt: skip
ROTATION = {"share": 0.6, "after_hours": 14, "spread_hours": 2}
HISTORY = frozenset({
    "supersedes", "reason", "delta_wh_imp", "delta_vah_imp", "delta_wh_exp", "delta_vah_exp", "delta_paise",
    "tick_time", "raw",
})  # fmt: skip
LATENESS = frozenset({"flags", "snapshot_flags"})
"""What comes late under the former key is not behind a newer counter of that key."""


@pytest.fixture(scope="module")
def rotated() -> Feed:
    return world.feed(**OPTIONS, rotation=ROTATION)


@pytest.fixture(scope="module")
def steady(folder: Path) -> Run:
    """The same fleet, whose meters keep their keys."""
    fed = world.feed(**OPTIONS)
    return Run(fed, world.play(world.driver(folder), fed))


def former_alone(fed: Feed) -> KeyRing:
    """The key store before the head-end has told of the new keys."""
    keys, first = fed.keys, fed.keys.valid_from == BEGINNING
    return key_ring(keys.device[first], keys.encryption[first], keys.authentication[first])


def refused(run: Run) -> Counter[str]:
    return Counter(record["code"] for record in run.driver.records("rejects"))


def same_rows(found: Run, wanted: Run, leave: frozenset[str]) -> None:
    """The last revision of every row."""
    lines, expected = (rows.histories(run.driver, leave=leave, last=True) for run in (found, wanted))
    for table in expected.keys() - {"rejects"}:
        assert (table, sorted(lines[table] - expected[table])[:2]) == (table, [])
        assert (table, sorted(expected[table] - lines[table])[:2]) == (table, [])


def without_overlap(text: str) -> str:
    return text.replace("- decode: {", "- decode: {key_overlap_secs: 0, ")


def test_nothing_is_refused_and_the_rows_are_those_of_a_fleet_that_keeps_its_keys(
    rotated: Feed, steady: Run, folder: Path
) -> None:
    found = Run(rotated, world.play(world.driver(folder), rotated))
    assert len(rotated.frames) == len(steady.fed.frames)
    assert refused(found) == refused(steady) == Counter()
    same_rows(found, steady, HISTORY | LATENESS)


def test_without_overlap_what_was_queued_is_refused_and_is_taken_when_it_is_given(
    rotated: Feed, steady: Run, folder: Path
) -> None:
    """So there are such frames in the feed, on both sides of the exchange."""
    found = Run(rotated, world.play(world.driver(folder, change=without_overlap), rotated))
    assert set(refused(found)) == {"DECRYPT_FAILED"}
    late = [record["received_at"] >= rotated.slots[announced_slot(rotated.truth.fleet.config)].end_time
            for record in found.driver.records("rejects")]  # fmt: skip
    assert min(sum(late), len(late) - sum(late)) > 5


def test_a_store_with_both_keys_that_comes_a_day_late_gives_the_same_rows(
    rotated: Feed, steady: Run, folder: Path
) -> None:
    driver, before = world.driver(folder), former_alone(rotated)
    published = announced_slot(rotated.truth.fleet.config) + 40
    for slot in rotated.slots:
        if slot.registry is not None:
            driver.put_in_force(registry=slot.registry, keys=before if slot.number < published else rotated.keys)
        if slot.number == published:
            driver.put_in_force(keys=rotated.keys)
            assert driver.requeue() > 100
        world.send(driver, slot.frames)
        driver.tick(slot.tick.time, slot.tick.lateness_secs)
    found = Run(rotated, driver)
    assert set(refused(found)) == {"DECRYPT_FAILED"}
    same_rows(found, steady, HISTORY | LATENESS)
    assert driver.requeue() > 100
    assert set(refused(found)) == {"DECRYPT_FAILED", "COUNTER_DUPLICATE"}
    same_rows(found, steady, HISTORY | LATENESS)


def test_a_replay_of_the_whole_run_is_refused_under_both_keys(rotated: Feed, folder: Path) -> None:
    driver = world.play(world.driver(folder), rotated)
    before = len(driver.records("rejects"))
    end = rotated.slots[-1].end_time
    replayed: Frames = joined([slot.frames for slot in rotated.slots])
    world.send(driver, replace(replayed, received_at=np.full(len(replayed), end)))
    codes = Counter(record["code"] for record in driver.records("rejects")[before:])
    assert sum(codes.values()) == len(replayed)
    assert set(codes) <= {"COUNTER_DUPLICATE", "COUNTER_TOO_OLD"}
