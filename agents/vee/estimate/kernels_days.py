"""Methods that look at other days of the series: like days, near days. [first, last] lies within one local day."""

from __future__ import annotations

import numpy as np

from agents.vee.estimate.kernels_line import nearest
from agents.vee.jit import kernel

LIKE = np.array(
    [
        [0, -1, -1, -1, -1],
        [1, 2, 3, 2, 3],
        [2, 1, 3, 3, 1],
        [3, 2, 1, 2, 1],
        [4, -1, -1, -1, -1],
        [5, -1, -1, -1, -1],
        [6, -1, -1, -1, -1],
    ],
    np.int64,
)
"""Domain 3.4, by day type: three day types to look for in a week before, then two for the same week; -1: none."""

FIRST_WEEKS = 4
"""Weeks before that come before the same week; older ones come after it."""


@kernel
def mean_of_days(series, first, last, count, used, out):  # type: ignore[no-untyped-def]
    """out = mean of the same clock interval over days used[:count], which are whole."""
    for at in range(first, last + 1):
        total = np.int64(0)
        for item in range(count):
            total += series.value[series.at[used[item], series.place[at]]]
        out[at] = nearest(total, count)


@kernel
def like_days(series, tuning, first, last, out, used):  # type: ignore[no-untyped-def]
    """E04: the mean of the latest complete days of the same type before this one, within the window.

    Returns their number; the days, counted from the series' first, are in `used`.
    """
    day = series.day[first]
    count = 0
    other = day - 1
    while other >= 0 and other >= day - tuning.window_days and count < tuning.like_days:
        if series.complete[other] and series.day_type[other] == series.day_type[day]:
            used[count] = other
            count += 1
        other -= 1
    if count:
        mean_of_days(series, first, last, count, used, out)
    return count


@kernel
def _of_week(series, monday, kind, day):  # type: ignore[no-untyped-def]
    """The latest complete day of a type in the week that begins at `monday`, other than `day`; -1 when none."""
    other = min(monday + 6, series.complete.size - 1)
    while other >= max(monday, 0):
        if other != day and series.complete[other] and series.day_type[other] == kind:
            return other
        other -= 1
    return np.int64(-1)


@kernel
def _of_weeks(series, day, begin, weeks, step, low, high):  # type: ignore[no-untyped-def]
    """The first day found in `weeks` weeks from the begin-th on, each `step` on, by columns [low, high) of LIKE."""
    monday = day - (series.week + day) % 7
    kind = series.day_type[day]
    for turn in range(weeks):
        for column in range(low, high):
            if LIKE[kind, column] >= 0:
                found = _of_week(series, monday + 7 * (begin + step * turn), LIKE[kind, column], day)
                if found >= 0:
                    return found
    return np.int64(-1)


@kernel
def find_near_day(series, tuning, day):  # type: ignore[no-untyped-def]
    """E05: the first day of the like-day table that is complete; -1 when none.

    Weeks before come first, latest first, then the same week, then older weeks, and at last weeks after: a series that
    is read as a whole has them.
    """
    weeks = tuning.window_days // 7
    near = min(FIRST_WEEKS, weeks)
    found = _of_weeks(series, day, -1, near, -1, 0, 3)
    if found < 0:
        found = _of_weeks(series, day, 0, 1, 1, 3, 5)
    if found < 0:
        found = _of_weeks(series, day, -1 - near, weeks - near, -1, 0, 3)
    if found < 0:
        found = _of_weeks(series, day, 0, weeks + 1, 1, 0, 3)
    return found


@kernel
def near_day(series, tuning, first, last, out, used):  # type: ignore[no-untyped-def]
    """E05: the same clock intervals of one day. Returns 1, or 0 when no day is near."""
    found = find_near_day(series, tuning, series.day[first])
    if found < 0:
        return 0
    used[0] = found
    mean_of_days(series, first, last, 1, used, out)
    return 1
