"""A-XDR, date-times, security and Data-Notifications in plain Python: what kernels do in columns, one at a time.

The command line uses it, and tests hold the kernels against it; it shares no code with them.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from agents.decode.framing import FrameError, read_length
from pipeline.gcm_single import AUTHENTICATED, ENCRYPTED, TAG_LENGTH, unseal_one
from pipeline.templates import PushColumn

NESTING = 16

_FORMATS: dict[int, str] = {
    3: ">?", 5: ">i", 6: ">I", 13: ">B", 15: ">b", 16: ">h", 17: ">B", 18: ">H", 20: ">q", 21: ">Q", 22: ">B", 23: ">f",
    24: ">d", 25: "12s", 26: "5s", 27: "4s",
}  # fmt: skip
"""Bodies of fixed size, by A-XDR tag (IEC 62056-6-2, Data)."""

NOTHING = (0, 255)
CONTAINERS = (1, 2)
NUMBERS = (3, 5, 6, 15, 16, 17, 18, 20, 21, 22)
FLOATS = (23, 24)

DATA_NOTIFICATION = 0x0F
GENERAL_GLO = 0xDB

KeyFinder = Callable[[int], tuple[bytes, bytes] | None]
"""System title -> (encryption key, authentication key), None when there is none."""


@dataclass(frozen=True)
class Datum:
    """A value with its tag: a list for containers, bytes for strings, (bits, bytes) for bit strings, else a number."""

    tag: int
    value: Any


def _malformed(reason: str) -> FrameError:
    return FrameError("DATA_MALFORMED", reason)


def read_datum(octets: bytes, place: int, level: int = 0) -> tuple[Datum, int]:
    """(datum, place behind it); raises FrameError. `level`: containers around it."""
    if place >= len(octets):
        raise _malformed("a value is missing")
    tag = octets[place]
    place += 1
    if tag in NOTHING:
        return Datum(tag, None), place
    if tag in _FORMATS:
        size = struct.calcsize(_FORMATS[tag])
        if place + size > len(octets):
            raise _malformed("a value is cut short")
        return Datum(tag, struct.unpack_from(_FORMATS[tag], octets, place)[0]), place + size
    if tag == 19:
        return _read_compact(octets, place)
    if tag not in (4, 9, 10, 12, *CONTAINERS):
        raise _malformed(f"tag {tag}")
    count, place = read_length(octets, place)
    size = (count + 7) // 8 if tag == 4 else count
    if size > len(octets) - place:
        raise _malformed(f"{size} declared, {len(octets) - place} left")
    if tag not in CONTAINERS:
        body = octets[place : place + size]
        return Datum(tag, (count, body) if tag == 4 else body), place + size
    if level == NESTING:
        raise _malformed("nested too deep")
    items = []
    for _ in range(count):
        item, place = read_datum(octets, place, level + 1)
        items.append(item)
    return Datum(tag, items), place


def _read_compact(octets: bytes, place: int) -> tuple[Datum, int]:
    """A compact array, its values left as they are: (type description, values)."""
    start, pending = place, 1
    while pending:
        if place >= len(octets):
            raise _malformed("type description cut short")
        tag = octets[place]
        place, pending = place + 1, pending - 1
        if tag == 2:
            count, place = read_length(octets, place)
            if count > len(octets) - place:
                raise _malformed("type description too long")
            pending += count
        elif tag == 1:
            place, pending = place + 2, pending + 1
        elif tag not in _FORMATS and tag not in (*NOTHING, 4, 9, 10, 12):
            raise _malformed(f"tag {tag} in a type description")
    description = octets[start:place]
    size, place = read_length(octets, place)
    if size > len(octets) - place:
        raise _malformed("compact array cut short")
    return Datum(19, (description, octets[place : place + size])), place + size


@dataclass(frozen=True)
class Clock:
    """A date-time: epoch seconds UTC, and its status octet."""

    time: int
    status: int


def read_clock(octets: bytes, offset_secs: int, zero_is_utc: bool) -> Clock | None:
    """The 12 octets of a COSEM date-time, or None when a field is not specified or impossible."""
    year, month, day, _, hour, minute, second, _, deviation, status = struct.unpack(">HBBBBBBBhB", octets)
    if not 2000 <= year <= 2099:
        return None
    try:
        wall = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    offset = 0 if zero_is_utc and deviation == 0 else offset_secs
    return Clock(int((wall - timedelta(seconds=offset)).timestamp()), status)


def clock_octets(datum: Datum) -> bytes | None:
    """The 12 octets of a date-time, sent as an octet string or as itself."""
    octets = datum.value if datum.tag in (9, 25) else b""
    return octets if len(octets) == 12 else None


def scaled(datum: Datum, column: PushColumn) -> int | None:
    """A number in the unit of the column's target; None for null-data. Raises FrameError."""
    if datum.tag in NOTHING:
        return None
    limit, whole = 2**53, 0
    if datum.tag in NUMBERS and not (datum.tag == 21 and datum.value >= 2**63):
        if abs(int(datum.value)) > limit:
            raise _malformed("number too large")
        multiplier, divisor = 10 ** max(column.integer, 0), 10 ** max(-column.integer, 0)
        whole = int(datum.value) * multiplier
        whole = whole if divisor == 1 else (whole + divisor // 2) // divisor
    elif datum.tag in FLOATS or datum.tag == 21:
        product = float(datum.value) * 10.0**column.floating + 0.5
        if not abs(product) <= limit:
            raise _malformed("number too large")
        whole = math.floor(product)
    else:
        raise FrameError("TEMPLATE_UNKNOWN", f"tag {datum.tag} where a number is due")
    if abs(whole) > limit:
        raise _malformed("number too large")
    return whole


def whole_rows(rows: list[Datum]) -> list[list[Datum]]:
    """The rows of a profile's buffer with what null-data stands for, the value above; clocks are left as they came.

    Raises FrameError for a row that is no structure, and for null-data with nothing above.
    """
    whole: list[list[Datum]] = []
    for row in rows:
        if row.tag != 2 or not row.value:
            raise FrameError("TEMPLATE_UNKNOWN", "a row is no structure")
        above = whole[-1] if whole else []
        if not whole and any(datum.tag == 0 for datum in row.value[1:]):
            raise _malformed("null-data in the first row")
        whole.append([
            above[place] if place and datum.tag == 0 and place < len(above) else datum
            for place, datum in enumerate(row.value)
        ])  # fmt: skip
    return whole


@dataclass(frozen=True)
class Notification:
    """A Data-Notification: invoke id and priority, date-time (12 octets or none), body."""

    invoke: int
    time: bytes
    body: Datum


def read_notification(apdu: bytes) -> Notification:
    """The Data-Notification in `apdu`; raises FrameError."""
    if apdu[:1] != bytes([DATA_NOTIFICATION]):
        raise FrameError("APDU_UNKNOWN", f"APDU {apdu[:1].hex().upper()}")
    place = 6 if apdu[5:6] == b"\x09" else 5
    length = apdu[place] if place < len(apdu) else -1
    if length not in (0, 12) or place + 1 + length >= len(apdu):
        raise _malformed("date-time of the notification")
    place += 1 + length
    body, end = read_datum(apdu, place)
    if end != len(apdu):
        raise _malformed("octets behind the data")
    return Notification(int.from_bytes(apdu[1:5], "big"), apdu[place - length : place], body)


@dataclass(frozen=True)
class Opened:
    """An APDU without its protection; control 0 and title None when it had none."""

    apdu: bytes
    control: int = 0
    title: int | None = None
    counter: int = 0


def open_apdu(apdu: bytes, keys: KeyFinder) -> Opened:
    """Undo general-glo-ciphering of suite 0; raises FrameError."""
    if apdu[0] != GENERAL_GLO:
        return Opened(apdu)
    if len(apdu) < 10:
        raise FrameError("FRAME_TRUNCATED", "system title cut short")
    if apdu[1] != 8:
        raise FrameError("FRAME_UNREADABLE", f"system title of {apdu[1]} octets")
    title = int.from_bytes(apdu[2:10], "big")
    try:
        declared, place = read_length(apdu, 10)
    except FrameError as error:
        raise FrameError("FRAME_TRUNCATED", error.reason) from error
    if declared > len(apdu) - place:
        raise FrameError("FRAME_TRUNCATED", f"{len(apdu) - place} of {declared} octets")
    if declared != len(apdu) - place:
        raise _malformed("octets behind the ciphered APDU")
    if declared < 6:
        raise FrameError("FRAME_TRUNCATED", "no octets behind the counter")
    control, counter = apdu[place], int.from_bytes(apdu[place + 1 : place + 5], "big")
    if control not in (AUTHENTICATED, ENCRYPTED, AUTHENTICATED | ENCRYPTED):
        raise FrameError("SECURITY_UNSUPPORTED", f"security control {control:02X}")
    tag = TAG_LENGTH if control & AUTHENTICATED else 0
    if declared < 6 + tag:
        raise FrameError("FRAME_TRUNCATED", "no octets before the tag")
    found = keys(title)
    if found is None:
        raise FrameError("KEY_UNKNOWN", f"no key for {title:016X}")
    protected = apdu[place + 5 : len(apdu) - tag]
    plain = unseal_one(control, found, title, counter, protected, apdu[len(apdu) - tag :])
    if plain is None:
        raise FrameError("DECRYPT_FAILED", "the authentication tag does not fit")
    return Opened(plain, control, title, counter)
