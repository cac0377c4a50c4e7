"""Block pushes that carry the buffer of a profile: a row an interval, whole frames or none."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from agents.decode.describe import describe_frames
from agents.decode.kernels_profile import MOST_PLACES, MOST_ROWS
from pipeline.codes import Flag, Kind
from pipeline.templates import PUSH_NAMES
from tests.builders_frames import (
    DEVICE,
    NOON,
    POINT,
    Link,
    World,
    alert,
    block,
    codes,
    datum,
    plain_columns,
    push,
    references,
    sealed,
    stamp,
)

NULL = datum(0)
SECS = 1800


def row(*, clock=NULL, model=1, **values) -> bytes:
    """A row of a profile; values by target, in the meter's own unit."""
    return datum(2, [clock, *plain_columns(model, Kind.BLOCK, values)])


def first(wall=(2025, 7, 1, 12, 0, 0), status=0, **values) -> bytes:
    """A row with a clock."""
    return row(clock=datum(9, stamp(wall, status=status)), **values)


def profile(*rows: bytes, kind=Kind.BLOCK) -> bytes:
    """A Data-Notification with a buffer."""
    head = [datum(9, b"METER0001"), datum(9, bytes(PUSH_NAMES[kind]))]
    return b"\x0f\0\0\0\1\0" + datum(2, [*head, datum(1, list(rows))])


def test_a_row_of_the_batch_is_a_row_of_the_profile_and_null_data_is_what_follows_from_the_row_above():
    world = World()
    nulls = datum(2, [NULL, NULL, datum(23, 0.5), *[NULL] * 6])
    frame = profile(first(wh_imp=0.125, voltage_r=231.5), row(wh_imp=0.25, voltage_r=230), nulls)
    batch = world.offer(sealed(frame, 9)).parcel.batch
    assert batch.time.tolist() == [NOON, NOON + SECS, NOON + 2 * SECS]
    assert batch.energy[:, 0].tolist() == [125, 250, 500]
    assert batch.physical[:, 0].tolist() == [231_500, 230_000, 230_000]
    assert len(set(batch.present.tolist())) == 1
    for column, value in (("frame", 0), ("counter", 9), ("device", DEVICE), ("service_point", POINT), ("kind", 1)):
        assert getattr(batch, column).tolist() == [value] * 3


def test_a_row_with_a_clock_goes_on_from_its_own_stamp_and_status():
    world = World()
    rows = (first(), row(), first((2025, 7, 1, 15, 0, 0), status=1), row())
    batch = world.offer(sealed(profile(*rows), 1)).parcel.batch
    assert (batch.time - NOON).tolist() == [0, SECS, 6 * SECS, 7 * SECS]
    assert (batch.flags & Flag.CLOCK_INVALID).tolist() == [0, 0, 1, 1]


def test_profiles_and_single_pushes_of_one_record_keep_their_order_and_there_is_room_for_all():
    world = World()
    frames = [profile(*[first()] * 3), block(), profile(*[first()] * 40), alert(81), profile(first()), *[block()] * 30]
    batch = world.offer(*(sealed(frame, counter) for counter, frame in enumerate(frames))).parcel.batch
    expected = [0] * 3 + [1] + [2] * 40 + [3] + [4] + list(range(5, 35))
    assert batch.frame.tolist() == expected
    assert batch.counter.tolist() == expected
    assert batch.snapshot_row.tolist() == [44]


BAD = {
    "TEMPLATE_UNKNOWN": [
        [first(), datum(2, [NULL] * 4)],
        [first(), datum(1, [NULL])],
        [first(), datum(2, [])],
        [first(), NULL],
        [first(), row(model=3)],
        [first(), datum(2, [NULL, datum(9, b"five!"), *[NULL] * 7])],
        [],
    ],
    "CLOCK_UNUSABLE": [
        [row(), row()],
        [first(), row(clock=datum(9, stamp((2025, 13, 1, 0, 0, 0))))],
        [first(), row(clock=datum(6, 7))],
    ],
    "NOT_LINKED": [[first(), first((2031, 7, 1, 0, 0, 0))]],
    "DATA_MALFORMED": [
        [datum(2, [datum(9, stamp()), NULL, *plain_columns(1, Kind.BLOCK)[1:]])],
        [first(), row(wh_imp=1e30)],
    ],
    "FRAME_TOO_LONG": [[first(), *[datum(2, [NULL] * 9)] * MOST_ROWS]],
}


@pytest.mark.parametrize(("code", "rows"), [(code, rows) for code, cases in BAD.items() for rows in cases])
def test_one_bad_row_refuses_the_whole_frame_and_leaves_no_trace(code, rows):
    world = World(references([Link(until=NOON + 10**7)]))
    advance = world.offer(sealed(block(wh_imp=1), 1), sealed(profile(*rows), 2), sealed(block(wh_imp=2), 3))
    assert codes(advance) == {1: code}
    batch = advance.parcel.batch
    alone = World(references([Link(until=NOON + 10**7)])).offer(sealed(block(wh_imp=1), 1), sealed(block(wh_imp=2), 3))
    assert batch.frame.tolist() == [0, 2]
    for name, column in vars(alone.parcel.batch).items():
        if name != "frame":
            assert np.array_equal(getattr(batch, name), column), name
    assert codes(world.offer(sealed(block(), 2))) == {}, "its counter was not used up"


def test_as_many_rows_as_are_allowed_are_read():
    rows = [first(wh_imp=0.5), *[datum(2, [NULL] * 9)] * (MOST_ROWS - 1)]
    batch = World(references([Link(until=2**40)])).offer(profile(*rows)).parcel.batch
    assert batch.time.tolist() == [NOON + SECS * number for number in range(MOST_ROWS)]
    assert (batch.energy[:, 0] == 500).all()


@pytest.mark.parametrize("octets", [b"\x82\xff\xff", b"\x84\xff\xff\xff\xff", b"\x83\xff\xff\xff", b"\x7f"])
def test_a_count_of_rows_that_are_not_there_is_refused(octets):
    frame = profile(first())
    at = frame.index(b"\1\1\2")
    assert codes(World().offer(frame[: at + 1] + octets + frame[at + 2 :])) == {0: "DATA_MALFORMED"}


def test_any_cut_of_a_profile_is_refused():
    frame = profile(first(), row(), datum(2, [NULL] * 9))
    world = World()
    for length in range(2, len(frame)):
        assert set(codes(world.offer(frame[:length])).values()) == {"DATA_MALFORMED"}, length


def test_a_buffer_in_an_alert_or_before_other_columns_is_no_time():
    assert codes(World().offer(profile(first(), kind=Kind.ALERT))) == {0: "CLOCK_UNUSABLE"}
    longer = push(Kind.BLOCK, plain_columns(1, Kind.BLOCK)).replace(datum(9, stamp()), datum(1, [first()]), 1)
    assert codes(World().offer(longer)) == {0: "CLOCK_UNUSABLE"}


def test_a_row_is_read_by_the_link_of_its_own_stamp():
    """Export before import in the second model: what repeats is what was sent, not what it was taken for."""
    swap = NOON + SECS
    links = [Link(template=1, until=swap), Link(template=5, since=swap)]
    registry = references(links)
    registry.registry.interval_secs[1] = 900
    row_of = [datum(9, stamp()), *plain_columns(5, Kind.BLOCK, {"wh_imp": 0.5})]
    rows = [datum(2, row_of), datum(2, [NULL] * 8), datum(2, [NULL] * 8), datum(2, [NULL] * 8)]
    batch = World(registry).offer(profile(*rows)).parcel.batch
    assert batch.link.tolist() == [0, 0, 1, 1]
    assert (batch.time - NOON).tolist() == [0, SECS, 2 * SECS, 2 * SECS + 900]
    assert (batch.flags & Flag.TEMPLATE_UNVERIFIED).astype(bool).tolist() == [False, False, True, True]


def test_the_same_profile_again_is_a_duplicate_and_a_stale_one_is_flagged():
    world = World()
    advance = world.offer(*(sealed(profile(first(), row()), counter) for counter in (5, 5, 4)))
    assert codes(advance) == {1: "COUNTER_DUPLICATE"}
    batch = advance.parcel.batch
    assert batch.frame.tolist() == [0, 0, 2, 2]
    assert (batch.flags & Flag.COUNTER_LATE).astype(bool).tolist() == [False, False, True, True]


def test_a_record_has_no_more_rows_than_revisions_have_places():
    frame = profile(first(), *[datum(2, [NULL] * 9)] * (MOST_ROWS - 1))
    fit = MOST_PLACES // MOST_ROWS
    advance = World().offer(*[frame] * (fit + 20))
    batch = advance.parcel.batch
    assert len(batch.frame) < MOST_PLACES
    taken = len(batch.frame) // MOST_ROWS
    assert taken in (fit - 1, fit)
    assert codes(advance) == dict.fromkeys(range(taken, fit + 20), "FRAME_TOO_LONG")


def test_a_profile_is_described_row_by_row():
    (told,) = describe_frames([profile(first(wh_imp=0.125), row(wh_imp=0.25), datum(2, [NULL] * 9))])
    assert told.error is None
    assert told.time == "2025-07-01T12:00:00+05:30"
    rows = told.values["1.0.99.1.0.255"]
    assert [entry["1.0.1.29.0.255"] for entry in rows] == [125, 250, 250]
    assert [entry["time"] for entry in rows] == [told.time, None, None]
    assert told.units["1.0.1.29.0.255"] == "Wh"
    (bad,) = describe_frames([profile(row())])
    assert bad.error is not None
    assert bad.error["code"] == "CLOCK_UNUSABLE"


def test_gurux_reads_the_same_values():
    gurux = pytest.importorskip("gurux_dlms")
    from gurux_dlms.enums import Authentication, InterfaceType

    sent = [0.125, 0.25, 3.875]
    frame = profile(first(wh_imp=sent[0]), *(row(wh_imp=value) for value in sent[1:]))
    reply = gurux.GXReplyData()
    client = gurux.GXDLMSClient(True, 16, 1, Authentication.NONE, None, InterfaceType.PDU)
    client.getData(gurux.GXByteBuffer(frame), reply, None)
    batch = World().offer(frame).parcel.batch
    buffer = reply.value[2]
    assert [round(1000 * entry[2]) for entry in buffer] == batch.energy[:, 0].tolist() == [125, 250, 3875]
    year, month, day, _, hour, minute = struct.unpack(">HBBBBB", bytes(buffer[0][0][:7]))
    assert (year, month, day, hour, minute) == (2025, 7, 1, 12, 0)
    assert [entry[0] for entry in buffer[1:]] == [None, None]


def test_frames_are_read_again_from_where_room_was_lacking_and_state_is_entered_once():
    """The same frames one by one say the same as in one record."""
    frames = [sealed(profile(*[first(wh_imp=number)] * (number + 1)), number) for number in range(1, 12)]
    together = World().offer(*frames).parcel.batch
    world = World()
    single = [world.offer(frame).parcel.batch for frame in frames]
    for name in ("time", "energy", "present", "counter", "flags", "link"):
        assert np.array_equal(getattr(together, name), np.concatenate([getattr(one, name) for one in single])), name
