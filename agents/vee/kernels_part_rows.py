"""The list of the rows that cut intervals are put together from: two planes of the few points that have any.

A row takes seven words of a plane's ring: the lower 24 bits of its energies, the highest 8 of the first three, then
from the lowest bit on the highest 8 of the fourth, its form and the highest 8 of its local stamp (u32), and the rest of
the stamp. Form 0: the place is free. `at` is the slots of the two planes, -1 where the point has none.
"""

from __future__ import annotations

import numpy as np

from agents.vee.jit import inlined, kernel
from agents.vee.kernels_cells import find_key
from agents.vee.kernels_words import LOW, mark_word, put_word, word_at
from agents.vee.state import CUT_ROWS, CUT_ROWS_MORE, POOL
from pipeline.channels import N_ENERGY
from pipeline.localtime import DAY_SECS

ODD, REGULAR, REPEATED = 1, 2, 3
"""Off the grid; on it; on it with other rows of the same stamp beside it in one frame."""

MOST_ROWS = 24
"""Rows that are kept of a point in the hot window. A set clock makes two or three; one that stays wrong, one each
interval."""

SLICES = N_ENERGY + 3
"""Words of a row."""


@kernel
def list_of(pages, slot):  # type: ignore[no-untyped-def]
    """Slots (of the first plane, of the other) of a point's list, (-1, -1): it has none."""
    first, more = np.int64(-1), np.int64(-1)
    base = slot - slot % pages.capacity
    number = pages.hot[slot].chain
    while number:
        at = find_key(pages.keys, base, pages.capacity, POOL | np.uint64(number))
        if pages.hot[at].plane == CUT_ROWS:
            first = at
        elif pages.hot[at].plane == CUT_ROWS_MORE:
            more = at
        number = pages.hot[at].chain
    return first, more


@inlined
def there_is(at):  # type: ignore[no-untyped-def]
    """The point has a list."""
    return at[0] >= 0 and at[1] >= 0


@kernel
def places(limits, at):  # type: ignore[no-untyped-def]
    """How many rows a list holds."""
    return min(2 * (limits.slices // SLICES), MOST_ROWS) if there_is(at) else 0


@inlined
def _where(pages, at, place):  # type: ignore[no-untyped-def]
    """(slot, first word) of a place; even ones lie in the first plane."""
    return (at[1] if place & 1 else at[0]), SLICES * (place >> 1)


@kernel
def form_at(pages, at, place):  # type: ignore[no-untyped-def]
    """ODD, REGULAR, REPEATED, or 0."""
    slot, first = _where(pages, at, place)
    return (word_at(pages, first + N_ENERGY + 1, slot) >> 8) & 255


@kernel
def stamp_at(pages, at, place):  # type: ignore[no-untyped-def]
    """Local stamp."""
    slot, first = _where(pages, at, place)
    return word_at(pages, first + N_ENERGY + 2, slot) | (word_at(pages, first + N_ENERGY + 1, slot) >> 16) << 24


@kernel
def energy_at(pages, at, place, channel):  # type: ignore[no-untyped-def]
    """Billed energy of a channel."""
    slot, first = _where(pages, at, place)
    high = word_at(pages, first + N_ENERGY + channel // 3, slot) >> (8 * (channel % 3))
    return word_at(pages, first + channel, slot) | (high & 255) << 24


@kernel
def put(pages, at, place, stamp, form, energies):  # type: ignore[no-untyped-def]
    """Write a row."""
    slot, first = _where(pages, at, place)
    high = np.int64(0)
    for channel in range(N_ENERGY):
        put_word(pages, first + channel, slot, energies[channel] & LOW)
        high |= (energies[channel] >> 24) << (8 * channel)
    put_word(pages, first + N_ENERGY, slot, high & LOW)
    put_word(pages, first + N_ENERGY + 1, slot, high >> 24 | form << 8 | (stamp >> 24) << 16)
    put_word(pages, first + N_ENERGY + 2, slot, stamp & LOW)
    for word in range(first, first + SLICES):
        mark_word(pages, word, slot)


@kernel
def forget(pages, at, place):  # type: ignore[no-untyped-def]
    """Free a place."""
    slot, first = _where(pages, at, place)
    for word in range(first, first + SLICES):
        put_word(pages, word, slot, 0)
        mark_word(pages, word, slot)


@kernel
def free_place(pages, limits, clock, at, after):  # type: ignore[no-untyped-def]
    """The first place from `after` on that holds nothing, or a row that has left the window; -1: there is none."""
    oldest = ((clock.time + limits.offset) // DAY_SECS - limits.hot_days + 1) * DAY_SECS
    for place in range(after, places(limits, at)):
        if form_at(pages, at, place) == 0 or stamp_at(pages, at, place) <= oldest:
            return place
    return -1


@kernel
def holds_none(pages, limits, at, oldest):  # type: ignore[no-untyped-def]
    """No row is younger than `oldest`."""
    for place in range(places(limits, at)):
        if form_at(pages, at, place) and stamp_at(pages, at, place) > oldest:
            return False
    return True


@kernel
def find(pages, limits, at, stamp, form):  # type: ignore[no-untyped-def]
    """Place of a row, -1: it is not there."""
    for place in range(places(limits, at)):
        if form_at(pages, at, place) == form and stamp_at(pages, at, place) == stamp:
            return place
    return -1


@kernel
def compare(pages, at, place, energies):  # type: ignore[no-untyped-def]
    """1 when `energies` are larger than the row's, -1 smaller, 0 the same: wh_imp, vah_imp, wh_exp, vah_exp."""
    for channel in range(N_ENERGY):
        known = energy_at(pages, at, place, channel)
        if energies[channel] != known:
            return 1 if energies[channel] > known else -1
    return 0


@kernel
def is_repeated(pages, limits, at, stamp):  # type: ignore[no-untyped-def]
    """Repeated rows of this stamp are known."""
    return find(pages, limits, at, stamp, REPEATED) >= 0


@kernel
def is_among_repeated(pages, limits, at, stamp, energies):  # type: ignore[no-untyped-def]
    """One of the repeated rows of this stamp has these energies."""
    for place in range(places(limits, at)):
        repeated = form_at(pages, at, place) == REPEATED and stamp_at(pages, at, place) == stamp
        if repeated and compare(pages, at, place, energies) == 0:
            return True
    return False
