"""Kernels of rating: how words lie in the parts of points with fine state."""

from __future__ import annotations

import numpy as np

from agents.rating.fine_state import (
    DAY_OCTETS,
    DAY_WORDS,
    FIGURES,
    MARK,
    MONTH_OCTETS,
    MONTH_WORDS,
    PART_SHIFT,
    PART_WORDS,
    SAID_PARTS,
    SETTLED_OCTETS,
)
from pipeline.jit import inlined, kernel, peek4, peek8, poke4, poke8
from pipeline.lookup import first_place
from pipeline.state import mark

DAY_TAG = SETTLED_OCTETS - 4
"""Where a part's record of `settled` has the day that its words are of."""


@inlined
def _settled_at(state, slice_, slot):  # type: ignore[no-untyped-def]
    return (slice_ * state.days.rows.shape[1] + slot) * SETTLED_OCTETS


@inlined
def tag_of(state, slice_, slot):  # type: ignore[no-untyped-def]
    """Local day of a part's words; 0: none."""
    return np.int64(peek4(state.settled.octets, _settled_at(state, slice_, slot) + DAY_TAG))


@inlined
def word_of(state, slice_, slot, place):  # type: ignore[no-untyped-def]
    """A word of a part, whatever day it is of."""
    if place < DAY_WORDS:
        return peek8(state.days.octets, (slice_ * state.days.rows.shape[1] + slot) * DAY_OCTETS + 8 * place)
    return peek8(state.settled.octets, _settled_at(state, slice_, slot) + 8 * (place - DAY_WORDS))


@inlined
def set_word(state, slice_, slot, place, value):  # type: ignore[no-untyped-def]
    """Store a word, and mark it."""
    if place < DAY_WORDS:
        poke8(state.days.octets, (slice_ * state.days.rows.shape[1] + slot) * DAY_OCTETS + 8 * place, value)
        mark(state.days.changed, state.days.dirty, slice_, slot, state.capacity)
    else:
        poke8(state.settled.octets, _settled_at(state, slice_, slot) + 8 * (place - DAY_WORDS), value)
        mark(state.settled.changed, state.settled.dirty, slice_, slot, state.capacity)


@kernel
def begin_part(state, slice_, slot, day):  # type: ignore[no-untyped-def]
    """Make the words those of `day`: zeros, unless they are."""
    if tag_of(state, slice_, slot) != day:
        for place in range(PART_WORDS):
            set_word(state, slice_, slot, place, np.int64(0))
        poke4(state.settled.octets, _settled_at(state, slice_, slot) + DAY_TAG, day)


@inlined
def said_word(state, slice_, said, place):  # type: ignore[no-untyped-def]
    """A word of what was said of a day; said i64 (SAID_PARTS,): slots. Word 0 is 1 once something was."""
    return word_of(state, slice_, said[place // PART_WORDS], place % PART_WORDS)


@inlined
def month_place(said, month, place):  # type: ignore[no-untyped-def]
    """Octet of a word of a month's figures; word 0 is the month and what it lacks."""
    word = (month % 2) * (FIGURES + 1) + place
    return said[word // MONTH_WORDS] * MONTH_OCTETS + 8 * (word % MONTH_WORDS)


@inlined
def mark_months(state, said):  # type: ignore[no-untyped-def]
    """Note that the months of a point changed."""
    for part in range(SAID_PARTS):
        mark(state.months.changed, state.months.dirty, np.int64(0), said[part], state.capacity)


@inlined
def signed(word, shift, bits):  # type: ignore[no-untyped-def]
    """A signed number of so many bits out of a word."""
    value = (word >> np.int64(shift)) & ((np.int64(1) << np.int64(bits)) - 1)
    return value - ((value >> np.int64(bits - 1)) << np.int64(bits))


@inlined
def bit_of(word, bit):  # type: ignore[no-untyped-def]
    """One bit of a word."""
    return (word >> np.int64(bit)) & np.int64(1)


@kernel
def part_of(state, near, point, number):  # type: ignore[no-untyped-def]
    """Slot of a part, -1 when the point has it not; near: a slot of the same page."""
    key = np.uint64(MARK) | np.uint64(number) << np.uint64(PART_SHIFT) | point
    base, place = near - near % state.capacity, first_place(key, state.capacity)
    while state.keys[base + place] != key:
        if state.keys[base + place] == 0:
            return np.int64(-1)
        place += np.int64(1)
        if place == state.capacity:
            place = np.int64(0)
    return base + place


@inlined
def put_said(state, slice_, said, place, value):  # type: ignore[no-untyped-def]
    """Store a word of what was said of a day."""
    set_word(state, slice_, said[place // PART_WORDS], place % PART_WORDS, value)
