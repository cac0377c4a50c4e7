"""A meter takes another key, and still sends what it had queued under the former one."""

import numpy as np
import pytest

from agents.decode.config import DecodeConfig
from agents.decode.exchange import FORMER_DEVICE
from agents.decode.state import TOGETHER
from pipeline.reference import BEGINNING
from tests.builders_apdus import general_ciphering, hdlc, segments, service
from tests.builders_exchange import CHANGED, FORMER, NEWER, NEWEST, exchanged, offer_at
from tests.builders_frames import DEVICE, POINT, World, alert, block, codes, events, sealed, wrapped

DAY = 86_400
WEEK = 7 * DAY
BODY = block()


def frame(counter, keys, body=BODY):
    return sealed(body, counter, keys=keys)


def accepted(made):
    rows = made.parcel.batch
    return [] if rows is None else rows.counter.tolist()


def test_what_was_queued_under_the_former_key_is_decoded_after_the_exchange():
    world = World(exchanged())
    assert accepted(offer_at(world, [(frame(1, FORMER), CHANGED - 60)])) == [1]
    sent = [frame(1, NEWER), frame(2, FORMER), wrapped(frame(2, NEWER)), wrapped(frame(3, FORMER))]
    made = offer_at(world, [(raw, CHANGED + 60) for raw in sent])
    assert codes(made) == {}
    assert accepted(made) == [1, 2, 2, 3]
    assert made.parcel.batch.flags.tolist() == [0] * 4


def test_a_meter_may_take_its_key_before_the_head_end_says_so():
    world = World(exchanged())
    assert accepted(offer_at(world, [(frame(1, NEWER), CHANGED - WEEK + 1)])) == [1]
    assert codes(offer_at(world, [(frame(2, NEWER), CHANGED - WEEK)])) == {0: "DECRYPT_FAILED"}


IDENTIFIED = b"\0\0"


def test_frames_in_any_framing_and_head_are_tried_with_the_other_key():
    """Framings are undone in place, and general-ciphering is opened by itself; both need fresh octets."""
    world = World(exchanged())
    assert accepted(offer_at(world, [(frame(1, NEWER), CHANGED)])) == [1]
    llc = b"\xe6\xe7\x00"
    heads = [b"".join(segments(frame(1, FORMER), 40)), service(0xCC, BODY, 2, keys=FORMER), hdlc(llc + frame(2, NEWER)),
             general_ciphering(BODY, IDENTIFIED, 3, keys=FORMER), general_ciphering(BODY, IDENTIFIED, 3, keys=NEWER),
             general_ciphering(BODY, IDENTIFIED, 4, keys=NEWEST), hdlc(llc + frame(4, FORMER))]  # fmt: skip
    made = offer_at(world, [(raw, CHANGED) for raw in heads])
    assert codes(made) == {5: "DECRYPT_FAILED"}
    assert accepted(made) == [1, 2, 2, 3, 3, 4]
    assert set(codes(offer_at(world, [(raw, CHANGED) for raw in heads[:5]])).values()) == {"COUNTER_DUPLICATE"}


@pytest.mark.parametrize(("overlap", "away", "good"), [(60, 59, True), (60, 60, False), (0, 0, False)])
def test_the_former_key_is_good_no_more_behind_the_overlap(overlap, away, good):
    world = World(exchanged(), DecodeConfig(key_overlap_secs=overlap))
    assert codes(offer_at(world, [(frame(1, FORMER), CHANGED + away)])) == ({} if good else {0: "DECRYPT_FAILED"})


def test_replays_are_refused_under_both_keys():
    world = World(exchanged())
    old, new = frame(5, FORMER), frame(1, NEWER)
    assert accepted(offer_at(world, [(old, CHANGED - 60)])) == [5]
    assert accepted(offer_at(world, [(new, CHANGED)])) == [1]
    for after in range(3):
        again = offer_at(world, [(old, CHANGED + after), (new, CHANGED + after)])
        assert codes(again) == {0: "COUNTER_DUPLICATE", 1: "COUNTER_DUPLICATE"}
    other = block((2025, 7, 1, 12, 30, 0))
    replayed = offer_at(world, [(frame(5, FORMER, other), CHANGED + 9), (frame(1, NEWER, other), CHANGED + 9)])
    assert codes(replayed) == {0: "COUNTER_REPLAYED", 1: "COUNTER_REPLAYED"}


def test_a_replay_in_the_record_that_brings_the_newer_key_is_refused():
    world = World(exchanged())
    old = frame(5, FORMER)
    assert accepted(offer_at(world, [(old, CHANGED - 60)])) == [5]
    made = offer_at(world, [(old, CHANGED), (frame(1, NEWER), CHANGED), (old, CHANGED), (frame(6, FORMER), CHANGED)])
    assert codes(made) == {0: "COUNTER_DUPLICATE", 2: "COUNTER_DUPLICATE"}
    assert accepted(made) == [1, 6]


def test_a_window_outlives_the_store_that_had_its_key_alone():
    """Before the exchange, with both keys, and with the newer one alone: no version opens a window anew."""
    world = World(exchanged((FORMER, BEGINNING)))
    assert accepted(offer_at(world, [(frame(5, FORMER), CHANGED - 60)])) == [5]
    world.control(exchanged())
    assert codes(offer_at(world, [(frame(5, FORMER), CHANGED - 50)])) == {0: "COUNTER_DUPLICATE"}
    assert accepted(offer_at(world, [(frame(1, NEWER), CHANGED)])) == [1]
    world.control(exchanged((NEWER, CHANGED)))
    assert codes(offer_at(world, [(frame(1, NEWER), CHANGED + 9)])) == {0: "COUNTER_DUPLICATE"}
    world.control(exchanged())
    made = offer_at(world, [(frame(5, FORMER), CHANGED + 20), (frame(1, NEWER), CHANGED + 20)])
    assert codes(made) == {0: "COUNTER_DUPLICATE", 1: "COUNTER_DUPLICATE"}


def test_a_device_whose_frames_all_open_has_one_row_of_state():
    world = World(exchanged())
    for number in range(1, 4):
        offer_at(world, [(frame(number, FORMER), CHANGED - number)])
    assert np.uint64(DEVICE) | FORMER_DEVICE not in world.store.keys
    offer_at(world, [(frame(1, NEWER), CHANGED)])
    assert (world.store.keys != 0).sum() == 2


def test_of_three_keys_the_two_newest_have_windows():
    later = CHANGED + 3 * DAY
    world = World(exchanged((FORMER, BEGINNING), (NEWER, CHANGED), (NEWEST, later)))
    assert accepted(offer_at(world, [(frame(1, FORMER), CHANGED - 9)])) == [1]
    assert accepted(offer_at(world, [(frame(1, NEWER), CHANGED), (frame(2, FORMER), CHANGED)])) == [1, 2]
    made = offer_at(world, [(frame(1, NEWEST), later), (frame(2, NEWER), later), (frame(3, FORMER), later)])
    assert codes(made) == {2: "DECRYPT_FAILED"}
    # Received long ago: its key was in force then, and its window is forgotten.
    made = offer_at(world, [(frame(3, FORMER), CHANGED - 8), (frame(2, NEWER), later), (frame(1, NEWEST), later)])
    assert codes(made) == {0: "COUNTER_TOO_OLD", 1: "COUNTER_DUPLICATE", 2: "COUNTER_DUPLICATE"}


def test_an_authentication_key_may_change_alone():
    changed = (FORMER[0], NEWER[1])
    world = World(exchanged((FORMER, BEGINNING), (changed, CHANGED)))
    made = offer_at(world, [(frame(1, FORMER), CHANGED - 1), (frame(2, changed), CHANGED), (frame(3, FORMER), CHANGED)])
    assert accepted(made) == [1, 2, 3]


def test_an_event_status_word_is_of_the_device_not_of_a_key():
    world = World(exchanged())
    first = offer_at(world, [(sealed(alert(3), 1, keys=FORMER), CHANGED - 60)])
    assert events(first) == [(3, "OCCURRED")]
    same = offer_at(world, [(sealed(alert(3), 1, keys=NEWER), CHANGED), (sealed(alert(3), 2, keys=FORMER), CHANGED)])
    assert codes(same) == {}
    assert events(same) == []
    gone = offer_at(world, [(sealed(alert(wall=(2025, 7, 1, 12, 1, 0)), 3, keys=FORMER), CHANGED + 1)])
    assert events(gone) == [(3, "RESTORED")]


def test_altered_frames_are_refused_and_disturb_nobody():
    world = World(exchanged())
    altered = bytearray(frame(7, FORMER))
    altered[-1] ^= 1
    made = offer_at(world, [(bytes(altered), CHANGED), (frame(7, FORMER), CHANGED), (frame(1, NEWER), CHANGED)])
    assert codes(made) == {0: "DECRYPT_FAILED"}
    assert accepted(made) == [7, 1]


def test_a_frame_without_a_tag_is_read_with_the_key_in_force_alone():
    world = World(exchanged())
    made = offer_at(world, [(sealed(BODY, 1, keys=NEWER, control=0x20), CHANGED),
                            (sealed(BODY, 2, keys=FORMER, control=0x20), CHANGED)])  # fmt: skip
    assert accepted(made) == [1]
    assert codes(made).keys() == {1}


@pytest.mark.parametrize("times", [1, 3])
def test_the_former_key_comes_a_day_late_and_its_frames_are_taken_once(times):
    world = World(exchanged((NEWER, CHANGED)))
    queued = [(frame(number, FORMER), CHANGED + number) for number in range(1, 6)]
    mixed = [*queued, (frame(1, NEWER), CHANGED + 9)]
    assert set(codes(offer_at(world, mixed)).values()) == {"DECRYPT_FAILED"}
    assert accepted(offer_at(world, [(frame(2, NEWER), CHANGED + DAY)])) == [2]
    world.control(exchanged())
    taken = [accepted(offer_at(world, queued, requeued=1)) for _ in range(times)]
    assert taken == [[1, 2, 3, 4, 5], *[[]] * (times - 1)]
    assert codes(offer_at(world, [(frame(2, NEWER), CHANGED + DAY)])) == {0: "COUNTER_DUPLICATE"}


def test_both_keys_come_late_and_what_lies_behind_the_window_is_taken_once():
    world = World(exchanged((NEWEST, BEGINNING)))
    queued = [(frame(number, FORMER), CHANGED + number) for number in range(1, 6)]
    fresh = [(frame(number, NEWER), CHANGED + number) for number in range(1, 6)]
    mixed = [pair for both in zip(queued, fresh, strict=True) for pair in both]
    assert len(codes(offer_at(world, mixed))) == 10
    world.control(exchanged())
    assert accepted(offer_at(world, [(frame(900, NEWER), CHANGED + DAY), (frame(900, FORMER), CHANGED + DAY)]))
    assert len(codes(offer_at(world, mixed))) == 10
    assert len(accepted(offer_at(world, mixed, requeued=1))) == 10
    again = offer_at(world, mixed, requeued=2)
    assert accepted(again) == []
    assert set(codes(again).values()) == {"COUNTER_DUPLICATE"}


def test_the_state_of_both_windows_is_restored_with_the_pages():
    world = World(exchanged())
    offer_at(world, [(frame(5, FORMER), CHANGED - 60)])
    offer_at(world, [(frame(1, NEWER), CHANGED)])
    changed = world.store.areas["prints"].changed
    slots = [int(world.store.locate(np.array([POINT], np.uint64), np.array([key], np.uint64))[0])
             for key in (DEVICE, np.uint64(DEVICE) | FORMER_DEVICE)]  # fmt: skip
    # Both prints are marked, that of the former key in its new row: what is not marked is in no checkpoint.
    flat = changed.reshape(changed.shape[0], -1)
    assert flat[1 // TOGETHER, slots[0] >> 6] >> np.uint64(slots[0] & 63) & np.uint64(1)
    assert flat[5 // TOGETHER, slots[1] >> 6] >> np.uint64(slots[1] & 63) & np.uint64(1)
