"""The list of the rows that cut intervals are put together from: one plane of the few points that have any.

A row takes three slices of the plane's ring: energies of wh_imp and vah_imp, of wh_exp and vah_exp (u32 each), then its
local stamp (u32), its form, and a word that is free. Form 0: the place is free. `at` is the slot of the plane, -1 where
the point has none.
"""

from __future__ import annotations

import numpy as np

from agents.vee.jit import kernel
from agents.vee.kernels_cells import find_key
from agents.vee.state import CUT_ROWS, POOL
from pipeline.channels import N_ENERGY
from pipeline.localtime import DAY_SECS
from pipeline.state import mark

ODD, REGULAR, REPEATED = 1, 2, 3
"""Off the grid; on it; on it with other rows of the same stamp beside it in one frame."""

MOST_ROWS = 24
"""Rows that are kept of a point in the hot window. A set clock makes two or three; one that stays wrong, one each
interval."""

SLICES = 3
"""Of a row."""


@kernel
def list_of(pages, slot):  # type: ignore[no-untyped-def]
    """Slot of a point's list, -1: it has none."""
    number = pages.hot[slot].planes[CUT_ROWS - 1]
    if number == 0:
        return np.int64(-1)
    return find_key(pages.keys, slot - slot % pages.capacity, pages.capacity, POOL | np.uint64(number))


@kernel
def places(limits, at):  # type: ignore[no-untyped-def]
    """How many rows a list holds."""
    return min(limits.slices // SLICES, MOST_ROWS) if at >= 0 else 0


@kernel
def form_at(pages, at, place):  # type: ignore[no-untyped-def]
    """ODD, REGULAR, REPEATED, or 0."""
    return np.int64(pages.ring[SLICES * place + 2, at, 2])


@kernel
def stamp_at(pages, at, place):  # type: ignore[no-untyped-def]
    """Local stamp."""
    words = pages.ring[SLICES * place + 2, at]
    return np.int64(words[0]) | np.int64(words[1]) << 16


@kernel
def energy_at(pages, at, place, channel):  # type: ignore[no-untyped-def]
    """Billed energy of a channel."""
    words, word = pages.ring[SLICES * place + (channel >> 1), at], 2 * (channel & 1)
    return np.int64(words[word]) | np.int64(words[word + 1]) << 16


@kernel
def put(pages, at, place, stamp, form, energies):  # type: ignore[no-untyped-def]
    """Write a row."""
    for channel in range(N_ENERGY):
        words, word = pages.ring[SLICES * place + (channel >> 1), at], 2 * (channel & 1)
        words[word], words[word + 1] = np.uint16(energies[channel] & 0xFFFF), np.uint16(energies[channel] >> 16)
    words = pages.ring[SLICES * place + 2, at]
    words[0], words[1], words[2] = np.uint16(stamp & 0xFFFF), np.uint16(stamp >> 16), np.uint16(form)
    for slice_ in range(SLICES * place, SLICES * place + SLICES):
        mark(pages.ring_changed, pages.ring_dirty, slice_, at, pages.capacity)


@kernel
def forget(pages, at, place):  # type: ignore[no-untyped-def]
    """Free a place."""
    for slice_ in range(SLICES * place, SLICES * place + SLICES):
        for word in range(N_ENERGY):
            pages.ring[slice_, at, word] = np.uint16(0)
        mark(pages.ring_changed, pages.ring_dirty, slice_, at, pages.capacity)


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
