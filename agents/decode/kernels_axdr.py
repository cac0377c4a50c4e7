"""Reading A-XDR (IEC 62056-6-2, Data) from octets, with limits for hostile input.

Every function takes a place `p` and the `end` it must not pass, and gives the place behind what it read, or BROKEN.
What is declared must fit the octets that remain, an element takes one at least, and containers nest NESTING deep: with
frames of 64 KiB at most, elements are bounded as well.
"""

from __future__ import annotations

import numpy as np

from pipeline.jit import inlined, kernel

BROKEN = -1
NESTING = 16
"""Containers inside each other, the outermost one included."""

NULL, ARRAY, STRUCTURE, BOOLEAN, BIT_STRING, INT32, UINT32, OCTETS, VISIBLE, UTF8, BCD = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    9,
    10,
    12,
    13,
)
INT8, INT16, UINT8, UINT16, COMPACT_ARRAY, INT64, UINT64, ENUM = 15, 16, 17, 18, 19, 20, 21, 22
FLOAT32, FLOAT64, DATE_TIME, DATE, TIME, DONT_CARE = 23, 24, 25, 26, 27, 255
"""Tags."""

VARIABLE, COUNTED_BITS, CONTAINER, COMPACT, UNKNOWN = -2, -3, -4, -5, -6


def _sizes() -> tuple[int, ...]:
    """Octets of a body by tag; negative: how it says its size itself."""
    size = [UNKNOWN] * 256
    fixed = {
        NULL: 0,
        BOOLEAN: 1,
        INT32: 4,
        UINT32: 4,
        BCD: 1,
        INT8: 1,
        INT16: 2,
        UINT8: 1,
        UINT16: 2,
        INT64: 8,
        UINT64: 8,
    }
    fixed |= {ENUM: 1, FLOAT32: 4, FLOAT64: 8, DATE_TIME: 12, DATE: 5, TIME: 4, DONT_CARE: 0}
    for tag, octets in fixed.items():
        size[tag] = octets
    for tag in (OCTETS, VISIBLE, UTF8):
        size[tag] = VARIABLE
    size[BIT_STRING], size[ARRAY], size[STRUCTURE], size[COMPACT_ARRAY] = COUNTED_BITS, CONTAINER, CONTAINER, COMPACT
    return tuple(size)


SIZES = np.array(_sizes(), np.int8)

NOTHING, INTEGER, FLOATING, OTHER = 0, 1, 2, 3
"""What `number` found."""


@inlined
def big_endian(octets, p, size):  # type: ignore[no-untyped-def]
    """u64 from `size` octets."""
    value = np.uint64(0)
    for place in range(p, p + size):
        value = (value << np.uint64(8)) | np.uint64(octets[place])
    return value


@inlined
def length_at(octets, p, end):  # type: ignore[no-untyped-def]
    """(length, place behind it): one octet below 80, or 81..84 and that many octets; BROKEN also if it passes `end`."""
    if p >= end:
        return np.int64(0), np.int64(BROKEN)
    first = np.int64(octets[p])
    p += 1
    if first >= 0x80:
        size = first - 0x80
        if size < 1 or size > 4 or p + size > end:
            return np.int64(0), np.int64(BROKEN)
        first = np.int64(big_endian(octets, p, size))
        p += size
    return first, p


@kernel
def long_string_place(octets, p, size):  # type: ignore[no-untyped-def]
    """As `string_place`, of a string whose length is written in more octets than it needs."""
    count, place = length_at(octets, p + 1, octets.shape[0])
    return place if count == size else np.int64(BROKEN)


@inlined
def string_place(octets, p, size):  # type: ignore[no-untyped-def]
    """Place of the octets of the datum at `p`, which is whole, if it is an octet string of `size` < 80; else BROKEN."""
    if octets[p] != OCTETS:
        return np.int64(BROKEN)
    if octets[p + 1] == size:
        return np.int64(p + 2)
    return long_string_place(octets, p, size) if octets[p + 1] >= 0x80 else np.int64(BROKEN)


@kernel
def behind_compact(octets, p, end):  # type: ignore[no-untyped-def]
    """Place behind a compact array's type description, length and values (`p` behind its tag)."""
    pending = 1
    while pending > 0:
        if p >= end:
            return np.int64(BROKEN)
        tag = octets[p]
        p += 1
        pending -= 1
        if tag == STRUCTURE:
            count, p = length_at(octets, p, end)
            if p == BROKEN or count > end - p:
                return np.int64(BROKEN)
            pending += count
        elif tag == ARRAY:
            p += 2
            pending += 1
        elif SIZES[tag] == UNKNOWN or SIZES[tag] == COMPACT:
            return np.int64(BROKEN)
    size, p = length_at(octets, p, end)
    return np.int64(BROKEN) if p == BROKEN or size > end - p else p + size


@inlined
def behind_body(octets, p, end, size):  # type: ignore[no-untyped-def]
    """Place behind the body at `p` of a datum that is no container; `size` is what SIZES says of its tag."""
    if size >= 0:
        return p + size if size <= end - p else np.int64(BROKEN)
    if size == COMPACT:
        return behind_compact(octets, p, end)
    if size == UNKNOWN:
        return np.int64(BROKEN)
    count, p = length_at(octets, p, end)
    if size == COUNTED_BITS:
        count = (count + 7) >> 3
    return np.int64(BROKEN) if p == BROKEN or count > end - p else p + count


@kernel
def behind(octets, p, end, level, stack):  # type: ignore[no-untyped-def]
    """Place behind the datum at `p`, which lies `level` containers deep; stack i64 (NESTING,) is scratch."""
    bottom = level
    pending = np.int64(1)
    while pending > 0 or level > bottom:
        if pending == 0:
            level -= 1
            pending = stack[level]
            continue
        if p >= end:
            return np.int64(BROKEN)
        size = np.int64(SIZES[octets[p]])
        pending -= 1
        if size != CONTAINER:
            p = behind_body(octets, p + 1, end, size)
            if p == BROKEN:
                return p
            continue
        count, p = length_at(octets, p + 1, end)
        if p == BROKEN or count > end - p or level == NESTING:
            return np.int64(BROKEN)
        stack[level] = pending
        level += 1
        pending = count
    return p


@inlined
def two(octets, p):  # type: ignore[no-untyped-def]
    """u64 from two octets; unsigned places spare the test for places counted from the end."""
    place = np.uint64(p)
    return (np.uint64(octets[place]) << np.uint64(8)) | np.uint64(octets[place + np.uint64(1)])


@inlined
def four(octets, p):  # type: ignore[no-untyped-def]
    """u64 from four octets."""
    return (two(octets, p) << np.uint64(16)) | two(octets, p + 2)


@inlined
def eight(octets, p):  # type: ignore[no-untyped-def]
    """u64 from eight octets."""
    return (four(octets, p) << np.uint64(32)) | four(octets, p + 4)


@inlined
def number(octets, p):  # type: ignore[no-untyped-def]
    """(what, integer, float) of the whole datum at `p`; u64 above 2^63 - 1 counts as a float."""
    tag = octets[p]
    p += 1
    if tag == FLOAT32:
        narrow = np.uint32(four(octets, p))
        return FLOATING, np.int64(0), np.float64(narrow.view(np.float32))
    if tag == UINT32:
        return INTEGER, np.int64(four(octets, p)), 0.0
    if tag == UINT16:
        return INTEGER, np.int64(two(octets, p)), 0.0
    if tag in (UINT8, ENUM):
        return INTEGER, np.int64(octets[p]), 0.0
    if tag == INT16:
        return INTEGER, np.int64(np.int16(two(octets, p))), 0.0
    if tag == INT32:
        return INTEGER, np.int64(np.int32(four(octets, p))), 0.0
    if tag == INT8:
        return INTEGER, np.int64(np.int8(octets[p])), 0.0
    if tag == BOOLEAN:
        return INTEGER, np.int64(octets[p] != 0), 0.0
    return wide_number(octets, tag, p)


@inlined
def wide_number(octets, tag, p):  # type: ignore[no-untyped-def]
    """The same for tags that are rare; `p` is behind the tag."""
    if tag in (NULL, DONT_CARE):
        return NOTHING, np.int64(0), 0.0
    if tag == INT64:
        return INTEGER, np.int64(eight(octets, p)), 0.0
    if tag == UINT64:
        wide = np.uint64(eight(octets, p))
        if wide >> np.uint64(63) == 0:
            return INTEGER, np.int64(wide), 0.0
        return FLOATING, np.int64(0), np.float64(wide)
    if tag == FLOAT64:
        bits = np.uint64(eight(octets, p))
        return FLOATING, np.int64(0), np.float64(bits.view(np.float64))
    return OTHER, np.int64(0), 0.0
