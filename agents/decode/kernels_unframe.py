"""Kernels that take an APDU out of its framing, in place: HDLC, wired M-Bus, an LLC head, blocks of a transfer.

Whatever stands around an APDU only makes it longer, so parts are moved together at the beginning of what they lay in.
A payload holds one APDU here. It may be in segments, and in blocks (general-block-transfer, IEC 62056-5-3: E0, control,
number u16, acknowledged u16, length, block), of which all stand in the payload, each framed as the first one is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agents.decode.kernels_axdr import BROKEN, big_endian, length_at
from pipeline.codes import REJECT_NUMBER
from pipeline.hdlc import FLAG, hdlc_frame, informs
from pipeline.jit import inlined, kernel, peek8, poke8
from pipeline.mbus import is_mbus, mbus_frame

GOOD = 0
TRUNCATED = REJECT_NUMBER["FRAME_TRUNCATED"]
MISSING = REJECT_NUMBER["SEGMENT_MISSING"]
APDU_UNKNOWN = REJECT_NUMBER["APDU_UNKNOWN"]
MALFORMED = REJECT_NUMBER["DATA_MALFORMED"]

WRAPPER_LENGTH, LLC_LENGTH = 8, 3
BLOCK_TRANSFER, BLOCK_HEAD, LAST_BLOCK = 0xE0, 6, 0x80


class Found(NamedTuple):
    """What was found of a payload so far, i64 each.

    code: 0, or of the first fault. start, stop: of the APDU, where `whole` is 1. kept: place behind what is in use.
    blocks: how many of a transfer that is not at its end; from `begun` on, the newest one of `size` octets.
    """

    code: np.int64
    whole: np.int64
    start: np.int64
    stop: np.int64
    kept: np.int64
    blocks: np.int64
    begun: np.int64
    size: np.int64


@inlined
def _nothing(first):  # type: ignore[no-untyped-def]
    none = np.int64(0)
    return Found(none, none, none, none, np.int64(first), none, none, none)


@inlined
def _fault(code):  # type: ignore[no-untyped-def]
    none = np.int64(0)
    return Found(np.int64(code), none, none, none, none, none, none, none)


@inlined
def move(octets, p, end, to):  # type: ignore[no-untyped-def]
    """Octets [p, end) to the place `to` at or before them; the place behind."""
    if to != p:
        # A word is read whole before it is written, and what is written lies before what is read next.
        while end - p >= 8:
            poke8(octets, to, peek8(octets, p))
            p += 8
            to += 8
        while p < end:
            octets[to] = octets[p]
            p += 1
            to += 1
        return to
    return end


@inlined
def _add(found, start, stop, kept, blocks):  # type: ignore[no-untyped-def]
    """With one more APDU, and so many blocks of a transfer that is not at its end: a payload has one APDU alone."""
    if found.whole:
        return _fault(MALFORMED)
    return Found(found.code, np.int64(1), start, stop, kept, blocks, found.begun, found.size)


@inlined
def _same(octets, one, other, size):  # type: ignore[no-untyped-def]
    same = True
    for place in range(size):
        same = same and octets[one + place] == octets[other + place]
    return same


@kernel
def _take_block(octets, p, end, found):  # type: ignore[no-untyped-def]
    """`found` with the block of a transfer in [p, end)."""
    if end - p < BLOCK_HEAD + 1:
        return _fault(TRUNCATED)
    last, number = octets[p + 1] & LAST_BLOCK, np.int64(big_endian(octets, p + 2, 2))
    size, p = length_at(octets, p + BLOCK_HEAD, end)
    if p == BROKEN or size != end - p:
        return _fault(TRUNCATED)
    again = found.blocks > 0 and number == found.blocks and size == found.size
    if again and _same(octets, p, found.kept - size, size):
        return found
    if number != found.blocks + 1:
        return _fault(MISSING)
    begun = found.begun if found.blocks else found.kept
    kept = move(octets, p, end, found.kept)
    if last:
        return _add(found, begun, kept, kept, np.int64(0))
    return Found(found.code, found.whole, found.start, found.stop, kept, number, begun, size)


@inlined
def _take(octets, p, end, found):  # type: ignore[no-untyped-def]
    """`found` with the APDU in [p, end), which is a part of what is wanted when it is a block."""
    if p >= end:
        return found
    return _take_block(octets, p, end, found) if octets[p] == BLOCK_TRANSFER else _add(found, p, end, end, found.blocks)


@inlined
def behind_llc(octets, p, end):  # type: ignore[no-untyped-def]
    """Place behind the LLC head (IEC 62056-46: E6 E6 00 to a meter, E6 E7 00 from it) at `p`, if there is one."""
    if end - p >= LLC_LENGTH and octets[p] == 0xE6 and octets[p + 1] in (0xE6, 0xE7) and octets[p + 2] == 0:
        return p + LLC_LENGTH
    return p


@inlined
def _only_flags(octets, p, end):  # type: ignore[no-untyped-def]
    """Whether nothing stands in [p, end), or nothing but flags, which some adapters leave behind."""
    while p < end and octets[p] == FLAG:
        p += 1
    return p >= end


@kernel
def from_hdlc(octets, first, end):  # type: ignore[no-untyped-def]
    """What the HDLC frames in [first, end) hold: Found. They lie one after the other, with one or more flags between.

    Frames of the link and empty ones hold nothing; segments are joined in the order in which they stand.
    """
    found, p, frames = _nothing(first), np.int64(first), 0
    start, stop, more = p, p, np.int64(0)
    while True:
        while p + 1 < end and octets[p + 1] == FLAG:
            p += 1
        p += 1
        if p >= end:
            break
        places = hdlc_frame(octets, p, end)
        if places.code != GOOD:
            return _fault(places.code)
        frames += 1
        p = places.flag
        if not informs(places.control) or places.start == places.stop:
            continue
        if more:
            stop = move(octets, places.start, places.stop, stop)
        else:
            start, stop = places.start, places.stop
        more = places.more
        if not more:
            found = _take(octets, behind_llc(octets, start, stop), stop, found)
            if found.code != GOOD:
                return found
    if frames == 0:
        return _fault(TRUNCATED)
    return _fault(MISSING) if more else found


@kernel
def from_mbus(octets, first, end):  # type: ignore[no-untyped-def]
    """What the long frames in [first, end) hold: Found. All are checked before any segment is moved."""
    p, expected, ordered = np.int64(first), np.int64(0), True
    while is_mbus(octets, p, end):
        places = mbus_frame(octets, p, end)
        if places.code != GOOD:
            return _fault(places.code)
        ordered = ordered and places.number == expected & 0x0F
        expected = np.int64(0) if places.last else expected + 1
        p = places.behind
    if not ordered:
        return _fault(MISSING)
    found, behind, p, more = _nothing(first), p, np.int64(first), False
    start, stop = p, p
    while p < behind:
        places = mbus_frame(octets, p, end)
        p = places.behind
        if more:
            stop = move(octets, places.start, places.stop, stop)
        else:
            start, stop = places.start, places.stop
        more = not places.last
        if not more:
            found = _take(octets, start, stop, found)
            if found.code != GOOD:
                return found
    if more:
        return _fault(MISSING)
    return found if _only_flags(octets, behind, end) else _fault(MALFORMED)


@inlined
def _wrapped(octets, p, end):  # type: ignore[no-untyped-def]
    """(code, start, stop) of the APDU in the WRAPPER at `p`."""
    if octets[p] != 0 or end - p < 2 or octets[p + 1] != 1:
        return MALFORMED, p, p
    start = p + WRAPPER_LENGTH
    if start > end:
        return TRUNCATED, p, p
    stop = start + np.int64(big_endian(octets, p + 6, 2))
    return (TRUNCATED if stop > end or stop - start < 2 else GOOD), start, stop


@inlined
def _block_end(octets, p, end):  # type: ignore[no-untyped-def]
    """Place behind the block at `p`; beyond `end` when it is none, or says that it is longer."""
    if end - p <= BLOCK_HEAD or octets[p] != BLOCK_TRANSFER:
        return end + 1
    size, place = length_at(octets, p + BLOCK_HEAD, end)
    return end + 1 if place == BROKEN or size > end - place else place + size


@inlined
def _framed(octets, p, end):  # type: ignore[no-untyped-def]
    """Whether another framing begins at `p`."""
    if octets[p] == FLAG or is_mbus(octets, p, end):
        return True
    return end - p >= 2 and octets[p] == 0 and octets[p + 1] == 1


@inlined
def _bare(octets, p, end):  # type: ignore[no-untyped-def]
    """(start, stop) of the bare APDU at `p`: of a block as far as it says when something begins there, else all."""
    start = behind_llc(octets, p, end)
    stop = _block_end(octets, start, end)
    if stop >= end:
        return start, end
    another = behind_llc(octets, stop, end) > stop or _block_end(octets, stop, end) <= end
    return start, (stop if another or _framed(octets, stop, end) else end)


@kernel
def from_others(octets, first, end):  # type: ignore[no-untyped-def]
    """What WRAPPERs (the first one is known to be one), or bare APDUs with or without LLC heads, hold: Found."""
    found, p, in_wrapper = _nothing(first), np.int64(first), octets[first] == 0
    while p == first or not _only_flags(octets, p, end):
        if in_wrapper:
            code, start, stop = _wrapped(octets, p, end)
            if code != GOOD:
                return _fault(code)
        elif p > first and _framed(octets, p, end):
            return _fault(MALFORMED)
        else:
            start, stop = _bare(octets, p, end)
        found = _take(octets, start, stop, found)
        if found.code != GOOD:
            return found
        p = stop
    return found


@kernel
def unframe(octets, first, end):  # type: ignore[no-untyped-def]
    """(code, start, stop) of the one APDU in the payload [first, end) of u8 `octets`, whose parts are moved together.

    At least two octets; `code` is 0 or the number of a reject.
    """
    in_hdlc = octets[first] == FLAG
    if in_hdlc:
        found = from_hdlc(octets, first, end)
    elif is_mbus(octets, first, end):
        found = from_mbus(octets, first, end)
    else:
        found = from_others(octets, first, end)
    code = found.code
    if code == GOOD and found.blocks:
        code = MISSING
    elif code == GOOD and not found.whole:
        # Frames of the link are whole, and hold nothing.
        code = APDU_UNKNOWN if in_hdlc else TRUNCATED
    elif code == GOOD and found.stop - found.start < 2:
        code = TRUNCATED
    return code, found.start, found.stop
