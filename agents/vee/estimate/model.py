"""What an estimate goes by, and what it gives: plain arrays of one channel of one service point."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.codes import Method
from pipeline.columns import Array

# What an interval is to estimates (`Grid.standing`).
LACKS = 0  # absent, or not usable: to be estimated
GOOD = 1  # may be used for estimates
NO_END = 2  # an actual value, but no end point and no reference: an outage fell in it
OUTSIDE = 3  # no meter stood there: neither expected nor estimated

UNKNOWN = -(2**63)
"""No agreed value."""

NO_TEMPERATURE = -(2**31)
"""No temperature of that day."""


NO_U1 = np.zeros(0, np.uint8)
NO_I32 = np.zeros(0, np.int32)
NO_I64 = np.zeros(0, np.int64)
NO_ROWS_U1 = np.zeros((0, 0), np.uint8)
NO_ROWS_I64 = np.zeros((0, 0), np.int64)


class Grid(NamedTuple):
    """A regular grid of n intervals, gaps filled in as absent; d local days, r register readings."""

    start: Array
    """i64 (n,): epoch seconds of each interval's begin, in equal steps of `interval`."""
    interval: int
    """Seconds; divides a day."""
    value: Array
    """i64 (n,): Wh, varh or VAh as sent; undefined where absent."""
    standing: Array
    """u1 (n,): LACKS, GOOD, NO_END or OUTSIDE."""
    place: Array
    """i32 (n,): number of the interval within its local day, by wall clock: a 25-hour day has no extra places."""
    day: Array
    """i32 (n,): local day since 1970-01-01, ascending."""
    day_type: Array
    """u1 (d,): 0 to 6 Monday to Sunday of each day from day[0] to day[-1]; a holiday is 6."""
    register_at: Array = NO_I64
    """i64 (r,): the reading was taken at the start of this interval; n: at the end."""
    register: Array = NO_I64
    """i64 (r,): Wh, times the multiplier already, no rollover left in it."""
    register_good: Array = NO_U1
    """u1 (r,)"""


class Side(NamedTuple):
    """What else is known; a part of no length is not known, and methods that need it are skipped."""

    outage: Array = NO_U1
    """u1 (n,): 1 where the interval lies wholly inside a confirmed outage (E01)."""
    check: Array = NO_I64
    """i64 (n,): what the check meter or redundant channel measured (E02)."""
    check_standing: Array = NO_U1
    """u1 (n,): as Grid.standing."""
    neighbours: Array = NO_ROWS_I64
    """i64 (p, n): peers at the same transformer and of the same class (E11)."""
    neighbours_standing: Array = NO_ROWS_U1
    """u1 (p, n)"""
    temperature: Array = NO_I32
    """i32 (d,): tenths of a degree Celsius of each day, NO_TEMPERATURE where none (E12)."""
    profile: Array = NO_ROWS_I64
    """i64 (7, places): of a day's energy, by day type, parts per million (E10)."""
    zone: Array = NO_U1
    """u1 (n,): time-of-day zone of each interval, from 0 (E07)."""
    zone_register: Array = NO_ROWS_I64
    """i64 (zones, r): the zones' own registers, read at Grid.register_at."""
    zone_register_good: Array = NO_ROWS_U1
    """u1 (zones, r)"""
    agreed: Array = NO_I64
    """i64 (n,): typed values, UNKNOWN where none (E15)."""


class Gap(NamedTuple):
    """What was put into intervals [first, last] of one local day, and from what."""

    first: int
    last: int
    method: Method
    """The method before scaling; NONE: nothing applied, the intervals still lack a value."""
    scaled_numerator: int
    """Estimates were scaled by numerator / denominator (E06, E07); 0 / 0: not scaled."""
    scaled_denominator: int
    inputs: tuple[int, ...]
    """Local days since 1970-01-01, or indices of intervals: `pipeline.codes.Method` in `methods.TABLE` says which."""
    why: str


class Filled(NamedTuple):
    """A series without gaps, as far as a method applied."""

    value: Array
    """i64 (n,): as sent, or the estimate."""
    method: Array
    """u1 (n,): pipeline.codes.Method; 0 where as sent (or still lacking)."""
    expected: Array
    """i32 (n,): expected error in thousandths of the value; 0 where as sent."""
    gaps: list[Gap]
    suspect: Array
    """u1 (n,): 1 where the registers ask for a factor that is hard to believe (E06)."""
