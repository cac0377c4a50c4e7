"""Payloads around frames: hex or base64 text, and the JSON of gateways, whose fields have a few usual names."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agents.decode.single.octets import FrameError

MOST_TEXT = 1 << 20
MOST_FRAMES = 1024
MOST_NESTING = 32
"""Of a payload: octets, frames in it, brackets inside each other."""

PAYLOAD_FIELDS = (
    "payload", "frame", "frames", "apdu", "pdu", "payloadhex", "framehex", "hex", "raw", "rawdata", "rawpayload",
    "frmpayload", "payloadraw", "payloadbase64", "base64", "dlms", "dlmsdata", "telegram", "message", "msg", "content",
    "body", "bytes", "data", "value",
)  # fmt: skip
"""Fields that hold a frame, in this order; spelled in any case, with or without - and _."""

DEVICE_FIELDS = (
    "device", "deviceid", "meter", "meterid", "meterno", "meternumber", "meterserial", "serial", "serialnumber",
    "systemtitle", "deveui", "eui", "node", "nodeid", "imei", "id",
)  # fmt: skip
TIME_FIELDS = ("time", "timestamp", "ts", "receivedat", "rxtime", "rxtimestamp", "datetime", "date", "at")

_HEX = re.compile(rb"[0-9A-Fa-f\s:\-]+")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_\-\s]+={0,2}\s*")
_LEAST_BASE64 = 12
_STARTS = frozenset(
    b"\x00\x01\x02\x08\x0e\x0f\x21\x28\x60\x61\x62\x63\x68\x7e" + bytes(range(0xC0, 0xE1)) + b"\xe6\xe7"
)  # fmt: skip
"""First octets of frames: text is taken for base64 only where one comes out."""


@dataclass(frozen=True)
class Payload:
    """A frame out of its envelope; `form` is "" (as it came), hex, base64 or json."""

    octets: bytes
    form: str = ""
    device: str | None = None
    time: str | None = None


def payloads(octets: bytes) -> Iterator[Payload | FrameError]:
    """The frames in what was received. What is no text is a frame itself."""
    if len(octets) > MOST_TEXT:
        yield FrameError("FRAME_TOO_LONG", f"{len(octets)} octets in one payload")
        return
    head = octets[:64].lstrip()[:1]
    if head in (b"{", b"["):
        yield from _from_json(octets)
        return
    found = _from_text(octets)
    yield Payload(octets) if found is None else found


def _from_text(text: bytes) -> Payload | None:
    """Hex or base64, or None."""
    if _HEX.fullmatch(text):
        digits = re.sub(rb"[\s:\-]", b"", text)
        if len(digits) >= 4 and len(digits) % 2 == 0:
            return Payload(bytes.fromhex(digits.decode("ascii")), "hex")
    digits = b"".join(text.split())
    if len(digits) >= _LEAST_BASE64 and len(digits) % 4 == 0 and _BASE64.fullmatch(digits):
        try:
            found = base64.b64decode(digits.translate(bytes.maketrans(b"-_", b"+/")), validate=True)
        except (binascii.Error, ValueError):
            return None
        if found and found[0] in _STARTS:
            return Payload(found, "base64")
    return None


def _from_json(octets: bytes) -> Iterator[Payload | FrameError]:
    if _nesting(octets) > MOST_NESTING:
        yield FrameError("FRAME_UNREADABLE", "JSON nested too deep")
        return
    try:
        document = json.loads(octets)
    except (ValueError, RecursionError) as error:
        yield FrameError("FRAME_UNREADABLE", f"JSON: {str(error)[:80]}")
        return
    count = 0
    for found in _walk(document, None, None):
        count += 1
        if count > MOST_FRAMES:
            yield FrameError("FRAME_TOO_LONG", f"more than {MOST_FRAMES} frames in one payload")
            return
        yield found
    if not count:
        yield FrameError("FRAME_UNREADABLE", "no field of a known name holds a frame")


def _nesting(octets: bytes) -> int:
    """Most brackets inside each other; those in strings count too, which errs to the safe side."""
    level = most = 0
    for bracket in re.findall(rb"[\[\]{}]", octets):
        level += 1 if bracket in b"[{" else -1
        most = max(most, level)
    return most


def _walk(value: Any, device: str | None, time: str | None) -> Iterator[Payload | FrameError]:
    """Objects from the outside in, until one has a field with a frame."""
    if isinstance(value, list):
        for item in value:
            yield from _payload(item, device, time) if isinstance(item, str) else _walk(item, device, time)
        return
    if not isinstance(value, dict):
        return
    fields = {re.sub(r"[_\-\s]", "", str(name)).lower(): item for name, item in value.items()}
    device = _first(fields, DEVICE_FIELDS) or device
    time = _first(fields, TIME_FIELDS) or time
    for name in PAYLOAD_FIELDS:
        item = fields.get(name)
        if (isinstance(item, str) and item) or (isinstance(item, list) and item and not isinstance(item[0], dict)):
            yield from _payload(item, device, time)
            return
    for item in value.values():
        yield from _walk(item, device, time)


def _first(fields: dict[str, Any], names: tuple[str, ...]) -> str | None:
    found = next((fields[name] for name in names if isinstance(fields.get(name), str | int)), None)
    return None if found is None or isinstance(found, bool) else str(found)[:128]


def _payload(item: Any, device: str | None, time: str | None) -> Iterator[Payload | FrameError]:
    if isinstance(item, str):
        try:
            found = _from_text(item.encode("ascii"))
        except UnicodeEncodeError:
            found = None
        if found is None:
            yield FrameError("FRAME_UNREADABLE", f"neither hex nor base64 in the field of a frame: {item[:32]!r}")
        else:
            yield Payload(found.octets, "json", device, time)
        return
    if all(isinstance(octet, int) and 0 <= octet <= 255 for octet in item):
        yield Payload(bytes(item), "json", device, time)
        return
    for part in item:
        yield from _payload(part, device, time) if isinstance(part, str | list) else _walk(part, device, time)
