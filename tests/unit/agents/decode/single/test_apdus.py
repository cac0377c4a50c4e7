"""Service APDUs: what they say, blocks joined, and what was asked before."""

import struct

import pytest

from agents.decode.describe import Keys, Options, describe_with
from agents.decode.single.messages import Attribute
from tests.builders_apdus import (
    attribute,
    blocks,
    definition,
    general,
    get_blocks,
    notification,
    obis,
    octet_string,
    scaler,
    service,
)
from tests.builders_frames import ALERT_PLAIN, BLOCK_PLAIN, DEVICE, KEYS, datum, stamp

PROFILE = "1.0.99.1.0.255"
VOLTAGE = "1.0.12.27.0.255"


def tell(*frames, **given):
    return list(describe_with(frames, Options(Keys(lambda _title: KEYS, server=DEVICE), explain=True, **given)))


def one(frame, **given):
    (found,) = tell(frame, **given)
    return found


def test_a_get_response_without_a_request_keeps_its_value_whole():
    found = one(bytes.fromhex("c401c1000600001391"))
    assert found.apdu == "get-response-normal"
    assert found.error is None
    assert found.details == {"invoke": 1, "value": 5009}
    assert found.data == {"double-long-unsigned": 5009}


@pytest.mark.parametrize(("octet", "name"), [(3, "read-write-denied"), (4, "object-undefined"), (250, "other-reason")])
def test_a_result_in_the_place_of_a_value_is_named(octet, name):
    found = one(bytes([0xC4, 1, 0xC1, 1, octet]))
    assert found.details["results"] == [name]
    assert found.error is None


def test_a_request_tells_what_its_response_is():
    asked = b"\xc0\x01\xc1" + attribute(3, "1.0.1.8.0.255", 2) + b"\0"
    request, response = tell(asked, bytes.fromhex("c401c1000600001391"))
    assert request.apdu == "get-request-normal"
    assert request.details["about"] == ["3/1.0.1.8.0.255/2"]
    assert response.values == {"1.0.1.8.0.255": 5009}
    (other,) = tell(asked, bytes.fromhex("c401c2000600001391"))[1:]
    assert other.values == {}, "another invoke id"


def test_a_list_is_answered_in_its_order():
    asked = [("1.0.1.8.0.255", 2), ("1.0.2.8.0.255", 2), ("0.0.96.1.0.255", 2)]
    request = b"\xc0\x03\x41\x03" + b"".join(attribute(3, name, number) + b"\0" for name, number in asked)
    response = b"\xc4\x03\x41\x03\0" + datum(6, 7) + b"\x01\x0b\0" + datum(9, b"METER")
    found = tell(request, response)[1]
    assert found.apdu == "get-response-with-list"
    assert found.values == {"1.0.1.8.0.255": 7, "0.0.96.1.0.255": "METER"}
    assert found.details["results"] == ["object-unavailable"]
    assert found.device == "METER"


def test_what_a_meter_says_of_its_scalers_and_columns_goes_before_any_template():
    clock, energy = "0.0.1.0.0.255", "1.0.1.29.0.255"
    columns = datum(1, [definition(8, clock), definition(3, energy)])
    rows = datum(1, [datum(2, [datum(9, stamp()), datum(18, 25)]), datum(2, [datum(0), datum(18, 30)])])
    frames = [
        b"\xc0\x01\xc1" + attribute(3, energy, 3) + b"\0", b"\xc4\x01\xc1\0" + scaler(1, 30),
        b"\xc0\x01\xc2" + attribute(7, PROFILE, 3) + b"\0", b"\xc4\x01\xc2\0" + columns,
        b"\xc0\x01\xc3" + attribute(7, PROFILE, 2) + b"\0", b"\xc4\x01\xc3\0" + rows,
    ]  # fmt: skip
    found = tell(*frames, period_secs=900)
    assert found[3].values[f"{PROFILE}/3"] == [f"8/{clock}/2", f"3/{energy}/2"]
    assert found[5].values[PROFILE] == [
        {"time": "2025-07-01T12:00:00+05:30", energy: 250.0}, {"time": "2025-07-01T12:15:00+05:30", energy: 300.0},
    ]  # fmt: skip
    assert found[5].units == {energy: "Wh"}


def test_rows_that_nothing_names_take_the_columns_of_the_caller():
    rows = datum(1, [datum(2, [datum(9, stamp()), datum(6, 1517)]), datum(2, [datum(0), datum(6, 1620)])])
    named = one(rows, columns=[Attribute(8, "0.0.1.0.0.255", 2), Attribute(3, "1.0.1.8.0.255", 2)], period_secs=3600)
    assert [row["1.0.1.8.0.255"] for row in named.values["buffer"]] == [1517, 1620]
    assert [row["time"][11:19] for row in named.values["buffer"]] == ["12:00:00", "13:00:00"]
    bare = one(b"\xc4\x01\xc1\0" + rows)
    assert bare.values["buffer"] == [
        {"time": "2025-07-01T12:00:00+05:30", "column 2": 1517}, {"time": None, "column 2": 1620},
    ]  # fmt: skip


@pytest.mark.parametrize("size", [1, 5, 300])
def test_blocks_of_a_get_response_are_joined(size):
    data = datum(2, [datum(9, b"x" * 50), datum(6, 7)])
    found = tell(*get_blocks(data, size))
    assert len(found) == 1
    assert found[0].apdu == "get-response-with-datablock"
    assert found[0].data == {"structure": [{"octet-string": (b"x" * 50).hex().upper()}, {"double-long-unsigned": 7}]}


def test_a_block_that_is_not_the_last_is_told_as_such():
    first, *_ = get_blocks(datum(9, bytes(100)), 40)
    found = one(first)
    assert found.error is None
    assert found.details["block_number"] == 1
    assert found.details["last"] is False
    assert found.details["joined"] == {"blocks": 1, "octets": 40}


def test_a_block_that_comes_twice_is_taken_once_and_one_out_of_order_ends_the_transfer():
    first, second, third = get_blocks(datum(9, bytes(range(100))), 40)
    assert tell(first, first, second, second, third)[0].data == {"octet-string": bytes(range(100)).hex().upper()}
    wrong = tell(first, third)
    assert [item.error and item.error["code"] for item in wrong] == ["SEGMENT_MISSING"]


def test_transfers_of_two_invoke_ids_do_not_mix():
    ones, twos = get_blocks(datum(9, b"one" * 20), 30, 0xC1), get_blocks(datum(9, b"two" * 20), 30, 0xC2)
    mixed = [block for pair in zip(ones, twos, strict=True) for block in pair]
    assert [item.details["value"] for item in tell(*mixed)] == ["one" * 20, "two" * 20]


@pytest.mark.parametrize("size", [10, 64])
def test_blocks_may_be_around_ciphering_and_ciphering_around_blocks(size):
    outside = blocks(general(0xDB, BLOCK_PLAIN), size)
    inside = [general(0xDB, block, counter) for counter, block in enumerate(blocks(BLOCK_PLAIN, size))]
    for frames in (outside, inside):
        (found,) = tell(*frames)
        assert found.error is None
        assert found.values[VOLTAGE] == 231.5


def test_glo_get_blocks_are_joined_after_deciphering():
    frames = [service(0xCC, block, counter) for counter, block in enumerate(get_blocks(datum(9, b"y" * 60), 25))]
    (found,) = tell(*frames)
    assert found.details["value"] == "y" * 60


def test_an_event_notification_names_its_attribute():
    body = attribute(1, "0.0.96.11.0.255", 2) + datum(18, 101)
    for time in (b"\0", b"\1\x0c" + stamp(), b"\x09\x0c" + stamp()):
        found = one(b"\xc2" + time + body)
        assert found.apdu == "event-notification"
        assert found.values == {"0.0.96.11.0.255": 101}
        assert found.time == (None if time == b"\0" else "2025-07-01T12:00:00+05:30")


def test_set_and_action_with_their_responses():
    name = "0.0.96.3.10.255"
    frames = [
        b"\xc1\x01\xc1" + attribute(70, name, 4) + b"\0" + datum(22, 4), b"\xc5\x01\xc1\0",
        b"\xc3\x01\xc2" + attribute(70, name, 1) + b"\1" + datum(15, 0), b"\xc7\x01\xc2\0\0",
        b"\xc7\x01\xc3\x03\x01\x00" + datum(9, b"reply"),
    ]  # fmt: skip
    found = tell(*frames)
    assert [item.error for item in found] == [None] * 5
    assert found[0].values == {f"{name}/4": 4}
    assert found[1].details["results"] == ["success"]
    assert found[1].details["about"] == [f"70/{name}/4"]
    assert found[2].details["methods"] == [f"70/{name}/1"]
    assert found[3].details["results"] == ["success"]
    assert found[4].details["results"] == ["read-write-denied"]
    assert found[4].details["value"] == "reply"


@pytest.mark.parametrize(
    "frame",
    [
        b"\xc1\x02\xc1" + attribute(7, PROFILE, 3) + b"\0\0" + struct.pack(">I", 1) + octet_string(bytes(5)),
        b"\xc1\x04\xc1\x01" + attribute(3, PROFILE, 2) + b"\0\x01" + datum(6, 1),
        b"\xc3\x03\xc1\x01" + attribute(70, PROFILE, 1) + b"\x01" + datum(15, 0),
        b"\xc3\x04\xc1" + attribute(18, PROFILE, 2) + b"\0" + struct.pack(">I", 1) + octet_string(b"\x09\x05ab"),
        b"\xc0\x02\xc1" + struct.pack(">I", 4),
        b"\xc5\x02\xc1" + struct.pack(">I", 4),
        b"\xc5\x03\xc1\0" + struct.pack(">I", 4),
        b"\xc5\x05\xc1\x02\0\x03",
        b"\xc7\x03\xc1\x02\0\0\x03\0",
        b"\xc7\x04\xc1" + struct.pack(">I", 4),
    ],
)  # fmt: skip
def test_the_rarer_forms_of_services_are_read_to_their_last_octet(frame):
    found = one(frame)
    assert found.error is None
    assert not any(part["what"] == "not explained" for section in found.explained() for part in section["parts"])


def test_exception_and_confirmed_service_error_are_told():
    assert one(b"\xd8\x01\x02").details == {
        "state_error": "service-not-allowed", "service_error": "service-not-supported",
    }  # fmt: skip
    counter = one(b"\xd8\x02\x06" + struct.pack(">I", 77))
    assert counter.details["expected_counter"] == 77
    error = one(b"\x0e\x01\x06\x01")
    assert error.apdu == "confirmed-service-error"
    assert error.details == {"service": "initiate-error", "error_kind": "initiate", "error_value": 1}


def test_associations_are_told_without_their_secrets():
    secret = b"12345678"
    fields = bytes.fromhex("a109060760857405080101 8a0207808b0760857405080201".replace(" ", ""))
    fields += b"\xac" + octet_string(b"\x80" + octet_string(secret))
    fields += b"\xbe" + octet_string(b"\x04" + octet_string(bytes.fromhex("01000000065f1f0400001e1dffff")))
    found = one(b"\x60" + octet_string(fields))
    assert found.apdu == "aarq"
    assert found.error is None
    assert found.details["context"] == "LN"
    assert found.details["mechanism"] == "LLS"
    assert found.details["initiate"]["conformance"] == "001E1D"
    told = str(found.as_dict(explain=True))
    assert secret.hex().upper() not in told.split("'of': 'APDU'")[1]
    assert secret.decode() not in told


def test_gateway_apdus_are_unwrapped():
    found = one(b"\xe7\x01" + octet_string(b"\x12\x34") + ALERT_PLAIN)
    assert found.values["0.0.94.91.18.255"] == [81, 83, 85]
    assert found.details["gateway"] == {"network": 1, "address": "1234"}


@pytest.mark.parametrize("tag", [0x05, 0x06, 0x0C, 0x0D, 0x18, 0xD9, 0xDA])
def test_apdus_that_are_not_read_are_named(tag):
    found = one(bytes([tag]) + bytes(8))
    assert found.error["code"] == "APDU_UNKNOWN"
    assert found.apdu in found.error["reason"]


def test_a_date_time_is_told_with_the_offset_that_it_has():
    body = datum(2, [obis("1.0.1.8.0.255"), datum(6, 1)])
    for deviation, text in ((-60, "+01:00"), (-330, "+05:30"), (0, "+00:00"), (-0x8000, "")):
        assert one(notification(body, b"\x0c" + stamp(deviation=deviation))).time == f"2025-07-01T12:00:00{text}"
