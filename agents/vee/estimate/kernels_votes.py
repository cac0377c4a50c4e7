"""E16 to E18: days around a gap, each with a weight; their mean, their median, and the median with the gap's ends.

A household's use is skewed: a kettle is on or it is not. What comes nearest to it on the whole is a median; a mean is
further off, but adds up to the right energy. Days near in time and of like type count more. In E18 the good intervals
on both sides of the gap vote too, and a day counts the more the nearer it came to those two at the same times.
"""

from __future__ import annotations

import numpy as np

from agents.vee.estimate.kernels_line import nearest
from agents.vee.estimate.model import GOOD
from agents.vee.jit import kernel

SAME_TYPE, SAME_KIND, OTHER_KIND = 4, 2, 1
"""Weight of a day of the same type, of another working day or another day of rest, and of any other."""

HALF_DAYS = 5
"""A day so many days away counts half as much as one next to it would."""

WHOLE = 1_000_000
"""A weight of one."""

FIRST_REST = 5
"""Day types from here on are days of rest."""


@kernel
def day_weight(series, day, other):  # type: ignore[no-untyped-def]
    """Weight of one day for another, above zero."""
    one, two = series.day_type[day], series.day_type[other]
    if one == two:
        kind = SAME_TYPE
    elif (one >= FIRST_REST) == (two >= FIRST_REST):
        kind = SAME_KIND
    else:
        kind = OTHER_KIND
    return np.int64(kind * WHOLE * HALF_DAYS // (HALF_DAYS + abs(day - other)))


@kernel
def gather(series, tuning, at, votes):  # type: ignore[no-untyped-def]
    """Good intervals at the same place of the days around: votes[0] values, votes[1] weights, votes[2] intervals.

    votes: i64 (3, room). Returns their number, in order of days.
    """
    day, place = series.day[at], series.place[at]
    count = 0
    low = max(0, day - 7 * tuning.near_weeks)
    high = min(series.complete.size - 1, day + 7 * tuning.near_weeks)
    for other in range(low, high + 1):
        if other == day:
            continue
        found = series.at[other, place]
        if found >= 0 and series.standing[found] == GOOD:
            votes[0, count] = series.value[found]
            votes[1, count] = day_weight(series, day, other)
            votes[2, count] = found
            count += 1
    return count


@kernel
def median_of(votes, count):  # type: ignore[no-untyped-def]
    """Lower weighted median: the least value at which half of the weight is reached. Sorts the votes by value."""
    total = np.int64(0)
    for item in range(count):
        value, weight = votes[0, item], votes[1, item]
        total += weight
        place = item
        while place > 0 and votes[0, place - 1] > value:
            votes[0, place], votes[1, place] = votes[0, place - 1], votes[1, place - 1]
            place -= 1
        votes[0, place], votes[1, place] = value, weight
    below = np.int64(0)
    for item in range(count):
        below += votes[1, item]
        if 2 * below >= total:
            return votes[0, item]
    return votes[0, count - 1]


@kernel
def _name_days(series, votes, count, used):  # type: ignore[no-untyped-def]
    for item in range(count):
        used[item] = series.day[votes[2, item]]
    return count


@kernel
def weighted_days(series, tuning, first, last, out, used, votes):  # type: ignore[no-untyped-def]
    """E16: weighted mean of the days around. Returns how many days the first interval goes by; 0: one has none."""
    named = 0
    for at in range(first, last + 1):
        count = gather(series, tuning, at, votes)
        if count == 0:
            return 0
        if at == first:
            named = _name_days(series, votes, count, used)
        energy, weight = np.int64(0), np.int64(0)
        for item in range(count):
            energy += votes[0, item] * (votes[1, item] // 1000)
            weight += votes[1, item] // 1000
        out[at] = nearest(energy, weight)
    return named


@kernel
def median_days(series, tuning, first, last, out, used, votes):  # type: ignore[no-untyped-def]
    """E17: weighted median of the days around. Returns as `weighted_days`."""
    named = 0
    for at in range(first, last + 1):
        count = gather(series, tuning, at, votes)
        if count == 0:
            return 0
        if at == first:
            named = _name_days(series, votes, count, used)
        out[at] = median_of(votes, count)
    return named


@kernel
def bridge(series, tuning, decay, first, last, out, used, votes):  # type: ignore[no-untyped-def]
    """E18: as E17, with votes of the good intervals next to the gap, and days weighed by how near they came to these.

    decay: i64 (steps,) parts of WHOLE that are left after so many intervals, 0 beyond. Returns as `weighted_days`.
    """
    named = 0
    level = level_around(series, tuning, first, last)
    for at in range(first, last + 1):
        count = gather(series, tuning, at, votes)
        if count == 0:
            return 0
        if at == first:
            named = _name_days(series, votes, count, used)
        out[at] = median_of(votes, _weigh(series, tuning, decay, level, first, last, at, count, votes))
    return named


@kernel
def spread(series, tuning, decay, first, last, low, high, out, votes):  # type: ignore[no-untyped-def]
    """How far the votes of E18 lie from out[low..high] in the mean, by weight, summed over these intervals.

    [first, last] is the gap that they are in. -1 when an interval has no days around.
    """
    total = np.int64(0)
    level = level_around(series, tuning, first, last)
    for at in range(low, high + 1):
        count = gather(series, tuning, at, votes)
        if count == 0:
            return np.int64(-1)
        count = _weigh(series, tuning, decay, level, first, last, at, count, votes)
        apart, weight = np.int64(0), np.int64(0)
        for item in range(count):
            part = max(1, votes[1, item] // 1000)
            apart += abs(votes[0, item] - out[at]) * part
            weight += part
        total += nearest(apart, weight)
    return total


@kernel
def _weigh(series, tuning, decay, level, first, last, at, count, votes):  # type: ignore[no-untyped-def]
    """Weigh the votes by how near their days came to the ends of the gap, and add the ends. Returns how many there are.

    A difference of `level` to one end, next to it, halves a weight.
    """
    size = series.value.size
    before, after = at - first + 1, last + 1 - at
    left, right = np.int64(0), np.int64(0)
    if first > 0 and series.standing[first - 1] == GOOD and before < decay.size:
        left = decay[before]
    if last + 1 < size and series.standing[last + 1] == GOOD and after < decay.size:
        right = decay[after]
    total = np.int64(0)
    for item in range(count):
        apart = np.int64(0)
        other = votes[2, item] - before
        if left > 0 and other >= 0 and series.standing[other] == GOOD:
            apart += abs(series.value[other] - series.value[first - 1]) * (decay[before - 1] // 1000)
        other = votes[2, item] + after
        if right > 0 and other < size and series.standing[other] == GOOD:
            apart += abs(series.value[other] - series.value[last + 1]) * (decay[after - 1] // 1000)
        votes[1, item] = max(1, votes[1, item] * level // (level + apart // 1000))
        total += votes[1, item]
    if left > 0:
        votes[0, count] = series.value[first - 1]
        votes[1, count] = total * tuning.end_thousandths // 1000 * (left // 1000) // 1000
        count += 1
    if right > 0:
        votes[0, count] = series.value[last + 1]
        votes[1, count] = total * tuning.end_thousandths // 1000 * (right // 1000) // 1000
        count += 1
    return count


@kernel
def level_around(series, tuning, first, last):  # type: ignore[no-untyped-def]
    """A tenth of the mean good interval of the days around the gap, at least 1."""
    reach = 7 * tuning.near_weeks * series.at.shape[1]
    energy, count = np.int64(0), np.int64(0)
    for at in range(max(0, first - reach), min(series.value.size, last + reach + 1)):
        if series.standing[at] == GOOD:
            energy += abs(series.value[at])
            count += 1
    return max(np.int64(1), energy // (10 * max(np.int64(1), count)))
