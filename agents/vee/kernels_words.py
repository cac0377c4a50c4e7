"""Words of the ring: what 24 bits hold of an interval, and the planes that hold the rest.

A word is a cell's byte and a pair of energies, Wh and VAh, of which VAh is kept as what it stands above Wh:

    1 | Wh 13 | excess 10                   as it was sent, and good
    0 | kind 3 | Wh 11 | excess 9           the seven commonest other cells (`KINDS`, counted from 1)
    0 | 000 | 11 bits of zeros | 0 | cell   any cell, both energies 0
    0 | 000 | 0 | VAh 5 | Wh 5 | 1 | cell   any cell, energies in planes: 24 bits each, the next 12 of both in a third,
                                            the highest 5 here

An excess of all ones says that there is no VAh. A service point's export is a word too, of a plane that only those take
who have any; its cell says nothing. `planes` is i64 (ALL_PLANES,): slot of each plane, -1 where there is none.
"""

from __future__ import annotations

import numpy as np

from agents.vee.jit import inlined, kernel
from agents.vee.state import (
    AS_SENT,
    CARRIED,
    EXPORT,
    EXPORT_WIDE,
    GOOD,
    IMPORT_WIDE,
    LIKE_DAY,
    LINEAR,
    MEMBERS,
    ROUNDING,
    SCALED,
    SENT_SHIFT,
    TOP,
    TWICE,
    VAH,
    WH,
)
from pipeline.channels import N_ENERGY
from pipeline.state import mark

GOOD_AS_SENT = (GOOD << SENT_SHIFT) | AS_SENT
KINDS = (
    LINEAR,
    LIKE_DAY,
    SCALED,
    CARRIED,
    (GOOD << SENT_SHIFT) | ROUNDING,
    (GOOD << SENT_SHIFT) | SCALED,
    GOOD_AS_SENT | TWICE,
)
"""Cells whose words have room for energies, beside GOOD_AS_SENT."""

PACKED_KINDS = np.uint64(sum(cell << (8 * (number + 1)) for number, cell in enumerate(KINDS)))

SENT = 1 << 23
KIND_SHIFT = 20
KIND = 1 << KIND_SHIFT
OUTSIDE = 256
SENT_WH, SENT_EXCESS = 13, 10
KIND_WH, KIND_EXCESS = 11, 9
LOW = (1 << 24) - 1
TOP_BITS, HERE_BITS = 12, 5
"""Of energies that lie outside: what the plane TOP has of each above 24 bits, and what the word has above that."""
ABOVE_TOP = 24 + TOP_BITS
HERE_SHIFT = 9
LARGEST = (1 << (ABOVE_TOP + HERE_BITS)) - 1
"""Most that is kept of an interval, as it is stored."""


@inlined
def word_at(pages, slice_, slot):  # type: ignore[no-untyped-def]
    """The 24 bits of a place."""
    low = np.int64(pages.ring[slice_, slot, 0]) | np.int64(pages.ring[slice_, slot, 1]) << 8
    return low | np.int64(pages.ring[slice_, slot, 2]) << 16


@inlined
def put_word(pages, slice_, slot, word):  # type: ignore[no-untyped-def]
    """Write the 24 bits of a place; who writes marks."""
    pages.ring[slice_, slot, 0] = np.uint8(word & 255)
    pages.ring[slice_, slot, 1] = np.uint8((word >> 8) & 255)
    pages.ring[slice_, slot, 2] = np.uint8((word >> 16) & 255)


@inlined
def mark_word(pages, slice_, slot):  # type: ignore[no-untyped-def]
    """Note that a place changed."""
    mark(pages.ring_changed, pages.ring_dirty, slice_, slot, pages.capacity)


@inlined
def cell_of(word):  # type: ignore[no-untyped-def]
    """The cell's byte."""
    if word >= SENT:
        return np.int64(GOOD_AS_SENT)
    if word >= KIND:
        return np.int64((PACKED_KINDS >> np.uint64(8 * (word >> KIND_SHIFT))) & np.uint64(255))
    return np.int64(word & 255)


@inlined
def is_outside(word):  # type: ignore[no-untyped-def]
    """The energies lie in planes."""
    return word < KIND and word & OUTSIDE != 0


@inlined
def _excess(wh, vah, wh_bits, excess_bits):  # type: ignore[no-untyped-def]
    """Both as the lower bits of a word, or -1: they do not fit."""
    none = (1 << excess_bits) - 1
    excess = vah - wh
    if vah == 0 and wh > 0:
        return (wh << excess_bits) | none if wh >> wh_bits == 0 else np.int64(-1)
    if wh >> wh_bits == 0 and 0 <= excess < none:
        return (wh << excess_bits) | excess
    return np.int64(-1)


@inlined
def pack_sent(wh, vah):  # type: ignore[no-untyped-def]
    """Word of a good interval as it was sent, or -1: it does not fit. Both at least 0."""
    energies = _excess(wh, vah, SENT_WH, SENT_EXCESS)
    return energies | SENT if energies >= 0 else np.int64(-1)


@inlined
def _outside(cell, wh, vah):  # type: ignore[no-untyped-def]
    """Word of a cell whose energies lie in planes."""
    here = (wh >> ABOVE_TOP) | (vah >> ABOVE_TOP) << HERE_BITS
    return np.int64(OUTSIDE | cell) | np.int64(here) << HERE_SHIFT


@kernel
def pack(cell, wh, vah):  # type: ignore[no-untyped-def]
    """Word of a cell with these energies as they are stored (`stored_form`)."""
    if cell == GOOD_AS_SENT:
        word = pack_sent(wh, vah)
        return word if word >= 0 else _outside(cell, wh, vah)
    if wh == 0 and vah == 0:
        return np.int64(cell)
    for kind in range(1, len(KINDS) + 1):
        if np.int64((PACKED_KINDS >> np.uint64(8 * kind)) & np.uint64(255)) == cell:
            energies = _excess(wh, vah, KIND_WH, KIND_EXCESS)
            return energies | kind << KIND_SHIFT if energies >= 0 else _outside(cell, wh, vah)
    return _outside(cell, wh, vah)


@kernel
def _pair(pages, planes, wide, slice_, word):  # type: ignore[no-untyped-def]
    """(Wh, VAh) of a word as they are stored; wide: first of the planes that hold what does not fit."""
    if word >= SENT:
        excess, wh, none = word & ((1 << SENT_EXCESS) - 1), (word & (SENT - 1)) >> SENT_EXCESS, (1 << SENT_EXCESS) - 1
        return wh, wh + excess if excess != none else np.int64(0)
    if word >= KIND:
        excess, wh, none = word & ((1 << KIND_EXCESS) - 1), (word & (KIND - 1)) >> KIND_EXCESS, (1 << KIND_EXCESS) - 1
        return wh, wh + excess if excess != none else np.int64(0)
    if word & OUTSIDE == 0:
        return np.int64(0), np.int64(0)
    wh, vah, top = np.int64(0), np.int64(0), np.int64(0)
    if planes[wide + WH] >= 0:
        wh = word_at(pages, slice_, planes[wide + WH])
    if planes[wide + VAH] >= 0:
        vah = word_at(pages, slice_, planes[wide + VAH])
    if planes[wide + TOP] >= 0:
        top = word_at(pages, slice_, planes[wide + TOP])
    here = word >> HERE_SHIFT
    wh |= (top & ((1 << TOP_BITS) - 1)) << 24 | (here & ((1 << HERE_BITS) - 1)) << ABOVE_TOP
    vah |= (top >> TOP_BITS) << 24 | ((here >> HERE_BITS) & ((1 << HERE_BITS) - 1)) << ABOVE_TOP
    return wh, vah


@kernel
def read_words(pages, planes, group, slice_, signed, out):  # type: ignore[no-untyped-def]
    """out i64 (4,) = energies of a group of planes, which must be there; signed: their sign is in bit 0."""
    base = group * MEMBERS
    out[0], out[1] = _pair(pages, planes, base + IMPORT_WIDE, slice_, word_at(pages, slice_, planes[base]))
    out[2], out[3] = 0, 0
    if planes[base + EXPORT] >= 0:
        word = word_at(pages, slice_, planes[base + EXPORT])
        out[2], out[3] = _pair(pages, planes, base + EXPORT_WIDE, slice_, word)
    if signed:
        for channel in range(N_ENERGY):
            magnitude = out[channel] >> 1
            out[channel] = -magnitude if out[channel] & 1 else magnitude


@kernel
def _lacks_wide(planes, wide, word, wh, vah):  # type: ignore[no-untyped-def]
    """Bits of the planes that a pair still needs whose word is `word`."""
    lacking = 0
    if is_outside(word):
        if planes[wide + WH] < 0:
            lacking |= 1 << (wide + WH)
        if vah and planes[wide + VAH] < 0:
            lacking |= 1 << (wide + VAH)
        if (wh | vah) > LOW and planes[wide + TOP] < 0:
            lacking |= 1 << (wide + TOP)
    return lacking


@kernel
def lacks_plane(planes, group, cell, values):  # type: ignore[no-untyped-def]
    """Bits of the planes that storing a cell with `values` in a group still needs."""
    base = group * MEMBERS
    lacking = _lacks_wide(planes, base + IMPORT_WIDE, pack(cell, values[0], values[1]), values[0], values[1])
    if planes[base] < 0:
        lacking |= 1 << base
    if values[2] or values[3]:
        if planes[base + EXPORT] < 0:
            lacking |= 1 << (base + EXPORT)
        word = pack(GOOD_AS_SENT, values[2], values[3])
        lacking |= _lacks_wide(planes, base + EXPORT_WIDE, word, values[2], values[3])
    return lacking


@kernel
def lacks_any(planes, group, most):  # type: ignore[no-untyped-def]
    """Bits of the planes that a group still needs to store any cell with any energies up to `most`."""
    base = group * MEMBERS
    lacking = _lacks_wide(planes, base + IMPORT_WIDE, OUTSIDE, most[0], most[1])
    if planes[base] < 0:
        lacking |= 1 << base
    if most[2] or most[3]:
        if planes[base + EXPORT] < 0:
            lacking |= 1 << (base + EXPORT)
        lacking |= _lacks_wide(planes, base + EXPORT_WIDE, OUTSIDE, most[2], most[3])
    return lacking


@kernel
def lacks_for_cell(pages, planes, half, slice_, cell):  # type: ignore[no-untyped-def]
    """Bits of the planes that another cell with the energies that are there still needs."""
    base = half * MEMBERS
    wh, vah = _pair(pages, planes, base + IMPORT_WIDE, slice_, word_at(pages, slice_, planes[base]))
    return _lacks_wide(planes, base + IMPORT_WIDE, pack(cell, wh, vah), wh, vah)


@kernel
def _put_pair(pages, planes, first, wide, slice_, word, wh, vah):  # type: ignore[no-untyped-def]
    put_word(pages, slice_, planes[first], word)
    mark_word(pages, slice_, planes[first])
    if not is_outside(word):
        return
    if planes[wide + WH] >= 0:
        put_word(pages, slice_, planes[wide + WH], wh & LOW)
        mark_word(pages, slice_, planes[wide + WH])
    if planes[wide + VAH] >= 0:
        put_word(pages, slice_, planes[wide + VAH], vah & LOW)
        mark_word(pages, slice_, planes[wide + VAH])
    if planes[wide + TOP] >= 0:
        top = (1 << TOP_BITS) - 1
        put_word(pages, slice_, planes[wide + TOP], (wh >> 24) & top | ((vah >> 24) & top) << TOP_BITS)
        mark_word(pages, slice_, planes[wide + TOP])


@kernel
def write_energies(pages, planes, group, slice_, cell, values):  # type: ignore[no-untyped-def]
    """Store a cell with its energies in the planes of a group, which must be there (`lacks_plane`)."""
    base = group * MEMBERS
    word = pack(cell, values[0], values[1])
    _put_pair(pages, planes, base, base + IMPORT_WIDE, slice_, word, values[0], values[1])
    if planes[base + EXPORT] >= 0:
        # What is zero stays as it was given: a plane of zeros goes back.
        word = pack(GOOD_AS_SENT, values[2], values[3]) if values[2] or values[3] else np.int64(0)
        _put_pair(pages, planes, base + EXPORT, base + EXPORT_WIDE, slice_, word, values[2], values[3])


@kernel
def write_cell(pages, planes, half, slice_, cell):  # type: ignore[no-untyped-def]
    """Store another cell with the energies that are there; see `lacks_for_cell`."""
    base = half * MEMBERS
    wh, vah = _pair(pages, planes, base + IMPORT_WIDE, slice_, word_at(pages, slice_, planes[base]))
    _put_pair(pages, planes, base, base + IMPORT_WIDE, slice_, pack(cell, wh, vah), wh, vah)


@kernel
def put_long(pages, at, slice_, value):  # type: ignore[no-untyped-def]
    """An i64 into three places of a plane that holds no intervals."""
    for part in range(3):
        put_word(pages, slice_ + part, at, (value >> (24 * part)) & LOW)
        mark_word(pages, slice_ + part, at)


@kernel
def long_at(pages, at, slice_):  # type: ignore[no-untyped-def]
    """What `put_long` has put."""
    low = word_at(pages, slice_, at) | word_at(pages, slice_ + 1, at) << 24
    return low | (word_at(pages, slice_ + 2, at) & 0xFFFF) << 48
