"""Where an interval lies, and what is in it.

All times here are local seconds (UTC + offset): the grid and the days are local. `planes` below is i64 (ALL_PLANES,):
the slot of each plane of one service point, -1 where it has none.
"""

from __future__ import annotations

import numpy as np

from agents.vee.jit import inlined, kernel
from agents.vee.kernels_words import read_words
from agents.vee.state import (
    ALL_PLANES,
    AMENDED,
    AS_SENT,
    DOUBTED,
    EMPTY,
    GOOD,
    HALF,
    MANUAL,
    MISSING,
    NEGATIVE,
    NO_SUPPLY,
    NOTHING,
    OFFERED,
    PARTED,
    POOL,
    RANGE,
    ROUNDING,
    SCALED,
    SENT_MASK,
    SENT_SHIFT,
    SPIKE_SCALED,
    SPLIT,
    TWICE,
)
from pipeline.channels import N_ENERGY
from pipeline.codes import RULE_BIT, Method, Quality
from pipeline.localtime import DAY_SECS
from pipeline.lookup import mix
from pipeline.state import mark

MOST = 2**31 - 1
"""Largest energy that is kept, Wh in an interval."""

V01, V02, V07, V09 = (1 << RULE_BIT[code] for code in ("V01", "V02", "V07", "V09"))
V14, V12, V03, V16, V32, V37 = (1 << RULE_BIT[code] for code in ("V14", "V12", "V03", "V16", "V32", "V37"))

ABSENT, ACTUAL, SUSPECT = int(Quality.ABSENT), int(Quality.ACTUAL), int(Quality.SUSPECT)
ESTIMATED, LACKING, EDITED = int(Quality.ESTIMATED), int(Quality.MISSING), int(Quality.MANUAL)
METHOD_SCALED, METHOD_HEAD_END, METHOD_CLOCK_SET = int(Method.SCALED), int(Method.HEAD_END), int(Method.CLOCK_SET)
METHOD_MANUAL, METHOD_OUTAGE = int(Method.MANUAL), int(Method.OUTAGE)


@kernel
def find_key(keys, base, capacity, key):  # type: ignore[no-untyped-def]
    """Slot of `key` in the page that begins at slot `base`, or -1; the addressing of `StateStore.locate`."""
    place = np.int64(((mix(key) >> np.uint64(32)) * np.uint64(capacity)) >> np.uint64(32))
    for _ in range(capacity):
        found = keys[base + place]
        if found == key:
            return base + place
        if found == 0:
            return np.int64(-1)
        place = place + 1 if place + 1 < capacity else np.int64(0)
    return np.int64(-1)


@kernel
def find_planes(pages, slot, planes):  # type: ignore[no-untyped-def]
    """Fill `planes` with the slots of this point's planes."""
    planes[0] = slot
    for plane in range(1, ALL_PLANES):
        planes[plane] = -1
    base = slot - slot % pages.capacity
    number = pages.hot[slot].chain
    while number:
        at = find_key(pages.keys, base, pages.capacity, POOL | np.uint64(number))
        planes[pages.hot[at].plane] = at
        number = pages.hot[at].chain


@kernel
def slice_of(limits, start):  # type: ignore[no-untyped-def]
    """Slice of the ring that holds a local start."""
    return (start // limits.slot_secs) % limits.slices


@kernel
def half_of(limits, start, interval):  # type: ignore[no-untyped-def]
    """HALF when a meter of half the place's interval has its second one there, else 0."""
    if interval < limits.slot_secs and start % limits.slot_secs:
        return HALF
    return 0


@inlined
def read_sent(pages, planes, slice_, half, cell, out):  # type: ignore[no-untyped-def]
    """Energies in the ring, i64 (4,): what was sent, or the published substitute when nothing was."""
    read_words(pages, planes, half, slice_, sent_of(cell) == NEGATIVE, out)


@inlined
def read_published(pages, planes, slice_, half, cell, out):  # type: ignore[no-untyped-def]
    """Energies in force, i64 (4,)."""
    group = half | AMENDED if is_amended(cell) else half
    if cell & 15 in (EMPTY, MISSING):
        for channel in range(N_ENERGY):
            out[channel] = 0
    else:
        read_words(pages, planes, group, slice_, group == half and sent_of(cell) == NEGATIVE, out)


@kernel
def stored_form(value, negative):  # type: ignore[no-untyped-def]
    """What the ring keeps of an energy: at most 2^31 - 1; with its sign in bit 0 when the cell is NEGATIVE."""
    magnitude = min(abs(value), MOST)
    if not negative:
        return magnitude
    return (magnitude << 1) | (1 if value < 0 else 0)


@inlined
def mark_hot(pages, slot):  # type: ignore[no-untyped-def]
    """Note that a hot record changed."""
    mark(pages.hot_changed, pages.hot_dirty, 0, slot, pages.capacity)


@kernel
def set_dirty(pages, slot, days):  # type: ignore[no-untyped-def]
    """Have `days` (bits) of a point settled at the next tick."""
    if pages.hot[slot].dirty & days != days:
        pages.hot[slot].dirty = np.uint8(pages.hot[slot].dirty | days)
        mark_hot(pages, slot)
    page = pages.page_slot[slot // pages.capacity]
    if pages.hot[page].dirty == 0:
        pages.hot[page].dirty = np.uint8(1)
        mark_hot(pages, page)


@kernel
def day_bit(day):  # type: ignore[no-untyped-def]
    """Mark of a local day."""
    return 1 << (day & 7)


@kernel
def sent_of(cell):  # type: ignore[no-untyped-def]
    """What was sent for a cell: NOTHING, GOOD, NEGATIVE, RANGE, SPLIT, DOUBTED, OFFERED, PARTED."""
    return (cell >> SENT_SHIFT) & SENT_MASK


@kernel
def is_amended(cell):  # type: ignore[no-untyped-def]
    """Something was sent, and something else is published."""
    return sent_of(cell) != NOTHING and cell & 15 != AS_SENT


@kernel
def quality_of(cell, scaled, channel):  # type: ignore[no-untyped-def]
    """Quality of a channel; `scaled`: nibble of the day's channels whose good intervals were scaled."""
    sent, published = sent_of(cell), cell & 15
    if published == EMPTY:
        return ABSENT
    if published == MISSING:
        return LACKING
    if published == AS_SENT:
        return ACTUAL if sent == GOOD else ESTIMATED if sent >= OFFERED else SUSPECT
    if published == ROUNDING or (published == SCALED and sent == GOOD and not (scaled >> channel) & 1):
        return ACTUAL
    if published >= MANUAL:
        return EDITED if published == MANUAL else ACTUAL
    return ESTIMATED


@kernel
def method_of(cell):  # type: ignore[no-untyped-def]
    """Method number of what is published."""
    published = cell & 15
    if published == AS_SENT and sent_of(cell) >= OFFERED:
        return METHOD_HEAD_END if sent_of(cell) == OFFERED else METHOD_CLOCK_SET
    if published <= MISSING:
        return 0
    if published >= MANUAL:
        return METHOD_MANUAL if published == MANUAL else METHOD_OUTAGE
    return METHOD_SCALED if published == SPIKE_SCALED else published


@kernel
def rules_of(cell):  # type: ignore[no-untyped-def]
    """Rules that a cell says have failed."""
    sent, published = sent_of(cell), cell & 15
    rules = V02 if cell & TWICE else 0
    if published == NO_SUPPLY and sent == NOTHING:
        return rules  # nothing was to come
    if sent in (NOTHING, SPLIT, OFFERED):
        rules |= V01
    elif sent == DOUBTED:
        rules |= V37
    elif sent == PARTED:
        rules |= V03
    elif sent == NEGATIVE:
        rules |= V07
    elif sent == RANGE:
        rules |= V09
    elif published == SCALED:
        rules |= V12
    elif published not in (AS_SENT, ROUNDING, MANUAL, NO_SUPPLY):
        rules |= V14
    return rules


@kernel
def energy_quality(cell, scaled, present):  # type: ignore[no-untyped-def]
    """Nibbles of the energy channels; `present`: bits of the channels that the meter has (wh_imp always)."""
    word = np.uint64(0)
    for channel in range(N_ENERGY):
        if ((present | 1) >> channel) & 1:
            word |= np.uint64(quality_of(cell, scaled, channel)) << np.uint64(4 * channel)
    return word


@kernel
def day_of(start):  # type: ignore[no-untyped-def]
    """Local day of a local second."""
    return start // DAY_SECS


@inlined
def scaled_of(pages, slot, start):  # type: ignore[no-untyped-def]
    """Nibble of scaled channels of the day that holds a local start."""
    return (pages.hot[slot].scaled >> np.uint32(4 * (day_of(start) & 7))) & 15
