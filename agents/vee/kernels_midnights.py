"""Registers at local midnights: what 64 bits hold of them, and the plane that holds the rest.

A midnight's word is Wh + 1 in 30 bits, VAh + 1 in 30 bits (0: not known), a bit each that says that a register of
export is known, and 0, and one that says that there is anything. Words are of one meter, that of the hot record. Export
registers above 0 are a word of the same form in the plane of export, beside it. What is of another meter, or larger,
lies in the plane MIDNIGHTS, five numbers a midnight; its word is FULL.
"""

from __future__ import annotations

import numpy as np

from agents.vee.jit import inlined, kernel
from agents.vee.kernels_cells import find_planes, mark_hot
from agents.vee.kernels_words import long_at, put_long
from agents.vee.state import ALL_PLANES, EXPORT, MIDNIGHTS
from pipeline.channels import N_ENERGY
from pipeline.state import mark

BITS = 30
FULL = (1 << BITS) - 1
ZERO_WH, ZERO_VAH, THERE = 1 << (2 * BITS), 1 << (2 * BITS + 1), 1 << (2 * BITS + 2)

LONG = 3
"""Places that a number of 64 bits takes."""

NUMBERS = 1 + N_ENERGY
"""Of a midnight: the device, and its registers."""


@inlined
def _put(pages, slice_, slot, word):  # type: ignore[no-untyped-def]
    if pages.registers[slice_, slot] != word:
        pages.registers[slice_, slot] = word
        mark(pages.registers_changed, pages.registers_dirty, slice_, slot, pages.capacity)


@inlined
def _value(word, place):  # type: ignore[no-untyped-def]
    """Register 0 or 1 of a word, -1: not known."""
    return ((word >> (BITS * place)) & FULL) - 1


@kernel
def find_if_any(pages, slot, planes):  # type: ignore[no-untyped-def]
    """`find_planes`, where there are any."""
    if pages.hot[slot].chain:
        find_planes(pages, slot, planes)
        return
    planes[0] = slot
    for plane in range(1, ALL_PLANES):
        planes[plane] = -1


@kernel
def device_at(pages, slot, planes, slice_):  # type: ignore[no-untyped-def]
    """Device u64 of a midnight's registers, 0: there are none."""
    word = pages.registers[slice_, slot]
    if word & FULL == FULL:
        return np.uint64(long_at(pages, planes[MIDNIGHTS], slice_ * NUMBERS * LONG))
    return pages.hot[slot].device if word != 0 else np.uint64(0)


@kernel
def load(pages, slot, planes, slice_, out):  # type: ignore[no-untyped-def]
    """out i64 (4,) = registers of a midnight, -1 where not known."""
    word = pages.registers[slice_, slot]
    if word & FULL == FULL:
        first = slice_ * NUMBERS * LONG
        for channel in range(N_ENERGY):
            out[channel] = long_at(pages, planes[MIDNIGHTS], first + LONG * (1 + channel))
        return
    out[0], out[1] = _value(word, 0), _value(word, 1)
    out[2], out[3] = 0 if word & ZERO_WH else -1, 0 if word & ZERO_VAH else -1
    if planes[EXPORT] >= 0:
        export = pages.registers[slice_, planes[EXPORT]]
        if export != 0:
            out[2], out[3] = _value(export, 0), _value(export, 1)


@kernel
def lacks(pages, slot, planes, slice_, device, values):  # type: ignore[no-untyped-def]
    """Bits of the planes that storing a midnight's registers still needs."""
    if not _fits(pages, slot, slice_, device, values):
        return 1 << MIDNIGHTS if planes[MIDNIGHTS] < 0 else 0
    return 1 << EXPORT if (values[2] > 0 or values[3] > 0) and planes[EXPORT] < 0 else 0


@kernel
def store(pages, slot, planes, slice_, device, values):  # type: ignore[no-untyped-def]
    """Keep a midnight's registers, i64 (4,), -1 where not known; the planes must be there (`lacks`)."""
    word, export = np.int64(FULL), np.int64(0)
    if _fits(pages, slot, slice_, device, values):
        if pages.hot[slot].device != device:
            pages.hot[slot].device = device
            mark_hot(pages, slot)
        word = THERE | (values[0] + 1) | (values[1] + 1) << BITS
        if values[2] > 0 or values[3] > 0:
            export = (values[2] + 1) | (values[3] + 1) << BITS
        else:
            word |= (ZERO_WH if values[2] == 0 else 0) | (ZERO_VAH if values[3] == 0 else 0)
    else:
        first = slice_ * NUMBERS * LONG
        put_long(pages, planes[MIDNIGHTS], first, np.int64(device))
        for channel in range(N_ENERGY):
            put_long(pages, planes[MIDNIGHTS], first + LONG * (1 + channel), values[channel])
    _put(pages, slice_, slot, word)
    if planes[EXPORT] >= 0:
        _put(pages, slice_, planes[EXPORT], export)


@kernel
def drop(pages, slot, planes, slice_):  # type: ignore[no-untyped-def]
    """No registers are known of a midnight any longer."""
    _put(pages, slice_, slot, np.int64(0))
    if planes[EXPORT] >= 0:
        _put(pages, slice_, planes[EXPORT], np.int64(0))


@kernel
def copy(pages, slot, planes, origin, target):  # type: ignore[no-untyped-def]
    """The registers of midnight `origin` (slice) for `target` too."""
    if pages.registers[origin, slot] & FULL == FULL:
        for number in range(NUMBERS):
            value = long_at(pages, planes[MIDNIGHTS], (origin * NUMBERS + number) * LONG)
            put_long(pages, planes[MIDNIGHTS], (target * NUMBERS + number) * LONG, value)
    _put(pages, target, slot, pages.registers[origin, slot])
    if planes[EXPORT] >= 0:
        _put(pages, target, planes[EXPORT], pages.registers[origin, planes[EXPORT]])


@kernel
def uses_full(pages, slot):  # type: ignore[no-untyped-def]
    """Some midnight's registers lie in the plane MIDNIGHTS."""
    uses = False
    for slice_ in range(pages.registers.shape[0]):
        uses = uses or pages.registers[slice_, slot] & FULL == FULL
    return uses


@kernel
def _fits(pages, slot, slice_, device, values):  # type: ignore[no-untyped-def]
    """They need no plane MIDNIGHTS."""
    for channel in range(N_ENERGY):
        if values[channel] + 1 >= FULL:
            return False
    if pages.hot[slot].device == device:
        return True
    for other in range(pages.registers.shape[0]):
        word = pages.registers[other, slot]
        if other != slice_ and word != 0 and word & FULL != FULL:
            return False
    return True
