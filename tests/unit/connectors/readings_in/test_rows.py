"""Columns of texts to readings: numbers, stamps, names, qualities, and what is refused."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Context, Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.readings_in.config import ReadingsOptions
from connectors.readings_in.devices import device_of, read_names
from connectors.readings_in.frames import links_of
from connectors.readings_in.numbers import whole, whole_column
from connectors.readings_in.qualities import CODES, FLAGS, class_of
from connectors.readings_in.quantities import KNOWN, quantity, units_of
from connectors.readings_in.times import stamp_of
from pipeline.codes import Flag, Kind
from pipeline.errors import ConfigError
from pipeline.reading_frames import LARGEST, MOST_ROWS
from tests.unit.connectors.readings_in.made import (
    DEVICE,
    MIDNIGHT,
    OTHER,
    TITLE,
    UNKNOWN,
    faults,
    frames,
    known,
    payload,
    read,
    rows,
    values,
)

INDIA, STOCKHOLM = ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Stockholm")
HEAD = "device,time,kwh_imp,quality\n"


# ------------------------------------------------------------------------------------------------ numbers

written = st.one_of(
    st.from_regex(r"[+-]?[0-9]{1,12}(\.[0-9]{0,12})?", fullmatch=True),
    st.from_regex(r"[+-]?[0-9]{1,3}[eE][+-]?[0-9]{1,2}", fullmatch=True),
    st.sampled_from(["", " ", "0.0005", "-0.0005", ".5", "5.", "1,5", "NaN", "inf", "0x1", "1_0", "--1", "９", "1e99"]),
    st.text(max_size=4),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(written, max_size=12), st.sampled_from([-3, -2, 0, 3, 6, 9]))
def test_a_column_of_numbers_is_what_decimals_say_one_by_one(texts: list[str], exponent: int) -> None:
    found, there, reasons = whole_column(pa.array(texts, pa.string()), exponent)
    context = Context(prec=200, rounding=ROUND_FLOOR)
    for place, text in enumerate(texts):
        plain = text.strip()
        assert there[place] == bool(plain)
        try:
            expected = whole(plain, exponent) if plain else 0
        except ValueError:
            assert place in reasons
            continue
        assert place not in reasons
        assert found[place] == expected
        if plain:
            exact = context.scaleb(Decimal(plain), exponent)
            assert abs(context.subtract(exact, expected)) <= Decimal("0.5")


def test_half_a_watt_hour_is_rounded_up_and_nothing_is_lost_to_floats() -> None:
    assert [whole(text, 3) for text in ("0.0005", "0.0004", "-0.0005", "8.1", "4503599627370.497")] == [
        1, 0, 0, 8100, 4503599627370497,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="too large"):
        whole(str(LARGEST + 1), 0)


def test_the_decimal_sign_may_be_a_comma() -> None:
    found, there, reasons = whole_column(pa.array(["1,5", "1.5"]), 3, ",")
    assert (found[0], there.tolist(), list(reasons)) == (1500, [True, True], [1])


# ------------------------------------------------------------------------------------------------ stamps


@pytest.mark.parametrize(
    ("text", "form", "time"),
    [
        ("2025-07-01T00:30:00", "iso", MIDNIGHT + 1800),
        ("2025-07-01 00:30", "iso", MIDNIGHT + 1800),
        ("2025-06-30T19:00:00Z", "iso", MIDNIGHT + 1800),
        ("2025-06-30T21:00:00.750+02:00", "iso", MIDNIGHT + 1800),
        ("2025-06-30T24:00:00", "iso", MIDNIGHT),
        ("2025-06-30T24:00+05:30", "iso", MIDNIGHT),
        ("20250701T003000", "iso", MIDNIGHT + 1800),
        (str(MIDNIGHT), "epoch", MIDNIGHT),
        (f"{MIDNIGHT}000", "epoch_ms", MIDNIGHT),
        ("01-07-2025 00:30", "%d-%m-%Y %H:%M", MIDNIGHT + 1800),
        ("01-07-2025 00:30 +0000", "%d-%m-%Y %H:%M %z", MIDNIGHT + 1800 + 19_800),
    ],
)
def test_a_stamp_is_read_as_it_is_declared(text: str, form: str, time: int) -> None:
    assert stamp_of(text, form, INDIA) == time


@pytest.mark.parametrize(
    ("text", "form", "reason"),
    [
        ("", "iso", "no stamp"),
        ("2025-13-01", "iso", "is no time"),
        ("yesterday", "iso", "is no time"),
        ("1969-07-01T00:00:00Z", "iso", "not in the years"),
        ("2025-07-01", "%d-%m-%Y", "is no time"),
        ("1.5", "epoch", "no number of seconds"),
        ("-5", "epoch", "no number of seconds"),
        ("0001-01-01T00:00:00+14:00", "iso", "is no time"),
    ],
)
def test_a_stamp_that_cannot_be_read_is_refused_with_the_reason(text: str, form: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        stamp_of(text, form, INDIA)


def test_a_local_time_that_occurs_twice_or_not_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="occurs twice in Europe/Stockholm"):
        stamp_of("2025-10-26T02:30:00", "iso", STOCKHOLM)
    with pytest.raises(ValueError, match="does not occur in Europe/Stockholm"):
        stamp_of("2025-03-30T02:30:00", "iso", STOCKHOLM)
    first, second = (stamp_of(f"2025-10-26T02:30:00{offset}", "iso", STOCKHOLM) for offset in ("+02:00", "+01:00"))
    assert second - first == 3600


# ------------------------------------------------------------------------------------------------ names


def test_a_name_is_a_title_a_number_or_one_of_the_list() -> None:
    names = {"MTR-1": DEVICE, "5": OTHER}
    assert [device_of(text, "auto", names) for text in (TITLE, TITLE.lower(), "4711", "MTR-1", "5", "MTR-2", "")] == [
        DEVICE, DEVICE, OTHER, DEVICE, OTHER, 0, 0,
    ]  # fmt: skip
    assert device_of("5", "number", names) == 5
    assert device_of("5", "title", names) == 0
    assert device_of(str(2**64), "auto", {}) == 0


def test_the_list_of_names_is_a_file_whose_faults_are_named(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "names.csv"
    path.write_text(f"name,device\nMTR-1,{TITLE}\nMTR-2,4711\n")
    assert read_names(path) == {"MTR-1": DEVICE, "MTR-2": 4711}
    path.write_text(f"name,device\nMTR-1,{TITLE}\nMTR-1,4711\n,5\nMTR-3,what\n")
    with pytest.raises(ConfigError, match=r"line 3: MTR-1, 4711; line 4: , 5; line 5: MTR-3, what"):
        read_names(path)
    with pytest.raises(ConfigError, match="NAMES_ABSENT"):
        read_names(tmp_path / "none.csv")


# ------------------------------------------------------------------------------------------------ qualities


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("", "actual"), ("A", "actual"), ("1.0.0", "actual"), ("2.8.0", "estimated"), ("1.5.258", "suspect"),
        ("3.7.1", "edited"), ("2.10.1", "suspect"), ("2.11.0", "actual"), ("E52", "estimated"), ("S14", "estimated"),
        ("S17", "estimated"), ("F16", "edited"), ("S12", "actual"), ("N", "missing"), ("17", "actual"),
        ("8", "estimated"), ("7", "edited"), ("10", "suspect"), ("Estimated", "estimated"), ("VALID", "actual"),
        ("1.0.0; 2.8.0", "estimated"), ("2.8.0|1.6.1", "suspect"), ("V", None), ("X9", None), ("1.0.0;what", None),
    ],
)  # fmt: skip
def test_a_quality_is_what_its_vocabulary_says(text: str, means: str | None) -> None:
    assert class_of(text, {}) == means


def test_a_head_ends_own_codes_come_first() -> None:
    assert class_of("A", {"A": "suspect"}) == "suspect"
    assert class_of("Q7", {"Q7": "edited"}) == "edited"


def test_every_code_of_the_table_has_a_meaning_that_rows_can_carry() -> None:
    assert {code.means for code in CODES} == {*FLAGS, "missing"}


def test_an_unknown_quality_makes_a_reading_suspect_or_is_refused() -> None:
    text = HEAD + f"{TITLE},2025-07-01T00:30,1,what\n"
    assert [reading.flags for _, reading in rows(read(text, format="csv"))] == [Flag.HEAD_END_SUSPECT]
    found = read(text, format="csv", unknown_quality="refuse")
    assert faults(found) == [("READING_UNREADABLE", "line 2, quality: quality 'what' is in no table")]


def test_what_the_head_end_says_is_missing_is_no_reading_and_no_fault() -> None:
    (portion,) = read(HEAD + f"{TITLE},2025-07-01T00:30,null,N\n{TITLE},2025-07-01T01:00,1,A\n", format="csv")
    assert (portion.rows, portion.missing, portion.faults) == (1, 1, [])


# ------------------------------------------------------------------------------------------------ quantities


def test_every_quantity_can_be_declared_in_each_of_its_units() -> None:
    for name in KNOWN:
        for unit, power in units_of(name).items():
            assert quantity(f"{name} {unit}").exponent == KNOWN[name][1] + power
    assert (quantity("wh_imp kWh").exponent, quantity("voltage_r").exponent, quantity("power_factor %").exponent) == (
        3, 3, 1,
    )  # fmt: skip


@pytest.mark.parametrize("text", ["kwh", "wh_imp kVAh", "esw_high", "billing_time", ""])
def test_what_is_no_quantity_is_a_fault_of_the_topology(text: str) -> None:
    with pytest.raises(ValidationError):
        ReadingsOptions(values={"a": text})


def test_options_that_cannot_be_meant_are_refused() -> None:
    for wrong in ({"zone": "Europe/Nowhere"}, {"time_format": "dmy"}, {"stamp": "start"}, {"device": "name"}):
        with pytest.raises(ValidationError):
            ReadingsOptions.model_validate(wrong)


# ------------------------------------------------------------------------------------------------ rows


def test_stamps_of_the_start_of_intervals_are_moved_to_their_end() -> None:
    text = HEAD + f"{TITLE},2025-07-01T00:00,1,\n"
    (found,) = rows(read(text, format="csv", stamp="start", interval_secs=1800))
    assert found[1].time == MIDNIGHT + 1800


def test_registers_and_momentary_values_keep_their_stamps() -> None:
    text = f"device,time,kind,wh_imp\n{TITLE},2025-07-01T00:00,daily,5\n{TITLE},2025-07-01T00:10,instant,6\n"
    found = frames(read(text, format="csv", stamp="start", interval_secs=1800))
    assert [(frame.kind, frame.readings[0].time) for frame in found] == [
        (Kind.DAILY, MIDNIGHT), (Kind.INSTANT, MIDNIGHT + 600),
    ]  # fmt: skip


def test_rows_that_cannot_be_read_are_named_and_the_others_are_used() -> None:
    text = (
        "device,time,kind,kwh_imp,wh_imp,voltage_r,quality\n"
        f"{TITLE},2025-07-01T00:30,,1,,230,A\n"
        f"{TITLE},2025-07-01T01:00,,x,,230,A\n"
        f"{TITLE},,,1,,230,A\n"
        "nobody,2025-07-01T01:00,,1,,230,A\n"
        f"{TITLE},2025-07-01T01:00,weekly,1,,230,A\n"
        f"{TITLE},2025-07-01T01:00,,,,230,A\n"
        f"{TITLE},2025-07-01T01:00,,1,1,230,A\n"
        f"{TITLE},2025-07-01T01:00,,1,,9999999,A\n"
        f"{TITLE},2025-07-01T01:00,daily,,,,A\n"
        f"{TITLE},2025-07-01T01:30,,2,,231,A\n"
    )
    found = read(text, format="csv")
    assert [value["wh_imp"] for value in values(found)] == [1000, 2000]
    assert faults(found) == [
        ("READING_UNREADABLE", "line 3, kwh_imp: 'x' is no number"),
        ("CLOCK_UNUSABLE", "line 4, time: no stamp"),
        ("NAME_UNKNOWN", "line 5, device: 'nobody' names no meter"),
        ("READING_UNREADABLE", "line 6, kind: 'weekly': use one of block, daily, instant"),
        ("READING_UNREADABLE", "line 7: an interval without wh_imp"),
        ("READING_UNREADABLE", "line 8, kwh_imp: two columns of the row hold this quantity"),
        ("READING_UNREADABLE", "line 9, voltage_r: the value is too large"),
        ("READING_UNREADABLE", "line 10: no value"),
    ]
    (portion,) = found
    assert portion.faults[0].raw == f"{TITLE},2025-07-01T01:00,,x,,230,A".encode()
    assert [fault.device for fault in portion.faults[:3]] == [DEVICE, DEVICE, 0]


def test_intervals_of_another_length_than_the_meters_are_refused() -> None:
    found = read(HEAD + f"{TITLE},2025-07-01T00:15,1,\n", format="csv", interval_secs=900)
    assert faults(found) == [("INTERVAL_OTHER", "line 2: intervals of 900 s, the meter's are 1800 s")]
    unknown = read(HEAD + f"{UNKNOWN},2025-07-01T00:15,1,\n", format="csv", interval_secs=900)
    assert faults(unknown) == []


def test_the_same_octets_give_the_same_frames() -> None:
    text = HEAD + "".join(
        f"{device},2025-07-01T{hour:02}:30,{hour},{'AE'[hour % 2]}\n" for hour in range(24) for device in (4711, TITLE)
    )
    assert payload(read(text, format="csv")) == payload(read(text, format="csv"))


# ------------------------------------------------------------------------------------------------ frames


def test_readings_of_a_meter_travel_together_in_order_of_time() -> None:
    text = HEAD + "".join(f"{device},2025-07-01T{hour:02}:00,1,\n" for hour in (5, 3, 4) for device in (4711, TITLE))
    found = frames(read(text, format="csv", head_end="ACME"))
    assert [(frame.device, frame.source, len(frame.readings)) for frame in found] == [
        (4711, "ACME", 3), (DEVICE, "ACME", 3),
    ]  # fmt: skip
    assert [reading.time for reading in found[0].readings] == [MIDNIGHT + 3600 * hour for hour in (3, 4, 5)]


def test_a_frame_holds_readings_of_one_installation() -> None:
    swap = MIDNIGHT + 3 * 3600
    own = known(DEVICE=[(7, 0, swap), (9, swap, 2**62)])
    text = HEAD + "".join(f"{TITLE},2025-07-01T{hour:02}:00,1,\n" for hour in range(1, 7))
    found = frames(read(text, own=own, format="csv"))
    # The block that ends at the exchange is of the meter's former place.
    assert [[(reading.time - MIDNIGHT) // 3600 for reading in frame.readings] for frame in found] == [
        [1, 2, 3], [4, 5, 6],
    ]  # fmt: skip


def test_frames_have_no_more_rows_than_decode_takes() -> None:
    lines = "".join(f"{TITLE},{MIDNIGHT + 1800 * number},1,{number}\n" for number in range(1, 1001))
    text = "device,time,kwh_imp,id\n" + lines
    found = frames(read(text, format="csv", time_format="epoch"))
    assert max(len(frame.readings) for frame in found) <= MOST_ROWS
    assert [reading.id for frame in found for reading in frame.readings] == [str(number) for number in range(1, 1001)]


def test_the_head_ends_words_and_ids_stay_with_each_reading() -> None:
    text = (
        "device,time,kwh_imp,quality,id\n"
        f"{TITLE},2025-07-01T00:30,1,1.0.0,a-1\n{TITLE},2025-07-01T01:00,1,2.8.0,a-2\n{TITLE},2025-07-01T01:30,1,,\n"
    )
    found = [(reading.flags, reading.quality, reading.id) for _, reading in rows(read(text, format="csv"))]
    assert found == [(Flag(0), "1.0.0", "a-1"), (Flag.HEAD_END_ESTIMATED, "2.8.0", "a-2"), (Flag(0), "", "")]


def test_the_link_of_a_reading_is_that_of_its_time() -> None:
    own = known(DEVICE=[(7, 100, 500), (9, 600, 900), (11, 900, 2**62)])

    class Some:
        def __init__(self, *times: int) -> None:
            import numpy as np

            self.time, self.kind = np.array(times), np.full(len(times), int(Kind.BLOCK))
            self.device = np.full(len(times), DEVICE, np.uint64)

        def __len__(self) -> int:
            return len(self.time)

    points = [int(own.service_point[row]) for row in links_of(Some(50, 500, 600, 601, 900, 901), own)]  # type: ignore[arg-type]
    assert points == [7, 7, 7, 9, 9, 11]
