"""The kernel that writes a compact array out as the array of rows that it stands for.

A compact array (IEC 62056-6-2, tag 19) says the types of a row once, and its values follow without tags. What reads
rows takes them with their tags: writing these between the values costs less than reading a row does, and leaves one
place where rows are read.
"""

from __future__ import annotations

import numpy as np

from agents.decode.kernels_axdr import ARRAY, BROKEN, CONTAINER, COUNTED_BITS, SIZES, STRUCTURE, length_at
from agents.decode.kernels_columns import TEMPLATE_UNKNOWN
from agents.decode.kernels_open import GOOD, MALFORMED, TOO_LONG
from agents.decode.kernels_profile import MOST_ROWS
from pipeline.jit import inlined, kernel

MOST_COLUMNS = 127
"""Of a row: more than any push has, and their number takes one octet."""

HEAD = 4
"""Octets of the array's tag and count."""

UNPACKED = HEAD + 2**16 + MOST_ROWS * (2 + MOST_COLUMNS)
"""Octets of room that the longest frame needs."""


@inlined
def value_end(octets, p, end, size):  # type: ignore[no-untyped-def]
    """Place behind the value at `p`, without a tag; `size` is what SIZES says of its type. BROKEN beyond `end`."""
    if size >= 0:
        return p + size if size <= end - p else np.int64(BROKEN)
    count, p = length_at(octets, p, end)
    if size == COUNTED_BITS:
        count = (count + 7) >> 3
    return np.int64(BROKEN) if p == BROKEN or count > end - p else p + count


@kernel
def unpack(octets, p, end, out):  # type: ignore[no-untyped-def]
    """Write the rows of the compact array at `p`, which is known to be whole, to `out` u8 (UNPACKED,) as an array.

    (code, octets written). Rows of a profile are structures of MOST_COLUMNS values at most, none of them a container:
    others fit no template. Values that are cut short, or take no room at all, are malformed; more than MOST_ROWS rows
    are too long, whatever comes behind them.
    """
    nothing = np.int64(0)
    if octets[p + 1] != STRUCTURE:
        return TEMPLATE_UNKNOWN, nothing
    width, types = length_at(octets, p + 2, end)
    if width > MOST_COLUMNS:
        return TEMPLATE_UNKNOWN, nothing
    for place in range(types, types + width):
        if SIZES[octets[place]] == CONTAINER:
            return TEMPLATE_UNKNOWN, nothing
    size, p = length_at(octets, types + width, end)
    end = p + size
    at, count = np.int64(HEAD), np.int64(0)
    while p < end:
        if count == MOST_ROWS or at + 2 + width + (end - p) > out.shape[0]:
            return TOO_LONG, nothing
        first = p
        out[at], out[at + 1] = STRUCTURE, width
        at += 2
        for place in range(types, types + width):
            stop = value_end(octets, p, end, np.int64(SIZES[octets[place]]))
            if stop == BROKEN:
                return MALFORMED, nothing
            out[at] = octets[place]
            at += 1
            for octet in range(p, stop):
                out[at] = octets[octet]
                at += 1
            p = stop
        if p == first:
            return MALFORMED, nothing
        count += 1
    out[0], out[1], out[2], out[3] = ARRAY, 0x82, count >> 8, count & 0xFF
    return GOOD, at
