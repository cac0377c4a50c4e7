"""The checkpoint's order against a model of Kafka: every interleaving of two workers, their deaths and late reports.

The model has a log of three records with one output each, a topic that gets outputs in any order or not at all when a
worker dies, a state topic with fencing, and a group position. `Progress` and `Deliveries` are the real ones. All
reachable states are visited, so what holds here holds for every order of events of this size.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.checkpoint import Deliveries, Progress, Stage
from pipeline.errors import Fatal

RECORDS = 3
STARTS = 2


@dataclass
class Worker:
    """A process: what it has in memory, and its outputs under way as (mark, offset)."""

    epoch: int
    progress: Progress
    deliveries: Deliveries
    under_way: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class World:
    """Kafka, and the processes that run; a fenced one may go on working."""

    outputs: set[int] = field(default_factory=set)
    saved: int = -1
    position: int = 0
    epoch: int = 0
    starts: int = 0
    workers: list[Worker] = field(default_factory=list)

    def key(self) -> str:
        """Equal for equal worlds."""
        return repr(self)


Action = Callable[[World], None]


def start(world: World) -> None:
    """A new owner: fences, restores, commits the position."""
    world.starts += 1
    world.epoch += 1
    world.workers.append(Worker(world.epoch, Progress(world.saved, world.saved), Deliveries()))
    world.position = world.saved + 1


def apply(world: World, number: int) -> None:
    """The next record: its output is handed to the producer."""
    worker = world.workers[number]
    offset = worker.progress.applied + 1
    worker.under_way.append((worker.deliveries.sent(), offset))
    worker.progress.apply(offset)


def deliver(world: World, number: int, place: int) -> None:
    """Any output under way arrives, and its report."""
    worker = world.workers[number]
    mark, offset = worker.under_way.pop(place)
    world.outputs.add(offset)
    worker.deliveries.delivered(mark)


def arrive(world: World, number: int, place: int) -> None:
    """An output arrives, and the process dies before its report."""
    world.outputs.add(world.workers[number].under_way[place][1])
    die(world, number)


def die(world: World, number: int) -> None:
    """SIGKILL: outputs under way are lost."""
    del world.workers[number]


def begin(world: World, number: int) -> None:
    """Copy pages and head."""
    worker = world.workers[number]
    worker.progress.copied(worker.deliveries.mark())


def flush(world: World, number: int) -> None:
    """Look whether the outputs are acknowledged."""
    worker = world.workers[number]
    worker.progress.flushed(worker.deliveries.acknowledged)


def write(world: World, number: int) -> None:
    """The transaction: refused when another owner has fenced this one, which ends it."""
    worker = world.workers[number]
    if worker.epoch != world.epoch:
        die(world, number)
        return
    next_offset = worker.progress.written()
    world.saved = next_offset - 1


def commit(world: World, number: int) -> None:
    """The position of a member that the group still knows; a fenced one's is refused."""
    worker = world.workers[number]
    if worker.epoch == world.epoch:
        world.position = worker.progress.saved + 1
    worker.progress.committed()


def possible(world: World) -> Iterator[Action]:
    """What may happen next."""
    if world.starts < STARTS:
        yield start
    for number, worker in enumerate(world.workers):
        yield lambda w, n=number: die(w, n)
        if worker.progress.applied + 1 < RECORDS:
            yield lambda w, n=number: apply(w, n)
        for place in range(len(worker.under_way)):
            yield lambda w, n=number, p=place: deliver(w, n, p)
            yield lambda w, n=number, p=place: arrive(w, n, p)
        stage = worker.progress.stage
        if stage is Stage.NONE and worker.progress.applied > worker.progress.saved:
            yield lambda w, n=number: begin(w, n)
        elif stage is Stage.FLUSH:
            yield lambda w, n=number: flush(w, n)
        elif stage is Stage.WRITE:
            yield lambda w, n=number: write(w, n)
        elif stage is Stage.COMMIT:
            yield lambda w, n=number: commit(w, n)


def faults(world: World) -> list[str]:
    """What must never be true."""
    found = []
    if not set(range(world.saved + 1)) <= world.outputs:
        found.append("the state is ahead of acknowledged outputs")
    if world.position > world.saved + 1:
        found.append("the group's position is ahead of the state")
    return found


def explore() -> tuple[int, list[str]]:
    """(states visited, faults found) over all interleavings."""
    first = World()
    seen, waiting, found = {first.key()}, [first], []
    while waiting:
        world = waiting.pop()
        for action in possible(world):
            after = copy.deepcopy(world)
            action(after)
            if after.key() in seen:
                continue
            seen.add(after.key())
            found += faults(after)
            if not found:
                waiting.append(after)
    return len(seen), found


def test_no_interleaving_saves_a_state_whose_outputs_are_missing() -> None:
    visited, found = explore()
    assert found == []
    assert visited > 5_000


@dataclass
class Naive:
    """Counts reports without looking which outputs they are of."""

    count_sent: int = 0
    count_delivered: int = 0
    closed: list[int] = field(default_factory=list)

    def sent(self) -> int:
        self.count_sent += 1
        return 0

    def delivered(self, _mark: int) -> None:
        self.count_delivered += 1

    def mark(self) -> int:
        self.closed.append(self.count_sent)
        return len(self.closed) - 1

    @property
    def acknowledged(self) -> int:
        return max((mark for mark, sent in enumerate(self.closed) if self.count_delivered >= sent), default=-1)


def test_the_model_finds_reports_of_later_outputs_that_stand_for_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "Deliveries", Naive)
    assert "the state is ahead of acknowledged outputs" in explore()[1]


def test_the_model_finds_a_checkpoint_that_does_not_wait_for_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    def flushed(self: Progress, acknowledged: int) -> bool:
        self.stage = Stage.WRITE
        return True

    monkeypatch.setattr(Progress, "flushed", flushed)
    assert "the state is ahead of acknowledged outputs" in explore()[1]


def test_the_model_finds_a_position_that_is_committed_before_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    def hasty(world: World, number: int) -> None:
        world.position = world.workers[number].progress.applied + 1
        begin_in_order(world, number)

    begin_in_order = begin
    monkeypatch.setitem(globals(), "begin", hasty)
    assert "the group's position is ahead of the state" in explore()[1]


def test_a_copy_is_skipped_and_a_hole_ends_the_process() -> None:
    progress = Progress(7, 7)
    assert not progress.admit(7)
    assert progress.admit(8)
    with pytest.raises(Fatal, match="OFFSET_HOLE"):
        progress.admit(9)


def test_a_step_out_of_order_ends_the_process() -> None:
    progress = Progress(7, 7)
    with pytest.raises(Fatal, match="CHECKPOINT_ORDER"):
        progress.written()
    progress.copied(0)
    with pytest.raises(Fatal, match="CHECKPOINT_ORDER"):
        progress.copied(1)


def test_what_is_applied_after_the_copy_is_not_saved_with_it() -> None:
    progress = Progress(4, 4)
    progress.apply(5)
    progress.copied(0)
    progress.apply(6)
    assert progress.flushed(0)
    assert progress.written() == 6
    assert (progress.applied, progress.saved) == (6, 5)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_a_mark_is_acknowledged_when_all_outputs_before_it_are(actions: list[int], random: object) -> None:
    deliveries, open_ = Deliveries(), []
    marks: list[int] = []
    for action in actions:
        if action < 2:
            open_.append(deliveries.sent())
        elif action == 2 and open_:
            deliveries.delivered(open_.pop(random.randrange(len(open_))))  # type: ignore[attr-defined]
        else:
            marks.append(deliveries.mark())
        expected = max((mark for mark in marks if all(one > mark for one in open_)), default=-1)
        assert deliveries.acknowledged == expected
        assert deliveries.under_way == len(open_)
