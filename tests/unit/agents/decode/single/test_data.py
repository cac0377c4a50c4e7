"""A-XDR of all tags, compact arrays, lists that name their own quantities, and those that a table names."""

import struct

import pytest

from agents.decode.describe import describe_frames
from agents.decode.single.octets import FrameError
from agents.decode.single.texts import value_of, whole
from pipeline.axdr import NESTING, Datum, read_datum
from pipeline.axdr_compact import unpacked
from tests.builders_apdus import definition, notification, obis, octet_string, scaler
from tests.builders_frames import datum, length_octets, stamp

ENERGY, POWER = "1.0.1.8.0.255", "1.0.1.7.0.255"


def one(body, time=b"\0"):
    (found,) = describe_frames([notification(body, time)])
    return found


def read(octets):
    found, end = read_datum(octets, 0)
    assert end == len(octets)
    return found


TAGS = [
    (b"\0", {"null-data": None}, None),
    (b"\3\1", {"boolean": True}, True),
    (b"\4\x0a\xa0\x40", {"bit-string": "A040", "bits": 10}, "A040"),
    (b"\5\xff\xff\xff\xfe", {"double-long": -2}, -2),
    (b"\6\0\0\0\2", {"double-long-unsigned": 2}, 2),
    (b"\x09\2\1\2", {"octet-string": "0102"}, "0102"),
    (b"\x0a\2ab", {"visible-string": "ab"}, "ab"),
    (b"\x0c\3\xe2\x82\xac", {"utf8-string": "E282AC"}, "€"),
    (b"\x0d\x42", {"bcd": 66}, 66),
    (b"\x0f\xff", {"integer": -1}, -1),
    (b"\x10\xff\xfe", {"long": -2}, -2),
    (b"\x11\xff", {"unsigned": 255}, 255),
    (b"\x12\1\0", {"long-unsigned": 256}, 256),
    (b"\x14" + b"\xff" * 8, {"long64": -1}, -1),
    (b"\x15" + b"\xff" * 8, {"long64-unsigned": 2**64 - 1}, 2**64 - 1),
    (b"\x16\7", {"enum": 7}, 7),
    (b"\x17" + struct.pack(">f", 231.3), {"float32": 231.3}, 231.3),
    (b"\x18" + struct.pack(">d", 0.1), {"float64": 0.1}, 0.1),
    (b"\x18" + struct.pack(">d", float("nan")), {"float64": "nan"}, "nan"),
    (b"\x19" + stamp(), {"date-time": stamp().hex().upper()}, "2025-07-01 12:00:00"),
    (b"\x1a\7\xe9\7\1\2", {"date": "07E9070102"}, "07E9070102"),
    (b"\x1b\1\2\3\4", {"time": "01020304"}, "01020304"),
    (b"\xff", {"dont-care": None}, None),
    (b"\1\2\x11\1\x11\2", {"array": [{"unsigned": 1}, {"unsigned": 2}]}, [1, 2]),
    (b"\2\1\2\0", {"structure": [{"structure": []}]}, [[]]),
]


@pytest.mark.parametrize(("octets", "generic", "short"), TAGS, ids=[next(iter(tag[1])) for tag in TAGS])
def test_every_tag_is_read(octets, generic, short):
    found = read(octets)
    assert whole(found) == generic
    assert value_of(found) == short
    assert (found.start, found.end) == (0, len(octets))


COMPACT = [
    (b"\x12", b"\0\1\0\2\0\3", [1, 2, 3]),
    (b"\2\2\x12\x11", b"\0\1\7\0\2\x08", [[1, 7], [2, 8]]),
    (b"\1\0\2\x11", b"\1\2\3\4", [[1, 2], [3, 4]]),
    (b"\2\2\x09\2\1\x11", b"\3abc\5\2xy\6", [["abc", [5]], ["xy", [6]]]),
    (b"\4", b"\x09\xff\x80\3\xe0", ["FF80", "E0"]),
    (b"\2\2\0\x11", b"\1\2", [[None, 1], [None, 2]]),
    (b"\x19", stamp() + stamp((2025, 7, 1, 12, 15, 0)), ["2025-07-01 12:00:00", "2025-07-01 12:15:00"]),
    (b"\x12", b"", []),
]


@pytest.mark.parametrize(("description", "packed", "values"), COMPACT)
def test_compact_arrays_are_unpacked(description, packed, values):
    found = read(b"\x13" + description + octet_string(packed))
    assert value_of(found) == values
    assert unpacked(found).tag == 1
    assert one(b"\x13" + description + octet_string(packed)).error is None


HOSTILE = [
    b"\x13\0\1\0",
    b"\x13\2\0\4\1\2\3\4",
    b"\x13\1\xff\xff\1\xff\xff\1\xff\xff\0\1\0",
    b"\x13" + b"\1\0\1" * 40 + b"\x11\1\0",
    b"\x13" + b"\2\1" * 60 + b"\x11\1\0",
    b"\x13\x12\3\0\1\0",
    b"\x13\x09\2\x7f\1",
    b"\x13\2\2\1\xff\xff\0\x11\3\1\2\3",
]


@pytest.mark.parametrize("octets", HOSTILE)
def test_compact_arrays_that_cannot_be_unpacked_are_kept_with_the_reason(octets):
    found = one(octets)
    assert "error" in found.data
    with pytest.raises(FrameError):
        unpacked(read(octets))


@pytest.mark.parametrize(
    "octets",
    [b"\1" * (NESTING + 2), b"\2\x84\xff\xff\xff\xff", b"\1\x82\xff\xff\0", b"\x09\x05abc", b"\x63", b"\4\x20\0", b"",
     b"\x13\2\x84\xff\xff\xff\xff\0", b"\x17\0", b"\x09\x85" + bytes(9), b"\x09\x80"],
)  # fmt: skip
def test_what_does_not_fit_is_malformed(octets):
    with pytest.raises(FrameError) as caught:
        read_datum(octets, 0)
    assert caught.value.code == "DATA_MALFORMED"


def test_containers_nest_as_deep_as_allowed():
    octets = b"\2\1" * (NESTING - 1) + b"\2\0"
    assert read(octets).tag == 2
    with pytest.raises(FrameError):
        read(b"\2\1" + octets)


SHAPES = {
    "flat": datum(2, [obis(ENERGY), datum(6, 123456), scaler(-1, 30), obis(POWER), datum(6, 7), scaler(0, 27)]),
    "structures": datum(1, [datum(2, [obis(ENERGY), datum(6, 123456), scaler(-1, 30)]),
                            datum(2, [obis(POWER), datum(6, 7), scaler(0, 27)])]),
    "with class and attribute": datum(2, [
        datum(2, [datum(18, 3), obis(ENERGY), datum(15, 2), datum(6, 123456), scaler(-1, 30)]),
        datum(2, [datum(18, 3), obis(POWER), datum(15, 2), datum(6, 7), scaler(0, 27)]),
    ]),
    "object list of all": datum(2, [
        datum(1, [definition(40, "0.8.25.9.0.255"), definition(3, ENERGY), definition(3, ENERGY, 3),
                  definition(3, POWER), definition(3, POWER, 3)]),
        datum(6, 123456), scaler(-1, 30), datum(6, 7), scaler(0, 27),
    ]),
    "object list of what follows": datum(2, [
        datum(1, [definition(3, ENERGY), definition(3, ENERGY, 3), definition(3, POWER), definition(3, POWER, 3)]),
        datum(6, 123456), scaler(-1, 30), datum(6, 7), scaler(0, 27),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES)
def test_lists_that_name_their_quantities_are_read_in_every_shape(body):
    found = one(body)
    assert found.error is None
    assert found.values == {ENERGY: 12345.6, POWER: 7}
    assert found.units == {ENERGY: "Wh", POWER: "W"}
    assert found.template is None, "what the frame says needs no template"


def test_codes_of_former_billing_periods_are_known_by_the_scaler_behind():
    former = "1.0.1.8.0.1"
    assert one(datum(2, [obis(former), datum(6, 5), scaler(0, 30)])).values == {former: 5}
    assert one(datum(2, [datum(9, b"160456"), datum(6, 5)])).values == {}


def test_the_same_code_twice_loses_nothing():
    found = one(datum(2, [obis(ENERGY), datum(6, 1), obis(ENERGY), datum(6, 2)]))
    assert found.values == {ENERGY: 1, f"{ENERGY}#2": 2}


def test_a_list_with_attribute_descriptors_without_tags_is_read():
    head = struct.pack(">H", 3) + bytes([1, 0, 1, 8, 0, 255, 2])
    body = b"\2\2\x11\7\1\1\2\2" + head + datum(6, 9)
    assert one(body).values == {ENERGY: 9}


def test_positional_lists_of_a_known_maker_are_named_and_marked():
    head = [datum(9, b"KFM_001"), datum(9, b"123"), datum(9, b"MA304"), *[datum(6, number) for number in (5, 0, 0, 4)]]
    single = one(datum(2, [*head, datum(6, 2345), datum(6, 2301)]))
    assert single.values["1.0.31.7.0.255"] == 2.345
    assert single.values["1.0.32.7.0.255"] == 230.1
    assert single.template == {"name": "Kaifa HAN list 2, single-phase", "version": 1, "verified": False}
    hour = [datum(9, stamp()), *[datum(6, number) for number in (10, 20, 30, 40)]]
    longer = one(datum(2, [*head, *[datum(6, number) for number in (1, 2, 3, 2300, 2310, 2320)], *hour]))
    assert longer.values["1.0.4.8.0.255"] == 40
    assert longer.values["0.0.1.0.0.255"] == "2025-07-01 12:00:00"


def test_data_that_names_nothing_is_kept_whole_and_is_no_error():
    found = one(datum(2, [datum(9, b"\1\2"), datum(6, 5)]))
    assert found.error is None
    assert found.values == {}
    assert found.data == {"structure": [{"octet-string": "0102"}, {"double-long-unsigned": 5}]}


def test_places_do_not_count_when_data_are_compared():
    assert Datum(6, 1, 0, 5) == Datum(6, 1, 9, 14)
    assert length_octets(200) == b"\x81\xc8"
