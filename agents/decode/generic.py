"""What the batch decoder must make of date-times, numbers, rows, notifications and ciphered APDUs, in plain Python.

Tests hold the kernels against it, with which it shares no code. Whatever else meters send is read in
`agents.decode.single`, on which this stands.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from agents.decode.single.ciphering import GENERAL_GLO, KeyFinder, Keys, unseal
from agents.decode.single.clock import clock_octets
from agents.decode.single.octets import FrameError, Section, malformed
from pipeline.axdr import CONTAINERS, FLOATS, NOTHING, NUMBERS, Datum, read_datum
from pipeline.cosem_time import Clock, read_clock
from pipeline.gcm_single import AUTHENTICATED, ENCRYPTED
from pipeline.templates import PushColumn

__all__ = [
    "CONTAINERS", "DATA_NOTIFICATION", "FLOATS", "GENERAL_GLO", "NOTHING", "NUMBERS", "Clock", "Datum", "KeyFinder",
    "Notification", "Opened", "clock_octets", "open_apdu", "read_clock", "read_datum", "read_notification", "scaled",
    "whole_rows",
]  # fmt: skip

DATA_NOTIFICATION = 0x0F
CONTROLS = (AUTHENTICATED, ENCRYPTED, AUTHENTICATED | ENCRYPTED)
"""Security control octets of suite 0 that are read in batches."""


def scaled(datum: Datum, column: PushColumn) -> int | None:
    """A number in the unit of the column's target; None for null-data. Raises FrameError."""
    if datum.tag in NOTHING:
        return None
    limit, whole = 2**53, 0
    if datum.tag in NUMBERS and not (datum.tag == 21 and datum.value >= 2**63):
        if abs(int(datum.value)) > limit:
            raise malformed("number too large")
        multiplier, divisor = 10 ** max(column.integer, 0), 10 ** max(-column.integer, 0)
        whole = int(datum.value) * multiplier
        whole = whole if divisor == 1 else (whole + divisor // 2) // divisor
    elif datum.tag in FLOATS or datum.tag == 21:
        product = float(datum.value) * 10.0**column.floating + 0.5
        if not abs(product) <= limit:
            raise malformed("number too large")
        whole = math.floor(product)
    else:
        raise FrameError("TEMPLATE_UNKNOWN", f"tag {datum.tag} where a number is due")
    if abs(whole) > limit:
        raise malformed("number too large")
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
            raise malformed("null-data in the first row")
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
        raise malformed("date-time of the notification")
    place += 1 + length
    body, end = read_datum(apdu, place)
    if end != len(apdu):
        raise malformed("octets behind the data")
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
    found = unseal(Section("APDU", apdu), Keys(keys), CONTROLS)
    if found.fault is not None:
        raise found.fault
    security = found.details["security"]
    return Opened(found.apdu, security["control"], found.device, security["invocation_counter"])
