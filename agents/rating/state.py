"""State of rating, a service point a slot.

Only `day` is changed by readings: one cache line a reading. `settled` and `month` change when a day is settled.

A month's figures are `month` (days that have left the window) plus the settled days in the window, so a late reading
needs to be put into its day only, and the month before is revised in the same way as the running one.
"""

from __future__ import annotations

import numpy as np

from pipeline.channels import N_ENERGY
from pipeline.state import Layout, Table

ZONES = 5
"""Time-of-use zones that a tariff may have; with them a day is 64 bytes. Indian tariffs have at most four."""

SPARE_DAYS = 2
"""The running day and one that a meter ahead of the clock has begun."""

DAY = np.dtype(
    [
        ("day", "<i4"),  # local day number; 0: free
        ("touched", "<u4"),  # readings changed it since its last determinant
        ("zones", "<i8", (ZONES,)),  # Wh imported, by zone
        ("first_offset", "<i8"),  # lineage: offsets of the frames that are in it
        ("last_offset", "<i8"),
    ]
)
"""Running sums of one day, slice = day % slices."""

SETTLED = np.dtype(
    [
        ("energy", "<i8", (N_ENERGY,)),  # actual + estimated, Wh and VAh
        ("estimated", "<i8"),  # Wh of it that is estimated
        ("revision", "<u2"),  # of the day's determinant; 0: never settled
        ("state", "<u1"),  # 0 provisional, 1 final
        ("registers", "<u1"),  # bits of ReadingBatch.day_registers
        ("demand_w", "<u4"),
        ("demand_va", "<u4"),
        ("demand_start", "<u4"),  # epoch seconds
        ("demand_va_start", "<u4"),
        ("counts", "<u2", (4,)),  # actual, estimated, missing, suspect
        ("spare", "<u4"),
    ]
)
"""What the last determinant of a day said, slice = day % slices; belongs to the same day as `DAY`."""

MONTH = np.dtype(
    [
        ("month", "<i4"),  # month number; 0: free
        ("revision", "<u2"),  # of the month's determinant
        ("state", "<u1"),  # of the last determinant
        ("last_day", "<u1"),  # 1: the last day of the month is among the closed ones
        ("days", "<u1"),  # closed days
        ("register_days", "<u1"),  # of these with registers at both ends
        ("exchange_days", "<u1"),  # of these with an exchange of the meter
        ("known", "<u1"),  # bits: 1 opening, 2 closing register known
        ("carry_wh", "<u2"),  # remainder of the month before, less than one unit
        ("spare", "<u2"),
        ("demand_w", "<u4"),
        ("demand_va", "<u4"),
        ("demand_start", "<u4"),
        ("demand_va_start", "<u4"),
        ("counts", "<u2", (4,)),
        ("zones", "<i8", (ZONES,)),
        ("energy", "<i8", (N_ENERGY,)),
        ("estimated", "<i8"),
        ("first_offset", "<i8"),
        ("last_offset", "<i8"),
        ("paise", "<i8"),  # total of the last determinant
        ("opening", "<i8", (N_ENERGY,)),  # meter-side registers
        ("closing", "<i8", (N_ENERGY,)),
    ]
)
"""Sums of the closed days of one month, slice = month % 2."""


def layout(hot_days: int) -> Layout:
    """Tables for a window of `hot_days` days behind the running one."""
    return Layout(
        "rating",
        1,
        (
            Table("day", DAY, hot_days + SPARE_DAYS),
            Table("settled", SETTLED, hot_days + SPARE_DAYS),
            Table("month", MONTH, 2),
        ),
    )
