"""Frames that are offered again: accepted once, however far the counter has gone on, and marked when refused again."""

import numpy as np
import pytest

from agents.decode.config import DecodeConfig
from agents.decode.state import WINDOW
from pipeline.codes import Flag
from pipeline.retry import times_in
from pipeline.step import Origin, Parcel
from tests.builders_frames import (
    DEVICE,
    OTHER,
    OTHER_KEYS,
    POINT,
    World,
    alert,
    block,
    codes,
    events,
    frame_batch,
    sealed,
)
from tests.builders_records import emitted

FAR = 5 * WINDOW


def again(world: World, *frames: bytes, times=1, devices=DEVICE, points=POINT):
    """Offer frames as the ones that had been refused before, `times` u32 each."""
    batch = frame_batch(frames, devices, points)
    parcel = Parcel(Origin("frames-1", 3, world.offset), batch, requeued=np.full(len(frames), times, np.uint32))
    world.offset += 1
    return world.step.advance(parcel, world.store, world.prepared)


def counters(advance) -> list[int]:
    return [] if advance.parcel.batch is None else advance.parcel.batch.counter.tolist()


def old(first: int, last: int) -> list[bytes]:
    return [sealed(block((2025, 7, 1, 12, 0, 0)), counter) for counter in range(first, last)]


def test_what_is_behind_the_window_is_taken_when_offered_again_and_only_then():
    world = World()
    world.offer(sealed(block(), FAR))
    frames = old(1, 700)
    assert set(codes(world.offer(*frames)).values()) == {"COUNTER_TOO_OLD"}
    taken = again(world, *frames)
    assert counters(taken) == list(range(1, 700))
    assert codes(taken) == {}
    assert set(codes(world.offer(*frames)).values()) == {"COUNTER_TOO_OLD"}


@pytest.mark.parametrize("size", [1, 7, 300, 700])
def test_what_is_offered_again_twice_gives_its_rows_once_whatever_came_between(size: int):
    world = World()
    world.offer(sealed(block(), 690))
    frames = old(1, 690) + old(691, 710)
    taken = [
        counter for at in range(0, len(frames), size) for counter in counters(again(world, *frames[at : at + size]))
    ]
    assert sorted(taken) == [*range(1, 690), *range(691, 710)]
    world.offer(sealed(block(), FAR))
    for _ in range(2):
        second = again(world, *frames, times=2)
        assert counters(second) == []
        assert set(codes(second).values()) <= {"COUNTER_TOO_OLD", "COUNTER_DUPLICATE"}
        assert {times_in(record["detail"]) for record in emitted(second, "rejects")} == {2}


def test_a_copy_within_what_is_offered_again_is_dropped():
    world = World()
    world.offer(sealed(block(), FAR))
    frame, other = sealed(block(), 9), sealed(block(wh_imp=1.0), 9)
    made = again(world, frame, frame, other)
    assert (counters(made), codes(made)) == ([9], {1: "COUNTER_DUPLICATE", 2: "COUNTER_REPLAYED"})


def test_others_in_the_record_are_judged_as_ever():
    world = World()
    world.offer(sealed(block(), FAR))
    batch = frame_batch([sealed(block(), 3), sealed(block(), 4), sealed(block(), FAR + 1)])
    parcel = Parcel(Origin("frames-1", 3, 9), batch, requeued=np.array([0, 2, 0], np.uint32))
    made = world.step.advance(parcel, world.store, world.prepared)
    assert (counters(made), codes(made)) == ([FAR + 1, 4], {0: "COUNTER_TOO_OLD"})
    assert [times_in(record["detail"]) for record in emitted(made, "rejects")] == [0]


def test_the_window_of_what_comes_by_itself_is_not_moved():
    world, other = World(), World()
    for one in (world, other):
        one.offer(sealed(block(), FAR), sealed(block(), FAR - 2))
    again(world, *old(1, 300))
    probes = [sealed(block(), FAR - place) for place in range(WINDOW + 2)]
    assert codes(world.offer(*probes)) == codes(other.offer(*probes))


def test_old_event_status_words_follow_each_other_and_leave_the_one_in_force():
    world = World()
    world.offer(sealed(alert(81, wall=(2025, 7, 3, 12, 0, 0)), FAR))
    made = again(
        world, sealed(alert(83, wall=(2025, 7, 1, 12, 0, 0)), 1), sealed(alert(wall=(2025, 7, 1, 13, 0, 0)), 2)
    )
    assert events(made) == [(83, "OCCURRED"), (83, "RESTORED")]
    assert events(world.offer(sealed(alert(81, wall=(2025, 7, 3, 13, 0, 0)), FAR + 1))) == []


def test_a_strict_topology_takes_what_is_offered_again_in_its_order():
    world = World(config=DecodeConfig(counter="strict"))
    world.offer(sealed(block(), FAR))
    made = again(world, *(sealed(block(), counter) for counter in (3, 5, 4, 6)))
    assert (counters(made), codes(made)) == ([3, 5, 6], {2: "COUNTER_TOO_OLD"})


def test_without_a_key_it_is_refused_again_with_the_mark_and_a_try_of_it_changes_nothing():
    world = World()
    made = again(world, sealed(block(), 9, OTHER, OTHER_KEYS), times=3, devices=OTHER)
    (record,) = emitted(made, "rejects")
    assert (record["code"], times_in(record["detail"])) == ("KEY_UNKNOWN", 3)


def test_plain_frames_have_no_counter_and_no_second_window():
    world = World()
    made = again(world, block())
    assert made.parcel.batch.flags[0] & Flag.PLAIN
    assert int(world.store.used.sum()) == 1
