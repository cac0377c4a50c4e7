"""State of VEE: a hot record, a ring of intervals and the midnight registers, a service point a slot.

The ring holds `hot_days` local days, time outermost, one word of 24 bits every `slot_secs`: what is known of an
interval and its import, billed Wh and VAh, what the meter *sent* where it sent something, else what is *published* in
its stead (`kernels_words`). `registers` holds import registers at local midnights, meter side, for `hot_days` + 1
midnights (`kernels_midnights`).

That is enough for a meter that exports nothing and whose intervals are small. Where it is not, a service point takes
*planes*: slots of their own in the same page, whose ring lies beside its own. They come in groups of MEMBERS: export,
and what does not fit into a word. There is a group for what was sent, one for published energies that differ from it,
and both again for the second half of each place (meters of half the interval). Some planes hold no intervals: rows of
intervals that a clock set has cut or repeated (`kernels_part_rows`), registers that do not fit or are of another meter,
what was published since a register that was carried on, and what people say of intervals (`kernels_said_rows`). Planes
come from a pool of their page (key = POOL | number) and go back to it, so the few meters that need more do not make all
others larger. A service point and its planes are a chain: each names the next. Number 0 of the pool is the page's own
record: log time, and how much of the pool is taken.

A cell's byte: bits 0-3 what is published, bits 4-6 what was sent, bit 7 that the interval came with two values.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agents.vee.config import VeeConfig
from pipeline.codes import Flag, Method
from pipeline.columns import Array
from pipeline.state import Area, Layout, StateStore, Table

# What is published for a cell; the numbers of substitutes are those of pipeline.codes.Method.
EMPTY = 0
AS_SENT = 1
MISSING = 2
LINEAR = int(Method.LINEAR)
LIKE_DAY = int(Method.LIKE_DAY)
SCALED = int(Method.SCALED)
FLAT = int(Method.FLAT)
CARRIED = int(Method.CARRIED)
ROUNDING = int(Method.ROUNDING)
SPIKE_SCALED = 11  # method SCALED, in the stead of a spike; SCALED on a good cell means that all were scaled (V12)
MANUAL = 12  # what a person said; `kernels_said_rows`
NO_SUPPLY = 13  # zero, in an outage

# What was sent for a cell.
NOTHING = 0
GOOD = 1
NEGATIVE = 2  # V07
RANGE = 3  # V09
SPLIT = 4  # the meter was exchanged within the interval: a part of it at most
DOUBTED = 5  # V37: the head-end that sent it calls it suspect
OFFERED = 6  # an estimate of the head-end that sent it: in force until the meter's own value comes
PARTED = 7  # put together from rows that a clock set has cut or repeated
SENT_SHIFT = 4
SENT_MASK = 7
TWICE = 128  # V02
KEPT = (SENT_MASK << SENT_SHIFT) | TWICE
"""Bits that a settlement does not change."""

# Kinds of slot.
FREE, POINT, PLANE, PAGE = 0, 1, 2, 3
ANSWERED = 4  # the number of the last answer of a point, as `device`; its key is that of the point with the highest bit

# Groups of planes: bits of their number. A plane's number is group * MEMBERS + its place there; 0 is the slot itself.
HALF = 1  # second half of each place
AMENDED = 2  # published, where it differs from what was sent
GROUPS = 4

# Places in a group; the first, 0, has the cells and import.
EXPORT = 1
IMPORT_WIDE, EXPORT_WIDE = 2, 5  # of what does not fit into words:
WH, VAH, TOP = 0, 1, 2  # lower 24 bits of each, and the next 12 of both
MEMBERS = 8

# Planes that hold no intervals.
CUT_ROWS, CUT_ROWS_MORE = 32, 33  # rows of cut intervals
MIDNIGHTS = 34  # registers
CARRY = 35  # energy published since the carried register
SAID = 36  # what is said of intervals, the first of SAID_PLANES
SAID_PLANES = 24
ALL_PLANES = SAID + SAID_PLANES
TIMELESS = CUT_ROWS
"""Planes from here on are not by time."""

POOL = np.uint64(0xFFFF_FFFF_FFFF_0000)
"""Keys from here on are planes and page records; ids of service points lie below."""

DAY_BITS = 8
"""Marks of a day lie at bit (day % 8) of a byte."""

HOT = np.dtype(
    [
        ("device", "<u8"),  # POINT: whose registers are in `registers`
        ("link", "<u4"),  # row of the registry that last measured the point; PAGE: free numbers of the pool
        ("scaled", "<u4"),  # a nibble a day: channels whose good intervals were scaled
        ("chain", "<u2"),  # POINT, PLANE: number in the pool of its (next) plane; PAGE: size of the pool
        ("kind", "<u1"),
        ("plane", "<u1"),  # PLANE: which
        ("dirty", "<u1"),  # days to settle; PAGE: some point of the page has some
        ("fragile", "<u1"),  # days with substitutes: settled again when what they lean on changes
        ("carried", "<u1"),  # days since the register that the oldest midnight stands for
        ("finished", "<u1"),  # 1 while the day that leaves the window is settled: done
    ],
)
"""Only what seldom changes, so that an arriving interval leaves it alone."""

WORD = np.dtype([("low", "<u2"), ("high", "<u1")])
"""24 bits."""

TIME, CLOSED, BEGIN, TAG = 0, 1, 2, 3
"""Words of a page's record: log time, end of the last interval that was closed, begin of the log, registry."""


def layout(config: VeeConfig) -> Layout:
    """Tables for this window."""
    slices = config.hot_days * config.slots_per_day
    return Layout(
        "vee",
        4,
        (
            Table("hot", HOT),
            Table("ring", WORD, slices),
            Table("registers", np.dtype("<i8"), config.hot_days + 1),
        ),
    )


class Limits(NamedTuple):
    """The configuration as kernels see it; seconds, billed Wh, percent."""

    slot_secs: int
    slices: int
    offset: int
    hot_days: int
    tolerance: int
    slack: int
    range_percent: int
    spike_percent: int
    spike_floor: int
    linear_secs: int
    sum_tolerance: int
    doubted: int  # flags of a row that is not to be used


def limits_of(config: VeeConfig) -> Limits:
    """For kernels."""
    return Limits(
        config.slot_secs,
        config.hot_days * config.slots_per_day,
        config.offset_secs,
        config.hot_days,
        config.grid_tolerance_secs,
        config.future_slack_secs,
        config.range_percent,
        config.spike_ratio_percent,
        config.spike_floor_wh,
        config.linear_secs,
        config.sum_tolerance_wh,
        int(Flag.HEAD_END_SUSPECT),
    )


class Clock(NamedTuple):
    """Log time, epoch s UTC: of the last tick, end of the last closed interval, begin of the log; ticked 0 or 1."""

    time: int
    closed: int
    begin: int
    ticked: int


class Pages(NamedTuple):
    """The store's arrays for kernels, (slices, slots); ring u8 (slices, slots, 3). Good until the next `locate`."""

    keys: Array
    hot: Array
    hot_changed: Array
    hot_dirty: Array
    ring: Array
    ring_changed: Array
    ring_dirty: Array
    registers: Array
    registers_changed: Array
    registers_dirty: Array
    page_slot: Array
    capacity: int


def pages_of(store: StateStore, page_slot: Array) -> Pages:
    """Views of the store; `page_slot` i64 (pages,): slot of each page's record."""
    hot, ring, registers = (store.areas[name] for name in ("hot", "ring", "registers"))
    return Pages(
        store.keys,
        hot.flat[0], _changed(hot), hot.dirty,
        ring.flat.view(np.uint8).reshape(ring.table.slices, -1, WORD.itemsize), _changed(ring), ring.dirty,
        registers.flat, _changed(registers), registers.dirty,
        page_slot, store.capacity,
    )  # fmt: skip


def _changed(area: Area) -> Array:
    return area.changed.reshape(area.table.slices, -1)
