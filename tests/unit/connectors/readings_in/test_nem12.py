"""NEM12: records, blocks, market time, channels, qualities, and what of a broken file is kept."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.readings_in.config import ReadingsOptions
from connectors.readings_in.formats import nem12 as nem12_format
from connectors.readings_in.formats.nem12 import LENGTHS
from connectors.readings_in.reader import Portion
from pipeline.codes import Flag
from tests.unit.connectors.readings_in.made import DEVICE, OTHER, faults, known, payload, read, rows, values
from tests.unit.connectors.readings_in.written import block, day, details

NMI = "6305856194"
NAMES = {NMI: DEVICE, f"{NMI}/2": OTHER, "01002": OTHER}
FIRST = 1_751_292_000
"""2025-07-01 00:00 of market time: 14:00 UTC of the day before."""
ONES = ["1"] * 48


def told(octets: bytes, interval: int = 1800, **options: Any) -> list[Portion]:
    return read(octets, NAMES, known(interval), format="nem12", **options)


@pytest.mark.parametrize("length", LENGTHS)
def test_interval_one_ends_its_length_after_midnight_of_market_time(length: int) -> None:
    count = 1440 // length
    cells = [f"0.{number:03}" for number in range(1, count + 1)]
    found = rows(told(block(details(NMI, "E1", length=length), day("20250701", cells)), 60 * length))
    assert [reading.time for _, reading in found] == [FIRST + 60 * length * n for n in range(1, count + 1)]
    assert [reading.values[0] for _, reading in found] == list(range(1, count + 1))
    assert {reading.interval for _, reading in found} == {60 * length}


def test_market_time_has_no_summer() -> None:
    found = rows(told(block(details(NMI, "E1"), day("20251005", ONES), day("20250405", ONES))))
    assert len(found) == 96
    assert found[48][1].time - found[0][1].time == 183 * 86_400


@pytest.mark.parametrize(
    ("unit", "text", "value"),
    [("WH", "125", 125), ("kWh", "0.125", 125), ("KWH", "8.1", 8100), ("MWh", "0.000125", 125), ("Wh", "0.5", 1),
     ("MWH", "4503.599627370", 4503599627)],
)  # fmt: skip
def test_units_are_exact(unit: str, text: str, value: int) -> None:
    found = told(block(details(NMI, "E1", unit), day("20250701", [text] * 48)))
    assert [one["wh_imp"] for one in values(found)] == [value] * 48


def test_channels_of_an_interval_are_one_reading() -> None:
    file = block(
        details(NMI, "E1"), day("20250701", ONES), details(NMI, "B1"), day("20250701", ["2"] * 48),
        details(NMI, "Q1", "KVARH"), day("20250701", ["3"] * 48), details(NMI, "K1", "VARH"),
        day("20250701", ["4"] * 48), details(NMI, "T1", "KVAH"), day("20250701", ["5"] * 48),
    )  # fmt: skip
    found = values(told(file))
    assert found == [{"wh_imp": 1000, "wh_exp": 2000, "varh_q1": 3000, "varh_q4": 4, "vah_imp": 5000}] * 48
    assert "varh_q3" in values(told(file, values={"K": "varh_q3"}))[0]
    assert "varh_q2" in values(told(file, values={"Q1": "varh_q2"}))[0]


def test_a_second_meter_of_a_point_has_a_name_of_its_own() -> None:
    file = block(details(NMI, "E1"), day("20250701", ONES), details(NMI, "E2"), day("20250701", ["2"] * 48))
    found = rows(told(file))
    assert {(device, reading.values[0]) for device, reading in found} == {(DEVICE, 1000), (OTHER, 2000)}


def test_a_meter_may_be_named_by_its_serial_number() -> None:
    found = rows(told(block(details(NMI, "E1"), day("20250701", ONES)), named_by="meter"))
    assert {device for device, _ in found} == {OTHER}


def test_qualities_by_day_and_by_interval_are_kept_with_their_reasons() -> None:
    file = block(
        details(NMI, "E1"), day("20250701", ONES, "F14", "76", "Communications; fault"),
        day("20250702", ONES, "V"), "400,1,20,A,,", "400,21,21,S14,76,", "400,22,30,F16,0,as agreed",
        "400,31,40,E52,,", "400,41,47,N,,",
    )  # fmt: skip
    (portion,) = told(file)
    found = [reading for _, reading in rows([portion])]
    first, second = found[:48], found[48:]
    assert {(one.quality, one.flags) for one in first} == {("F14 #76 Communications fault", Flag.HEAD_END_ESTIMATED)}
    assert [(one.quality, one.flags) for one in second] == (
        [("A", Flag(0))] * 20 + [("S14 #76", Flag.HEAD_END_ESTIMATED)]
        + [("F16 #0 as agreed", Flag.HEAD_END_EDITED)] * 9 + [("E52", Flag.HEAD_END_ESTIMATED)] * 10
        + [("V", Flag.HEAD_END_SUSPECT)]
    )  # fmt: skip
    assert (portion.missing, portion.faults) == (7, [])
    assert {one.id for one in found} == {"MDP1 202507020200"}


def test_a_day_without_a_quality_is_not_taken_for_actual() -> None:
    found = rows(told(block(details(NMI, "E1"), day("20250701", ONES, ""))))
    assert {reading.flags for _, reading in found} == {Flag.HEAD_END_SUSPECT}


def test_a_channel_that_is_missing_leaves_the_others_of_its_intervals() -> None:
    file = block(details(NMI, "E1"), day("20250701", ONES), details(NMI, "B1"), day("20250701", [""] * 48, "N"))
    (portion,) = told(file)
    assert values([portion]) == [{"wh_imp": 1000}] * 48
    assert (portion.missing, portion.faults) == (0, [])
    assert {reading.quality for _, reading in rows([portion])} == {"A"}


def test_a_file_may_hold_several_blocks() -> None:
    one = block(details(NMI, "E1"), day("20250701", ONES), "500,O,S01009,20250702120000,001123.5")
    other = block(details(NMI, "E1"), day("20250702", ONES)).replace(b"MDP1", b"MDP2")
    found = rows(told(b"\xef\xbb\xbf" + one + b"\n" + other))
    assert [reading.id for _, reading in found] == ["MDP1 202507020200"] * 48 + ["MDP2 202507020200"] * 48


def test_records_that_cannot_be_read_are_named_and_the_others_are_used() -> None:
    cells = ["1"] * 47 + ["lots"]
    file = block(
        "300,20250701,1",  # line 2
        details(NMI, "E1", length=7), day("20250701", ONES),
        details(NMI, "X1"), day("20250701", ONES),
        details(NMI, "E1", "KVARH"),  # line 7
        details(NMI, "E1"), day("20250701", ONES[:-8]), "400,1,1,A,,",
        day("20251301", ONES), day("20250702", cells), "400,1,49,A,,", "400,0,x,A,,", day("20250702", ONES),
        "250,1,2", "400,1,2,A,,", 'x"', b"\xff".decode("latin-1"),
    )  # fmt: skip
    found = told(file)
    assert [value["wh_imp"] for value in values(found)] == [1000] * 47
    assert faults(found) == [
        ("READING_UNREADABLE", "line 2: no record 200 before it"),
        ("READING_UNREADABLE", "line 3: '7' is no length of intervals"),
        ("READING_UNREADABLE", "line 4: behind a record 200 that cannot be read"),
        ("READING_UNREADABLE", "line 5: suffix 'X1' in 'KWH' is no quantity that is kept"),
        ("READING_UNREADABLE", "line 7: suffix 'E1' in 'KVARH' is no quantity that is kept"),
        ("READING_UNREADABLE", "line 9: 47 cells, of 48 intervals and their quality"),
        ("CLOCK_UNUSABLE", "line 11: '20251301' is no date"),
        ("READING_UNREADABLE", "line 13: '1' to '49' are no intervals of 48"),
        ("READING_UNREADABLE", "line 14: '0' to 'x' are no intervals of 48"),
        ("READING_UNREADABLE", "line 15: the day comes twice"),
        ("READING_UNREADABLE", "line 16: '250' is no record of NEM12"),
        ("READING_UNREADABLE", "line 18: 'x\"' is no record of NEM12"),
        ("READING_UNREADABLE", "line 19: 'ÿ' is no record of NEM12"),
        ("READING_UNREADABLE", "line 12, interval 48, E1 KWH: 'lots' is no number"),
    ]
    assert found[0].faults[-1].raw == f"{NMI},E1,20250702,48,lots".encode()


def test_channels_without_import_and_names_of_nobody_are_refused_by_interval() -> None:
    file = block(details(NMI, "B1"), day("20250701", ONES), details("nobody", "E1"), day("20250701", ONES))
    found = faults(told(file))
    assert found[0] == ("READING_UNREADABLE", "line 3, interval 1: an interval without wh_imp")
    assert found[-1] == ("NAME_UNKNOWN", "line 5, interval 48, NMI: 'nobody' names no meter")
    assert len(found) == 96


def test_a_file_that_ends_early_gives_what_stands_before_and_says_so() -> None:
    whole = block(details(NMI, "E1"), day("20250701", ONES), day("20250702", ONES))
    for end in (len(whole) - 5, whole.index(b"300,20250702") + 60):
        found = told(whole[:end])
        assert found[-1].broken
        assert faults(found)[-1] == ("MESSAGE_UNREADABLE", "behind part 1: it ends without record 900")
        assert sum(portion.rows for portion in found) in (48, 96)


@pytest.mark.parametrize(
    "octets", [b"", b"\n\n", b"200,1\n", b"100,NEM13,2025\n900\n", b"device,time\n", b"x" * 2_000_000, bytes(50)]
)
def test_what_is_no_nem12_is_one_fault(octets: bytes) -> None:
    (portion,) = told(octets)
    assert portion.broken
    assert [fault.code for fault in portion.faults] == ["MESSAGE_UNREADABLE"]


def test_a_large_file_is_read_in_parts_that_end_between_points(monkeypatch: pytest.MonkeyPatch) -> None:
    records = []
    for nmi in (NMI, "4711", NMI):
        for suffix, date in (("E1", "20250701"), ("B1", "20250701"), ("E1", "20250702")):
            records += [
                details(nmi, suffix),
                day(date if nmi != NMI else f"{date[:4]}{6 + len(records) // 6:02}01", ONES),
            ]
    whole = told(block(*records))
    monkeypatch.setattr(nem12_format, "PART_VALUES", 40)
    found = told(block(*records))
    assert (len(whole), len(found)) == (1, 3)
    assert sorted(map(str, rows(found))) == sorted(map(str, rows(whole)))
    monkeypatch.setattr(nem12_format, "MOST_VALUES", 90)
    longer = told(block(details(NMI, "E1"), *(day(f"202507{n:02}", ONES) for n in range(1, 8))))
    assert len(longer) == 3
    assert len(rows(longer)) == 7 * 48


def test_the_same_octets_give_the_same_frames() -> None:
    file = block(details(NMI, "E1"), day("20250701", ONES, "V"), "400,1,47,A,,", "400,48,48,S14,76,")
    assert payload(told(file)) == payload(told(file))


def test_options_that_nem12_says_itself_are_refused() -> None:
    with pytest.raises(ValueError, match="says itself when its intervals end"):
        ReadingsOptions(format="nem12", stamp="start", interval_secs=1800)
    with pytest.raises(ValueError, match="says itself in which units"):
        ReadingsOptions(format="nem12", values={"K": "varh_q3 kvarh"})
