"""Rows of a profile as frames: what decode makes of them is what the meter said."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.dlms_pull import obis
from connectors.dlms_pull.commands import Range
from connectors.dlms_pull.encode import (
    MOST_ROWS,
    Capture,
    Heading,
    Layout,
    NoShape,
    captures_of,
    fitted,
    frames,
    scaler_of,
    whole_rows,
)
from connectors.dlms_pull.layouts import _layout
from connectors.dlms_pull.profiles import pieces, selection
from pipeline import axdr
from pipeline.axdr import Datum
from pipeline.channels import SNAPSHOT_INDEX
from pipeline.codes import Flag, Kind
from pipeline.cosem_time import date_time, epoch_of
from pipeline.octets import FrameError
from pipeline.templates import TEMPLATE_BY_NUMBER, PushColumn
from tests.builders_frames import DEVICE, NOON, POINT, Link, World, codes, references

OFFSET = 19_800
HEADING = Heading(DEVICE, 1, 48, NOON + 77, 4096)
FLOATS, INTEGERS = TEMPLATE_BY_NUMBER[1], TEMPLATE_BY_NUMBER[2]
CLOCK = Capture(obis.CLOCK, obis.CLOCK_NAME, 2)


def block_layout(model: int = 2, scalers: dict[int, tuple[int, int]] | None = None) -> Layout:
    push = TEMPLATE_BY_NUMBER[model].push(Kind.BLOCK)
    assert push is not None
    columns = [Capture(3, column.obis, 2) for column in push.columns if column.target]
    return Layout((CLOCK, *columns), 900, scalers or {})


def row(at: int, *values: int) -> tuple[Datum, ...]:
    """Of template 2: volts in tenths, four energies, amperes in hundredths."""
    tags = (axdr.UINT16, *[axdr.UINT32] * 4, axdr.UINT16, axdr.UINT16)
    cells = [Datum(tag, value) for tag, value in zip(tags, values, strict=False)]
    return (axdr.octet_string(date_time(at, OFFSET)), *cells)


def decoded(made: list[bytes], model: int = 2):
    world = World(references([Link(template=model)]))
    return world.offer(*made, devices=DEVICE, points=POINT)


def test_rows_decode_to_what_they_say() -> None:
    rows = [row(NOON + 900 * n, 2315, 125 + n, 130, 0, 0, 225, 224) for n in range(3)]
    advance = decoded(frames(rows, block_layout(), INTEGERS, Kind.BLOCK, HEADING, OFFSET))
    batch = advance.parcel.batch
    assert not advance.emissions
    assert batch.time.tolist() == [NOON, NOON + 900, NOON + 1800]
    assert batch.energy[:, 0].tolist() == [125, 126, 127]
    assert batch.physical[:, 0].tolist() == [231_500] * 3
    assert (batch.flags & Flag.PLAIN).all()


def test_a_frame_says_that_it_was_pulled_by_whom_and_when() -> None:
    (frame,) = frames([row(NOON, 2315)[:2]], Layout((CLOCK, block_layout().captures[1])), INTEGERS, Kind.BLOCK,
                      HEADING, OFFSET)  # fmt: skip
    version, source, destination, length = struct.unpack(">HHHH", frame[:8])
    assert (version, source, destination, length) == (1, 1, 48, len(frame) - 8)
    assert frame[8] == 0x0F
    assert epoch_of(frame[14:26], OFFSET) == NOON + 77


def test_a_column_that_the_meter_does_not_capture_is_absent_and_the_others_are_there() -> None:
    kept = [0, 1, 2, 4, 5, 6, 7]  # without apparent energy
    layout = block_layout()
    lacking = Layout(tuple(layout.captures[place] for place in kept), 900)
    whole = row(NOON, 2315, 125, 130, 7, 9, 225, 224)
    made = frames([[whole[place] for place in kept]], lacking, INTEGERS, Kind.BLOCK, HEADING, OFFSET)
    batch = decoded(made).parcel.batch
    assert batch.energy[0].tolist() == [125, 0, 7, 9]
    assert int(batch.present[0]) & 0b1111 == 0b1101


@pytest.mark.parametrize(
    ("scaler", "value", "tag", "expected"),
    [
        ((3, 30), 2, axdr.UINT32, 2000),
        ((0, 30), 125, axdr.UINT32, 125),
        ((-1, 30), 1255, axdr.UINT32, 126),
        ((-3, 30), 7000, axdr.UINT32, 7),
        (None, 125, axdr.UINT16, 125),
    ],
)
def test_the_meter_s_own_scaler_beats_the_template_s(
    scaler: tuple[int, int] | None, value: int, tag: int, expected: int
) -> None:
    layout = block_layout(scalers={2: scaler} if scaler else {})
    cells = list(row(NOON, 2315, 1, 130, 0, 0, 225, 224))
    cells[2] = Datum(tag, value)
    batch = decoded(frames([cells], layout, INTEGERS, Kind.BLOCK, HEADING, OFFSET)).parcel.batch
    assert int(batch.energy[0, 0]) == expected


@given(st.integers(0, 2**31 - 1), st.integers(-6, 6))
def test_a_fitted_integer_is_the_same_quantity(value: int, power: int) -> None:
    column = PushColumn("wh_imp", "1.0.1.29.0.255", axdr.UINT32, integer=0, floating=3)
    cell = fitted(Datum(axdr.UINT32, value), column, (power, 30))
    number = cell.number
    assert number is not None
    stored = number * 1000.0 if cell.tag == axdr.FLOAT64 else float(number)
    assert stored == pytest.approx(value * 10.0**power, rel=1e-12, abs=1e-9)


def test_many_rows_are_several_frames_each_within_its_bounds_and_none_is_lost() -> None:
    rows = [row(NOON + 900 * n, 2315, n, 130, 0, 0, 225, 224) for n in range(1000)]
    for octets in (600, 4096, 65_000):
        made = frames(rows, block_layout(), INTEGERS, Kind.BLOCK, Heading(DEVICE, 1, 48, NOON, octets), OFFSET)
        assert all(len(frame) - 8 <= octets for frame in made)
        world = World(references([Link(template=2)]))
        batch = world.offer(*made, devices=DEVICE, points=POINT).parcel.batch
        assert batch.energy[:, 0].tolist() == list(range(1000))
        assert max(batch.frame.tolist().count(number) for number in range(len(made))) <= MOST_ROWS


def test_a_row_without_a_usable_clock_takes_no_other_row_with_it() -> None:
    bad = (axdr.octet_string(bytes.fromhex("ffff0d01ff0a0f0000800000")), *row(NOON, 2315, 5, 130, 0, 0, 225, 224)[1:])
    rows = [row(NOON, 2315, 1, 130, 0, 0, 225, 224), bad, row(NOON + 900, 2315, 2, 130, 0, 0, 225, 224)]
    advance = decoded(frames(rows, block_layout(), INTEGERS, Kind.BLOCK, HEADING, OFFSET))
    assert codes(advance) == {1: "CLOCK_UNUSABLE"}
    assert advance.parcel.batch.energy[:, 0].tolist() == [1, 2]


def test_midnight_registers_and_the_instantaneous_profile_are_a_push_a_row() -> None:
    daily = INTEGERS.push(Kind.DAILY)
    assert daily is not None
    layout = Layout((CLOCK, *[Capture(3, column.obis, 2) for column in daily.columns]))
    cells = (axdr.octet_string(date_time(NOON, OFFSET)), *[Datum(axdr.UINT32, n) for n in (10, 20, 30, 40)])
    made = frames([cells, cells], layout, INTEGERS, Kind.DAILY, HEADING, OFFSET)
    batch = decoded(made).parcel.batch
    assert batch.kind.tolist() == [Kind.DAILY, Kind.DAILY]
    assert batch.energy[0].tolist() == [10, 20, 30, 40]


def test_a_quantity_and_its_time_are_told_apart_by_their_attribute() -> None:
    instant = INTEGERS.push(Kind.INSTANT)
    assert instant is not None
    captures, cells = [CLOCK], [axdr.octet_string(date_time(NOON, OFFSET))]
    for column in instant.columns:
        timed = column.target.endswith("_time")
        captures.append(Capture(3, column.obis, 5 if timed else 2))
        cells.append(axdr.octet_string(date_time(NOON - 60, OFFSET)) if timed else Datum(axdr.UINT16, 3))
    batch = decoded(frames([cells], Layout(tuple(captures)), INTEGERS, Kind.INSTANT, HEADING, OFFSET)).parcel.batch
    assert batch.kind.tolist() == [Kind.INSTANT]
    seen = [int(batch.snapshot[0, SNAPSHOT_INDEX[name]]) for name in ("demand_w", "demand_w_time")]
    assert seen == [3, NOON - 60]


def test_null_data_is_what_the_row_above_says() -> None:
    first = row(NOON, 2315, 125)
    buffer = axdr.array(axdr.structure(*first), axdr.structure(Datum(axdr.NULL), Datum(axdr.NULL),
                                                               Datum(axdr.UINT32, 9)))  # fmt: skip
    rows = whole_rows(buffer, 900, OFFSET)
    assert epoch_of(rows[1][0].body, OFFSET) == NOON + 900
    assert [cell.number for cell in rows[1][1:]] == [2315, 9]
    with pytest.raises(FrameError):
        whole_rows(buffer, 0, OFFSET)


def test_rows_that_do_not_fit_the_model_are_named() -> None:
    with pytest.raises(NoShape, match="clock"):
        frames([row(NOON, 1)], Layout((Capture(3, "1.0.1.29.0.255", 2),)), INTEGERS, Kind.BLOCK, HEADING, OFFSET)
    with pytest.raises(NoShape, match="none of the columns"):
        frames([row(NOON, 1)], Layout((CLOCK, Capture(3, "1.0.77.29.0.255", 2))), INTEGERS, Kind.BLOCK, HEADING, OFFSET)
    with pytest.raises(NoShape, match="columns"):
        frames([row(NOON, 1)], block_layout(), INTEGERS, Kind.BLOCK, HEADING, OFFSET)


def test_capture_lists_and_scalers_are_read_and_broken_ones_are_not() -> None:
    name = axdr.octet_string(obis.octets_of("1.0.1.29.0.255"))
    item = axdr.structure(Datum(axdr.UINT16, 3), name, Datum(axdr.INT8, 2),
                          Datum(axdr.UINT16, 0))  # fmt: skip
    assert captures_of(axdr.array(item)) == (Capture(3, "1.0.1.29.0.255", 2, 0),)
    with pytest.raises(FrameError):
        captures_of(axdr.array(axdr.structure(name)))
    assert scaler_of(axdr.structure(Datum(axdr.INT8, -2), Datum(axdr.ENUM, 33))) == (-2, 33)
    assert scaler_of(name) is None


@pytest.mark.parametrize("power", [-129, 128, 5000, 4_000_000_000])
def test_a_power_of_ten_that_no_scaler_has_is_none(power: int) -> None:
    tag = axdr.INT64 if power < 0 else axdr.UINT32
    assert scaler_of(axdr.structure(Datum(tag, power), Datum(axdr.ENUM, 30))) is None
    stored = {"captures": [[3, "1.0.1.8.0.255", 2, 0]], "period_secs": 900, "scalers": {"0": [power, 30]}}
    assert dict(_layout(stored).scalers) == {}
    assert dict(_layout({**stored, "scalers": {"0": [-128, 30], "1": [127, 30]}}).scalers) == {
        0: (-128, 30), 1: (127, 30),
    }  # fmt: skip


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from([0, 900, 1800]), st.booleans())
def test_pieces_of_a_range_cover_it_once(first: int, length: int, period: int, by_time: bool) -> None:
    found = list(pieces(Range(obis.BLOCK_PROFILE, first, first + length, by_time), period))
    assert found[0].first == first
    assert found[-1].last == first + length
    assert all(one.last + 1 == two.first for one, two in pairwise(found))


def test_a_selection_is_that_of_the_standard() -> None:
    raw = selection(Range(obis.BLOCK_PROFILE, 3, 5, by_time=False), OFFSET)
    assert raw.hex() == "02" + "0204" + "0600000003" + "0600000005" + "120001" + "120000"
    raw = selection(Range(obis.BLOCK_PROFILE, NOON, NOON + 900, by_time=True), OFFSET)
    assert raw.hex().startswith(
        "01" + "0204" + "0204" + "120008" + "09060000010000ff" + "0f02" + "120000" + "090c07e90701"
    )
