"""The formats of decoded readings: what each may look like, and what of a broken one is kept."""

from __future__ import annotations

import io
import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.readings_in import records as records_format
from connectors.readings_in.formats import csv as csv_format
from connectors.readings_in.reading_types import reading_type
from pipeline.codes import Flag, Kind
from pipeline.reading_frames import TARGET
from tests.unit.connectors.readings_in.made import DEVICE, MIDNIGHT, OTHER, TITLE, faults, frames, read, rows, values

# ------------------------------------------------------------------------------------------------ JSON

ROW = {"device": TITLE, "time": "2025-07-01T00:30:00", "kwh_imp": 0.125, "quality": "A", "id": 17}


@pytest.mark.parametrize(
    "message",
    [
        ROW,
        [ROW],
        {"readings": [ROW]},
        {"device": TITLE, "readings": [{key: value for key, value in ROW.items() if key != "device"}]},
        [{"device": TITLE, "quality": "A", "readings": [{"time": ROW["time"], "kwh_imp": "0.125", "id": "17"}]}],
    ],
)
def test_json_may_be_one_reading_a_list_or_an_object_with_a_list(message: Any) -> None:
    ((device, reading),) = rows(read(json.dumps(message)))
    assert (device, reading.time, reading.values, reading.quality, reading.id) == (
        DEVICE, MIDNIGHT + 1800, {TARGET["wh_imp"]: 125}, "A", "17",
    )  # fmt: skip


def test_json_lines_are_read_one_by_one_when_one_is_broken() -> None:
    found = read("\n".join([json.dumps(ROW), '{"device": ', "", json.dumps(ROW | {"device": "4711"})]))
    assert [device for device, _ in rows(found)] == [OTHER, DEVICE]
    ((code, detail),) = faults(found)
    assert (code, detail[:16]) == ("MESSAGE_UNREADABLE", "line 2: no JSON:")
    assert found[0].faults[0].raw == b'{"device": '


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_a_printed_json_that_ends_early_gives_no_reading_without_what_it_shares(kept: float) -> None:
    own = [f'{{"time": "2025-07-01T0{hour}:00", "wh_imp": {hour}, "device": "4711"}}' for hour in range(1, 6)]
    text = '{\n"quality": "E",\n"readings": [\n' + ",\n".join(own[:-1]) + ",\n" + own[-1] + "\n]\n}\n"
    whole_line = text.index(own[-1]) + len(own[-1])
    for end in (int(len(text) * kept), whole_line):
        (portion,) = read(text[:end])
        assert portion.broken
        assert [fault.code for fault in portion.faults] == ["MESSAGE_UNREADABLE"]
        assert portion.rows == 0


@pytest.mark.parametrize("lines", [1, 3])
def test_what_many_readings_share_is_not_copied_without_end(lines: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records_format, "SHARED_OCTETS", 100_000)
    row = {key: value for key, value in ROW.items() if key != "device"}
    few = {"device": TITLE, "note": "n" * 100, "readings": [row] * 100}
    assert not read(json.dumps(few))[0].broken
    many = {"device": TITLE, "note": "n" * 2000, "readings": [{}] * 1000}
    (portion,) = read("\n".join([json.dumps(many)] * lines))
    assert portion.broken
    ((code, detail),) = faults([portion])
    assert code == "MESSAGE_UNREADABLE"
    assert "share" in detail


def test_objects_between_without_readings_are_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records_format, "SHARED_OCTETS", 100_000)
    shared = {f"f{number}": number for number in range(5000)}
    (portion,) = read(json.dumps(shared | {"readings": [{"readings": []}] * 5000}))
    assert portion.broken


def test_numbers_of_json_are_taken_as_they_are_written() -> None:
    text = json.dumps(ROW).replace("0.125", "4503599627370.497")
    assert values(read(text)) == [{"wh_imp": 4503599627370497}]


def test_fields_within_others_are_named_with_a_point() -> None:
    message = {"meter": {"serial": "4711"}, "at": MIDNIGHT, "data": {"import": 1500}}
    found = read(
        json.dumps(message), columns={"device": "meter.serial", "time": "at"}, time_format="epoch",
        values={"data.import": "wh_imp Wh"},
    )  # fmt: skip
    assert [(device, reading.time) for device, reading in rows(found)] == [(OTHER, MIDNIGHT)]
    assert values(found) == [{"wh_imp": 1500}]


@pytest.mark.parametrize(
    "octets", [b"", b"no json", b"[1, 2]", b'"text"', b"\xff\xfe", b"[" * 200_000, b'{"readings": 5}']
)
def test_what_is_no_json_is_one_fault_with_its_octets(octets: bytes) -> None:
    (portion,) = read(octets)
    assert portion.broken
    assert [(fault.code, fault.raw) for fault in portion.faults] == [("MESSAGE_UNREADABLE", octets)]


def test_a_bad_reading_of_a_list_leaves_the_others() -> None:
    found = read(json.dumps([ROW | {"kwh_imp": "much"}, ROW, ROW | {"device": None}]))
    assert values(found) == [{"wh_imp": 125}]
    assert faults(found) == [
        ("READING_UNREADABLE", "reading 1, kwh_imp: 'much' is no number"),
        ("NAME_UNKNOWN", "reading 3, device: no meter is named"),
    ]
    assert json.loads(found[0].faults[0].raw)["kwh_imp"] == "much"


def test_half_a_surrogate_pair_is_no_end_of_the_message() -> None:
    found = read('{"device": "4711", "time": "2025-07-01T00:30", "wh_imp": 1, "id": "\\ud800", "quality": "\\udfff"}')
    assert [reading.id for _, reading in rows(found)] == ["?"]


# ------------------------------------------------------------------------------------------------ CSV


def test_csv_is_read_in_parts_and_lines_are_counted_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_format, "PART_OCTETS", 100)
    lines = [f"{TITLE},{MIDNIGHT + 1800 * number},{number}" for number in range(1, 41)]
    lines[20] = f"{TITLE},{MIDNIGHT},x"
    lines[30] = "short"
    lines[35] = f"\r\n{TITLE},{MIDNIGHT},y"
    found = read("\ufeffdevice,time,wh_imp\r\n" + "\r\n".join(lines), format="csv", time_format="epoch")
    assert len(found) > 5
    assert [value["wh_imp"] for value in values(found)] == [n for n in range(1, 41) if n not in (21, 31, 36)]
    assert faults(found) == [
        ("READING_UNREADABLE", "line 22, wh_imp: 'x' is no number"),
        ("READING_UNREADABLE", "line 32: 1 columns, the first line names 3"),
        ("READING_UNREADABLE", "line 38, wh_imp: 'y' is no number"),
    ]
    assert [fault.raw.strip() for portion in found for fault in portion.faults][:2] == [lines[20].encode(), b"short"]


def test_cells_of_csv_may_stand_in_quotation_marks() -> None:
    text = 'device;time;kwh_imp;id\n"4711";"2025-07-01 00:30";"1,5";"a;b\nc"\n"4711";"2025-07-01 01:00";"?";x\n'
    found = read(text, format="csv", delimiter=";", decimal=",")
    assert [(reading.id, reading.values[0]) for _, reading in rows(found)] == [("a;b\nc", 1500)]
    ((code, detail),) = faults(found)
    assert (code, detail) == ("READING_UNREADABLE", "row 2 of the part from line 2, kwh_imp: '?' is no number")
    assert found[0].faults[0].raw == b"4711;2025-07-01 01:00;?;x"


def test_one_quotation_mark_in_front_of_many_lines_is_looked_at_once() -> None:
    text = b'4711,"x\n' + b"\n" * 400_000
    begun = time.process_time()
    assert csv_format._cut(text) == (b"", text)
    assert time.process_time() - begun < 1


@given(st.text('ab"\n', max_size=40))
def test_rows_are_cut_behind_the_last_line_with_pairs_of_quotation_marks(text: str) -> None:
    octets = text.encode()
    ends = [end for end in range(1, len(octets) + 1) if octets[end - 1 : end] == b"\n"]
    end = max((end for end in ends if octets[:end].count(b'"') % 2 == 0), default=0)
    assert csv_format._cut(octets) == (octets[:end], octets[end:])


def test_an_empty_line_in_front_of_a_short_one_does_not_confuse_the_count() -> None:
    found = read(f"device,time,wh_imp\n\n{TITLE},{MIDNIGHT},1\n\nshort\n\n{TITLE},{MIDNIGHT},x\n", format="csv",
                 time_format="epoch")  # fmt: skip
    assert [detail for _, detail in faults(found)] == [
        "line 5: 1 columns, the first line names 3", "line 7, wh_imp: 'x' is no number",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "\n", "a,b\n1,2\n", "device,time,device\n", '"device\n', "\r\0", "device,time\r4711,x"]
)
def test_csv_without_its_line_of_names_is_refused_as_a_whole(text: str) -> None:
    (portion,) = read(text, format="csv")
    assert portion.broken
    assert [fault.code for fault in portion.faults] == ["MESSAGE_UNREADABLE"]


def test_lines_that_are_no_utf_8_are_refused_and_not_guessed() -> None:
    text = b"device,time,wh_imp,id\n4711,2025-07-01T00:30,1,\xff\xfe\n4711,2025-07-01T01:00,2,b\n\xfc,short\n"
    found = read(text, format="csv")
    assert values(found) == [{"wh_imp": 2}]
    assert [detail for _, detail in faults(found)] == [
        "line 2: no UTF-8: invalid start byte", "line 4: no UTF-8: invalid start byte",
    ]  # fmt: skip
    (portion,) = read(text + b'4711,2025-07-01T01:30,3,"c\n"\n', format="csv")
    assert portion.broken


# ------------------------------------------------------------------------------------------------ Avro


def container(schema: Any, records: list[dict[str, Any]], codec: str = "deflate") -> bytes:
    out = io.BytesIO()
    fastavro.writer(out, schema, records, codec=codec)
    return out.getvalue()


SCHEMA = {
    "type": "record",
    "name": "Reading",
    "fields": [
        {"name": "device", "type": "string"},
        {"name": "time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "kwh_imp", "type": {"type": "bytes", "logicalType": "decimal", "precision": 15, "scale": 3}},
        {"name": "vah_imp", "type": ["null", "double"]},
        {"name": "quality", "type": {"type": "enum", "name": "Q", "symbols": ["ACTUAL", "ESTIMATED"]}},
        {"name": "id", "type": "long"},
    ],
}
RECORD = {
    "device": TITLE, "time": datetime.fromtimestamp(MIDNIGHT + 1800, UTC), "kwh_imp": Decimal("0.125"),
    "vah_imp": 130.0, "quality": "ESTIMATED", "id": 5,
}  # fmt: skip


def test_avro_with_its_logical_types_is_read_by_the_names_of_its_fields() -> None:
    ((device, reading),) = rows(read(container(SCHEMA, [RECORD]), format="avro"))
    assert (device, reading.time, reading.flags, reading.id) == (
        DEVICE, MIDNIGHT + 1800, Flag.HEAD_END_ESTIMATED, "5",
    )  # fmt: skip
    assert reading.values == {TARGET["wh_imp"]: 125, TARGET["vah_imp"]: 130}


def test_avro_that_ends_early_gives_what_stands_before() -> None:
    whole = container(SCHEMA, [RECORD | {"id": number} for number in range(20_000)], "null")
    found = read(whole[:-40_000], format="avro")
    assert found[-1].broken
    assert 0 < sum(portion.rows for portion in found) < 20_000
    assert [fault.code for fault in found[-1].faults] == ["MESSAGE_UNREADABLE"]


@pytest.mark.parametrize("octets", [b"", b"Obj\x01", b"{}", bytes(500)])
def test_what_is_no_avro_is_one_fault(octets: bytes) -> None:
    assert [code for code, _ in faults(read(octets, format="avro"))] == ["MESSAGE_UNREADABLE"]


EMPTY = {"type": "record", "name": "Empty", "fields": []}
NOTHING = {"type": "record", "name": "Nothing", "fields": [
    {"name": "a", "type": "null"}, {"name": "b", "type": {"type": "fixed", "name": "F", "size": 0}},
    {"name": "c", "type": {"type": "record", "name": "Inner", "fields": [{"name": "d", "type": "null"}]}},
]}  # fmt: skip


def holding(kind: Any) -> Any:
    return {"type": "record", "name": "R", "fields": [{"name": "readings", "type": kind}]}


def long(number: int) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, "long", number)
    return out.getvalue()


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        (EMPTY, b""),
        (NOTHING, b""),
        ([EMPTY], b"\0"),
        (holding({"type": "array", "items": EMPTY}), long(4) + b"\0"),
        (holding({"type": "array", "items": NOTHING}), long(4) + b"\0"),
        (holding(["null", {"type": "map", "values": {"type": "array", "items": "null"}}]), b"\0"),
        (holding({"type": "record", "name": "S", "fields": [{"name": "s", "type": ["null", "S"]}]}), b"\0"),
    ],
)
@pytest.mark.parametrize("count", [1, 3])
def test_avro_whose_records_need_no_octets_is_refused(schema: Any, data: bytes, count: int) -> None:
    head = container(schema, [], "null")
    found = read(head + long(count) + long(len(data) * count) + data * count + head[-16:], format="avro")
    if schema == [EMPTY]:
        assert not found[0].broken, "the branch of a union is an octet"
        return
    ((code, detail),) = faults(found)
    assert (code, found[0].broken) == ("MESSAGE_UNREADABLE", True)
    assert "no octets" in detail or "within itself" in detail


def test_types_of_avro_may_be_named_again_in_a_namespace() -> None:
    item = {"type": "record", "name": "Item", "fields": [{"name": "time", "type": "string"}]}
    schema = holding({"type": "array", "items": item}) | {"namespace": "a.b"}
    schema["fields"] += [{"name": "device", "type": "string"}, {"name": "last", "type": ["null", "Item"]}]
    item["fields"].append({"name": "wh_imp", "type": "long"})
    own = {"time": "2025-07-01T01:00", "wh_imp": 5}
    found = read(container(schema, [{"device": TITLE, "readings": [own], "last": own}]), format="avro")
    assert values(found) == [{"wh_imp": 5}]


def test_avro_with_more_items_than_octets_ends() -> None:
    head = container(EMPTY, [], "null")
    assert len(faults(read(head + long(2**40) + long(0) + head[-16:], format="avro"))) == 1
    items = {"type": "record", "name": "I", "fields": [{"name": "wh_imp", "type": "long"}]}
    head = container(holding({"type": "array", "items": items}), [], "null")
    data = long(2**40) + b"\2\2"
    assert [code for code, _ in faults(read(head + long(1) + long(len(data)) + data + head[-16:], format="avro"))] == [
        "MESSAGE_UNREADABLE"
    ]


def test_what_readings_of_avro_share_is_not_copied_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records_format, "SHARED_OCTETS", 10_000)
    item = {"type": "record", "name": "I", "fields": [{"name": "wh_imp", "type": "long"}]}
    schema = holding({"type": "array", "items": item})
    schema["fields"].append({"name": "note", "type": "string"})
    octets = container(schema, [{"note": "n" * 1000, "readings": [{"wh_imp": 1}] * 1000}], "null")
    found = read(octets, format="avro")
    assert found[-1].broken
    assert sum(portion.rows for portion in found) == 0


# ------------------------------------------------------------------------------------------------ CIM


@pytest.mark.parametrize(
    ("text", "kind", "name", "exponent", "interval"),
    [
        ("0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0", Kind.BLOCK, "wh_imp", 3, 900),
        ("0.0.5.4.19.1.12.0.0.0.0.0.0.0.0.0.72.0", Kind.BLOCK, "wh_exp", 0, 1800),
        ("0.0.5.4.1.1.12.0.0.0.0.0.0.0.0.3.71.0", Kind.BLOCK, "vah_imp", 3, 1800),
        ("0.0.5.4.15.1.12.0.0.0.0.0.0.0.0.3.73.0", Kind.BLOCK, "varh_q1", 3, 1800),
        ("0.2.5.0.0.1.54.0.0.0.0.0.0.0.64.0.29.0", Kind.BLOCK, "voltage_y", 3, 1800),
        ("0.2.5.0.0.1.4.0.0.0.0.0.0.0.16.-3.5.0", Kind.BLOCK, "current_n", 0, 1800),
        ("0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0", Kind.DAILY, "wh_imp", 3, 0),
        ("11.0.0.9.1.1.12.0.0.0.0.0.0.0.0.3.72.0", Kind.DAILY, "wh_imp", 3, 0),
        ("0.0.0.12.0.1.54.0.0.0.0.0.0.0.128.0.29.0", Kind.INSTANT, "voltage_r", 3, 0),
        ("0.0.0.12.0.1.15.0.0.0.0.0.0.0.0.0.33.0", Kind.INSTANT, "frequency", 3, 0),
        ("0.0.0.6.1.1.37.0.0.0.0.0.0.0.0.3.38.0", Kind.INSTANT, "active_power", 3, 0),
    ],
)
def test_a_reading_type_is_a_kind_a_quantity_and_an_interval(
    text: str, kind: Kind, name: str, exponent: int, interval: int
) -> None:
    found = reading_type(text)
    assert (found.kind, found.quantity.target, found.quantity.exponent, found.interval) == (
        kind, TARGET[name], exponent, interval,
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "", "kWh", "0.0.2.4.1.1.12", "0.0.2.4.1.7.12.0.0.0.0.0.0.0.0.3.72.0", "0.0.2.4.1.1.12.0.0.0.0.3.0.0.0.3.72.0",
        "0.8.0.6.1.1.8.0.0.0.0.0.0.0.0.3.38.0", "11.0.0.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0",
        "0.0.2.4.20.1.12.0.0.0.0.0.0.0.0.3.72.0", "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.9999.72.0",
    ],
)  # fmt: skip
def test_a_reading_type_that_is_not_kept_says_why(text: str) -> None:
    with pytest.raises(ValueError, match=r"no reading type|only electricity|no quantity|not taken|is not known"):
        reading_type(text)


def cim(*readings: str, meter: str = TITLE, id: str = "M-1") -> str:
    return (
        '<EventMessage xmlns="http://iec.ch/TC57/2011/schema/message"><Header><Verb>created</Verb>'
        f"<Noun>MeterReadings</Noun><MessageID>{id}</MessageID></Header><Payload>"
        '<m:MeterReadings xmlns:m="http://iec.ch/TC57/2011/MeterReadings#"><m:MeterReading>'
        f"<m:Meter><m:Names><m:name>{meter}</m:name></m:Names></m:Meter>{''.join(readings)}"
        "</m:MeterReading></m:MeterReadings></Payload></EventMessage>"
    )


def value(kind: str, stamp: str, number: str, *qualities: str) -> str:
    said = "".join(
        f'<m:ReadingQualities><m:ReadingQualityType ref="{quality}"/></m:ReadingQualities>' for quality in qualities
    )
    return (
        f"<m:Readings><m:timeStamp>{stamp}</m:timeStamp><m:value>{number}</m:value>{said}"
        f'<m:ReadingType ref="{kind}"/></m:Readings>'
    )


WH = "0.0.5.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0"
VAH = "0.0.5.4.1.1.12.0.0.0.0.0.0.0.0.3.71.0"
REGISTER = "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0"
DEMAND = "0.8.0.6.1.1.8.0.0.0.0.0.0.0.0.3.38.0"


def test_values_of_one_stamp_become_one_reading_of_the_worst_quality() -> None:
    stamp = "2025-07-01T00:30:00+05:30"
    found = read(cim(value(WH, stamp, "0.125", "1.0.0"), value(VAH, stamp, "0.13", "2.8.0", "1.0.0")), format="cim")
    ((device, reading),) = rows(found)
    assert (device, reading.time, reading.values) == (DEVICE, MIDNIGHT + 1800, {0: 125, 1: 130})
    assert (reading.flags, reading.quality, reading.id) == (Flag.HEAD_END_ESTIMATED, "1.0.0; 2.8.0", "M-1")


def test_a_block_of_intervals_has_its_type_once() -> None:
    readings = "".join(
        f"<m:IntervalReadings><m:timeStamp>2025-07-01T0{hour}:00:00+05:30</m:timeStamp><m:value>{hour}</m:value>"
        "</m:IntervalReadings>"
        for hour in (1, 2)
    )
    found = read(cim(f'<m:IntervalBlocks>{readings}<m:ReadingType ref="{WH}"/></m:IntervalBlocks>'), format="cim")
    assert [value["wh_imp"] for value in values(found)] == [1000, 2000]


def test_registers_of_midnight_settle_days_and_others_are_momentary() -> None:
    found = frames(
        read(
            cim(
                value(REGISTER, "2025-07-01T00:00:00+05:30", "900"), value(REGISTER, "2025-07-01T10:00:00+05:30", "905")
            ),
            format="cim",
        )
    )  # fmt: skip
    assert [(frame.kind, frame.readings[0].values) for frame in found] == [
        (Kind.DAILY, {0: 900_000}), (Kind.INSTANT, {0: 905_000}),
    ]  # fmt: skip


def test_a_type_that_is_not_kept_is_told_once_a_message_and_the_others_are_used() -> None:
    stamp = "2025-07-01T00:30:00+05:30"
    found = read(cim(value(DEMAND, stamp, "1"), value(DEMAND, stamp, "2"), value(WH, stamp, "0.125")), format="cim")
    assert values(found) == [{"wh_imp": 125}]
    ((code, detail),) = faults(found)
    assert (code, detail[:24]) == ("READING_UNREADABLE", "reading 1, ReadingType: ")


def test_a_bad_value_of_cim_is_named_by_its_type_and_the_others_are_used() -> None:
    found = read(
        cim(
            value(WH, "2025-07-01T00:30:00+05:30", "lots"), value(WH, "2025-07-01T01:00:00+05:30", "1"),
            value(WH, "2025-07-01T01:00:00+05:30", "2"), value(WH, "never", "1"),
        ),
        format="cim",
    )  # fmt: skip
    assert values(found) == [{"wh_imp": 1000}]
    assert faults(found) == [
        ("READING_UNREADABLE", f"reading 3, {WH}: the value comes twice"),
        ("READING_UNREADABLE", f"reading 1, {WH}: 'lots' is no number"),
        ("CLOCK_UNUSABLE", "reading 4, timeStamp: 'never' is no time (iso)"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "", "<a>", "<a/>", '<!DOCTYPE a [<!ENTITY b "c">]><MeterReadings>&b;</MeterReadings>', "<a>" * 99 + "</a>" * 99,
        "not xml", "<MeterReadings><\x01/></MeterReadings>",
    ],
)  # fmt: skip
def test_what_is_no_message_of_readings_is_one_fault(text: str) -> None:
    (portion,) = read(text, format="cim")
    assert portion.broken
    assert [fault.code for fault in portion.faults] == ["MESSAGE_UNREADABLE"]


# ------------------------------------------------------------------------------------------------ all


def test_a_message_that_is_too_large_is_refused_before_it_is_read() -> None:
    for form in ("json", "cim", "avro"):
        (portion,) = read(b"x" * 2000, format=form, message_bytes=1000)
        assert faults([portion]) == [("MESSAGE_UNREADABLE", "message: it is larger than message_bytes, 1000")]
