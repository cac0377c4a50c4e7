"""E02, E10, E11: the check meter, the shape of the class, and neighbours. [first, last] lies within one day."""

from __future__ import annotations

import numpy as np

from agents.vee.estimate.kernels_line import nearest
from agents.vee.estimate.model import GOOD
from agents.vee.jit import kernel

MILLION = 1_000_000
ROOM = 2**62


@kernel
def ratio_of(value, numerator, denominator):  # type: ignore[no-untyped-def]
    """value x numerator / denominator, nearest; large ratios lose their lowest bits. All >= 0, denominator > 0."""
    while value > 0 and numerator > ROOM // (2 * value):
        numerator >>= 1
        denominator >>= 1
    return nearest(value * numerator, max(np.int64(1), denominator))


@kernel
def check_meter(series, tuning, check, standing, first, last, out, used):  # type: ignore[no-untyped-def]
    """E02: check x k, k = ratio of the sums over the latest days before on which both meters are good throughout.

    check: i64 (n,); standing: u1 (n,). Without such a day before, days after count. Returns how many days.
    """
    day, count = series.day[first], 0
    mine, its = np.int64(0), np.int64(0)
    for step in (-1, 1):
        other = day + step
        while count < tuning.check_days and 0 <= other < series.complete.size:
            if series.complete[other] and _good(series, standing, other):
                for place in range(series.at.shape[1]):
                    mine += series.value[series.at[other, place]]
                    its += check[series.at[other, place]]
                used[count] = other
                count += 1
            other += step
        if count:
            break
    if count == 0 or its <= 0 or mine < 0:
        return 0
    for at in range(first, last + 1):
        if standing[at] != GOOD or check[at] < 0:
            return 0
        out[at] = ratio_of(check[at], mine, its)
    return count


@kernel
def _good(series, standing, day):  # type: ignore[no-untyped-def]
    good = 0
    for place in range(series.at.shape[1]):
        good += standing[series.at[day, place]] == GOOD
    return good == series.at.shape[1]


@kernel
def daily_use(series, value, standing, day, reach):  # type: ignore[no-untyped-def]
    """Average daily use over the good intervals within `reach` days of a day, that day left out; -1 without any.

    value: i64 (n,); standing: u1 (n,) of this series or of a neighbour.
    """
    places = series.at.shape[1]
    low, high = max(0, day - reach), min(series.complete.size - 1, day + reach)
    energy, count = np.int64(0), np.int64(0)
    for other in range(low, high + 1):
        if other == day:
            continue
        for place in range(places):
            at = series.at[other, place]
            if at >= 0 and standing[at] == GOOD:
                energy += value[at]
                count += 1
    if count == 0:
        return np.int64(-1)
    return nearest(energy * places, count)


@kernel
def class_profile(series, profile, use, first, last, out):  # type: ignore[no-untyped-def]
    """E10: out = use x share of the class at this day type and place; profile: i64 (7, places), millionths."""
    for at in range(first, last + 1):
        out[at] = nearest(use * profile[series.day_type[series.day[at]], series.place[at]], MILLION)


@kernel
def neighbours(series, tuning, value, standing, first, last, out, used, votes):  # type: ignore[no-untyped-def]
    """E11: out = median over peers of their interval's share of their daily use, times the own daily use.

    value: i64 (p, n); standing: u1 (p, n); votes: i64 (>= 2, > p). Daily use is that of the days around. Each interval
    needs `least_peers` peers that are good there. Returns how many peers the gap goes by, 0: too few; `used` has their
    places.
    """
    day, count = series.day[first], 0
    own = daily_use(series, series.value, series.standing, day, tuning.period_days)
    if own < 0:
        return 0
    for peer in range(value.shape[0]):
        use = daily_use(series, value[peer], standing[peer], day, tuning.period_days)
        if use > 0 and count < votes.shape[1] and count < used.size:
            used[count] = peer
            votes[1, count] = use
            count += 1
    for at in range(first, last + 1):
        good = 0
        for item in range(count):
            peer = used[item]
            if standing[peer, at] != GOOD:
                continue
            share = value[peer, at] * MILLION // votes[1, item]
            place = good
            while place > 0 and votes[0, place - 1] > share:
                votes[0, place] = votes[0, place - 1]
                place -= 1
            votes[0, place] = share
            good += 1
        if good < tuning.least_peers:
            return 0
        middle = votes[0, (good - 1) // 2] + votes[0, good // 2]
        out[at] = nearest(middle * own, 2 * MILLION)
    return count
