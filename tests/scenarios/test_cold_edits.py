"""An edit of a day that left the window long ago, and its undoing, go through the cold lane: then all is as before."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.vee.config import VeeConfig
from cli.testing import FrameDriver
from connectors.simulator import Frames
from pipeline.codes import Method, Quality
from pipeline.columns import Array
from pipeline.statement_frames import ROW, Statement, StatementFrame
from tests.scenarios import rows, world
from tests.scenarios.cold import Lane
from tests.scenarios.rows import DAY_SECS
from tests.scenarios.test_cold import FILE, SAID
from tests.scenarios.test_usage import play_by_day
from tests.scenarios.world import Feed, Run

DAYS, DAY = 14, 3
POINT, OTHER = 1, 2
"""Rows of the points with an edit and with a discarding. Of both a few frames of the day never came."""
MISSED = (DAY * 48 + 21, DAY * 48 + 22)
EDITED_WH = 777
State = tuple[list[Any], list[Any], dict[Any, Any]]
"""Readings, settlements, bills."""


def lost(frames: Frames) -> Array:
    return np.asarray(np.isin(frames.interval, MISSED) & np.isin(frames.point, (POINT, OTHER)) & (frames.kind == 1))


@pytest.fixture(scope="module")
def fed() -> Feed:
    fed = world.feed(
        meters=4, days=DAYS, start=date(2025, 7, 1), seed=5, faults="none", network={"consumers_per_dt": 4},
        shares={"instant": 0.0, "solar": 0.0},
    )  # fmt: skip
    return fed.without(lost)


class Story:
    """Days pass, then something is said of one of them, time and again."""

    def __init__(self, fed: Feed, folder: Path) -> None:
        self.fed = fed
        self.driver: FrameDriver = play_by_day(world.driver(folder, file=FILE, partitions=1), fed)
        self.lane = Lane(self.driver, VeeConfig(cold_days=400))
        self.time = fed.slots[-1].end_time

    def point(self, row: int) -> int:
        return int(self.fed.truth.fleet.points.id[row])

    def starts(self) -> list[int]:
        """An interval that came, and one that did not."""
        config = self.fed.truth.fleet.config
        return [config.start_time + (number - 1) * 1800 for number in (MISSED[0] - 3, MISSED[0])]

    def say(self, kind: Statement, row: int, number: int, *, wh: int = EDITED_WH, **changed: Any) -> None:
        said = np.zeros(2, ROW)
        said["start"], said["secs"] = self.starts(), 1800
        if kind is Statement.EDIT:
            said["present"], said["energy"] = 3, [wh, wh + 9, 0, 0]
        for name, value in changed.items():
            said[name] = value
        frame = StatementFrame(kind, self.point(row), number, self.time, said, "id", "asha", "why")
        self.driver.statements([frame], self.time)

    def answer(self) -> int:
        return self.lane.answer()

    def state(self) -> State:
        """What holds: readings, settlements, bills without their history."""
        run = Run(self.fed, self.driver)
        readings = list(zip(*(run.readings[name].tolist() for name in ("service_point", "interval_start", *SAID)),
                            strict=True))  # fmt: skip
        left = ("day_revision", "day_link", "partition", "offset", "day_state")
        days = list(zip(*(run.days[name].tolist() for name in run.days if name not in left), strict=True))
        bills = rows.last_of(self.driver.records("determinants"), "service_point", "kind", "period_start")
        said = ("wh_imp", "vah_imp", "wh_exp", "vah_exp", "zones", "demand_w", "demand_start", "total_paise",
                "estimated_wh", "intervals_actual", "intervals_estimated")  # fmt: skip
        return readings, days, {key: [bill[name] for name in said] for key, bill in bills.items()}

    def reading(self, row: int, place: int) -> dict[str, Any]:
        """The last revision of the first or second of the intervals."""
        table = rows.readings(self.driver)
        chosen = (table["service_point"] == self.point(row)) & (table["interval_start"] == self.starts()[place])
        (found,) = np.flatnonzero(chosen).tolist()
        return {name: values[found].tolist() for name, values in table.items()}

    def bills(self, row: int) -> list[Any]:
        """All revisions of the day's determinant."""
        begin = self.fed.truth.fleet.config.start_time + DAY * DAY_SECS
        found = [
            one
            for one in self.driver.records("determinants")
            if (one["service_point"], one["kind"], one["period_start"]) == (self.point(row), "DAY", begin)
        ]
        return sorted(found, key=lambda one: one["revision"])

    def month(self, row: int) -> Any:
        """The last determinant of the month."""
        found = [one for one in self.driver.records("determinants")
                 if (one["service_point"], one["kind"]) == (self.point(row), "MONTH")]  # fmt: skip
        return max(found, key=lambda one: one["revision"])


def same(found: State, wanted: State) -> None:
    """Rows that differ are shown, not all."""
    for ours, theirs in zip(found[:2], wanted[:2], strict=True):
        assert [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]] == []
    assert found[2] == wanted[2]


@pytest.fixture
def story(fed: Feed, folder: Path) -> Story:
    return Story(fed, folder)


def test_an_edit_of_a_day_ten_days_ago_and_its_undoing_leave_all_as_it_was(story: Story) -> None:
    before, bills = story.state(), len(story.bills(POINT))
    story.say(Statement.EDIT, POINT, 8)
    assert story.driver.records("rejects") == []
    assert len(story.driver.records("cold-requests")) == 1
    same(story.state(), before)
    assert story.answer() >= 1
    for place in range(2):
        found = story.reading(POINT, place)
        assert (found["energy"], found["method"]) == ([EDITED_WH, EDITED_WH + 9, 0, 0], Method.MANUAL)
        assert found["q"][:2] == [Quality.MANUAL] * 2
    assert [bill["reason"] for bill in story.bills(POINT)[bills:]] == ["EDITED"]
    assert story.month(POINT)["reason"] == "EDITED"
    story.say(Statement.WITHDRAW, POINT, 11)
    assert story.answer() >= 1
    same(story.state(), before)
    assert [bill["reason"] for bill in story.bills(POINT)[bills:]] == ["EDITED", "EDITED"]
    # An older edit that comes again changes nothing, and neither does a copy.
    story.say(Statement.EDIT, POINT, 8)
    story.say(Statement.WITHDRAW, POINT, 11)
    assert story.answer() == 0
    same(story.state(), before)


def test_two_spikes_that_are_taken_back_together_leave_the_demand_of_the_month(story: Story) -> None:
    before, demand = story.state(), story.month(POINT)["demand_w"]
    starts = np.array([story.starts(), [start + DAY_SECS for start in story.starts()]])
    for number, wh in enumerate((60_000, 50_000)):
        story.say(Statement.EDIT, POINT, 3 + number, wh=wh, start=starts[number])
    assert story.answer() >= 2
    assert story.month(POINT)["demand_w"] == 120_000 > demand
    for number in range(2):
        story.say(Statement.WITHDRAW, POINT, 5 + number, start=starts[number])
    assert story.answer() >= 2
    assert story.month(POINT)["demand_w"] == demand
    same(story.state(), before)


def test_what_is_discarded_is_estimated_and_comes_back(story: Story) -> None:
    before = story.state()
    sent = story.reading(OTHER, 0)
    story.say(Statement.DISCARD, OTHER, 3)
    assert story.answer() >= 1
    assert story.reading(OTHER, 0)["q"][0] == Quality.ESTIMATED
    assert sent["q"][0] == Quality.ACTUAL
    story.say(Statement.WITHDRAW, OTHER, 4)
    assert story.answer() >= 1
    same(story.state(), before)


def test_the_newer_of_two_edits_holds_in_any_order(story: Story, fed: Feed, folder: Path) -> None:
    other = Story(fed, folder)
    for one, numbers in ((story, (5, 6)), (other, (6, 5))):
        for number in numbers:
            one.say(Statement.EDIT, POINT, number, wh=100 * number)
            one.answer()
    assert story.reading(POINT, 0)["energy"][0] == 600
    same(story.state(), other.state())


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"secs": 900}, "STATEMENT_INTERVAL"), ({"energy": -5}, "STATEMENT_VALUE")],
)
def test_what_no_interval_fits_is_refused_at_once(story: Story, changed: dict[str, int], code: str) -> None:
    story.say(Statement.EDIT, POINT, 2, **changed)
    assert story.driver.records("cold-requests") == []
    assert {record["code"] for record in story.driver.records("rejects")} == {code}
