"""Gaps of one local day of many series tried by every method, compiled: `masks.trial` for a stream.

There is no chance: which intervals are taken away follows from a hash of the series and the day.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agents.vee.estimate.errors import LENGTHS
from agents.vee.estimate.history import Series
from agents.vee.estimate.kernels_days import like_days, near_day
from agents.vee.estimate.kernels_hot import hot_day, scale_part
from agents.vee.estimate.kernels_line import carry, line
from agents.vee.estimate.kernels_season import previous_period
from agents.vee.estimate.kernels_votes import bridge, median_days, spread, weighted_days
from agents.vee.estimate.masks import TIMES, TRIED
from agents.vee.estimate.model import GOOD, LACKS
from agents.vee.jit import kernel
from pipeline.codes import Method
from pipeline.columns import Array
from pipeline.lookup import mix

LINE, LIKE, NEAR, PERIOD, CARRY, WEIGHTED, MEDIAN, BRIDGE = (
    TRIED.index(method)
    for method in (
        Method.LINEAR, Method.LIKE_DAY, Method.NEAR_DAY, Method.PREVIOUS_PERIOD, Method.CARRIED, Method.WEIGHTED_DAYS,
        Method.MEDIAN_DAYS, Method.BRIDGE,
    )
)  # fmt: skip
"""Columns of methods that have all days of the series."""

HOT = (Method.LINEAR, Method.LIKE_DAY, Method.CARRIED, Method.SCALED, Method.FLAT)
"""What the stream makes of a gap, in the columns behind those of TRIED; the first three as `kernels_hot` counts."""
ALONE = HOT[:3]
"""Those that the stream tries; registers make the others of them."""

COLD_COLUMNS, COLUMNS = len(TRIED), len(TRIED) + len(HOT)
SCALED, FLAT = COLD_COLUMNS + HOT.index(Method.SCALED), COLD_COLUMNS + HOT.index(Method.FLAT)

GAPS, WRONG, OVER, ACTUAL, SPREAD = range(5)
"""Last axis of the sums, as `scorecard.Sums`."""
SUMS = 5

LENGTH_SECS = np.array(LENGTHS, np.int64)
SHARES = np.array(TIMES, np.uint64)
MOST_TIMES = max(TIMES)


class Days(NamedTuple):
    """The same of all series that are tried together: d whole local days of n = d x places intervals."""

    place: Array
    """i64 (n,), as `history.Series`, and so on."""
    day: Array
    day_type: Array
    """u1 (d,)"""
    at: Array
    """i64 (d, places)"""
    week: int
    tried: int
    """The day that gaps are taken from, and days before it; counted from the first."""
    interval: int
    """Seconds."""
    hot_days: int
    orders: Array
    """i64 (classes, steps, STEP): orders of the stream as `kernels_order` has them, a longest gap in each step."""
    alone: Array
    """i64 (methods, steps, STEP): of each of the first methods of HOT by itself."""


class Room(NamedTuple):
    """Scratch."""

    complete: Array
    """u1 (d,)"""
    whole: Array
    """u1 (d,): what `complete` was before the gap."""
    out: Array
    """i64 (n,)"""
    how: Array
    """i64 (n,)"""
    used: Array
    """i64: as `history.History`."""
    votes: Array
    """i64 (3, room)"""


@kernel
def gap_of(drawn, length, days):  # type: ignore[no-untyped-def]
    """(first interval, intervals) of the gap that is tried of one of LENGTHS; no intervals: none is.

    drawn u64: hash of series and day. Of short gaps more are tried (`masks.TIMES`). A gap of several days ends with the
    day that is tried.
    """
    places = days.at.shape[1]
    size = LENGTH_SECS[length] // days.interval
    first = np.int64(days.tried * places)
    chance = mix(drawn + np.uint64(length + 1))
    if size == 0 or chance % np.uint64(MOST_TIMES) >= SHARES[length]:
        return first, np.int64(0)
    if size < places:
        return first + np.int64((chance >> np.uint64(32)) % np.uint64(places - size + 1)), size
    first += places - size
    return first, size if first >= 0 else np.int64(0)


@kernel
def attempt(series, tuning, decay, column, first, last, room):  # type: ignore[no-untyped-def]
    """Estimate a gap into room.out by the method of a column of TRIED; False when it does not apply to all of it."""
    if column == LINE:
        return line(series, first, last, room.out, room.used) > 0
    if column == CARRY:
        return carry(series, first, last, room.out, room.used) > 0
    if column == BRIDGE:
        return bridge(series, tuning, decay, first, last, room.out, room.used, room.votes) > 0
    places, low, found = series.at.shape[1], np.int64(first), True
    while low <= last and found:
        high = min(np.int64(last), (low // places + 1) * places - 1)
        if column == LIKE:
            found = like_days(series, tuning, low, high, room.out, room.used) > 0
        elif column == NEAR:
            found = near_day(series, tuning, low, high, room.out, room.used) > 0
        elif column == PERIOD:
            found = previous_period(series, tuning, low, high, room.out, room.used) > 0
        elif column == WEIGHTED:
            found = weighted_days(series, tuning, low, high, room.out, room.used, room.votes) > 0
        else:
            found = median_days(series, tuning, low, high, room.out, room.used, room.votes) > 0
        low = high + 1
    return found


@kernel
def _count(series, first, last, out, sums):  # type: ignore[no-untyped-def]
    for at in range(first, last + 1):
        error = out[at] - series.value[at]
        sums[WRONG] += abs(error)
        sums[OVER] += error
        sums[ACTUAL] += series.value[at]


@kernel
def _try_cold(series, tuning, decay, first, last, room, sums):  # type: ignore[no-untyped-def]
    for column in range(COLD_COLUMNS):
        if attempt(series, tuning, decay, column, first, last, room):
            sums[column, GAPS] += 1
            _count(series, first, last, room.out, sums[column])
            apart = spread(series, tuning, decay, first, last, first, last, room.out, room.votes)
            sums[column, SPREAD] += max(np.int64(0), apart)


@kernel
def _try_hot(series, days, order, first, last, room, sums):  # type: ignore[no-untyped-def]
    """Each method by itself, on the intervals that it applies to; then the order in force, whose estimates are scaled
    where a day has registers."""
    places = series.at.shape[1]
    for method in range(days.alone.shape[0]):
        for day in range(first // places, last // places + 1):
            hot_day(
                series, day, first, last, days.hot_days, days.alone[method], days.interval, room.out, room.how
            )  # fmt: skip
        found = False
        for at in range(first, last + 1):
            if room.how[at] == method:
                _count(series, at, at, room.out, sums[COLD_COLUMNS + method])
                found = True
        sums[COLD_COLUMNS + method, GAPS] += 1 if found else 0
    for day in range(first // places, last // places + 1):
        hot_day(series, day, first, last, days.hot_days, order, days.interval, room.out, room.how)
    scaled, flat = False, False
    for day in range(first // places, last // places + 1):
        if not room.whole[day]:
            continue  # its other intervals are not known, so neither is what is left for the gap
        begin, end = max(first, day * places), min(last, (day + 1) * places - 1)
        if scale_part(series, begin, end, room.out):
            flat = True
            _count(series, begin, end, room.out, sums[FLAT])
        else:
            scaled = True
            _count(series, begin, end, room.out, sums[SCALED])
    sums[SCALED, GAPS] += 1 if scaled else 0
    sums[FLAT, GAPS] += 1 if flat else 0


@kernel
def _is_good(series, first, size):  # type: ignore[no-untyped-def]
    for at in range(first, first + size):
        if series.standing[at] != GOOD:
            return False
    return size > 0


@kernel
def _note_whole_days(series, complete):  # type: ignore[no-untyped-def]
    places = series.at.shape[1]
    for day in range(complete.size):
        complete[day] = 1 if _is_good(series, day * places, places) else 0


@kernel
def try_gaps(values, standings, drawn, groups, orders, days, tuning, decay, room, sums):  # type: ignore[no-untyped-def]
    """Take gaps of one day of each of s series away, each by itself, and add what every method makes of it to the sums.

    values i64 (s, n), standings u1 (s, n): as `model.Grid`; drawn u64 (s,): a hash of series and day; groups i64 (s,):
    which sums of i64 (groups, lengths, COLUMNS, SUMS); orders i64 (s,): which of days.orders. Returns the number of
    gaps.
    """
    tried = 0
    for row in range(values.shape[0]):
        series = Series(
            values[row], standings[row], days.place, days.day, days.day_type, days.at, room.complete, days.week
        )
        _note_whole_days(series, room.complete)
        room.whole[:] = room.complete
        for length in range(LENGTH_SECS.size):
            first, size = gap_of(drawn[row], length, days)
            if not _is_good(series, first, size):
                continue
            tried += 1
            last = first + size - 1
            series.standing[first : last + 1] = LACKS
            room.complete[days.day[first] : days.day[last] + 1] = 0
            _try_cold(series, tuning, decay, first, last, room, sums[groups[row], length])
            _try_hot(series, days, days.orders[orders[row]], first, last, room, sums[groups[row], length])
            series.standing[first : last + 1] = GOOD
            room.complete[:] = room.whole
    return tried
