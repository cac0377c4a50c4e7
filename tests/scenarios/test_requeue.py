"""What comes late, a key or a registry row, leaves no trace in the warehouse once its frames are offered again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cli.testing import FrameDriver
from connectors.kept.rejected import Choice
from connectors.simulator import Fault
from pipeline.columns import Array
from pipeline.keystore import key_ring
from pipeline.reference import KeyRing, Registry
from pipeline.retry import times_in
from tests.scenarios import rows, world
from tests.scenarios.world import Feed, Run

SLOTS_A_DAY = 48
MOST_OF_A_DAY = 40
"""Frames of a device that came on one day: some are lost, some come late."""
LATE_POINTS = (3, 11, 17)
"""Rows of service points whose key, or registry row, comes late."""
HISTORY = frozenset({
    "supersedes", "reason", "delta_wh_imp", "delta_vah_imp", "delta_wh_exp", "delta_vah_exp", "delta_paise",
    "tick_time", "raw",
})  # fmt: skip
"""What tells how a row came to be what it is."""
LATENESS = frozenset({"flags", "snapshot_flags"})
"""Tell that a counter was late, which it was."""


@pytest.fixture(scope="module")
def fed() -> Feed:
    return world.feed(meters=24, days=3, seed=12, faults="none,missing=0.02,late=0.02", network={"consumers_per_dt": 8})


@pytest.fixture(scope="module")
def devices(fed: Feed) -> Array:
    """Devices of the service points that something of is late."""
    last = fed.truth.fleet.registry_versions[-1][1]
    chosen = fed.truth.fleet.points.id[list(LATE_POINTS)]
    found: Array = np.unique(last.device[np.isin(last.service_point, chosen)])
    return found


@pytest.fixture(scope="module")
def punctual(fed: Feed, folder: Path) -> Run:
    """Key and registry row there from the start."""
    return Run(fed, world.play(world.driver(folder), fed))


def some_keys(keys: KeyRing, rows_: Array) -> KeyRing:
    return key_ring(keys.device[rows_], keys.encryption[rows_], keys.authentication[rows_])


def keys_late(
    fed: Feed, driver: FrameDriver, early: KeyRing, at: int, requeue_at: int, again: Callable[[FrameDriver], None]
) -> FrameDriver:
    """Play with the keys `early`, from slot `at` on with all; offer rejected frames again at slot `requeue_at`."""
    for slot in fed.slots:
        if slot.registry is not None:
            driver.put_in_force(registry=slot.registry, keys=early if slot.number < at else fed.keys)
        if slot.number == at:
            driver.put_in_force(keys=fed.keys)
        if slot.number == requeue_at:
            again(driver)
        world.send(driver, slot.frames)
        driver.tick(slot.tick.time, slot.tick.lateness_secs)
    return driver


def once(driver: FrameDriver) -> None:
    assert driver.requeue() > 0


def twice(driver: FrameDriver) -> None:
    first = driver.requeue(together=7)
    assert driver.requeue() == first > 0
    assert driver.requeue() == 0


def same_in_the_end(found: Run, wanted: Run, leave: frozenset[str] = HISTORY) -> None:
    """The last revision of every row; rejects are of what happened on the way."""
    lines, expected = (rows.histories(run.driver, leave=leave, last=True) for run in (found, wanted))
    for table in expected.keys() - {"rejects"}:
        assert (table, sorted(lines[table] - expected[table])[:2]) == (table, [])
        assert (table, sorted(expected[table] - lines[table])[:2]) == (table, [])


def refused(run: Run) -> Counter[tuple[str, int]]:
    """(code, times that it was offered again) of all rejects."""
    return Counter((record["code"], times_in(record["detail"])) for record in run.driver.records("rejects"))


@pytest.mark.parametrize("again", [once, twice])
def test_a_key_that_comes_a_day_late_gives_the_warehouse_of_one_that_was_there(
    fed: Feed, devices: Array, punctual: Run, folder: Path, again: Callable[[FrameDriver], None]
) -> None:
    early = some_keys(fed.keys, np.flatnonzero(~np.isin(fed.keys.device, devices)))
    driver = keys_late(fed, world.driver(folder), early, SLOTS_A_DAY, SLOTS_A_DAY, again)
    found = Run(fed, driver)
    waited = refused(found)["KEY_UNKNOWN", 0]
    assert waited > MOST_OF_A_DAY * len(devices)
    same_in_the_end(found, punctual)
    came = {code: count for (code, times), count in refused(found).items() if times}
    assert came in ({}, {"COUNTER_DUPLICATE": waited})


def test_nor_does_it_matter_that_the_operator_comes_hours_later(
    fed: Feed, devices: Array, punctual: Run, folder: Path
) -> None:
    early = some_keys(fed.keys, np.flatnonzero(~np.isin(fed.keys.device, devices)))
    driver = keys_late(fed, world.driver(folder), early, SLOTS_A_DAY, SLOTS_A_DAY + 11, once)
    same_in_the_end(Run(fed, driver), punctual, HISTORY | LATENESS)


def test_a_wrong_key_that_is_put_right_is_the_same(fed: Feed, devices: Array, punctual: Run, folder: Path) -> None:
    wrong = np.isin(fed.keys.device, devices)
    mistaken = key_ring(fed.keys.device, fed.keys.encryption ^ wrong[:, None].astype(np.uint8), fed.keys.authentication)
    found = Run(fed, keys_late(fed, world.driver(folder), mistaken, SLOTS_A_DAY, SLOTS_A_DAY, once))
    assert refused(found)["DECRYPT_FAILED", 0] > MOST_OF_A_DAY * len(devices)
    same_in_the_end(found, punctual)


def test_a_frame_that_fails_again_is_marked_and_is_not_offered_for_ever(
    fed: Feed, devices: Array, folder: Path
) -> None:
    none = some_keys(fed.keys, np.flatnonzero(~np.isin(fed.keys.device, devices)))
    driver = world.driver(folder)
    short = replace(fed, slots=fed.slots[:6])
    world.play(driver, replace(short, keys=none))
    offered = [driver.requeue() for _ in range(7)]
    assert offered[0] > 0
    assert offered == [offered[0]] * 5 + [0, 0]
    assert [refused(Run(short, driver))["KEY_UNKNOWN", times] for times in range(7)] == [offered[0]] * 6 + [0]
    assert driver.requeue(Choice(codes=frozenset({"DECRYPT_FAILED"}))) == 0


def without(registry: Registry, devices: Array) -> Registry:
    """The registry as if these devices had not been entered yet."""
    kept = np.flatnonzero(~np.isin(registry.device, devices))
    links = {
        column.name: getattr(registry, column.name)[kept] for column in Registry.COLUMNS if column.section == "link"
    }
    return replace(registry, **links)


def registry_late(fed: Feed, driver: FrameDriver, devices: Array, days: int) -> FrameDriver:
    """Play with a registry that knows `devices` only from half an hour behind `days` whole days on."""
    whole = fed.truth.fleet.registry_versions[-1][1]
    driver.put_in_force(registry=without(whole, devices) if days else whole, keys=fed.keys)
    for slot in fed.slots:
        if days and slot.number == days * SLOTS_A_DAY + 1:
            driver.put_in_force(registry=whole)
        world.send(driver, slot.frames)
        driver.tick(slot.tick.time, slot.tick.lateness_secs)
    return driver


@pytest.fixture(scope="module")
def longer() -> Feed:
    return world.feed(meters=12, days=4, seed=13, faults="none", network={"consumers_per_dt": 6})


def of_row(fed: Feed, row: int) -> Array:
    last = fed.truth.fleet.registry_versions[-1][1]
    found: Array = np.unique(last.device[last.service_point == fed.truth.fleet.points.id[row]])
    return found


def hot_days(days: int) -> Callable[[str], str]:
    """The shipped topology with a window of so many days."""
    stages = {
        "vee: {}": "vee: {",
        "losses: {balance_tolerance_permille: 10}": "losses: {balance_tolerance_permille: 10, ",
        "usage: {}": "usage: {",
        "exceptions: {}": "exceptions: {",
        "scorecard: {}": "scorecard: {",
        "{timezone: Asia/Kolkata}": "{timezone: Asia/Kolkata, ",
    }

    def changed(text: str) -> str:
        for old, new in stages.items():
            assert text.count(f" {old}\n") == 1
            text = text.replace(f" {old}\n", f" {new}hot_days: {days}}}\n")
        return text

    return changed


@pytest.mark.parametrize(("days", "hot"), [(2, 3), (3, 4)])
def test_a_registry_row_that_comes_days_late_gives_the_same_warehouse_while_the_window_holds_them(
    longer: Feed, folder: Path, days: int, hot: int
) -> None:
    late = of_row(longer, 4)
    wanted = Run(longer, registry_late(longer, world.driver(folder, change=hot_days(hot)), late, 0))
    found = Run(longer, registry_late(longer, world.driver(folder, change=hot_days(hot)), late, days))
    assert len(found.driver.records("parked")) > days * SLOTS_A_DAY
    assert wanted.driver.records("parked") == []
    same_in_the_end(found, wanted)


def test_of_three_days_the_shipped_window_of_three_refuses_the_first_and_says_so(longer: Feed, folder: Path) -> None:
    late = of_row(longer, 4)
    found = Run(longer, registry_late(longer, world.driver(folder), late, 3))
    refused_rows = [record for record in found.driver.records("rejects") if record["code"] == "TOO_OLD"]
    begin = longer.truth.fleet.config.start_time
    assert {record["service_point"] for record in refused_rows} == {int(longer.truth.fleet.points.id[4])}
    assert {(record["time"] - 1 - begin) // rows.DAY_SECS for record in refused_rows} <= {-1, 0}
    assert len(refused_rows) >= SLOTS_A_DAY
    assert found.driver.requeue() == 0
    mine = found.readings["service_point"] == longer.truth.fleet.points.id[4]
    days = np.unique((found.readings["interval_start"][mine] - begin) // rows.DAY_SECS)
    assert days.tolist() == [1, 2, 3]


def test_a_feed_has_the_faults_that_these_runs_need(fed: Feed) -> None:
    assert (fed.frames.fault == Fault.LATE).any()
