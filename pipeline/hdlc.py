"""HDLC frames in kernels (IEC 62056-46, frame format type 3): where their information lies, and whether it is whole.

    7E | format u16: A, segmented 0800, length | destination | source | control | HCS | information | FCS | 7E

The length counts all between the flags. Addresses have one, two or four octets, of which the last one is odd. HCS and
FCS are CRC-16/X-25, the low octet first; a frame without information has no HCS.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.codes import REJECT_NUMBER
from pipeline.columns import Array
from pipeline.jit import inlined, kernel, peek2, peek8

FLAG = 0x7E
UNNUMBERED = 0x03
"""Control octet of an UI frame, without its poll bit."""

MALFORMED = REJECT_NUMBER["DATA_MALFORMED"]
TRUNCATED = REJECT_NUMBER["FRAME_TRUNCATED"]
DAMAGED = REJECT_NUMBER["FRAME_DAMAGED"]

_FIRST = np.uint64(0xFFFF)
_TOGETHER = 8
"""Octets that are looked up at once, each in a table of its own."""


def _tables() -> Array:
    """u16 (_TOGETHER x 256,): the check value of an octet with 0, 1, ... octets behind it."""
    table = np.zeros((_TOGETHER, 256), np.uint16)
    for octet in range(256):
        crc = octet
        for _ in range(8):
            crc = (crc >> 1) ^ (0x8408 if crc & 1 else 0)
        table[0, octet] = crc
    for behind in range(1, _TOGETHER):
        before = table[behind - 1]
        table[behind] = (before >> 8) ^ table[0, before & 0xFF]
    return table.reshape(-1)


_TABLES = _tables()


class HdlcPlaces(NamedTuple):
    """What `hdlc_frame` found, i64 each: `code` 0 or of a reject; information in [start, stop); closing flag.

    more: 1 when further segments follow. control: its octet.
    """

    code: np.int64
    start: np.int64
    stop: np.int64
    flag: np.int64
    more: np.int64
    control: np.int64


@inlined
def _looked_up(word, octet):  # type: ignore[no-untyped-def]
    value = np.int64((word >> np.uint64(8 * octet)) & np.uint64(0xFF))
    return np.uint64(_TABLES[256 * (_TOGETHER - 1 - octet) + value])


@inlined
def crc_over(octets, p, end, crc):  # type: ignore[no-untyped-def]
    """CRC-16/X-25 of octets [p, end) behind those that gave `crc` u64, not yet inverted; FFFF when there are none."""
    while end - p >= _TOGETHER:
        word = np.uint64(peek8(octets, p)) ^ crc
        crc = (
            _looked_up(word, 0) ^ _looked_up(word, 1) ^ _looked_up(word, 2) ^ _looked_up(word, 3)
            ^ _looked_up(word, 4) ^ _looked_up(word, 5) ^ _looked_up(word, 6) ^ _looked_up(word, 7)
        )  # fmt: skip
        p += _TOGETHER
    while p < end:
        low = np.int64((crc ^ np.uint64(octets[p])) & np.uint64(0xFF))
        crc = (crc >> np.uint64(8)) ^ np.uint64(_TABLES[low])
        p += 1
    return crc


@inlined
def _behind_address(octets, p, end):  # type: ignore[no-untyped-def]
    """Place behind the address at `p`, or -1."""
    for length in (1, 2, 4):
        if p + length <= end and octets[p + length - 1] & 1:
            return p + length
    return np.int64(-1)


@inlined
def _fault(code):  # type: ignore[no-untyped-def]
    none = np.int64(0)
    return HdlcPlaces(np.int64(code), none, none, none, none, none)


@kernel
def hdlc_frame(octets, p, end):  # type: ignore[no-untyped-def]
    """The frame whose format field is at `p` of u8 `octets`; its closing flag must stand before `end`: HdlcPlaces."""
    if p + 2 > end or octets[p] & 0xF0 != 0xA0:
        return _fault(MALFORMED)
    flag = p + ((np.int64(octets[p]) & 7) << 8) + np.int64(octets[p + 1])
    if flag >= end or octets[flag] != FLAG:
        return _fault(TRUNCATED)
    checked = flag - 2
    if p + 2 > checked:
        return _fault(TRUNCATED)
    place = _behind_address(octets, p + 2, checked)
    if place >= 0:
        place = _behind_address(octets, place, checked)
    if place < 0:
        return _fault(MALFORMED)
    if place + 1 > checked:
        return _fault(TRUNCATED)
    header = place + 1
    control, more = np.int64(octets[place]), (np.int64(octets[p]) >> 3) & 1
    crc = crc_over(octets, p, header, _FIRST)
    informed = header < checked
    sound = not informed or (header + 2 <= checked and np.int64(crc ^ _FIRST) == peek2(octets, header))
    if not sound or np.int64(crc_over(octets, header, checked, crc) ^ _FIRST) != peek2(octets, checked):
        return _fault(DAMAGED)
    return HdlcPlaces(np.int64(0), header + 2 if informed else header, checked, flag, more, control)


@inlined
def informs(control):  # type: ignore[no-untyped-def]
    """Whether a frame with this control octet carries a part of an APDU: I and UI; the others are of the link."""
    return control & 1 == 0 or control & ~0x10 == UNNUMBERED
