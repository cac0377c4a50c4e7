"""Frames out of hex, base64 and JSON; what is not of its form is refused with its octets and the reason."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.payloads.config import Envelope, Form
from connectors.payloads.envelopes import MOST_FRAMES, MOST_NESTING, Fields
from connectors.payloads.naming import MOST_LOGGED, Naming
from connectors.payloads.reader import UNREADABLE, Bundle, Reader
from tests.unit.connectors.test_gather import TITLE, glo, wrapped

FRAME, OTHER = glo(TITLE), wrapped(glo(TITLE + 1))
SOURCE = ("topic", 3, 77)
NAMES = {"M-7": 70, "gw/M-7": 71}


def read(octets: bytes, form: Form, envelope: Envelope | None = None, device: int = 0) -> Bundle:
    bundle = Bundle()
    Reader(form, Fields(envelope or Envelope()), Naming("auto", NAMES)).read(octets, device, SOURCE, 5, bundle)
    return bundle


def frames(octets: bytes | str | dict[str, Any] | list[Any], form: Form, **envelope: Any) -> list[tuple[bytes, int]]:
    """Frames with their devices; nothing was refused."""
    if not isinstance(octets, bytes):
        octets = (octets if isinstance(octets, str) else json.dumps(octets)).encode()
    bundle = read(octets, form, Envelope(**envelope))
    assert bundle.refused == []
    return list(zip(bundle.frames, bundle.devices, strict=True))


@given(st.binary(min_size=1, max_size=60))
def test_text_of_a_frame_is_its_octets_again(frame: bytes) -> None:
    spaced = b" ".join(f"{octet:02x}".encode() for octet in frame) + b"\r\n"
    for text in (frame.hex().encode(), frame.hex().upper().encode(), spaced, frame.hex(":").encode()):
        assert frames(text, "hex") == [(frame, 0)]
    plain = base64.b64encode(frame)
    for text in (plain, base64.urlsafe_b64encode(frame), plain.rstrip(b"="), base64.encodebytes(frame)):
        assert frames(text, "base64") == [(frame, 0)]


@pytest.mark.parametrize("frame", [FRAME, OTHER, b"\x7e\xa0\x05" + bytes(20), b"\x68\x05\x05\x68" + bytes(20)])
def test_auto_knows_octets_hex_base64_and_json(frame: bytes) -> None:
    forms = (frame, frame.hex().encode(), base64.b64encode(frame), b" \n" + json.dumps({"data": frame.hex()}).encode())
    assert [frames(form, "auto") for form in forms] == [[(frame, 0)]] * 4


@given(st.binary(max_size=80))
def test_whatever_comes_is_a_frame_or_is_refused_whole(octets: bytes) -> None:
    for form in ("octets", "hex", "base64", "json", "auto"):
        bundle = read(octets, form)  # type: ignore[arg-type]
        assert bool(bundle.frames) != bool(bundle.refused)
        for aside in bundle.refused:
            assert (aside.raw, aside.number, aside.source) == (octets, UNREADABLE, SOURCE)
            assert aside.detail


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"payload": FRAME.hex()}, [(FRAME, 0)]),
        ({"rawData": base64.b64encode(FRAME).decode(), "rssi": -70}, [(FRAME, 0)]),
        ({"meterNo": "M-7", "frame": FRAME.hex()}, [(FRAME, 70)]),
        ({"Meter_ID": 4711, "frame": list(FRAME)}, [(FRAME, 4711)]),
        ({"system-title": f"{TITLE:016x}", "apdu": FRAME.hex()}, [(FRAME, TITLE)]),
        ({"device": "M-7", "frames": [FRAME.hex(), OTHER.hex()]}, [(FRAME, 70), (OTHER, 70)]),
        ({"frames": [{"meter": "M-7", "data": FRAME.hex()}, {"meter": 5, "data": OTHER.hex()}]},
         [(FRAME, 70), (OTHER, 5)]),
        ({"gateway": "gw", "uplink": {"device_id": 9, "payload": FRAME.hex()}}, [(FRAME, 9)]),
        ([{"payload": FRAME.hex()}, {"payload": OTHER.hex()}], [(FRAME, 0), (OTHER, 0)]),
        ([FRAME.hex(), OTHER.hex()], [(FRAME, 0), (OTHER, 0)]),
        # A field of a usual name that holds something else does not hide the frame.
        ({"message": "uplink received", "data": FRAME.hex()}, [(FRAME, 0)]),
        ({"payload": {"value": 3, "raw": FRAME.hex()}}, [(FRAME, 0)]),
        ({"value": 12, "status": True, "body": "", "bytes": FRAME.hex()}, [(FRAME, 0)]),
    ],
)  # fmt: skip
def test_json_of_gateways_is_searched_for_the_usual_names(document: Any, found: list[tuple[bytes, int]]) -> None:
    assert frames(document, "json") == found


def test_names_of_fields_can_be_given() -> None:
    document = {"payload": OTHER.hex(), "rx": {"dlmsFrame": FRAME.hex()}, "who": {"no": "M-7"}, "device": 1}
    assert frames(document, "json", frames=("rx.dlms_frame",), devices=("who.no",)) == [(FRAME, 70)]
    assert frames({"f": base64.b64encode(b"abcd").decode()}, "json", frames=("f",), text="base64") == [(b"abcd", 0)]


def test_what_the_transport_names_beats_the_envelope() -> None:
    document = json.dumps({"meter": "M-7", "frame": FRAME.hex()}).encode()
    assert read(document, "json", device=8).devices == [8]


def test_good_frames_of_a_message_flow_and_the_others_are_refused_with_their_text() -> None:
    bundle = read(json.dumps({"meter": "M-7", "frames": [FRAME.hex(), "none", OTHER.hex()]}).encode(), "json")
    assert bundle.frames == [FRAME, OTHER]
    (aside,) = bundle.refused
    assert (aside.raw, aside.detail) == (b"none", "the text of a frame is neither hex nor base64")


@pytest.mark.parametrize(
    ("octets", "form", "why"),
    [
        (b"7E0", "hex", "no hex"),
        (b"xyz!", "hex", "no hex"),
        (b" ", "hex", "no digits"),
        (b"A", "base64", "no base64"),
        (b"{", "json", "no JSON"),
        (b"{", "auto", "no JSON"),
        (b"\xff{}", "json", "no JSON"),
        (b"[" * 100_000, "json", "no JSON"),
        (b"5", "json", "no field of a known name"),
        (b'{"x": "7E"}', "json", "no field of a known name"),
        (b'{"data": [256, 1]}', "json", "no octets"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "json", f"more than {MOST_NESTING}"),
        (b'{"frames":' + b"[" * 40 + b'"7E"' + b"]" * 40 + b"}", "json", f"more than {MOST_NESTING}"),
        (json.dumps({"frames": ["7E01"] * (MOST_FRAMES + 1)}).encode(), "json", f"more than {MOST_FRAMES}"),
        (b'{"data":"' + bytes(1 << 20) + b'"}', "json", "octets of JSON"),
    ],
)
def test_what_is_not_of_its_form_is_refused_with_the_reason(octets: bytes, form: Form, why: str) -> None:
    bundle = read(octets, form)
    assert bundle.frames == []
    assert why in bundle.refused[0].detail


def test_names_are_looked_up_as_head_ends_readings_are_and_unknown_ones_are_counted_once() -> None:
    naming = Naming("auto", NAMES)
    assert [naming.device(name) for name in ("M-7", f"{TITLE:016X}", "4711", "nobody", "nobody")] == [
        70,
        TITLE,
        4711,
        0,
        0,
    ]
    assert naming.device("gw/M-7", "M-7") == 71
    assert naming.device("other/M-7", "M-7") == 70
    assert naming.unknown == 1
    assert Naming("title", {}).device("4711") == 0
    for number in range(3 * MOST_LOGGED):
        naming.device(f"n{number}")
    assert naming.unknown == 1 + 3 * MOST_LOGGED
