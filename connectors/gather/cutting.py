"""Kernels that cut streams of HDLC and of wired M-Bus into what one APDU came in.

HDLC: IEC 62056-46, frame format type 3. Flag 7E, format u16 (bits 15-12: 1010, bit 11: segmented, bits 10-0: octets
from here to the closing flag, which is not counted), and so on; one flag may close a frame and open the next.
M-Bus long frames: EN 13757-2: 68 L L 68, L octets, checksum, 16; EN 13757-1: of the third of those, the control
information, values up to 1F carry DLMS, and bit 4 marks the last segment.

Only what is needed to find the ends is looked at: check sequences are decode's.
"""

from __future__ import annotations

import numpy as np

from connectors.gather.kernels import TOO_LONG, UNREADABLE
from pipeline.jit import inlined, kernel

FLAG = 0x7E
FORMAT_MASK, FORMAT = 0xF000, 0xA000
FORMAT_OCTET_MASK, FORMAT_OCTET = 0xF0, 0xA0
SEGMENTED, LENGTH_MASK = 0x0800, 0x07FF
LEAST_HDLC = 7
"""Octets that the shortest frame counts: format, two addresses of one octet, control, check sequence."""

LONG_START, LONG_STOP = 0x68, 0x16
LONG_HEAD, LONG_TAIL = 4, 2
CONTROL_INFORMATION = 6
"""Its place in a long frame."""
LAST_SEGMENT, MOST_DLMS = 0x10, 0x1F
LEAST_LONG = 3


@inlined
def hdlc_end(stream, place, flag, end, limit):  # type: ignore[no-untyped-def]
    """(closing flag of the frame that `flag` opens, whether more segments follow, code) in a piece that began at
    `place`; the flag is -1 where the stream ends before it, or cannot be cut."""
    # Flags between two frames fill the time.
    while flag + 1 < end and stream[flag + 1] == FLAG:
        flag += 1
    if flag + 1 - place > limit:
        return -1, False, TOO_LONG
    if flag + 1 < end and stream[flag + 1] & FORMAT_OCTET_MASK != FORMAT_OCTET:
        return -1, False, UNREADABLE
    if flag + 3 > end:
        return -1, False, 0
    form = (np.int64(stream[flag + 1]) << 8) | np.int64(stream[flag + 2])
    behind = flag + 1 + (form & LENGTH_MASK)
    if form & LENGTH_MASK < LEAST_HDLC:
        return -1, False, UNREADABLE
    if behind + 1 - place > limit:
        return -1, False, TOO_LONG
    if behind >= end:
        return -1, False, 0
    if stream[behind] != FLAG:
        return -1, False, UNREADABLE
    return behind, form & SEGMENTED != 0, 0


@kernel
def cut_hdlc(stream, start, end, limit, offsets, lengths):  # type: ignore[no-untyped-def]
    """Cut what whole APDUs came in out of `stream` u8 [start, end): a frame, or its segments, from flag to flag.

    Writes offset i64 and length u32 of each; two neighbours may share a flag. Returns (pieces, first octet not used,
    code): code is 0, UNREADABLE or TOO_LONG (longer than `limit`) when the stream cannot be cut any further. Behind
    the last whole piece the first octet not used is its closing flag, which may open the next. Stops when `offsets` is
    full.
    """
    pieces = 0
    place = start
    while pieces < offsets.shape[0] and place < end:
        if stream[place] != FLAG:
            return pieces, place, UNREADABLE
        while place + 1 < end and stream[place + 1] == FLAG:
            place += 1
        flag, more = place, True
        while more:
            flag, more, code = hdlc_end(stream, place, flag, end, limit)
            if flag < 0:
                return pieces, place, code
        offsets[pieces] = place
        lengths[pieces] = flag + 1 - place
        pieces += 1
        place = flag
    return pieces, place, 0


@inlined
def long_end(stream, place, frame, end, limit):  # type: ignore[no-untyped-def]
    """(place behind the long frame at `frame`, whether more segments follow, code), as `hdlc_end`."""
    if (
        (frame < end and stream[frame] != LONG_START)
        or (frame + 2 < end and stream[frame + 1] != stream[frame + 2])
        or (frame + 3 < end and stream[frame + 3] != LONG_START)
    ):
        return -1, False, UNREADABLE
    if frame + LONG_HEAD > end:
        return -1, False, 0
    octets = np.int64(stream[frame + 1])
    behind = frame + LONG_HEAD + octets + LONG_TAIL
    if octets < LEAST_LONG:
        return -1, False, UNREADABLE
    if behind - place > limit:
        return -1, False, TOO_LONG
    if behind > end:
        return -1, False, 0
    if stream[behind - 1] != LONG_STOP:
        return -1, False, UNREADABLE
    information = stream[frame + CONTROL_INFORMATION]
    return behind, information <= MOST_DLMS and information & LAST_SEGMENT == 0, 0


@kernel
def cut_mbus(stream, start, end, limit, offsets, lengths):  # type: ignore[no-untyped-def]
    """The same of long frames. What carries no DLMS (control information above 1F) is a piece for itself."""
    pieces = 0
    place = start
    while pieces < offsets.shape[0] and place < end:
        frame, more = place, True
        while more:
            frame, more, code = long_end(stream, place, frame, end, limit)
            if frame < 0:
                return pieces, place, code
        offsets[pieces] = place
        lengths[pieces] = frame - place
        pieces += 1
        place = frame
    return pieces, place, 0
