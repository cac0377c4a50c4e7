"""Fine state: the intervals of the open days of service points whose tariff asks for more than five daily zones.

Such a point takes *parts*: slots of its own in the same page, under keys made of its id and the part's number, whose
records of `day`, `settled` and `month` hold words of 64 bits instead of what the point's own records hold. Nobody else
has parts, so nobody else is larger (docs/decisions/0023-fine-state.md).

A part has 8 words a day of the window, with the day's number beside them, and 19 words of the months. The first
SAID_PARTS hold what the last determinant of each day said, and the sums of two months; others hold intervals, a word
each: import and its marks, export, reactive energy. Quarter hours of even number stand before those of odd number, so a
meter of half hours needs half of the parts; a part is entered with the first interval that lies in it.
"""

from __future__ import annotations

from enum import IntFlag

import numpy as np

from agents.rating.calendar import QUARTER_SECS, QUARTERS
from agents.rating.state import DAY, MONTH, SETTLED
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from schemas.quantities import TIME_ZONES


class Ask(IntFlag):
    """What a tariff asks for; any of these means fine state."""

    ZONES = 1  # more than five zones, or zones by season or type of day
    APPARENT = 2  # apparent energy by zone
    EXPORT = 4  # export by zone
    DEMAND = 8  # demand, of zones and of the billing-demand window
    REACTIVE = 16  # reactive energy, lagging and leading


# Figures of a day or month: those that are sums, then those that are largest.
WH_AT, VAH_AT, EXPORT_AT = 0, TIME_ZONES, 2 * TIME_ZONES
LAG_AT = 3 * TIME_ZONES
LEAD_AT, OUTAGE_MINUTES_AT, OUTAGES_AT = LAG_AT + 1, LAG_AT + 2, LAG_AT + 3
SUMS = LAG_AT + 4
DEMAND_W_AT, DEMAND_VA_AT = SUMS, SUMS + TIME_ZONES
WINDOW_AT = SUMS + 2 * TIME_ZONES
FIGURES = WINDOW_AT + 1
"""A largest power is (W or VA << TIME_BITS) | (LAST_TIME - quarter hours since the month began), 0 for none: so the
larger counts, and of equal ones the earlier."""
TIME_BITS, LAST_TIME = 12, (1 << 12) - 1
assert 31 * QUARTERS <= LAST_TIME

LARGEST = FIGURES - SUMS
"""Figures that are largest powers."""

LACKS_DEMAND, LACKS_CAUSES = 1, 2
"""What a corrected month no longer knows: largest powers, since the largest was taken back; reactive energy and
outages, since nobody says what they were before."""
LACKS_SHIFT, MONTH_MASK = 32, (1 << 32) - 1
"""The word before a month's figures: the month, and what it lacks."""

PART_WORDS, MONTH_WORDS = 8, 19
DAY_OCTETS, SETTLED_OCTETS, MONTH_OCTETS = DAY.itemsize, SETTLED.itemsize, MONTH.itemsize
DAY_WORDS = DAY_OCTETS // 8
assert PART_WORDS * 8 + 4 <= DAY_OCTETS + SETTLED_OCTETS
assert MONTH_WORDS * 8 <= MONTH_OCTETS

SAID_PARTS = 6
assert FIGURES + 1 <= SAID_PARTS * PART_WORDS
assert 2 * (FIGURES + 1) <= SAID_PARTS * MONTH_WORDS

SAID, IMPORT, EXPORT, REACTIVE = 0, 16, 32, 48
"""Number of the first part of each kind."""
INTERVAL_PARTS = QUARTERS // PART_WORDS
HALF = QUARTERS // 2

PART_SHIFT = 56
LARGEST_POINT = (1 << PART_SHIFT) - 1
MARK = 1 << 63
"""Keys of parts: this bit, the part's number, the point. Second slots have ~point, all of whose upper bits are set."""

# A word of import: Wh, VAh, then marks. The other kinds have Wh or varh in the same two places.
WH_BITS, VAH_BITS = 31, 30
OUTAGE_BIT, ACTUAL_WH_BIT, ACTUAL_VAH_BIT = 61, 62, 63


def part_keys(points: Array, parts: Array) -> Array:
    """Keys u64 (n,) of parts i64 (n,) of service points u64 (n,)."""
    return np.uint64(MARK) | parts.astype(np.uint64) << np.uint64(PART_SHIFT) | points


def places_of(start: Array, offset: int) -> Array:
    """Place i64 (n,) of intervals by their start: part and word."""
    quarter = (start + offset) % DAY_SECS // QUARTER_SECS
    place: Array = quarter % 2 * HALF + quarter // 2
    return place
