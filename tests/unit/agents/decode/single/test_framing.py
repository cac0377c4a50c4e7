"""Frames of every framing, alone and together, and the envelopes that gateways put around them."""

import base64
import json

import pytest

from agents.decode.describe import describe_frames
from agents.decode.framing import FrameError, hdlc_frames, unframe
from agents.decode.single.describe import MOST_READS, Describer, Options
from agents.decode.single.hdlc import address_text, control_name
from agents.decode.single.mbus import mbus_frames
from tests.builders_apdus import blocks, hdlc, mbus, segments
from tests.builders_frames import ALERT_PLAIN, BLOCK_HDLC, BLOCK_PLAIN, BLOCK_SEALED, BLOCK_WRAPPED, KEYS, wrapped

VOLTAGE = "1.0.12.27.0.255"


def tell(*frames, keys=KEYS):
    return list(describe_frames(frames, lambda _title: keys))


def voltages(*frames):
    """Voltage of each block push in the frames, or the code of what is said instead."""
    return [item.error["code"] if item.error else item.values.get(VOLTAGE, "alert") for item in tell(*frames)]


@pytest.mark.parametrize(
    ("destination", "source", "text"),
    [
        (b"\x81", b"\x03", ("64", "1")),
        (b"\x81", b"\x02\x23", ("64", "1/17")),
        (b"\x81", b"\x00\x02\x00\x23", ("64", "1/17")),
        (b"\x02\x23", b"\x41", ("1/17", "32")),
    ],
)
def test_hdlc_addresses_have_one_two_or_four_octets(destination, source, text):
    (found,) = tell(hdlc(b"\xe6\xe7\0" + BLOCK_PLAIN, destination=destination, source=source))
    assert found.values[VOLTAGE] == 231.5
    link = found.details["link"]
    assert (link["destination"], link["source"]) == text
    assert address_text(destination) == text[0]


@pytest.mark.parametrize("size", [1, 7, 40, 200])
def test_segments_are_joined_and_several_apdus_of_one_read_told_apart(size):
    read = b"".join(segments(BLOCK_PLAIN, size)) + b"".join(segments(BLOCK_SEALED, size))
    assert voltages(read) == [231.5, 231.5]
    assert [item.framing for item in tell(read)] == ["hdlc", "hdlc"]


def test_a_missing_last_segment_is_said():
    assert voltages(b"".join(segments(BLOCK_PLAIN, 40)[:-1])) == ["SEGMENT_MISSING"]
    assert voltages(segments(BLOCK_PLAIN, 40)[0], BLOCK_WRAPPED) == ["SEGMENT_MISSING", 231.5]


@pytest.mark.parametrize("frames", [segments(BLOCK_PLAIN, 40), mbus(BLOCK_SEALED, 40)], ids=["hdlc", "mbus"])
def test_segments_may_come_in_reads_of_their_own(frames):
    assert len(frames) >= 2
    assert voltages(*frames) == [231.5]
    assert voltages(BLOCK_WRAPPED, *frames, *frames, BLOCK_WRAPPED) == [231.5] * 4
    assert voltages(*frames[:-1]) == ["SEGMENT_MISSING"]
    assert voltages(frames[0], b"".join(frames[1:] + frames[:1]), *frames[1:]) == [231.5] * 2


def test_segments_that_never_end_are_given_up_after_so_many_reads():
    first, *others = segments(BLOCK_PLAIN, 40)
    describer = Describer(Options())
    told = [[item.error for item in describer.frame(first)] for _ in range(MOST_READS + 1)]
    assert not any(told[:-1])
    assert [error and error["code"] for error in told[-1]] == ["SEGMENT_MISSING"]
    # Those that end in time leave no trace, however many reads there are.
    assert voltages(*[first, *others] * (MOST_READS // 2)) == [231.5] * (MOST_READS // 2)
    straddling = b"".join(others) + first
    assert voltages(first, *[straddling] * (MOST_READS + 1), b"".join(others)) == [231.5] * (MOST_READS + 2)


def test_a_broken_frame_between_good_ones_costs_no_other():
    read = BLOCK_HDLC + hdlc(b"\xe6\xe7\0" + BLOCK_PLAIN, good=False) + BLOCK_HDLC
    assert voltages(read) == [231.5, "FRAME_DAMAGED", 231.5]
    with pytest.raises(FrameError):
        hdlc_frames(read)


def test_a_read_that_begins_inside_a_frame_goes_on_at_the_next_one():
    for cut in (1, 9, 60):
        assert voltages(BLOCK_HDLC[cut:] + BLOCK_HDLC) == [231.5]


def test_stuffed_octets_are_undone_where_the_frame_is_not_sound_without():
    plain = hdlc(b"\xe6\xe7\0" + BLOCK_PLAIN.replace(b"ABC", b"A~}"))
    body = plain[1:-1].replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e")
    for read in (plain, b"\x7e" + body + b"\x7e"):
        (found,) = tell(read)
        assert found.device == "A~}123456"


@pytest.mark.parametrize(
    ("control", "name"), [(0x93, "SNRM"), (0x73, "UA"), (0x53, "DISC"), (0x1F, "DM"), (0x97, "FRMR"), (0x31, "RR")]
)
def test_link_frames_are_named_and_are_no_errors(control, name):
    (found,) = tell(hdlc(b"", control=control))
    assert found.error is None
    assert found.details["link"]["type"] == control_name(control) == name


@pytest.mark.parametrize("size", [3, 60, 240])
def test_mbus_frames_are_joined(size):
    frames = mbus(BLOCK_SEALED, size)
    assert voltages(b"".join(frames)) == [231.5]
    assert voltages(b"".join(frames + mbus(BLOCK_PLAIN))) == [231.5, 231.5]


@pytest.mark.parametrize(("place", "code"), [(5, "FRAME_DAMAGED"), (-2, "FRAME_DAMAGED"), (-1, "DATA_MALFORMED")])
def test_a_changed_octet_of_an_mbus_frame_is_noticed(place, code):
    octets = bytearray(mbus(BLOCK_PLAIN)[0])
    octets[place] ^= 1
    assert voltages(bytes(octets)) == [code]


def test_mbus_segments_must_be_in_order_and_complete():
    first, second = mbus(BLOCK_PLAIN, 50)
    assert voltages(second + first) == ["SEGMENT_MISSING"]
    assert voltages(first) == ["SEGMENT_MISSING"]
    assert voltages(second, first) == ["SEGMENT_MISSING", "SEGMENT_MISSING"]
    assert [frame.payload for frame in mbus_frames(first + second)[0]] == [BLOCK_PLAIN[:50], BLOCK_PLAIN[50:]]


def test_mbus_data_of_another_kind_is_not_taken_for_dlms():
    body = b"\x08\x01\x72" + bytes(12)
    frame = bytes([0x68, len(body), len(body), 0x68]) + body + bytes([sum(body) & 0xFF, 0x16])
    assert voltages(frame) == ["APDU_UNKNOWN"]


@pytest.mark.parametrize(
    "parts",
    [
        [BLOCK_WRAPPED, wrapped(ALERT_PLAIN)],
        [BLOCK_SEALED, BLOCK_SEALED, ALERT_PLAIN],
        [BLOCK_PLAIN, ALERT_PLAIN, BLOCK_SEALED],
        [BLOCK_WRAPPED, BLOCK_HDLC, BLOCK_WRAPPED],
        [BLOCK_HDLC, BLOCK_HDLC],
        blocks(BLOCK_SEALED, 50),
    ],
    ids=["wrapper", "ciphered", "plain", "mixed", "hdlc", "blocks"],
)
def test_frames_that_stand_one_after_the_other_in_a_payload_say_what_they_say_alone(parts):
    together, alone = tell(b"".join(parts)), tell(*parts)
    assert [(item.values, item.error) for item in together] == [(item.values, item.error) for item in alone]
    assert all(item.error is None for item in together)


def test_a_single_octet_behind_a_frame_is_no_frame():
    assert voltages(b"".join(mbus(BLOCK_PLAIN)) + b"\x01") == [231.5, "DATA_MALFORMED"]


def test_octets_behind_a_whole_apdu_are_still_an_error():
    assert voltages(BLOCK_PLAIN + b"\x05\x05") == ["DATA_MALFORMED"]
    assert voltages(BLOCK_SEALED + b"\x05\x05") == ["DATA_MALFORMED"]
    assert voltages(BLOCK_WRAPPED + b"\x05\x05") == [231.5, "DATA_MALFORMED"]


def test_what_could_be_read_before_octets_too_many_is_told_with_the_error():
    (found,) = tell(BLOCK_PLAIN + b"\x05\x05")
    assert found.error["code"] == "DATA_MALFORMED"
    assert found.values[VOLTAGE] == 231.5


TEXTS = {
    "hex": BLOCK_SEALED.hex().encode(),
    "spaced hex": BLOCK_SEALED.hex(" ").encode(),
    "base64": base64.b64encode(BLOCK_SEALED),
    "base64 for addresses": base64.urlsafe_b64encode(BLOCK_SEALED),
    "broken into lines": base64.encodebytes(BLOCK_WRAPPED),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_is_undone(text):
    assert voltages(text) == [231.5]


ENVELOPES = [
    {"device": "M1", "time": "2025-07-01T10:20:00Z", "payload": BLOCK_PLAIN.hex()},
    {"deviceId": "M1", "timestamp": "2025-07-01T10:20:00Z", "data": base64.b64encode(BLOCK_HDLC).decode()},
    {"meter_id": "M1", "ts": "2025-07-01T10:20:00Z", "uplink": {"frm-payload": list(BLOCK_WRAPPED)}},
    {"device": "M1", "time": "2025-07-01T10:20:00Z", "payload": {"type": "Buffer", "data": list(BLOCK_PLAIN)}},
    [{"device": "M1", "time": "2025-07-01T10:20:00Z", "frames": [BLOCK_PLAIN.hex()]}],
]


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_the_json_of_a_gateway_is_undone_and_its_device_and_time_are_kept(envelope):
    (found,) = tell(json.dumps(envelope).encode())
    assert found.values[VOLTAGE] == 231.5
    assert found.details["envelope"] == {"device": "M1", "time": "2025-07-01T10:20:00Z"}
    assert found.device == "ABC123456", "what the frame says goes before"


def test_device_and_time_of_the_envelope_stand_in_where_the_frame_says_nothing():
    frame = b"\x0f\0\0\0\1\0\x09\2ab"
    (found,) = tell(json.dumps({"serial": 17, "at": "noon", "apdu": frame.hex()}).encode())
    assert (found.device, found.time) == ("17", "noon")


@pytest.mark.parametrize(
    "text",
    [b"{", b'{"payload": "zz"}', b'{"other": 1}', b"[" * 5000, b'{"payload": {}}', b'{"payload": [1, 2, "x"]}',
     b"[1e999]", b'{"a":' * 20 + b"1" + b"}" * 20],
)  # fmt: skip
def test_json_without_a_frame_is_refused_with_its_reason(text):
    assert {item.error["code"] for item in tell(text)} == {"FRAME_UNREADABLE"}


def test_unframe_names_the_framing_and_raises_where_a_frame_is_broken():
    framing, apdus = unframe(BLOCK_WRAPPED + BLOCK_WRAPPED)
    assert framing == "wrapper"
    assert list(apdus) == [BLOCK_PLAIN, BLOCK_PLAIN]
    with pytest.raises(FrameError):
        list(unframe(BLOCK_WRAPPED[:-1])[1])
