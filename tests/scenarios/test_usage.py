"""A quarter of a few meters, from frames to the queue: months are judged by what really flowed, a silent meter is told.

A day's frames come together behind a tick a day, so that the quarter is a few hundred records.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.testing import FrameDriver
from connectors.simulator import Frames
from connectors.simulator.frames import joined
from pipeline.codes import Role
from pipeline.columns import Array
from tests.scenarios import world
from tests.scenarios.rows import DAY_SECS, IST
from tests.scenarios.world import Feed, Run

FIRST, DAYS = date(2025, 7, 1), 96
"""July to September, and the days until all of September is final."""
SILENT, SINCE = 1, 48
"""A meter of which nothing comes, and the interval from which on."""
HIGH, LOW = 102, 98
MONTHS = {date(2025, 7, 1): 31, date(2025, 8, 1): 31, date(2025, 9, 1): 30}


def closer(text: str) -> str:
    """The topology with limits that a usual fleet passes."""
    return text.replace("usage: {}", f"usage: {{usage_high_percent: {HIGH}, usage_low_percent: {LOW}}}")


def lost(frames: Frames) -> Array:
    return np.asarray((frames.point == SILENT) & (frames.interval >= SINCE))


def play_by_day(to: FrameDriver, fed: Feed) -> FrameDriver:
    """Each midnight a tick that closes the day before the last, then the frames of the last day."""
    waiting: list[Frames] = []
    per_day = DAY_SECS // fed.truth.fleet.config.interval_secs
    for slot in fed.slots:
        if slot.registry is not None:
            to.put_in_force(registry=slot.registry, keys=fed.keys)
            to.tick(slot.tick.time, DAY_SECS)
        waiting.append(slot.frames)
        if slot.number % per_day == 2:
            to.tick(slot.end_time, DAY_SECS)
            world.send(to, joined(waiting))
            waiting = []
    return to


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    fed = world.feed(
        meters=4, days=DAYS, start=FIRST, seed=5, faults="none", network={"consumers_per_dt": 4},
        shares={"instant": 0.0, "solar": 0.0},
    )  # fmt: skip
    fed = fed.without(lost)
    return Run(fed, play_by_day(world.driver(folder, partitions=1, change=closer), fed))


def exceptions(run: Run, rule: str) -> list[dict[str, Any]]:
    found = [record for record in run.driver.records("exceptions") if record["rule"] == rule]
    return sorted(found, key=lambda record: record["revision"])


def day_of(time: int) -> date:
    return datetime.fromtimestamp(time + IST, UTC).date()


def test_months_are_flagged_by_what_really_flowed(run: Run) -> None:
    truth = run.fed.truth
    flowed = truth.billed(truth.register_energy)[:, :, 0]
    expected = set()
    for point, row in run.place.items():
        if row == SILENT:
            continue
        adu = {}
        for first, days in MONTHS.items():
            begin = (first - FIRST).days
            adu[first] = Fraction(int(flowed[begin : begin + days, row].sum()), days)
        for before, month in zip(list(MONTHS)[:-1], list(MONTHS)[1:], strict=True):
            if not LOW <= adu[month] * 100 / adu[before] <= HIGH:
                expected.add((point, month))
    silent = int(truth.fleet.points.id[SILENT])
    flagged = {
        (record["service_point"], day_of(record["period_end"] - 1).replace(day=1))
        for record in exceptions(run, "V17")
        if record["state"] == "OPEN" and record["service_point"] != silent
    }
    assert flagged == expected
    assert 0 < len(expected) < 2 * (len(run.place) - 1)
    assert {record["stage"] for record in exceptions(run, "V17")} == {"usage"}


def test_a_meter_that_sent_nothing_for_a_quarter_is_told(run: Run) -> None:
    found = exceptions(run, "V30")
    silent = int(run.fed.truth.fleet.points.id[SILENT])
    assert run.fed.truth.fleet.points.role[SILENT] == Role.CONSUMER
    assert [(one["service_point"], one["state"], one["severity"]) for one in found] == [(silent, "OPEN", "WARNING")]
    assert (day_of(found[0]["period_start"]), day_of(found[0]["period_end"])) == (FIRST, date(2025, 10, 1))
