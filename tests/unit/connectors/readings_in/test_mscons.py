"""MSCONS: service characters, messages, OBIS codes, stamps, qualities, and what of a broken interchange is kept."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.readings_in.formats.edifact import segments
from connectors.readings_in.formats.mscons_codes import series_of
from connectors.readings_in.reader import Portion
from pipeline.codes import Flag, Kind
from tests.unit.connectors.readings_in.made import DEVICE, MIDNIGHT, OTHER, faults, frames, known, read, rows, values
from tests.unit.connectors.readings_in.written import interchange, message, quantity

POINT = "DE0001234567890000000000000000001"
NAMES = {POINT: DEVICE, "1EMH00 1": OTHER}
LOAD = (f"LOC+172+{POINT}", "RFF+MG:1EMH00 1", "LIN+1", "PIA+5+1-1?:1.29.0:SRW")
HALF = MIDNIGHT + 1800


def told(octets: bytes, **options: Any) -> list[Portion]:
    return read(octets, NAMES, known(), format="mscons", **options)


def one(*segments: str, **parts: Any) -> bytes:
    return interchange(message("M1", *segments), **parts)


def test_a_value_is_of_its_point_its_code_and_the_end_of_its_interval() -> None:
    ((device, found),) = rows(told(one(*LOAD, *quantity("220", "0.125", MIDNIGHT, HALF, "ZA4"))))
    assert (device, found.time, found.values, found.interval) == (DEVICE, HALF, {0: 125}, 1800)
    assert (found.quality, found.flags, found.id) == ("220 #ZA4", Flag(0), "DOC-1")


def test_a_meter_may_be_named_by_its_number() -> None:
    found = told(one(*LOAD, *quantity("220", "1", MIDNIGHT, HALF)), named_by="meter")
    assert [device for device, _ in rows(found)] == [OTHER]


def test_service_characters_are_those_of_una() -> None:
    plain = one(*LOAD, *quantity("220", "0,125", MIDNIGHT, HALF), una="UNA:+,? '")
    assert values(told(plain)) == [{"wh_imp": 125}]
    text = one(*LOAD, *quantity("220", "0.125", MIDNIGHT, HALF), una="").decode().replace("\r\n", "")
    assert values(told(text.encode())) == [{"wh_imp": 125}]
    other = text.replace("?+00", "\1").replace("?:", "\2")
    other = other.translate(str.maketrans({"+": "|", ":": ";", "'": "~", "\1": "+00", "\2": ":"}))
    assert values(told(b"UNA;|.! ~" + other.encode())) == [{"wh_imp": 125}]
    wrong = one(*LOAD, *quantity("220", "0.125", MIDNIGHT, HALF), una="UNA:+,? '")
    assert [code for code, _ in faults(told(wrong))] == ["READING_UNREADABLE"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("A+b?+c:d'", ["b+c", "d"]), ("A+b???':d'", ["b?'", "d"]), ("A+b??:d'", ["b?", "d"]),
        ("A+?xb:?:'", ["xb", ":"]), ("A+b\r\nc:d'", ["bc", "d"]), ("A+????:?+'", ["??", "+"]),
    ],
)  # fmt: skip
def test_a_release_character_takes_the_meaning_of_the_next(text: str, parts: list[str]) -> None:
    (found,) = segments(text.encode())[1]
    assert [found.part(1, 0), found.part(1, 1)] == parts
    assert (found.part(1, 2), found.part(2), found.tag) == ("", "", "A")


def test_channels_of_an_interval_are_one_reading() -> None:
    series = []
    for place, (code, unit) in enumerate(((1, "KWH"), (2, "MWH"), (3, "K3"), (4, ""), (9, "C79")), 1):
        series += [f"LIN+{place}", f"PIA+5+1-1?:{code}.29.0:SRW", *quantity("220", "0.25", MIDNIGHT, HALF, unit=unit)]
    found = values(told(one(LOAD[0], *series)))
    assert found == [{"wh_imp": 250, "wh_exp": 250_000, "varh_q1": 250, "varh_q4": 250, "vah_imp": 250}]
    own = told(one(LOAD[0], *series), values={"3.29.0": "varh_q2", "1-1:4.29.0": "varh_q3"})
    assert set(values(own)[0]) >= {"varh_q2", "varh_q3"}


def test_registers_of_midnight_settle_days_and_others_are_momentary() -> None:
    found = told(
        one(LOAD[0], "LIN+1", "PIA+5+1-1?:1.8.0*255:SRW", "QTY+220:900", "DTM+9:202507010000:203",
            "QTY+220:901", "DTM+7:202507010010:203", "QTY+67:902", "DTM+9:20250702:102")
    )  # fmt: skip
    assert [(frame.kind, frame.readings[0].time - MIDNIGHT, frame.readings[0].values) for frame in frames(found)] == [
        (Kind.DAILY, 0, {0: 900_000}), (Kind.INSTANT, 600, {0: 901_000}),
    ] or [(frame.kind, [one.values[0] for one in frame.readings]) for frame in frames(found)] == [
        (Kind.DAILY, [900_000, 902_000]), (Kind.INSTANT, [901_000]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "flags"),
    [("220", Flag(0)), ("46", Flag(0)), ("79", Flag(0)), ("67", Flag.HEAD_END_ESTIMATED),
     ("201", Flag.HEAD_END_ESTIMATED), ("187", Flag.HEAD_END_ESTIMATED), ("Z18", Flag.HEAD_END_ESTIMATED),
     ("20", Flag.HEAD_END_SUSPECT), ("Z47", Flag.HEAD_END_SUSPECT)],
)  # fmt: skip
def test_the_qualifier_of_a_quantity_is_its_quality(code: str, flags: Flag) -> None:
    found = rows(told(one(*LOAD, *quantity(code, "1", MIDNIGHT, HALF))))
    assert [(reading.quality, reading.flags) for _, reading in found] == [(code, flags)]


def test_what_is_missing_is_no_reading_and_no_fault() -> None:
    (portion,) = told(one(*LOAD, *quantity("Z30", "0", MIDNIGHT, HALF)))
    assert (portion.rows, portion.missing, portion.faults) == (0, 1, [])


@pytest.mark.parametrize(
    ("obis", "reason"),
    [("1-1:1.29.1", "without zones"), ("1-1:1.6.0", "only energy"), ("7-1:1.29.0", "no OBIS code of electricity"),
     ("1.29.0", "no OBIS code"), ("1-1:32.29.0", "no quantity"), ("", "no OBIS code"), ("1-1:1.29.0*01", "no OBIS")],
)  # fmt: skip
def test_a_code_that_is_not_kept_says_why_once_and_the_others_are_used(obis: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        series_of(obis, {})
    own = ("LIN+2", f"PIA+5+{obis.replace(':', '?:')}:SRW", *quantity("220", "1", MIDNIGHT, HALF))
    found = told(one(LOAD[0], *own, *own, *LOAD[2:], *quantity("220", "1", MIDNIGHT, HALF)))
    assert values(found) == [{"wh_imp": 1000}]
    ((code, detail),) = faults(found)
    assert (code, detail[:26]) == ("READING_UNREADABLE", "message M1, segment 10, PI")
    assert reason in detail


def test_values_that_cannot_be_used_are_named_and_the_others_are_used() -> None:
    found = told(
        one(
            f"LOC+172+{POINT}", *quantity("220", "1", MIDNIGHT, HALF), *LOAD[2:],
            *quantity("220", "lots", MIDNIGHT, HALF), *quantity("220", "1", HALF, HALF), "QTY+220:1:KWH",
            *quantity("220", "1", HALF, HALF + 1800, unit="KVR"), *quantity("220", "2", HALF, HALF + 1800),
            *quantity("220", "2", HALF, HALF + 1800), "QTY+220:1", "DTM+163:never:303", "DTM+164:20250701:303",
            "LOC+Z04+DE1", *LOAD[2:], *quantity("220", "1", MIDNIGHT, HALF),
        )
    )  # fmt: skip
    assert values(found) == [{"wh_imp": 2000}]
    assert faults(found) == [
        ("READING_UNREADABLE", "message M1, segment 9, PIA: no LIN and PIA+5 before it"),
        ("CLOCK_UNUSABLE", "message M1, segment 17, DTM: 0 s is no interval"),
        ("CLOCK_UNUSABLE", "message M1, segment 20, DTM: no DTM+163 and DTM+164"),
        ("READING_UNREADABLE", "message M1, segment 21, QTY: 'KVR' is no unit of 1-1:1.29.0"),
        ("CLOCK_UNUSABLE", "message M1, segment 30, DTM: 'never' is no time of format '303'"),
        ("READING_UNREADABLE", "message M1, segment 27, 1-1:1.29.0 KWH: the value comes twice"),
        ("READING_UNREADABLE", "message M1, segment 14, 1-1:1.29.0 KWH: 'lots' is no number"),
        ("NAME_UNKNOWN", "message M1, segment 36, LOC: no meter is named"),
    ]
    assert found[0].faults[-2].raw == b"QTY+220:lots:KWH"


def test_a_message_whose_segments_are_not_as_many_as_it_says_is_refused_whole() -> None:
    good = message("M1", *LOAD, *quantity("220", "1", MIDNIGHT, HALF))
    bad = message("M2", *LOAD, *quantity("220", "2", HALF, HALF + 1800), count=14)
    other = [bad[0].replace("MSCONS", "UTILMD"), *message("M2", *LOAD)[1:]]
    mixed = [*message("M3")[:-1], "UNT+8+M4"]
    found = told(interchange(good, bad, other, mixed))
    assert values(found) == [{"wh_imp": 1000}]
    assert faults(found) == [
        ("MESSAGE_UNREADABLE", "message M2: UNT counts '14' segments, there are 15"),
        ("MESSAGE_UNREADABLE", "message M2: 'UTILMD', not MSCONS"),
        ("MESSAGE_UNREADABLE", "message M3: UNT is of 'M4'"),
    ]
    assert found[0].faults[0].raw.startswith(b"UNH+M2+MSCONS:D:04B:UN:2.4c'BGM+7")


def test_an_interchange_that_ends_early_gives_its_whole_messages_and_says_so() -> None:
    good = message("M1", *LOAD, *quantity("220", "1", MIDNIGHT, HALF))
    second = message("M2", *LOAD, *quantity("220", "2", HALF, HALF + 1800))
    whole = interchange(good, second)
    cut = {whole.index(b"UNZ"): "ends without UNZ", whole.index(b"UNT+15+M2") + 3: "ends within a segment",
           whole.index(b"UNT+15+M2"): "ends without UNZ"}  # fmt: skip
    for end, reason in cut.items():
        found = told(whole[:end])
        assert found[-1].broken
        assert reason in faults(found)[-1][1]
        assert values(found)[0] == {"wh_imp": 1000}
    for octets, reason in (
        (interchange(good, count=2), "UNZ counts '2' messages or groups, there are 1"),
        (interchange(good).replace(b"UNZ+1+REF1", b"UNZ+1+REF2"), "UNZ is of 'REF2', UNB of 'REF1'"),
        (interchange(good) + b"UNB+x'", "'UNB' behind UNZ"),
        (interchange(good, ["LIN+1"]), "'LIN' where UNH should be"),
    ):
        found = told(octets)
        assert values(found) == [{"wh_imp": 1000}]
        assert reason in faults(found)[-1][1]


@pytest.mark.parametrize(
    "octets", [b"", b"UNA", b"UNA++++++", b"UNAabcdef", b"UNH+1'", b"not edifact", b"UNB+x\x01'", b"UNB+x", bytes(40)]
)
def test_what_is_no_interchange_is_one_fault(octets: bytes) -> None:
    (portion,) = told(octets)
    assert portion.broken
    assert [fault.code for fault in portion.faults] == ["MESSAGE_UNREADABLE"]
