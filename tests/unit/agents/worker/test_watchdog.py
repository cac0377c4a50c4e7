"""When the watchdog ends a worker, and when it must not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from agents.worker import watchdog as module
from agents.worker.owner import Owner
from agents.worker.settings import WorkerSettings
from agents.worker.watchdog import Broker, Watchdog
from pipeline.checkpoint import Progress, Stage
from pipeline.errors import Fatal
from tests.faults.toy import toy_plan

LONG_AGO = -1_000.0


@dataclass
class Held:
    """Enough of an owner."""

    progress: Progress
    alive_at: float = LONG_AGO


@dataclass
class Said:
    """A broker that says what it is told to; `meanwhile` happens while it is asked."""

    end: Mapping[int, int] | None = None
    position: Mapping[int, int] | None = None
    meanwhile: Callable[[], None] = lambda: None

    def ends(self, _: object) -> Mapping[int, int] | None:
        self.meanwhile()
        return self.end

    def committed(self, _: object) -> Mapping[int, int] | None:
        self.meanwhile()
        return self.position


@dataclass
class World:
    """A watchdog over partition 0, applied to 9 and saved to 7."""

    said: Said
    held: dict[int, Held] = field(default_factory=lambda: {0: Held(Progress(9, 7))})
    moved: float = LONG_AGO
    shared_out: bool = True

    def __post_init__(self) -> None:
        async def at_once(function: Callable[..., Any], *arguments: Any) -> Any:
            return function(*arguments)

        owners = cast("dict[int, Owner]", self.held)
        self.dog = Watchdog(
            toy_plan("dog", "source", 1), WorkerSettings(watchdog_secs=300), cast(Broker, self.said),
            lambda: owners, lambda: self.moved, at_once, lambda: self.shared_out,
        )  # fmt: skip


@pytest.fixture(autouse=True)
def no_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOMENT_SECS", 0.0)


async def test_records_that_nobody_takes_end_the_process() -> None:
    with pytest.raises(Fatal, match=r"NO_PROGRESS at toy/0.*records up to 10 wait"):
        await World(Said(end={0: 11})).dog.check_progress()


async def test_a_log_that_is_worked_off_may_be_quiet_for_ever() -> None:
    await World(Said(end={0: 10})).dog.check_progress()


async def test_a_broker_that_does_not_answer_is_no_reason_and_the_clock_begins_anew() -> None:
    world = World(Said(end=None))
    await world.dog.check_progress()
    world.said.end = {0: 11}
    await world.dog.check_progress()


async def test_what_moved_while_the_broker_was_asked_has_moved() -> None:
    world = World(Said(end={0: 11}))
    world.said.meanwhile = lambda: setattr(world, "moved", time.monotonic())
    await world.dog.check_progress()


async def test_a_record_on_trial_is_progress() -> None:
    world = World(Said(end={0: 11}))
    world.held[0].alive_at = time.monotonic()
    await world.dog.check_progress()


async def test_a_worker_that_is_never_told_its_partitions_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(Said(end={0: 10}), held={}, shared_out=False)
    await world.dog.check_membership()
    begin = time.monotonic()
    monkeypatch.setattr(module.time, "monotonic", lambda: begin + 301)
    with pytest.raises(Fatal, match=r"NOT_SHARED_OUT at group .*301 s"):
        await world.dog.check_membership()


@pytest.mark.parametrize("why", ["shared out", "broker away", "a partition restored"])
async def test_a_worker_may_wait_for_its_partitions(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(Said(end=None if why == "broker away" else {0: 10}), held={}, shared_out=why == "shared out")
    begin = time.monotonic()
    world.moved = begin + 200 if why == "a partition restored" else LONG_AGO
    monkeypatch.setattr(module.time, "monotonic", lambda: begin + 301)
    await world.dog.check_membership()
    # The clock begins anew: nobody could have been told anything.
    world.said.end = {0: 10}
    await world.dog.check_membership()


async def test_a_position_that_is_not_the_one_committed_ends_the_process() -> None:
    with pytest.raises(Fatal, match=r"POSITION_OTHER at source/0.*position 3, but 8 was committed"):
        await World(Said(position={0: 3})).dog.compare_positions()


async def test_a_position_that_the_group_does_not_have_any_more_ends_the_process() -> None:
    with pytest.raises(Fatal, match="POSITION_OTHER"):
        await World(Said(position={0: -1001})).dog.compare_positions()


async def test_the_position_that_was_committed_is_right_however_far_work_has_come() -> None:
    await World(Said(position={0: 8})).dog.compare_positions()


async def test_without_an_answer_positions_do_not_differ() -> None:
    await World(Said(position=None)).dog.compare_positions()


async def test_a_commit_under_way_is_waited_for() -> None:
    world = World(Said(position={0: 3}))
    world.held[0].progress.stage = Stage.COMMIT
    await world.dog.compare_positions()


async def test_a_checkpoint_while_the_broker_was_asked_makes_the_answer_worthless() -> None:
    world = World(Said(position={0: 8}))

    def saved() -> None:
        world.held[0].progress.saved += 1

    world.said.meanwhile = saved
    await world.dog.compare_positions()


async def test_a_difference_that_is_gone_a_moment_later_is_none() -> None:
    world = World(Said(position={0: 3}))
    answers = iter([{0: 3}, {0: 8}])
    world.said.meanwhile = lambda: setattr(world.said, "position", next(answers))
    await world.dog.compare_positions()


async def test_a_partition_that_is_taken_away_meanwhile_is_somebody_elses() -> None:
    world = World(Said(position={0: 3}))
    world.said.meanwhile = world.held.clear
    await world.dog.compare_positions()


async def test_a_partition_that_went_and_came_back_is_looked_at_anew() -> None:
    world = World(Said(position={0: 3}))
    turns = iter(range(4))

    def new_owner() -> None:
        if next(turns) == 0:
            return
        world.held[0] = Held(Progress(9, 7))

    world.said.meanwhile = new_owner
    await world.dog.compare_positions()
