"""Wired M-Bus long frames in kernels (EN 13757-2) that carry DLMS APDUs (EN 13757-1).

    68 | L | L | 68 | control | address | control information | source SAP | destination SAP | segment | checksum | 16

L counts from the control octet to the end of the segment, and so does the checksum, a sum modulo 256. Of control
information 00-1F bits 3-0 number the segments of an APDU from 0, bit 4 marks the last one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.codes import REJECT_NUMBER
from pipeline.jit import inlined, kernel

START, STOP = 0x68, 0x16
HEAD = 4
BEFORE_SEGMENT = HEAD + 5
LAST_SEGMENT = 0x10
SEGMENT_NUMBER = 0x0F
MOST_DLMS = 0x1F

MALFORMED = REJECT_NUMBER["DATA_MALFORMED"]
TRUNCATED = REJECT_NUMBER["FRAME_TRUNCATED"]
DAMAGED = REJECT_NUMBER["FRAME_DAMAGED"]
APDU_UNKNOWN = REJECT_NUMBER["APDU_UNKNOWN"]


class MbusPlaces(NamedTuple):
    """What `mbus_frame` found, i64 each: `code` 0 or of a reject; segment in [start, stop); place behind the frame.

    number: of the segment, modulo 16; last: 1 where the APDU ends.
    """

    code: np.int64
    start: np.int64
    stop: np.int64
    behind: np.int64
    number: np.int64
    last: np.int64


@inlined
def is_mbus(octets, p, end):  # type: ignore[no-untyped-def]
    """Whether a long frame begins at `p`."""
    return end - p >= HEAD and octets[p] == START == octets[p + 3] and octets[p + 1] == octets[p + 2]


@inlined
def _fault(code):  # type: ignore[no-untyped-def]
    none = np.int64(0)
    return MbusPlaces(np.int64(code), none, none, none, none, none)


@kernel
def mbus_frame(octets, p, end):  # type: ignore[no-untyped-def]
    """The long frame at `p` of u8 `octets`, for which `is_mbus` holds: MbusPlaces."""
    length = np.int64(octets[p + 1])
    first = p + HEAD
    stop = first + length
    if length < 3:
        return _fault(MALFORMED)
    if stop + 2 > end:
        return _fault(TRUNCATED)
    if octets[stop + 1] != STOP:
        return _fault(MALFORMED)
    total = np.int64(0)
    for place in range(first, stop):
        total += np.int64(octets[place])
    if total & 0xFF != octets[stop]:
        return _fault(DAMAGED)
    information = np.int64(octets[first + 2])
    if information > MOST_DLMS:
        return _fault(APDU_UNKNOWN)
    if length < BEFORE_SEGMENT - HEAD:
        return _fault(TRUNCATED)
    return MbusPlaces(
        np.int64(0), p + BEFORE_SEGMENT, stop, stop + 2, information & SEGMENT_NUMBER,
        np.int64(information & LAST_SEGMENT != 0),
    )  # fmt: skip
