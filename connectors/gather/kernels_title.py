"""Whose a frame is when its APDU does not stand at its beginning: the system title inside HDLC, M-Bus, blocks.

Only as much is read as the title needs; whether the whole frame is sound, decode sees. But what a wrong check sequence
covers names nobody: a flipped octet of a title would be another meter's.
"""

from __future__ import annotations

import numpy as np

from pipeline.hdlc import FLAG, hdlc_frame, informs
from pipeline.jit import inlined, kernel
from pipeline.mbus import is_mbus, mbus_frame

TITLE_OCTETS = 8
HEAD_ROOM = 64
"""Octets of an APDU that are looked at: heads of an LLC, of a block, of a general-ciphering, and the title."""

GENERAL_GLO, GENERAL_DED, GENERAL_CIPHERING, BLOCK_TRANSFER, BLOCK_HEAD = 0xDB, 0xDC, 0xDD, 0xE0, 6


@inlined
def _copy(payload, start, stop, head, used):  # type: ignore[no-untyped-def]
    """How much of `head` is used with octets [start, stop) too, as far as there is room."""
    count = min(stop - start, head.shape[0] - used)
    for place in range(count):
        head[used + place] = payload[start + place]
    return used + max(count, 0)


@kernel
def _head_of_hdlc(payload, place, end, head):  # type: ignore[no-untyped-def]
    used = np.int64(0)
    while used < head.shape[0]:
        while place + 1 < end and payload[place + 1] == FLAG:
            place += 1
        if place + 1 >= end:
            break
        found = hdlc_frame(payload, place + 1, end)
        if found.code != 0:
            return found.code, np.int64(0)
        place = found.flag
        if informs(found.control):
            used = _copy(payload, found.start, found.stop, head, used)
            if used > 0 and not found.more:
                break
    return np.int64(0), used


@kernel
def _head_of_mbus(payload, place, end, head):  # type: ignore[no-untyped-def]
    used = np.int64(0)
    while used < head.shape[0] and is_mbus(payload, place, end):
        found = mbus_frame(payload, place, end)
        if found.code != 0:
            return found.code, np.int64(0)
        used = _copy(payload, found.start, found.stop, head, used)
        if found.last:
            break
        place = found.behind
    return np.int64(0), used


@inlined
def _behind_length(head, place, used):  # type: ignore[no-untyped-def]
    """(length, place behind it) of the A-XDR length at `place`; a place beyond `used` when it is cut short."""
    if place >= used or head[place] < 0x80:
        return (np.int64(head[place]) if place < used else np.int64(0)), place + 1
    return np.int64(used), place + 1 + (np.int64(head[place]) & 0x7F)


@inlined
def _title_at(octets, place, end):  # type: ignore[no-untyped-def]
    """The title whose length is at `place`, or 0."""
    title = np.uint64(0)
    if place + 1 + TITLE_OCTETS <= end and octets[place] == TITLE_OCTETS:
        for octet in range(TITLE_OCTETS):
            title = (title << np.uint64(8)) | np.uint64(octets[place + 1 + octet])
    return title


@inlined
def _title_in(head, used):  # type: ignore[no-untyped-def]
    """The title in the first `used` octets of an APDU, or 0."""
    place = np.int64(0)
    if used >= 3 and head[0] == 0xE6 and head[1] in (0xE6, 0xE7) and head[2] == 0:
        place = np.int64(3)
    if place < used and head[place] == BLOCK_TRANSFER:
        _, place = _behind_length(head, place + BLOCK_HEAD, used)
    if place >= used:
        return np.uint64(0)
    tag = head[place]
    place += 1
    if tag == GENERAL_CIPHERING:
        size, place = _behind_length(head, place, used)
        place += size
    elif tag not in (GENERAL_GLO, GENERAL_DED):
        return np.uint64(0)
    return _title_at(head, place, used)


@kernel
def title_of(payload, place, end, framed, head):  # type: ignore[no-untyped-def]
    """(code, system title u64 or 0) of the frame in [place, end) of u8 `payload`; code: why it cannot be read at all.

    framed: nothing stands around it so far, so it may be HDLC or M-Bus. head: u8 (HEAD_ROOM,), scratch.
    """
    if payload[place] == GENERAL_GLO:
        return np.int64(0), _title_at(payload, place + 1, end)
    if framed and payload[place] == FLAG:
        code, used = _head_of_hdlc(payload, place, end, head)
    elif framed and is_mbus(payload, place, end):
        code, used = _head_of_mbus(payload, place, end, head)
    else:
        code, used = np.int64(0), _copy(payload, place, end, head, np.int64(0))
    return code, _title_in(head, used)
