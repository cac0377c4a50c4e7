"""The decode step as a whole: bad input, records, and what passes."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from agents.decode.config import DecodeConfig
from pipeline import gcm
from pipeline.codes import REJECT_CODES, Flag, Kind
from pipeline.columns import empty
from pipeline.errors import ContractError
from pipeline.state import StateStore
from pipeline.step import Control, Origin, Parcel, Tick
from schemas.load import load_contracts
from tests.builders_frames import (
    BLOCK_PLAIN,
    BLOCK_SEALED,
    NOON,
    OTHER,
    OTHER_KEYS,
    POINT,
    RECEIVED,
    Link,
    World,
    alert,
    block,
    codes,
    datum,
    frame_batch,
    plain_columns,
    push,
    references,
    sealed,
    wrapped,
)
from tests.builders_records import emitted

ANSWER = bytes.fromhex("c401c1000600001391")
"""A GET response: no push."""


def test_bad_frames_are_rejected_with_their_code_and_neighbours_are_not_disturbed():
    good = [sealed(block(wh_imp=0.5), counter) for counter in range(1, 7)]
    flipped = bytearray(sealed(block(), 50))
    flipped[30] ^= 4
    bad = {
        "DECRYPT_FAILED": [
            bytes(flipped), sealed(block(), 51, keys=OTHER_KEYS), good[0][:11] + b"\x31" + good[0][12:],
        ],
        "KEY_UNKNOWN": [good[0][:11] + bytes([control]) + good[0][12:] for control in (0x32, 0x70)],
        "FRAME_TRUNCATED": [good[0][:40], wrapped(block())[:-1], b"\0", b"", good[0][:9], sealed(block(), 52)[:11]],
        "WRAPPER_VERSION": [b"\0\2" + wrapped(block())[2:]],
        "DATA_MALFORMED": [
            wrapped(block()) + b"\0", block() + b"\0", block()[:-1], sealed(block()[:-1], 53), sealed(b"\x0f\0", 54),
        ],
        "APDU_UNKNOWN": [ANSWER, sealed(ANSWER, 55), bytes(range(7, 90))],
        "SECURITY_UNSUPPORTED": [
            good[0][:11] + bytes([control]) + good[0][12:] for control in (0x33, 0xB0, 0xF1, 0, 2)
        ],
        "FRAME_UNREADABLE": [b"\xdb\7" + good[0][2:], good[0][:2] + b"\0" + good[0][3:]],
        "CLOCK_UNUSABLE": [sealed(block((2025, 13, 1, 0, 0, 0)), 56)],
        "TEMPLATE_UNKNOWN": [sealed(push(Kind.BLOCK, []), 57), b"\x0f\0\0\0\1\0\x12\0\1", b"\x0f\0\0\0\1\0\2\0"],
    }  # fmt: skip
    offered, expected = [], {}
    for code, frames in bad.items():
        for frame in frames:
            expected[len(offered)] = code
            offered.append(frame)
            if len(offered) % 4 == 0 and good:
                offered.append(good.pop(0))
    advance = World().offer(*offered)
    assert codes(advance) == expected
    batch = advance.parcel.batch
    assert sorted([*expected, *batch.frame.tolist()]) == list(range(len(offered)))
    assert set(batch.energy[:, 0].tolist()) == {500}
    rejects = emitted(advance)
    assert [reject["raw"] for reject in rejects] == [offered[reject["frame"]] for reject in rejects]


def test_a_record_whose_lengths_reach_beyond_its_octets_loses_no_good_frame():
    world, good, cut = World(), sealed(block(wh_imp=0.5), 1), sealed(block(), 2)
    whole = frame_batch([good, cut])
    parcel = Parcel(Origin("frames-1", 3, 0), replace(whole, payload=whole.payload[:-5]))
    advance = world.step.advance(parcel, world.store, world.prepared)
    assert codes(advance) == {1: "FRAME_TRUNCATED"}
    assert advance.parcel.batch.energy[:, 0].tolist() == [500]
    (reject,) = emitted(advance)
    assert reject["raw"] == cut[:-5]


def test_a_declared_length_above_the_limit_is_too_long():
    world = World(config=DecodeConfig(frame_limit=64))
    assert codes(world.offer(BLOCK_PLAIN, wrapped(BLOCK_PLAIN), block()[:60])) == {
        0: "FRAME_TOO_LONG", 1: "FRAME_TOO_LONG", 2: "DATA_MALFORMED",
    }  # fmt: skip


def test_nesting_deeper_than_the_limit_is_malformed_and_just_the_limit_is_not():
    def nested(depth):
        item = datum(17, 1)
        for _ in range(depth):
            item = datum(1, [item])
        return item

    # The push's own structure is the first of 16.
    columns = plain_columns(1, Kind.BLOCK)
    offered = [push(Kind.BLOCK, [*columns[:-1], nested(depth)]) for depth in (15, 16, 400)]
    assert codes(World().offer(*offered)) == {1: "DATA_MALFORMED", 2: "DATA_MALFORMED"}


def test_a_count_larger_than_the_octets_that_are_left_is_malformed():
    huge = b"\x0f\0\0\0\1\0\2\x84\xff\xff\xff\xff"
    assert codes(World().offer(huge, huge + bytes(40), b"\x0f\0\0\0\1\0\x09\x84\x7f\xff\xff\xff\0")) == {
        0: "DATA_MALFORMED", 1: "DATA_MALFORMED", 2: "DATA_MALFORMED",
    }  # fmt: skip


def test_a_frame_without_a_key_is_parked_with_its_bytes():
    world = World(references([Link(), Link(device=OTHER, point=POINT + 1)]))
    frame = sealed(block(), 9, OTHER, OTHER_KEYS)
    advance = world.offer(frame, devices=OTHER, points=POINT + 1)
    (reject,) = emitted(advance)
    assert (reject["code"], reject["parked"], reject["raw"]) == ("KEY_UNKNOWN", True, frame)
    assert advance.parcel.batch is None
    world.control(references([Link(device=OTHER, point=POINT + 1)], {OTHER: OTHER_KEYS}))
    assert codes(world.offer(frame, devices=OTHER, points=POINT + 1)) == {}


def test_plain_frames_and_frames_without_a_tag_can_be_forbidden():
    frames = [BLOCK_PLAIN, sealed(BLOCK_PLAIN, 1, control=0x20), sealed(BLOCK_PLAIN, 2, control=0x10)]
    taken = World().offer(*frames)
    assert codes(taken) == {}
    assert taken.parcel.batch.flags.tolist() == [Flag.PLAIN, 0, Flag.PLAIN]
    strict = World(config=DecodeConfig(plain=False, unauthenticated=False))
    assert codes(strict.offer(*frames)) == {0: "SECURITY_UNSUPPORTED", 1: "SECURITY_UNSUPPORTED"}


def test_all_codes_that_decode_gives_are_its_own_or_the_connectors():
    assert {row.code for row in REJECT_CODES if row.stage == "decode"} == {
        "FRAME_TRUNCATED", "APDU_UNKNOWN", "SECURITY_UNSUPPORTED", "KEY_UNKNOWN", "DECRYPT_FAILED", "COUNTER_REPLAYED",
        "COUNTER_TOO_OLD", "COUNTER_DUPLICATE", "DATA_MALFORMED", "TEMPLATE_UNKNOWN", "CLOCK_UNUSABLE", "NOT_LINKED",
        "FRAME_DAMAGED", "SEGMENT_MISSING",
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------ contracts


def test_events_and_rejects_fit_their_schemas():
    contracts = load_contracts()
    advance = World().offer(alert(83, 84), sealed(block(), 3), sealed(block(), 3), b"", BLOCK_SEALED[:-3])
    # Rows of profiles and what is judged of them have tests of their own: pushes have none.
    elsewhere = ("profile_rows", "exceptions")
    outputs = {name: schema for name, schema in World().step.outputs.items() if name not in elsewhere}
    assert {item.output for item in advance.emissions} == set(outputs)
    for name, schema in outputs.items():
        for record in emitted(advance, name):
            assert contracts.decode(contracts.encode(schema, record), schema) == record
            assert record["source_offset"] == 0
            assert record["received_at"] == RECEIVED
        places = [record["source_index"] for record in emitted(advance, name)]
        assert places == list(range(len(places)))


def test_ticks_and_controls_pass_and_a_parcel_without_rows_carries_none():
    world = World()
    for parcel in (
        Parcel(Origin("t", 0, 1), tick=Tick(NOON, 900)),
        Parcel(Origin("t", 0, 2), control=Control({"registry": "a"})),
    ):
        assert world.step.advance(parcel, world.store, world.prepared).parcel == parcel
    both = Parcel(Origin("t", 0, 3), frame_batch([b""]), tick=Tick(NOON, 900))
    advance = world.step.advance(both, world.store, world.prepared)
    assert advance.parcel == replace(both, batch=None)


def test_a_batch_of_another_kind_is_a_broken_contract():
    from pipeline.batch import ReadingBatch

    world = World()
    with pytest.raises(ContractError, match="BATCH_OTHER"):
        world.step.advance(Parcel(Origin("t", 0, 1), empty(ReadingBatch)), world.store, world.prepared)


def test_the_same_frames_give_the_same_rows_and_the_same_state():
    frames = [sealed(block(wh_imp=1.25), 1), alert(3), sealed(block(), 1), BLOCK_PLAIN]
    worlds = [World(), World()]
    first, second = (world.offer(*frames) for world in worlds)
    assert emitted(first) == emitted(second)
    for column in first.parcel.batch.COLUMNS:
        one, other = (getattr(advance.parcel.batch, column.name) for advance in (first, second))
        assert one.tobytes() == other.tobytes()
        assert one.dtype == np.dtype(column.dtype)
    for name in worlds[0].store.areas:
        assert worlds[0].store.areas[name].rows.tobytes() == worlds[1].store.areas[name].rows.tobytes()


@pytest.mark.parametrize("way", [gcm.Way.PACKAGE, gcm.Way.LIBCRYPTO])
def test_whoever_deciphers_the_results_are_the_same(monkeypatch, way):
    frames = [sealed(block(wh_imp=1.25), 1), sealed(block(), 2, control=0x20), sealed(block(), 3, control=0x10),
              sealed(block(), 4)[:-1] + b"\0", sealed(block(), 1)]  # fmt: skip
    fast = World().offer(*frames)
    monkeypatch.setattr("pipeline.gcm.way_here", lambda: way)
    slow_world = World()
    assert slow_world.step._cipher.context != gcm.OWN_CONTEXT
    slow = slow_world.offer(*frames)
    assert emitted(slow) == emitted(fast)
    assert slow.parcel.batch.energy.tobytes() == fast.parcel.batch.energy.tobytes()


def test_unknown_settings_are_refused():
    with pytest.raises(ValidationError):
        DecodeConfig.model_validate({"window": 3})


def test_a_store_of_the_partition_is_enough():
    world = World()
    from pipeline.lookup import KEY_GROUPS, PAGE_GROUPS, groups_of

    groups = np.empty(1, np.uint16)
    groups_of(np.array([POINT], np.uint64), groups)
    assert int(groups[0]) < KEY_GROUPS
    page = int(groups[0]) // PAGE_GROUPS
    world.store = StateStore(world.step.layout, range(page, page + 1))
    assert codes(world.offer(BLOCK_SEALED)) == {}


@pytest.mark.parametrize("octets", [b"\x09\x06", b"\x09\x0c"])
@pytest.mark.parametrize("length", [b"\x81%c", b"\x82\0%c", b"\x84\0\0\0%c"])
def test_a_length_may_be_written_in_more_octets_than_it_needs(octets, length):
    world = World()
    apdu = block(wh_imp=0.5).replace(octets, octets[:1] + length % octets[1], 1)
    usual, other = (world.offer(sealed(one, counter)) for counter, one in enumerate((block(wh_imp=0.5), apdu), 1))
    assert codes(other) == {}
    for name in ("time", "kind", "energy", "present"):
        assert getattr(other.parcel.batch, name).tolist() == getattr(usual.parcel.batch, name).tolist()


def test_a_string_of_another_length_is_no_clock_and_no_name_however_it_is_written():
    for counter, (octets, code) in enumerate(((b"\x09\x06", "TEMPLATE_UNKNOWN"), (b"\x09\x0c", "CLOCK_UNUSABLE")), 1):
        apdu = block().replace(octets, b"\x09\x81" + bytes([octets[1] + 1]), 1)
        place = apdu.index(b"\x09\x81") + 3 + octets[1]
        longer = apdu[:place] + b"\0" + apdu[place:]
        assert codes(World().offer(sealed(longer, counter))) == {0: code}
