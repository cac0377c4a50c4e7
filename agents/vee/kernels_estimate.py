"""Substitutes: spikes found, lines and like days, and whole watt-hours shared out. All integers.

`work` is agents.vee.work.Work; positions [low, high) are a span's intervals.
"""

from __future__ import annotations

import numpy as np

from agents.vee.jit import kernel
from agents.vee.kernels_order import LEAST, METHOD, fits
from agents.vee.state import CARRIED, LIKE_DAY, LINEAR
from agents.vee.work import BAD, GAP, GOOD, NONE, OFFERED, SPIKE
from pipeline.channels import N_ENERGY

LARGEST_PRODUCT = 2**62


@kernel
def is_substituted(state):  # type: ignore[no-untyped-def]
    """The interval is not used as it was sent."""
    return state in (BAD, GAP, SPIKE, OFFERED)


@kernel
def is_estimated(state):  # type: ignore[no-untyped-def]
    """A substitute for it must be found; the head-end's estimates are substitutes already."""
    return state in (BAD, GAP, SPIKE)


@kernel
def is_pattern(position):  # type: ignore[no-untyped-def]
    """Estimates may be made from it."""
    return position.state == GOOD and position.said == 0


@kernel
def find_spikes(work, limits, low, high):  # type: ignore[no-untyped-def]
    """Rule V14 on one day: good intervals of wh_imp that stand too far above the third highest become SPIKE.

    Energy p is one when p > floor and (p - p3) / p3 > ratio, so at most the two highest are. Returns their energy.
    """
    first, second, third = np.int64(-1), np.int64(-1), np.int64(-1)
    for at in range(low, high):
        if work.cells[at].state != GOOD:
            continue
        energy = work.cells[at].sent[0]
        if energy > first:
            first, second, third = energy, first, second
        elif energy > second:
            second, third = energy, second
        elif energy > third:
            third = energy
    taken = np.int64(0)
    if third < 0:
        return taken
    for at in range(low, high):
        energy = work.cells[at].sent[0]
        far = (energy - third) * 100 > limits.spike_percent * third
        if work.cells[at].state == GOOD and energy > limits.spike_floor and far:
            work.cells[at].state = SPIKE
            taken += energy
    return taken


@kernel
def release_spikes(work, low, high):  # type: ignore[no-untyped-def]
    """Good again."""
    for at in range(low, high):
        if work.cells[at].state == SPIKE:
            work.cells[at].state = GOOD


@kernel
def estimate_bases(tables, work, total, per_day):  # type: ignore[no-untyped-def]
    """Fill base, method and gap of every substituted interval among the first `total` positions.

    Methods are tried in the order in force: E03 between good neighbours, on the whole gap; E04, the mean of the other
    closed days' good intervals at the same time of day; the nearest good interval carried on (before, else after); each
    on what those before it left. What is left at last has method 0. An estimate of the head-end is its own base.
    """
    at = 0
    while at < total:
        if not is_estimated(work.cells[at].state):
            if work.cells[at].state == OFFERED:
                _take_offer(work.cells[at])
            at += 1
            continue
        after, seconds, even = at, np.int64(0), True
        last = at
        while after < total and (is_estimated(work.cells[after].state) or work.cells[after].state == NONE):
            if work.cells[after].state != NONE:
                if after > at and work.cells[after].start != work.cells[last].start + work.cells[last].interval:
                    break
                seconds += work.cells[after].interval
                even = even and work.cells[after].interval == work.cells[at].interval
                last = after
            after += 1
        order = tables.orders[tables.order_of[work.cells[at].link]]
        _fill_gap(work, order, total, per_day, at, last, seconds, even)
        at = last + 1


@kernel
def _fill_gap(work, order, total, per_day, first, last, seconds, even):  # type: ignore[no-untyped-def]
    """Fill the gap [first, last] of so many seconds; even: all of its intervals are as long."""
    for at in range(first, last + 1):
        work.cells[at].gap = seconds
    left, linear_secs = True, work.cells[first].linear
    for number in range(order.shape[0]):
        step = order[number]
        if not left or step[METHOD] == 0:
            break
        if not fits(step, seconds, linear_secs):
            continue
        if step[METHOD] == LINEAR:
            left = not (even and _line(work, total, first, last))
            continue
        left = False
        for at in range(first, last + 1):
            position = work.cells[at]
            if position.state == NONE or position.method != 0:
                continue
            if step[METHOD] == LIKE_DAY:
                position.method = _like_day(work, total, per_day, at, step[LEAST])
            else:
                position.method = _carry(work, total, at)
            left = left or position.method == 0
    # A spike never stays for want of a method: others of its day are good, or it would be none.
    for at in range(first, last + 1):
        if work.cells[at].state == SPIKE and work.cells[at].method == 0:
            work.cells[at].method = _carry(work, total, at)


@kernel
def _take_offer(position):  # type: ignore[no-untyped-def]
    for channel in range(N_ENERGY):
        position.base[channel] = position.sent[channel]


@kernel
def _line(work, total, first, last):  # type: ignore[no-untyped-def]
    """E03 between the neighbours of [first, last], of what has no method yet; False when one of the neighbours is not
    good, not adjacent or of another length."""
    before, after = first - 1, last + 1
    while before >= 0 and work.cells[before].state == NONE:
        before -= 1
    while after < total and work.cells[after].state == NONE:
        after += 1
    interval = work.cells[first].interval
    if before < 0 or not is_pattern(work.cells[before]) or work.cells[before].interval != interval:
        return False
    if after >= total or not is_pattern(work.cells[after]) or work.cells[after].interval != interval:
        return False
    steps = (work.cells[after].start - work.cells[before].start) // interval
    if steps * interval != work.cells[last].start + 2 * interval - work.cells[first].start:
        return False
    for at in range(first, last + 1):
        if work.cells[at].state == NONE or work.cells[at].method != 0:
            continue
        step = (work.cells[at].start - work.cells[before].start) // interval
        for channel in range(N_ENERGY):
            low, high = work.cells[before].sent[channel], work.cells[after].sent[channel]
            work.cells[at].base[channel] = (low * (steps - step) + high * step) // steps
        work.cells[at].method = LINEAR
    return True


@kernel
def _like_day(work, total, per_day, at, least):  # type: ignore[no-untyped-def]
    """E04 of at least `least` days; returns the method."""
    position, count = work.cells[at], 0
    for channel in range(N_ENERGY):
        position.base[channel] = 0
    for place in range(at % per_day, total, per_day):
        other = work.cells[place]
        if place != at and is_pattern(other) and other.interval == position.interval:
            count += 1
            for channel in range(N_ENERGY):
                position.base[channel] += other.sent[channel]
    enough = count > 0 and least <= count
    for channel in range(N_ENERGY):
        position.base[channel] = position.base[channel] // count if enough else 0
    return LIKE_DAY if enough else 0


@kernel
def _carry(work, total, at):  # type: ignore[no-untyped-def]
    """The nearest good interval before, else after, in proportion to the length; returns the method."""
    near = at - 1
    while near >= 0 and not is_pattern(work.cells[near]):
        near -= 1
    if near < 0:
        near = at + 1
        while near < total and not is_pattern(work.cells[near]):
            near += 1
        if near == total:
            return 0
    position, good = work.cells[at], work.cells[near]
    for channel in range(N_ENERGY):
        position.base[channel] = good.sent[channel] * position.interval // good.interval
    return CARRIED


@kernel
def share_out(work, count, target, channel):  # type: ignore[no-untyped-def]
    """E06 to the watt-hour: new[pick[i], channel] = target x weight[i] / sum, the remainder to the largest fractions.

    pick, weight: i64 (count,), count > 0, weights >= 0; target >= 0. Of equal fractions the earlier interval comes
    first. Without any weight the target is spread in proportion to the intervals' lengths (E08).
    Returns 1 when it was spread so.
    """
    total, largest, flat = np.int64(0), np.int64(0), 0
    for item in range(count):
        largest = max(largest, work.cells[item].weight)
    while largest > 0 and target > LARGEST_PRODUCT // largest:
        largest >>= 1
        for item in range(count):
            work.cells[item].weight >>= 1
    for item in range(count):
        total += work.cells[item].weight
    if total == 0:
        flat = 1
        for item in range(count):
            work.cells[item].weight = work.cells[work.cells[item].pick].interval
            total += work.cells[item].weight
    left = target
    for item in range(count):
        product = target * work.cells[item].weight
        work.cells[work.cells[item].pick].new[channel] = product // total
        work.cells[item].remainder = product % total
        left -= product // total
    while left > 0:
        best = 0
        for item in range(1, count):
            if work.cells[item].remainder > work.cells[best].remainder:
                best = item
        work.cells[work.cells[best].pick].new[channel] += 1
        work.cells[best].remainder = -1
        left -= 1
    return flat
