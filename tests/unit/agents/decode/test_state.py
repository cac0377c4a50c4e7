"""What decode remembers of a device: invocation counters, and the event status word."""

import numpy as np

from agents.decode.config import DecodeConfig
from agents.decode.state import TOGETHER
from pipeline.codes import Flag
from pipeline.events import ESW_EVENTS
from tests.builders_frames import (
    BLOCK_PLAIN,
    DEVICE,
    OTHER_KEYS,
    POINT,
    Link,
    World,
    alert,
    block,
    codes,
    events,
    references,
    sealed,
)


def counted(world, *counters, wh=0.0):
    advance = world.offer(*[sealed(block(wh_imp=wh), counter) for counter in counters])
    batch = advance.parcel.batch
    late = [] if batch is None else batch.counter[batch.flags & Flag.COUNTER_LATE != 0].tolist()
    return {counters[frame]: code for frame, code in codes(advance).items()}, late


def test_counters_out_of_order_are_taken_once_and_flagged():
    world = World()
    assert counted(world, 1000, 1002, 1001, 900) == ({}, [1001, 900])
    assert counted(world, 1001, 900) == ({1001: "COUNTER_DUPLICATE", 900: "COUNTER_DUPLICATE"}, [])


def test_a_counter_with_other_bytes_is_a_replay():
    world = World()
    counted(world, 7)
    assert counted(world, 7, wh=3.5) == ({7: "COUNTER_REPLAYED"}, [])


def test_a_counter_older_than_the_window_is_too_old():
    world = World()
    counted(world, 1000)
    assert counted(world, 745, 744) == ({744: "COUNTER_TOO_OLD"}, [745])


def test_the_strict_rule_takes_only_a_counter_above_the_newest():
    world = World(config=DecodeConfig(counter="strict"))
    assert counted(world, 10, 12, 11, 12) == ({11: "COUNTER_TOO_OLD", 12: "COUNTER_DUPLICATE"}, [])


def test_another_key_starts_another_window():
    world = World()
    counted(world, 5000)
    world.control(references([Link()], {DEVICE: OTHER_KEYS}))
    assert codes(world.offer(sealed(block(), 1, keys=OTHER_KEYS))) == {}
    assert codes(world.offer(sealed(block(), 1, keys=OTHER_KEYS))) == {0: "COUNTER_DUPLICATE"}


def test_a_frame_that_is_rejected_does_not_use_its_counter():
    world = World()
    broken = sealed(block()[:-1], 20)
    unclocked = sealed(block((2025, 13, 1, 0, 0, 0)), 20)
    assert codes(world.offer(broken, unclocked, sealed(block(), 20), broken)) == {
        0: "DATA_MALFORMED", 1: "CLOCK_UNUSABLE", 3: "DATA_MALFORMED",
    }  # fmt: skip


def test_plain_frames_have_no_counter():
    assert codes(World().offer(BLOCK_PLAIN, BLOCK_PLAIN)) == {}


def test_the_window_survives_a_growing_page():
    world = World()
    counted(world, 77)
    before = world.store.capacity
    world.store.locate(np.full(3 * before, POINT, np.uint64), np.arange(1, 3 * before + 1, dtype=np.uint64))
    assert world.store.capacity > before
    assert counted(world, 77) == ({77: "COUNTER_DUPLICATE"}, [])


def test_what_changes_is_marked_for_the_checkpoint_and_nothing_else():
    world = World()
    world.offer(sealed(block(), 300), sealed(block(), 301)[:50])
    for name, slices in (("counters", [0]), ("prints", [(300 & 255) // TOGETHER]), ("words", [])):
        area = world.store.areas[name]
        assert np.flatnonzero(area.dirty.any(axis=1)).tolist() == slices
        assert int(np.bitwise_count(area.changed).sum()) == len(slices)


# ------------------------------------------------------------------------------------------------ events


def test_levels_occur_and_are_restored_and_moments_only_occur():
    world = World()
    assert events(world.offer(alert(3, 85))) == [(3, "OCCURRED"), (85, "OCCURRED")]
    assert events(world.offer(alert(3, 85))) == []
    assert events(world.offer(alert(86, 82))) == [(3, "RESTORED"), (82, "OCCURRED"), (86, "OCCURRED")]


def test_every_bit_of_the_table_raises_its_event_with_its_codes():
    for row in ESW_EVENTS:
        world = World()
        occurred = world.offer(alert(row.bit)).emissions[0].value
        assert (occurred["bit"], occurred["code"], occurred["name"]) == (row.bit, row.occurred, row.name)
        restored = world.offer(alert()).emissions
        assert [item.value["code"] for item in restored] == ([] if row.momentary else [row.restored])


def test_a_bit_that_is_not_in_the_table_raises_nothing_and_is_in_the_snapshot():
    advance = World().offer(alert(117))
    assert events(advance) == []
    assert int(advance.parcel.batch.snapshot[0, -1]) == 1 << (127 - 117)


def test_a_late_word_tells_what_occurred_and_does_not_come_into_force():
    world = World()
    world.offer(alert(3, wall=(2025, 7, 1, 12, 0, 0)))
    assert events(world.offer(alert(85, wall=(2025, 7, 1, 11, 0, 0)))) == [(85, "OCCURRED")]
    assert events(world.offer(alert(wall=(2025, 7, 1, 12, 5, 0)))) == [(3, "RESTORED")]


def test_words_of_one_record_are_compared_in_their_order():
    assert events(World().offer(alert(4), alert(), alert(4))) == [(4, "OCCURRED"), (4, "RESTORED"), (4, "OCCURRED")]
