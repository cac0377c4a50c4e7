"""What comes when its day has left the hot window ends, through the cold lane, as if it had been in time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.vee.config import VeeConfig
from cli.testing import FrameDriver
from pipeline.codes import Quality
from pipeline.reference import Registry
from tests.scenarios import rows, world
from tests.scenarios.cold import Lane
from tests.scenarios.world import Feed, Run

SLOTS_A_DAY = 48
FILE = "examples/cold.yaml"
POINT = 4
SAID = ("energy", "q", "method", "interval_secs", "rules")
"""What a reading says of its energies; an answer has no voltages, reactive energy and counters."""
HISTORY = {
    "revision", "supersedes", "reason", "delta_wh_imp", "delta_vah_imp", "delta_wh_exp", "delta_vah_exp",
    "delta_paise", "lineage_from", "lineage_to", "versions", "source_topic_id", "source_partition", "source_offset",
    "source_index",
}  # fmt: skip


def driver(folder: Path) -> FrameDriver:
    return world.driver(folder, file=FILE, partitions=1)


def without(registry: Registry, devices: Any) -> Registry:
    kept = np.flatnonzero(~np.isin(registry.device, devices))
    links = {
        column.name: getattr(registry, column.name)[kept] for column in Registry.COLUMNS if column.section == "link"
    }
    return replace(registry, **links)


def late_row(fed: Feed, to: FrameDriver, days: int) -> Run:
    """The registry row of a service point comes `days` whole days late, and the lane answers a little later."""
    whole = fed.truth.fleet.registry_versions[-1][1]
    devices = whole.device[whole.service_point == fed.truth.fleet.points.id[POINT]]
    lane = Lane(to)
    to.put_in_force(registry=without(whole, devices) if days else whole, keys=fed.keys)
    for slot in fed.slots:
        if days and slot.number == days * SLOTS_A_DAY + 1:
            to.put_in_force(registry=whole)
        world.send(to, slot.frames)
        to.tick(slot.tick.time, slot.tick.lateness_secs)
        if slot.number % 5 == 0:
            lane.answer()
    lane.answer()
    return Run(fed, to)


def same_readings(found: Run, wanted: Run) -> None:
    assert found.readings["interval_start"].tolist() == wanted.readings["interval_start"].tolist()
    for name in SAID:
        differs = np.flatnonzero(
            (found.readings[name] != wanted.readings[name]).reshape(len(found.readings["q"]), -1).any(axis=1)
        )
        assert (name, len(differs), found.readings[name][differs[:3]].tolist()) == (name, 0, [])


def same_days(found: Run, wanted: Run) -> None:
    for name in found.days:
        if name not in ("day_revision", "day_link", "partition", "offset"):
            differs = (found.days[name] != wanted.days[name]).reshape(len(found.days["day_start"]), -1).any(axis=1)
            assert (name, found.days["day_start"][differs].tolist()) == (name, [])


def same_bills(found: Run, wanted: Run) -> None:
    ours, theirs = (
        rows.last_of(run.driver.records("determinants"), "service_point", "kind", "period_start")
        for run in (found, wanted)
    )
    assert ours.keys() == theirs.keys()
    for bill in (*ours.values(), *theirs.values()):
        bill["quantities"] = [{**item, "delta": None} for item in bill["quantities"]]
    for key, bill in theirs.items():
        differs = {name for name in bill if bill[name] != ours[key][name]} - HISTORY
        assert (key, {name: (ours[key][name], bill[name]) for name in differs}) == (key, {})


@pytest.fixture(scope="module")
def fed() -> Feed:
    return world.feed(meters=6, days=7, seed=13, faults="none", network={"consumers_per_dt": 6})


@pytest.fixture(scope="module")
def punctual(fed: Feed, folder: Path) -> Run:
    return late_row(fed, driver(folder), 0)


@pytest.mark.parametrize("days", [3, 5])
def test_a_registry_row_that_comes_whole_days_late_ends_as_if_in_time(
    fed: Feed, punctual: Run, folder: Path, days: int
) -> None:
    found = late_row(fed, driver(folder), days)
    asked = found.driver.records("cold-requests")
    assert len({record["day_start"] for record in asked}) >= days - 2
    assert found.driver.records("rejects") == punctual.driver.records("rejects")
    same_readings(found, punctual)
    same_days(found, punctual)
    same_bills(found, punctual)


def test_the_answers_of_a_run_have_what_the_others_do_not_need(punctual: Run) -> None:
    assert punctual.driver.records("cold-requests") == []
    assert (punctual.readings["q"][:, 0] == Quality.ACTUAL).mean() > 0.9
    assert VeeConfig().hot_days == 3
