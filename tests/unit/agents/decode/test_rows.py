"""Frames to rows: templates, clocks, and links as of the reading."""

import numpy as np
import pytest

from agents.decode.config import DecodeConfig
from pipeline.channels import CHANNELS, SNAPSHOT
from pipeline.codes import Flag, Kind
from pipeline.templates import TEMPLATES, TIMES, WORD
from tests.builders_frames import (
    BLOCK_PLAIN,
    DEVICE,
    KEYS,
    NOON,
    OTHER,
    OTHER_KEYS,
    POINT,
    Link,
    World,
    block,
    codes,
    datum,
    plain_columns,
    push,
    references,
    sealed,
    stamp,
)
from tests.builders_records import emitted


@pytest.mark.parametrize(
    ("template", "sent"),
    [pytest.param(t, p, id=f"{t.name} {p.kind.name}") for t in TEMPLATES for p in t.pushes],
)
def test_every_column_of_every_template_arrives_at_its_target(template, sent):
    world = World(references([Link(template=template.number)]))
    wall, raw, expected = (2025, 6, 30, 23, 15, 0), {}, {}
    for place, column in enumerate(sent.columns):
        if column.target in TIMES:
            raw[column.target], expected[column.target] = stamp(wall), 1_751_305_500
        elif column.target == WORD:
            raw[WORD], expected[WORD], expected["esw_low"] = bytes(range(16)), 0x0001020304050607, 0x08090A0B0C0D0E0F
        elif column.target:
            value = 1 if column.tag == 3 else place + 1
            exponent = column.floating if column.tag == 23 else column.integer
            raw[column.target], expected[column.target] = value, value * 10**exponent
    columns = plain_columns(template.number, sent.kind, raw)
    batch = world.offer(sealed(push(sent.kind, columns), 1)).parcel.batch
    found = {
        channel.name: int(np.concatenate([batch.energy[0], batch.reactive[0], batch.physical[0]])[place])
        for place, channel in enumerate(CHANNELS)
        if batch.present[0] >> place & 1
    }
    for snapshot in range(len(batch.snapshot_row)):
        present = int(batch.snapshot_present[snapshot])
        found |= {
            field.name: int(batch.snapshot[snapshot, place])
            for place, field in enumerate(SNAPSHOT)
            if present >> place & 1
        }
    assert found == expected
    assert bool(batch.flags[0] & Flag.TEMPLATE_UNVERIFIED) is not template.verified
    assert batch.kind.tolist() == [sent.kind]
    assert len(batch.snapshot_row) == (sent.kind in (Kind.INSTANT, Kind.ALERT))


@pytest.mark.parametrize(("missing", "code"), [(0, None), (1, None), (2, "TEMPLATE_UNKNOWN")])
def test_only_columns_that_are_not_required_may_be_absent(missing, code):
    columns = plain_columns(1, Kind.BLOCK)
    advance = World().offer(push(Kind.BLOCK, columns[: len(columns) - missing]))
    assert codes(advance) == ({} if code is None else {0: code})


def test_a_column_too_many_fits_no_template():
    assert codes(World().offer(push(Kind.BLOCK, [*plain_columns(1, Kind.BLOCK), datum(17, 1)]))) == {
        0: "TEMPLATE_UNKNOWN"
    }


def test_null_data_is_absent_and_not_zero():
    columns = plain_columns(1, Kind.BLOCK)
    columns[1] = datum(0)
    batch = World().offer(push(Kind.BLOCK, columns)).parcel.batch
    assert not batch.present[0] & 1
    assert batch.present[0] & 2


def test_registers_are_decoded_by_their_tag_and_not_by_what_the_model_usually_sends():
    columns = plain_columns(1, Kind.DAILY)
    columns[0], columns[1], columns[2] = datum(6, 1500), datum(24, 1.5), datum(20, -3)
    batch = World().offer(push(Kind.DAILY, columns)).parcel.batch
    assert batch.energy[0].tolist() == [1500, 1500, -3, 0]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30, -1e30])
def test_a_float_that_is_no_measurement_is_malformed(value):
    columns = plain_columns(1, Kind.DAILY)
    columns[0] = datum(23, value)
    assert codes(World().offer(push(Kind.DAILY, columns))) == {0: "DATA_MALFORMED"}


def test_a_template_that_does_not_exist_is_unknown():
    assert codes(World(references([Link(template=60_000)])).offer(BLOCK_PLAIN)) == {0: "TEMPLATE_UNKNOWN"}


# ------------------------------------------------------------------------------------------------ clock


@pytest.mark.parametrize(
    ("deviation", "shift"), [(-330, 0), (330, 0), (-0x8000, 0), (60, 0), (0, 19_800)],
    ids=["right", "wrong sign", "not specified", "odd", "utc"],
)  # fmt: skip
def test_the_wall_clock_counts_unless_the_deviation_is_zero(deviation, shift):
    batch = World().offer(block(deviation=deviation)).parcel.batch
    assert batch.time.tolist() == [NOON + shift]


def test_a_deviation_of_zero_can_mean_the_wall_clock_too():
    batch = World(config=DecodeConfig(zero_deviation_is_utc=False)).offer(block(deviation=0)).parcel.batch
    assert batch.time.tolist() == [NOON]


@pytest.mark.parametrize(
    ("status", "flags"),
    [(0, 0), (1, Flag.CLOCK_INVALID), (2, Flag.CLOCK_DOUBTFUL), (3, Flag.CLOCK_INVALID | Flag.CLOCK_DOUBTFUL),
     (0x80, 0), (0xFF, 0)],
)  # fmt: skip
def test_clock_status_bits_become_flags(status, flags):
    batch = World().offer(block(status=status)).parcel.batch
    assert batch.flags.tolist() == [flags | Flag.PLAIN]


@pytest.mark.parametrize(
    "wall",
    [(0xFFFF, 7, 1, 0, 0, 0), (2025, 0xFF, 1, 0, 0, 0), (2025, 0xFD, 1, 0, 0, 0), (2025, 7, 0xFE, 0, 0, 0),
     (2025, 2, 29, 0, 0, 0), (2025, 4, 31, 0, 0, 0), (2025, 7, 1, 24, 0, 0), (2025, 7, 1, 0, 60, 0),
     (2025, 7, 1, 0, 0, 0xFF), (2025, 0, 1, 0, 0, 0), (2025, 7, 0, 0, 0, 0), (1999, 7, 1, 0, 0, 0)],
)  # fmt: skip
def test_a_stamp_with_an_unspecified_or_impossible_field_is_unusable(wall):
    assert codes(World().offer(block(wall))) == {0: "CLOCK_UNUSABLE"}


def test_a_leap_day_and_the_last_second_of_a_year_are_times():
    batch = World().offer(block((2028, 2, 29, 0, 0, 0)), block((2025, 12, 31, 23, 59, 59))).parcel.batch
    assert batch.time.tolist() == [1_835_375_400, 1_767_205_799]


def test_a_clock_may_be_a_date_time_of_its_own_tag():
    frame = block()
    tagged = frame.replace(b"\x09\x0c" + stamp(), b"\x19" + stamp())
    assert tagged != frame
    assert World().offer(tagged).parcel.batch.time.tolist() == [NOON]


# ------------------------------------------------------------------------------------------------ links

SWAP = NOON - 3600


def moved(device=DEVICE):
    """A device that is at POINT until SWAP, and at another point afterwards."""
    return references([Link(device, POINT, 1, 0, SWAP), Link(device, POINT + 1, 1, SWAP)])


@pytest.mark.parametrize(
    ("wall", "point", "code"),
    [
        ((2025, 7, 1, 12, 0, 0), POINT + 1, None),
        ((2025, 7, 1, 12, 0, 0), POINT, "NOT_LINKED"),
        ((2025, 7, 1, 10, 30, 0), POINT, None),
        ((2025, 7, 1, 10, 30, 0), POINT + 1, "NOT_LINKED"),
        ((2025, 7, 1, 11, 0, 0), POINT, None),
        ((2025, 7, 1, 11, 0, 0), POINT + 1, "NOT_LINKED"),
    ],
    ids=["new, at new", "new, at old", "old, at old", "old, at new", "last block, at old", "last block, at new"],
)
def test_the_link_at_the_time_of_the_reading_decides(wall, point, code):
    advance = World(moved()).offer(sealed(block(wall), 1), points=point)
    assert codes(advance) == ({} if code is None else {0: code})
    if code is None:
        assert advance.parcel.batch.link.tolist() == [0 if point == POINT else 1]


def test_a_register_taken_in_the_moment_of_removal_is_the_old_links():
    world = World(references([Link(until=SWAP)]))
    frame = push(Kind.DAILY, plain_columns(1, Kind.DAILY), stamp((2025, 7, 1, 11, 0, 0)))
    assert world.offer(frame).parcel.batch.link.tolist() == [0]
    late = push(Kind.DAILY, plain_columns(1, Kind.DAILY), stamp((2025, 7, 1, 11, 0, 1)))
    assert codes(world.offer(late)) == {0: "NOT_LINKED"}


def test_a_meter_exchange_keeps_the_service_point_and_changes_the_link():
    world = World(references([Link(until=SWAP), Link(device=OTHER, since=SWAP)], {DEVICE: KEYS, OTHER: OTHER_KEYS}))
    advance = world.offer(
        sealed(block((2025, 7, 1, 11, 0, 0)), 1), sealed(block((2025, 7, 1, 11, 30, 0)), 1, OTHER, OTHER_KEYS),
        devices=[DEVICE, OTHER],
    )  # fmt: skip
    batch = advance.parcel.batch
    assert batch.service_point.tolist() == [POINT, POINT]
    assert batch.device.tolist() == [DEVICE, OTHER]
    assert batch.link.tolist() == [0, 1]


def test_a_device_without_a_link_is_parked_and_its_counter_stays_unused():
    world = World(references([]))
    frame = sealed(block(), 5)
    advance = world.offer(frame)
    assert codes(advance) == {0: "NOT_LINKED"}
    assert emitted(advance)[0]["parked"] is True
    world.control(references([Link()]))
    assert codes(world.offer(frame)) == {}


def test_a_control_record_puts_another_registry_and_other_keys_in_force():
    world = World()
    assert codes(world.offer(sealed(block(), 1))) == {}
    world.control(references([Link(template=4)], {DEVICE: OTHER_KEYS}))
    assert codes(world.offer(sealed(block(), 2), sealed(block(), 3, keys=OTHER_KEYS))) == {
        0: "DECRYPT_FAILED", 1: "TEMPLATE_UNKNOWN",
    }  # fmt: skip
