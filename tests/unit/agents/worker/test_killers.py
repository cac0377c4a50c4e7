"""Frames at which a process dies are found in processes that may die of them."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import agents
from agents.worker.killers import killers
from agents.worker.trial import Trial, suspect
from pipeline.errors import Fatal
from pipeline.runtime.chain import Chain, Prepared
from pipeline.runtime.saved import Place
from pipeline.state import StateStore
from pipeline.step import Advance, Control, Origin, Parcel, Step, Tick
from schemas.load import load_contracts
from tests.faults.toy import KILLER, POISON, SLEEPER, ToyStep, no_references, toy_batch, toy_plan

POINTS = np.arange(1, 21, dtype=np.uint64)


class Jealous(ToyStep):
    """Dies of what the state before the record says, or of a tick, but of no frame."""

    def advance(self, parcel: Parcel, store: StateStore, prepared: str) -> Advance:
        seen = int(store.areas["counts"].rows["frames"].sum())
        if seen != 40 or prepared != "v1" or parcel.tick is not None:
            super().advance(Parcel(parcel.origin, toy_batch(POINTS, special={0: KILLER})), store, prepared)
        return super().advance(parcel, store, prepared)


def place(step: ToyStep) -> Place:
    steps = (step,)
    return Place(toy_plan("app", "source", 1), steps, Prepared(steps, no_references), load_contracts(), "id", 0)


def parcel(special: dict[int, bytes] | None = None, tick: Tick | None = None, control: Control | None = None) -> Parcel:
    return Parcel(Origin("id", 0, 2), toy_batch(POINTS, special=special or {}), tick, control)


@contextmanager
def trial(of: Parcel, step: ToyStep | None = None, secs: float = 20.0) -> Iterator[Trial]:
    where = place(step or ToyStep())
    chain = Chain(where.plan, (ToyStep(),), where.fresh().stores, where.prepared, where.contracts)
    for offset in range(2):
        chain.advance(Parcel(Origin("id", 0, offset), toy_batch(POINTS)))
    with Trial(suspect(where, chain, of), secs) as running:
        yield running
    assert multiprocessing.active_children() == []


def test_frames_at_which_a_process_dies_or_does_not_return_are_found() -> None:
    record = parcel({3: KILLER, 4: POISON, 11: KILLER, 17: SLEEPER})
    with trial(record, secs=2.0) as running:
        assert killers(record, running.survives) == [3, 11, 17]


class DiesOnce(ToyStep):
    """Dies the first time that it sees anything, as a process does that the system ends for want of memory."""

    def __init__(self, seen: Path) -> None:
        super().__init__()
        self.seen = seen

    def advance(self, parcel: Parcel, store: StateStore, prepared: str) -> Advance:
        if not self.seen.exists():
            self.seen.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().advance(parcel, store, prepared)


def test_what_dies_once_is_tried_again(tmp_path: Path) -> None:
    with trial(parcel(), DiesOnce(tmp_path / "seen")) as running:
        assert killers(parcel(), running.survives) == []
    assert (tmp_path / "seen").exists()


def test_a_record_that_is_harmless_has_none() -> None:
    record = parcel({4: POISON})
    with trial(record) as running:
        assert killers(record, running.survives) == []


def test_the_trial_has_the_state_before_the_record_and_the_versions_of_the_record() -> None:
    control = Control({"registry": "v1"})
    with trial(parcel(control=control), Jealous()) as running:
        assert running.survives(list(range(20)))
        assert running.survives(list(range(10)))
    with trial(parcel(control=Control({"registry": "v2"})), Jealous()) as running:
        assert not running.survives(list(range(20)))


def test_a_record_that_kills_without_its_frames_stops_the_process() -> None:
    record = parcel(tick=Tick(60, 0), control=Control({"registry": "v1"}))
    with trial(record, Jealous()) as running, pytest.raises(Fatal, match=r"RECORD_KILLS.*without any frame"):
        killers(record, running.survives)


def test_frames_that_kill_only_together_stop_the_process() -> None:
    with pytest.raises(Fatal, match=r"RECORD_KILLS.*no frame does so by itself"):
        killers(parcel(), lambda frames: not {3, 12} <= set(frames))
    with pytest.raises(Fatal, match=r"RECORD_KILLS.*without the frames \[5\]"):
        killers(parcel(), lambda frames: 5 not in frames and not {3, 12} <= set(frames))


def test_a_record_without_frames_that_kills_stops_the_process() -> None:
    with pytest.raises(Fatal, match="RECORD_KILLS"):
        killers(Parcel(Origin("id", 0, 0), None, Tick(1, 1)), lambda _: False)


def test_a_trial_whose_process_is_gone_says_so() -> None:
    with trial(parcel()) as running:
        running._process.kill()
        with pytest.raises(Fatal, match="TRIAL_FAILED"):
            running.survives([])


@pytest.mark.parametrize("name", sorted(agents.STAGES))
def test_every_stage_can_go_to_another_process(name: str) -> None:
    options, make = agents.STAGES[name]
    step: Step = make(options())
    again: Step = pickle.loads(pickle.dumps(step, 5))
    assert (again.name, again.layout) == (step.name, step.layout)
