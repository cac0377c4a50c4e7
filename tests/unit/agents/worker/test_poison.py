"""Frames at which a step fails are found, and only they are rejected."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.worker.poison import FIRST_INDEX, reported, take_without_poison
from pipeline.batch import FrameBatch
from pipeline.errors import Fatal
from pipeline.runtime.chain import Chain, Output, Prepared
from pipeline.runtime.saved import Place
from pipeline.step import Origin, Parcel, Tick
from schemas.load import load_contracts
from tests.faults.toy import ToyStep, no_references, toy_batch, toy_plan

POINTS = np.arange(1, 21, dtype=np.uint64)


def chain(step: Any = None) -> Chain:
    steps = (step or ToyStep(),)
    plan = toy_plan("app", "source", 1)
    return Place(plan, steps, Prepared(steps, no_references), load_contracts(), "id", 0).fresh()


def parcel(poison: tuple[int, ...] = (), **envelope: Any) -> Parcel:
    return Parcel(Origin("id", 0, 0), toy_batch(POINTS, poison=poison), **envelope)


def rejects(outputs: list[Output]) -> list[dict[str, Any]]:
    contracts = load_contracts()
    return [contracts.decode(one.value, "Reject") for one in outputs if one.topic == "app-rejects"]


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(0, 19), min_size=1, max_size=6))
def test_exactly_the_poison_frames_are_rejected(bad: set[int]) -> None:
    before = chain()
    after, outputs = take_without_poison(before, parcel(tuple(bad)), ZeroDivisionError())
    found = rejects(outputs)
    assert {reject["frame"] for reject in found} == bad
    assert all(reject["code"] == "POISON" and reject["raw"] == b"poison" for reject in found)
    assert {reject["service_point"] for reject in found} == {frame + 1 for frame in bad}
    assert {reject["source_index"] for reject in found} == {FIRST_INDEX + frame for frame in bad}
    assert not before.stores[0].keys.any()
    assert np.count_nonzero(after.stores[0].keys) == len(POINTS)


def test_the_same_record_gives_the_same_outputs_again() -> None:
    one = take_without_poison(chain(), parcel((3, 7)), ZeroDivisionError())[1]
    assert one == take_without_poison(chain(), parcel((3, 7)), ZeroDivisionError())[1]
    assert len({output.id for output in one}) == len(one)


def test_what_else_is_in_the_record_is_not_lost() -> None:
    after, _ = take_without_poison(chain(), parcel((3,), tick=Tick(1_000, 10)), ZeroDivisionError())
    assert after.position.tick_time == 1_000


class BadTick(ToyStep):
    """Fails at ticks, whatever the frames are."""

    def advance(self, parcel: Parcel, store: Any, prepared: Any) -> Any:
        if parcel.tick is not None:
            raise IndexError("tick")
        return super().advance(parcel, store, prepared)


def test_a_step_that_fails_at_the_tick_stops_the_process() -> None:
    with pytest.raises(Fatal, match="STEP_FAILED"):
        take_without_poison(chain(BadTick()), parcel((), tick=Tick(1_000, 10)), IndexError("tick"))


def test_frames_found_in_two_ways_are_rejected_in_the_order_of_their_index() -> None:
    before, bad = chain(), parcel((7,))
    _, outputs = take_without_poison(before, bad, ZeroDivisionError())
    both = reported(before, bad, outputs, [3, 12], "the process died")
    assert [reject["frame"] for reject in rejects(both)] == [3, 7, 12]
    assert both[: len(outputs) - 1] == outputs[:-1]


class Hungry(ToyStep):
    """Has no memory for some frames, or cannot read what it needs."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def advance(self, parcel: Parcel, store: Any, prepared: Any) -> Any:
        raise self.error


@pytest.mark.parametrize("error", [MemoryError(), OSError("no more files")])
def test_want_of_memory_and_broken_files_are_not_the_fault_of_frames(error: Exception) -> None:
    with pytest.raises(type(error)):
        take_without_poison(chain(Hungry(error)), parcel(), ZeroDivisionError())


def test_a_record_without_frames_stops_the_process() -> None:
    with pytest.raises(Fatal, match="STEP_FAILED"):
        take_without_poison(chain(), Parcel(Origin("id", 0, 0), None, Tick(1, 1)), IndexError())


def test_an_error_that_does_not_come_again_stops_the_process() -> None:
    with pytest.raises(Fatal, match="no frame fails by itself"):
        take_without_poison(chain(), parcel(), MemoryError())


def test_poison_is_found_in_a_record_whose_lengths_reach_beyond_its_octets() -> None:
    whole = parcel((3,))
    assert isinstance(whole.batch, FrameBatch)
    short = replace(whole, batch=replace(whole.batch, payload=whole.batch.payload[:-2]))
    after, outputs = take_without_poison(chain(), short, ZeroDivisionError())
    assert {reject["frame"] for reject in rejects(outputs)} == {3}
    assert np.count_nonzero(after.stores[0].keys) == len(POINTS)
