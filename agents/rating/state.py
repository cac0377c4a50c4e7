"""State of rating, a service point a slot.

Only `day` is changed by readings, half a cache line a reading. `settled` and `month` change when a day is settled.

A month's figures are `month` (days that have left the window) plus the settled days in the window, so a late reading
needs to be put into its day only, and the month before is revised in the same way as the running one. The window slides
by time, so of the two months that it can touch one alone has days that have left it: sums are kept once.

Numbers lie in as few octets as those of nearly all service points need. A point with a larger or negative one has a
second slot in the same page, under the key ~point, that holds the high parts of all its numbers: the same records, and
a number is low + (high << width). Kernels reckon with 64 bits; `kernels_slot` is the only place that knows how they lie
(docs/decisions/0012-rating-state.md).
"""

from __future__ import annotations

import numpy as np

from pipeline.answers import ZONES as ZONES
from pipeline.channels import N_ENERGY
from pipeline.state import Layout, Table

SPARE_DAYS = 1
"""A day that a meter ahead of the clock has begun; the running one is among the hot days."""

TOUCHED, LINEAGE, WIDE, EDITED_DAY = 1, 2, 4, 8
"""Flags of a day: readings changed it since its last determinant; it has offsets; the point has a second slot; one of
these readings was an edit, or the withdrawal of one."""

DAY = np.dtype(
    [
        ("zones", "<u4", (ZONES,)),  # Wh imported, by zone
        ("first_offset", "<u4"),  # lineage: offsets of the frames that are in it, lower 32 bits of the first
        ("span", "<u4"),  # the last less the first
        ("day", "<u2"),  # local day number; 0: free
        ("first_high", "u1"),  # bits 32-39 of the first
        ("flags", "u1"),
    ]
)
"""Running sums of one day, slice = day % slices."""

# Numbers of 24 bits in SETTLED.
ENERGY_AT, ESTIMATED_AT = 0, N_ENERGY  # actual + estimated, Wh and VAh; Wh of it that is estimated
DEMAND_AT, DEMAND_START_AT = N_ENERGY + 1, N_ENERGY + 3  # W, VA; seconds into the day + 1, 0 without a demand
COUNTS_AT = N_ENERGY + 5  # two numbers of 12 bits each: actual, estimated; missing, suspect
STATUS_AT = N_ENERGY + 7  # bits: 0-15 revision (0: never settled), 16-22 ReadingBatch.day_registers, 23 final
SETTLED_NUMBERS = N_ENERGY + 8

SETTLED = np.dtype([("low", "<u2", (SETTLED_NUMBERS,)), ("high", "u1", (SETTLED_NUMBERS,))])
"""What the last determinant of a day said, slice = day % slices; belongs to the same day as `DAY`."""

# Numbers of 32 bits in MONTH.
M_ZONES, M_ENERGY, M_ESTIMATED = 0, ZONES, ZONES + N_ENERGY
M_DEMAND = M_ESTIMATED + 1
M_REGISTERS = M_DEMAND + 2  # + 1, so that a register of -1 (not known) is 0
M_WORDS = M_REGISTERS + 3 * N_ENERGY

LAST_DAY, NEWER_SUMS, NEWER_REGISTERS, MONTH_WIDE = 1, 2, 4, 8
"""Flags of MONTH: the last day of the month is among the closed ones; sums, and the first two sets of registers, are of
the newer month; the point has a second slot."""
KNOWN, MONTH_FINAL = 3, 4
"""Bits of a head: 1 opening, 2 closing register known; state of the last determinant."""

MONTH = np.dtype(
    [
        ("paise", "<i8", (2,)),  # by month % 2: total of the last determinant
        ("words", "<u4", (M_WORDS,)),  # registers: opening and closing of the one, opening of the newer month
        ("offsets", "<u4", (2,)),  # first and last + 1, lower 32 bits; 0: none
        ("demand_start", "<u4", (2,)),  # epoch seconds
        ("counts", "<u2", (4,)),
        ("month", "<u2", (2,)),  # by month % 2: month number; 0: free
        ("revision", "<u2", (2,)),  # of the month's determinant
        ("carry_wh", "<u2", (2,)),  # remainder of the month before, less than one unit
        ("offsets_high", "u1", (2,)),  # bits 32-39
        ("heads", "u1", (2,)),
        ("days", "u1"),  # closed days
        ("register_days", "u1"),  # of these with registers at both ends
        ("exchange_days", "u1"),  # of these with an exchange of the meter
        ("flags", "u1"),
    ]
)
"""The heads of two months, and the sums of the closed days of the older one while days of it are in the window, else of
the newer. When the sums change over, what the older month carries into the next stays as its `carry_wh`."""


def layout(hot_days: int) -> Layout:
    """Tables for a window of `hot_days` days, the running one included."""
    return Layout(
        "rating",
        2,
        (
            Table("day", DAY, hot_days + SPARE_DAYS),
            Table("settled", SETTLED, hot_days + SPARE_DAYS),
            Table("month", MONTH),
        ),
    )
