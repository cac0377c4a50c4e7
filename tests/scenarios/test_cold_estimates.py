"""A gap of three days ends nearer to the truth when the cold lane has a check meter, neighbours, weeks of readings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from agents.cold.history import CHECK, NEIGHBOUR, Around
from agents.vee.config import VeeConfig
from cli.testing import FrameDriver
from connectors.simulator import Frames
from pipeline.codes import Kind, Method, Quality
from pipeline.columns import Array
from tests.scenarios import rows, world
from tests.scenarios.cold import Lane
from tests.scenarios.world import Feed, Run

FILE = "examples/cold.yaml"
POINT, DAYS, PER_DAY = 3, 17, 48
GAP = range(10, 13)
"""Days of which nothing came; the registers within it are not known either."""
AFTER = 120 * 60
"""Seconds behind a midnight at which the lane answers."""


@dataclass(frozen=True)
class Ended:
    """How a run ended: the estimates and the truth of the gap (intervals,), and what answers changed."""

    run: Run
    lane: Lane
    found: Array
    truth: Array
    methods: set[str]

    @property
    def wrong(self) -> int:
        return int(np.abs(self.found - self.truth).sum())


Played = Callable[[int, str], Ended]
"""Days of readings that the lane goes by, and which facts -> how it ended."""


def driver(folder: Path, improve_secs: int) -> FrameDriver:
    def improving(text: str) -> str:
        return text.replace("cold_days: 400", f"cold_days: 400, improve_secs: {improve_secs}")

    return world.driver(folder, file=FILE, partitions=1, change=improving if improve_secs else str)


@pytest.fixture(scope="module")
def fed() -> Feed:
    whole = world.feed(meters=12, days=DAYS, seed=21, faults="none", network={"consumers_per_dt": 12})

    def gone(frames: Frames) -> Array:
        there = np.zeros(len(frames), bool)
        mine, block, daily = frames.point == POINT, frames.kind == Kind.BLOCK, frames.kind == Kind.DAILY
        there[mine & block] = np.isin((frames.interval[mine & block] - 1) // PER_DAY, list(GAP))
        there[mine & daily] = np.isin(frames.interval[mine & daily], list(GAP)[1:])
        return there

    return whole.without(gone)


def truth_of(fed: Feed) -> Array:
    """Wh i64 (intervals, points) of import."""
    found: Array = fed.truth.billed(fed.truth.energy.astype(np.int64))[:, :, 0]
    return found


def check_meter(fed: Feed) -> Around:
    """One that shows 3 % less than the meter, from three days before the gap to one behind it."""
    span = range((GAP[0] - 3) * PER_DAY, (GAP[-1] + 2) * PER_DAY)
    made = np.zeros(len(span), CHECK)
    made["service_point"] = fed.truth.fleet.points.id[POINT]
    made["start"] = fed.truth.fleet.config.start_time + 1800 * np.array(span)
    made["until"], made["energy"] = made["start"] + 1800, truth_of(fed)[span, POINT] * 97 // 100
    return Around(checks=made)


def neighbours(fed: Feed) -> Around:
    """The other consumers of its transformer."""
    points = fed.truth.fleet.points.id
    made = np.zeros(11, NEIGHBOUR)
    made["service_point"], made["neighbour"] = points[POINT], np.delete(points[:12], POINT)
    return Around(neighbours=made)


@pytest.fixture(scope="module")
def played(fed: Feed, folder: Path) -> Played:
    @cache
    def play(history_days: int, by: str) -> Ended:
        to = driver(folder, 43_200 if history_days else 0)
        facts = {"": lambda _: Around(), "check": check_meter, "neighbours": neighbours}[by](fed)
        lane = Lane(to, VeeConfig(cold_days=400), history_days=history_days, facts=facts)
        for slot in fed.slots:
            if slot.registry is not None:
                to.put_in_force(registry=slot.registry, keys=fed.keys)
            world.send(to, slot.frames)
            to.tick(slot.tick.time, slot.tick.lateness_secs)
            if slot.number % PER_DAY == 4:
                lane.answer()
        run = Run(fed, to)
        begin, point = fed.truth.fleet.config.start_time, fed.truth.fleet.points.id[POINT]
        readings = run.readings
        mine = readings["service_point"] == point
        day = (readings["interval_start"] - begin) // 86_400
        mine &= np.isin(day, list(GAP))
        assert mine.sum() == PER_DAY * len(GAP)
        # The first day leaves the window without a like day in it, and before a register says what it used.
        qualities = {Quality.ESTIMATED} if history_days else {Quality.ESTIMATED, Quality.MISSING}
        assert set(readings["q"][mine, 0].tolist()) == qualities
        place = (readings["interval_start"][mine] - begin) // 1800
        methods = {Method(one).name for one in readings["method"][mine].tolist()}
        return Ended(run, lane, readings["energy"][mine, 0], truth_of(fed)[place, POINT], methods)

    return play


def test_a_check_meter_brings_the_gap_near_to_the_truth(played: Played) -> None:
    plain, better = played(0, ""), played(56, "check")
    assert plain.lane.sent == []
    assert {one["day_start"] for one in better.run.driver.records("cold-requests")} == {
        better.run.fed.truth.fleet.config.start_time + 86_400 * day for day in GAP
    }
    assert all(one["rows"] == [] for one in better.run.driver.records("cold-requests"))
    assert better.wrong * 20 < plain.wrong


def test_neighbours_and_weeks_of_readings_bring_it_nearer(played: Played) -> None:
    plain, days, near = (played(*one) for one in ((0, ""), (56, ""), (56, "neighbours")))
    assert near.wrong * 2 < plain.wrong
    assert days.wrong * 2 < plain.wrong


@pytest.mark.parametrize("by", ["", "check", "neighbours"])
def test_the_registers_are_still_met(played: Played, by: str) -> None:
    ended = played(56, by)
    assert int(ended.found.sum()) == int(ended.truth.sum())
    assert ended.methods == {"SCALED"} or "LIKE_DAY" in ended.methods, ended.methods


def test_bills_of_days_are_what_their_readings_add_up_to(played: Played) -> None:
    ended = played(56, "check")
    point = ended.run.fed.truth.fleet.points.id[POINT]
    begin = ended.run.fed.truth.fleet.config.start_time
    bills = rows.last_of(ended.run.driver.records("determinants"), "service_point", "kind", "period_start")
    for number, day in enumerate(GAP):
        bill = bills[int(point), "DAY", begin + 86_400 * day]
        assert bill["wh_imp"] == int(ended.found[number * PER_DAY : (number + 1) * PER_DAY].sum())


def test_judged_again_nothing_changes(played: Played) -> None:
    lane = played(56, "check").lane
    before = len(lane.sent)
    lane.taken = 0
    assert lane.answer() == 0
    assert len(lane.sent) == before
