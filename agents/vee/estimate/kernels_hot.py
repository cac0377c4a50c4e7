"""A gap as the stream fills it, within its hot window: what `agents.vee.kernels_estimate` makes of such a day at last.

A day is settled for the last time when the hot window begins with it and the days behind it but one are closed. So a
line has its ends in these days, a like day is their mean, and the nearest good interval is one of theirs.
"""

from __future__ import annotations

import numpy as np

from agents.vee.estimate.model import GOOD
from agents.vee.jit import kernel
from agents.vee.kernels_order import LEAST, LONGEST, METHOD, SHORTEST
from agents.vee.state import LIKE_DAY, LINEAR

LINE, LIKE, CARRY = 0, 1, 2
"""What `how` says of an interval; -1: no method applies."""

LARGEST_PRODUCT = 2**62


@kernel
def hot_day(series, day, first, last, hot_days, order, interval, out, how):  # type: ignore[no-untyped-def]
    """Fill out and how i64 (n,) of the part of the gap [first, last] that lies in `day`, one of the series' days.

    order i64 (steps, STEP): as `kernels_order` has it, with a longest gap in each step.
    """
    places = series.at.shape[1]
    low = day * places
    high = min(low + (hot_days - 1) * places, series.value.size)
    begin, end = max(first, low), min(last, low + places - 1)
    before, after = begin - 1, min(last, high - 1) + 1
    seconds = (after - begin) * interval
    line = before >= low and after < high and series.standing[before] == GOOD and series.standing[after] == GOOD
    for at in range(begin, end + 1):
        out[at], how[at] = np.int64(0), -1
    for number in range(order.shape[0]):
        step = order[number]
        if step[METHOD] == 0:
            return
        if seconds < step[SHORTEST] or seconds > step[LONGEST]:
            continue
        for at in range(begin, end + 1):
            if how[at] != -1:
                continue
            if step[METHOD] == LINEAR:
                if line:
                    _on_line(series, before, after, at, out, how)
            elif step[METHOD] == LIKE_DAY:
                _like_day(series, low, high, places, at, step[LEAST], out, how)
            else:
                _carry(series, low, high, at, out, how)


@kernel
def _on_line(series, before, after, at, out, how):  # type: ignore[no-untyped-def]
    steps, step = after - before, at - before
    out[at] = (series.value[before] * (steps - step) + series.value[after] * step) // steps
    how[at] = LINE


@kernel
def _like_day(series, low, high, places, at, least, out, how):  # type: ignore[no-untyped-def]
    total, count = np.int64(0), 0
    for other in range(low + (at - low) % places, high, places):
        if series.standing[other] == GOOD:
            total += series.value[other]
            count += 1
    if count and count >= least:
        out[at], how[at] = total // count, LIKE


@kernel
def _carry(series, low, high, at, out, how):  # type: ignore[no-untyped-def]
    near = at - 1
    while near >= low and series.standing[near] != GOOD:
        near -= 1
    if near < low:
        near = at + 1
        while near < high and series.standing[near] != GOOD:
            near += 1
    if low <= near < high:
        out[at], how[at] = series.value[near], CARRY
    else:
        out[at], how[at] = np.int64(0), -1


@kernel
def scale_part(series, begin, end, out):  # type: ignore[no-untyped-def]
    """E06: make the estimates out[begin..end] add up to what series.value has there, which registers would say.

    Returns True when they were all 0, and it was spread evenly (E08). Single intervals may be a watt-hour from the
    stream's, which gives what is left over to the largest fractions.
    """
    target, whole = np.int64(0), np.int64(0)
    for at in range(begin, end + 1):
        target += series.value[at]
        whole += out[at]
    flat = whole == 0
    if flat:
        whole = np.int64(end - begin + 1)
    shift = np.int64(0)
    while whole >> shift > LARGEST_PRODUCT // max(np.int64(1), target):
        shift += 1
    upto, given = np.int64(0), np.int64(0)
    for at in range(begin, end + 1):
        upto += np.int64(1) if flat else out[at]
        due = target * (upto >> shift) // max(np.int64(1), whole >> shift)
        out[at] = due - given
        given = due
    return flat
