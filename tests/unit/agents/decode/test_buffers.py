"""Buffers of daily and momentary profiles, and profiles as compact arrays."""

from __future__ import annotations

import numpy as np
import pytest

from agents.decode.kernels_profile import MOST_ROWS
from pipeline.channels import SNAPSHOT_INDEX
from pipeline.codes import Flag, Kind
from pipeline.templates import PUSH_NAMES
from tests.builders_frames import (
    NOON,
    Link,
    World,
    alert,
    block,
    codes,
    datum,
    length_octets,
    plain_columns,
    references,
    sealed,
    stamp,
)

SECS, DAY = 1800, 86_400
MIDNIGHT = NOON - DAY // 2


def row(kind: Kind, wall=(2025, 7, 1, 12, 0, 0), model=1, clock=None, **values) -> bytes:
    """A row with its clock; values by target, in the meter's own unit."""
    return datum(2, [datum(9, stamp(wall)) if clock is None else clock, *plain_columns(model, kind, values)])


def pushed(kind: Kind, buffer: bytes) -> bytes:
    """A Data-Notification with the buffer of a profile."""
    return b"\x0f\0\0\0\1\0" + datum(2, [datum(9, b"METER0001"), datum(9, bytes(PUSH_NAMES[kind])), buffer])


def profile(kind: Kind, *rows: bytes) -> bytes:
    """The same of an array of rows."""
    return pushed(kind, datum(1, list(rows)))


def compact(kind: Kind, *rows: list[bytes]) -> bytes:
    """The same of a compact array; rows of data with their tags, those of the first row are the types."""
    described = bytes(item[0] for item in rows[0])
    body = b"".join(item[1:] for items in rows for item in items)
    head = b"\x13\x02" + length_octets(len(described)) + described
    return pushed(kind, head + length_octets(len(body)) + body)


def items(kind: Kind, wall=(2025, 7, 1, 12, 0, 0), model=1, **values) -> list[bytes]:
    """The data of a row of a compact array."""
    return [datum(9, stamp(wall)), *plain_columns(model, kind, values)]


def test_daily_registers_come_as_a_buffer_and_a_null_clock_is_a_day_later():
    rows = [row(Kind.DAILY, (2025, 7, 1, 0, 0, 0), wh_imp=100), row(Kind.DAILY, clock=datum(0), wh_imp=112)]
    batch = World().offer(sealed(profile(Kind.DAILY, *rows), 3)).parcel.batch
    assert batch.kind.tolist() == [Kind.DAILY] * 2
    assert batch.time.tolist() == [MIDNIGHT, MIDNIGHT + DAY]
    assert batch.energy[:, 0].tolist() == [100_000, 112_000]
    assert batch.counter.tolist() == [3, 3]
    assert len(batch.snapshot_row) == 0


def test_momentary_values_come_as_a_buffer_with_a_snapshot_a_row():
    rows = [row(Kind.INSTANT, (2025, 7, 1, 12, minute, 0), frequency=50, wh_imp=minute + 1) for minute in range(5)]
    frames = [alert(81), profile(Kind.INSTANT, *rows), block(), alert(82), profile(Kind.INSTANT, rows[0])]
    world = World()
    batch = world.offer(*(sealed(frame, number) for number, frame in enumerate(frames))).parcel.batch
    assert batch.frame.tolist() == [0, 1, 1, 1, 1, 1, 2, 3, 4]
    assert batch.snapshot_row.tolist() == [0, 1, 2, 3, 4, 5, 7, 8]
    assert batch.snapshot[:, SNAPSHOT_INDEX["frequency"]].tolist() == [0, *[50_000] * 5, 0, 50_000]
    assert batch.energy[1:6, 0].tolist() == [1000, 2000, 3000, 4000, 5000]


@pytest.mark.parametrize("bad", [row(Kind.INSTANT, clock=datum(0)), datum(2, [datum(9, stamp())]), datum(17, 1)])
def test_one_bad_row_of_momentary_values_leaves_no_trace(bad):
    world = World()
    rows = [row(Kind.INSTANT, frequency=49, demand_w=3), bad]
    advance = world.offer(sealed(profile(Kind.INSTANT, *rows), 1), sealed(alert(81), 2))
    assert codes(advance) == {0: "CLOCK_UNUSABLE" if bad[:2] == b"\2\x17" else "TEMPLATE_UNKNOWN"}
    batch = advance.parcel.batch
    assert batch.snapshot_row.tolist() == [0]
    assert np.flatnonzero(batch.snapshot[0]).tolist() == [SNAPSHOT_INDEX["esw_low"]]
    assert codes(world.offer(sealed(block(), 1))) == {}, "its counter was not used up"


def test_a_register_at_the_moment_of_an_exchange_is_the_new_meters_where_the_device_stays():
    """The device is read by another model from the second row on."""
    links = [Link(template=1, until=MIDNIGHT + DAY), Link(template=5, since=MIDNIGHT + DAY)]
    rows = [row(Kind.DAILY, (2025, 7, 1, 0, 0, 0)), row(Kind.DAILY, (2025, 7, 2, 0, 0, 0))]
    batch = World(references(links)).offer(profile(Kind.DAILY, *rows)).parcel.batch
    assert batch.link.tolist() == [0, 1]


@pytest.mark.parametrize("kind", [Kind.BLOCK, Kind.DAILY, Kind.INSTANT])
@pytest.mark.parametrize("model", [1, 2, 3, 4, 6, 8, 9])
def test_a_compact_array_says_what_the_array_says(kind, model):
    walls = [(2025, 7, 1, hour, 0, 0) for hour in range(7)]
    world, other = (World(references([Link(template=model)])) for _ in range(2))
    array = profile(kind, *(row(kind, wall, model, wh_imp=wall[3], current_r=2) for wall in walls))
    packed = compact(kind, *(items(kind, wall, model, wh_imp=wall[3], current_r=2) for wall in walls))
    assert len(packed) < len(array)
    expected, found = world.offer(sealed(array, 5)).parcel.batch, other.offer(sealed(packed, 5)).parcel.batch
    for name, column in vars(expected).items():
        assert np.array_equal(getattr(found, name), column), name
    assert len(found.frame) == 7


def test_null_data_in_a_compact_array_has_nothing_above():
    """Its types are the same in all rows, so nothing can stand above it."""
    whole = items(Kind.BLOCK, wh_imp=0.5)
    no_column, no_clock = [whole[0], datum(0), *whole[2:]], [datum(0), *whole[1:]]
    assert codes(World().offer(compact(Kind.BLOCK, no_column, no_column))) == {0: "DATA_MALFORMED"}
    assert codes(World().offer(compact(Kind.BLOCK, no_clock, no_clock))) == {0: "CLOCK_UNUSABLE"}


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"\x13\x12\x04\0\1\0\2", "TEMPLATE_UNKNOWN"),
        (b"\x13\2\0\0", "TEMPLATE_UNKNOWN"),
        (b"\x13\2\0\1\1", "DATA_MALFORMED"),
        (b"\x13\2\2\0\0\0", "TEMPLATE_UNKNOWN"),
        (b"\x13\2\2\0\0\1\1", "DATA_MALFORMED"),
        (b"\x13\2\2\x11\x12\4\1\0\2\1", "DATA_MALFORMED"),
        (b"\x13\2\2\x11\2\1\x11\2\1\1", "TEMPLATE_UNKNOWN"),
        (b"\x13\2\2\x11\x13\2\1\1", "DATA_MALFORMED"),
        (b"\x13\2\1\x09\2\5a", "DATA_MALFORMED"),
        (b"\x13\2\1\x09\5\1a", "DATA_MALFORMED"),
        (b"\x13\2\1\x11\x82\2\x58" + bytes(600), "FRAME_TOO_LONG"),
        (b"\x13\2\x81\x80" + b"\x11" * 128 + b"\0", "TEMPLATE_UNKNOWN"),
    ],
)
def test_a_compact_array_that_is_no_profile_is_refused(octets, code):
    assert codes(World().offer(pushed(Kind.BLOCK, octets), block())) == {0: code}


def test_as_many_rows_as_are_allowed_are_read_from_a_compact_array():
    rows = [items(Kind.BLOCK, (2025, 7, 1 + n // 48, n % 48 // 2, 30 * (n % 2), 0), wh_imp=0.5) for n in range(400)]
    batch = World().offer(compact(Kind.BLOCK, *rows)).parcel.batch
    assert batch.time.tolist() == [MIDNIGHT + SECS * number for number in range(MOST_ROWS)]
    assert codes(World().offer(compact(Kind.BLOCK, *rows, rows[0]))) == {0: "FRAME_TOO_LONG"}


def test_any_cut_of_a_compact_array_is_refused():
    frame = compact(Kind.BLOCK, items(Kind.BLOCK), items(Kind.BLOCK))
    world = World()
    for length in range(2, len(frame)):
        assert set(codes(world.offer(frame[:length])).values()) == {"DATA_MALFORMED"}, length


def test_a_ct_meter_sends_quadrants_and_is_not_verified():
    batch = World(references([Link(template=7)])).offer(
        profile(Kind.BLOCK, row(Kind.BLOCK, model=7, varh_q1=0.5, varh_q4=0.25, current_n=2))
    ).parcel.batch  # fmt: skip
    assert batch.reactive.tolist() == [[500, 0, 0, 250]]
    assert batch.flags.tolist() == [Flag.TEMPLATE_UNVERIFIED | Flag.PLAIN]
    short = [*items(Kind.DAILY, model=6, varh_q2=7)][:9]
    daily = World(references([Link(template=6)])).offer(compact(Kind.DAILY, short)).parcel.batch
    assert daily.reactive.tolist() == [[0, 7000, 0, 0]]
