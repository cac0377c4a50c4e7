"""Kernels that put octets into frames: WRAPPER, HDLC, M-Bus, blocks; sound, or with something changed in their heads.

WRAPPER: IEC 62056-47. HDLC: IEC 62056-46, frame format type 3, CRC-16/X-25. M-Bus long frames: EN 13757-2, with the
transport head of EN 13757-1. Blocks: general-block-transfer, IEC 62056-5-3.
"""

from __future__ import annotations

import numpy as np

from bench.fuzz.chance import roll
from pipeline.columns import Array
from pipeline.jit import kernel

FLAG, SEGMENTED = 0x7E, 0x08
SOUND, HEAD_CHANGED = 0, 1
MOST_MBUS = 240


def _table() -> Array:
    crc = np.arange(256, dtype=np.uint16)
    for _ in range(8):
        crc = np.where(crc & 1, (crc >> 1) ^ np.uint16(0x8408), crc >> 1).astype(np.uint16)
    return crc


CRC = _table()


@kernel
def put_length(out, at, length):  # type: ignore[no-untyped-def]
    """A length as A-XDR writes it; the place behind."""
    if length < 0x80:
        out[at] = length
        return at + 1
    if length < 0x100:
        out[at], out[at + 1] = 0x81, length
        return at + 2
    out[at], out[at + 1], out[at + 2] = 0x82, (length >> 8) & 255, length & 255
    return at + 3


@kernel
def copy(source, first, count, out, at):  # type: ignore[no-untyped-def]
    """source[first:first + count] to `at`; the place behind."""
    for octet in range(count):
        out[at + octet] = source[first + octet]
    return at + count


@kernel
def wrapper(source, length, out, at):  # type: ignore[no-untyped-def]
    """source[:length] behind a head; the place behind."""
    out[at], out[at + 1], out[at + 2], out[at + 3] = 0, 1, 0, 1
    out[at + 4], out[at + 5], out[at + 6], out[at + 7] = 0, 64, (length >> 8) & 255, length & 255
    return copy(source, 0, length, out, at + 8)


@kernel
def _put_crc(out, first, end, at):  # type: ignore[no-untyped-def]
    """Check sequence over out[first:end]; the place behind."""
    crc = np.uint64(0xFFFF)
    for place in range(first, end):
        crc = (crc >> np.uint64(8)) ^ np.uint64(CRC[np.int64((crc ^ np.uint64(out[place])) & np.uint64(255))])
    crc ^= np.uint64(0xFFFF)
    out[at], out[at + 1] = np.uint8(crc & np.uint64(255)), np.uint8(crc >> np.uint64(8))
    return at + 2


@kernel
def _put_address(dice, out, at):  # type: ignore[no-untyped-def]
    """An address of one, two or four octets; the place behind."""
    size = 1 << roll(dice, 3)
    for octet in range(size):
        out[at + octet] = 2 * roll(dice, 128)
    out[at + size - 1] |= 1
    return at + size


@kernel
def hdlc_frame(dice, form, source, first, count, more, out, at):  # type: ignore[no-untyped-def]
    """source[first:first + count] as the information of one frame, `more`: segments follow; the place behind.

    With HEAD_CHANGED an octet between flag and HCS is another one, and the check sequences are right for it.
    """
    out[at] = FLAG
    end = _put_address(dice, out, _put_address(dice, out, at + 3))
    out[end] = 0x13 if roll(dice, 4) else 2 * roll(dice, 128)
    end += 1
    length = end - at - 1 + (2 + count if count else 0) + 2
    out[at + 1], out[at + 2] = 0xA0 | (SEGMENTED if more else 0) | ((length >> 8) & 7), length & 255
    if form == HEAD_CHANGED:
        # The length mostly stays, for a wrong one hides all else.
        place = at + 1 + roll(dice, end - at - 1)
        if place != at + 2 or roll(dice, 3) == 0:
            out[place] ^= np.uint8(1 << roll(dice, 8))
    head = end
    if count:
        end = copy(source, first, count, out, _put_crc(out, at + 1, end, head))
    end = _put_crc(out, at + 1, end, end)
    out[end] = FLAG
    return end + 1


@kernel
def hdlc(dice, form, size, lost, source, length, spare, out, at):  # type: ignore[no-untyped-def]
    """source[:length] behind an LLC head in frames of at most `size` octets; the place behind.

    lost: the segment that is left out (0) or sent twice (1), if it is at random one of them; -1: none is. spare u8 has
    room for the LLC head and all of it.
    """
    spare[0], spare[1], spare[2] = 0xE6, 0xE7 if roll(dice, 8) else 0xE6, 0
    total = copy(source, 0, length, spare, 3)
    frames, begun = (total + size - 1) // size, at
    chosen = roll(dice, frames)
    for number in range(frames):
        if lost == 0 and number == chosen:
            continue
        first = number * size
        count = min(size, total - first)
        changed = HEAD_CHANGED if form == HEAD_CHANGED and number == chosen else SOUND
        for _ in range(2 if lost == 1 and number == chosen else 1):
            at = hdlc_frame(dice, changed, spare, first, count, number < frames - 1, out, at)
        if roll(dice, 4) == 0:
            at -= 1  # one flag between two frames
    out[at] = FLAG
    return at if at > begun and out[at - 1] == FLAG and roll(dice, 16) else at + 1


@kernel
def mbus(dice, form, size, source, length, out, at):  # type: ignore[no-untyped-def]
    """source[:length] in long frames of at most `size` octets each; the place behind.

    With HEAD_CHANGED an octet of a frame's head is another one, and the checksum is right for it.
    """
    frames = max(1, (length + size - 1) // size)
    chosen = roll(dice, frames)
    for number in range(frames):
        first = number * size
        count = min(size, length - first)
        out[at], out[at + 3] = 0x68, 0x68
        out[at + 1] = out[at + 2] = 5 + count
        body = at + 4
        out[body], out[body + 1], out[body + 3], out[body + 4] = 0x53, 0xFF, 1, 0x67
        out[body + 2] = (0x10 if number == frames - 1 else 0) | (number & 15)
        end = copy(source, first, count, out, body + 5)
        if form == HEAD_CHANGED and number == chosen:
            place = roll(dice, 9)
            out[at + place] ^= np.uint8(1 << roll(dice, 8))
            if place in (1, 2) and roll(dice, 2):
                out[at + 1] = out[at + 2] = out[at + place]
        total = np.int64(0)
        for place in range(body, end):
            total += np.int64(out[place])
        out[end], out[end + 1] = total & 255, 0x16
        at = end + 2
    return at


@kernel
def blocks(dice, form, size, source, length, out, at):  # type: ignore[no-untyped-def]
    """source[:length] as blocks of at most `size` octets, one behind the other; the place behind."""
    frames = max(1, (length + size - 1) // size)
    chosen = roll(dice, frames)
    for number in range(frames):
        first = number * size
        count = min(size, length - first)
        head = at
        out[at], out[at + 1] = 0xE0, 0x80 if number == frames - 1 else 0
        out[at + 2], out[at + 3], out[at + 4], out[at + 5] = (number + 1) >> 8, (number + 1) & 255, 0, 0
        at = copy(source, first, count, out, put_length(out, at + 6, count))
        if form == HEAD_CHANGED and number == chosen:
            out[head + roll(dice, 8)] ^= np.uint8(1 << roll(dice, 8))
    return at
