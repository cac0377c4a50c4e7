"""Substitutes of a plain meter's closed days, from rows of numbers: spikes, lines and like days, shares of registers.

The same results as `kernels_decide` and `kernels_estimate`, for days that are spans of their own and whose intervals
are good or lack: positions are those intervals alone, and what is looked at lies together. Whatever needs more (days
scaled to their registers, whole watt-hours put on one interval) is left to the general way, before anything was stored.

lines i64 (LINES, positions) and facts i64 (days + 1, FACTS) are those of `agents.vee.work.Work`.
"""

from __future__ import annotations

import numpy as np

from agents.vee.jit import kernel
from agents.vee.kernels_estimate import LARGEST_PRODUCT
from agents.vee.kernels_order import LEAST, METHOD, fits
from agents.vee.kernels_words import GOOD_AS_SENT
from agents.vee.state import AS_SENT, CARRIED, FLAT, KEPT, LIKE_DAY, LINEAR, SCALED, SPIKE_SCALED
from agents.vee.work import (
    CELL_LINE,
    COUNT,
    ENERGY,
    FRESH_LINE,
    GAP_LINE,
    GOOD,
    KNOWN,
    METHOD_LINE,
    NEW_LINE,
    ODD,
    ODD_LINE,
    PICK_LINE,
    REMAINDER_LINE,
    SENT_LINE,
    SPIKE,
    STATE_LINE,
    SUM,
    WEIGHT_LINE,
)


@kernel
def choose(lines, facts, day, places, channels, percent, floor):  # type: ignore[no-untyped-def]
    """Spikes of a day, where registers do not confirm them, and the lists of what is odd and what is substituted."""
    low, high = day * places, (day + 1) * places
    state, cell, odd, picks = lines[STATE_LINE], lines[CELL_LINE], lines[ODD_LINE], lines[PICK_LINE]
    known, need = facts[day, KNOWN] != 0, facts[day, ENERGY] - facts[day, SUM]
    taken = np.int64(0)
    if not (known and need >= 0):
        taken = _mark_spikes(lines[SENT_LINE], state, low, high, percent, floor)
        if taken and known and need + taken < 0:
            _release(state, low, high)
            taken = np.int64(0)
    if taken:
        facts[day, ODD] = 0
        for at in range(low, high):
            if state[at] == SPIKE:
                for channel in range(channels):
                    facts[day, SUM + channel] -= lines[SENT_LINE + channel, at]
            if state[at] != GOOD or cell[at] != GOOD_AS_SENT:
                odd[low + facts[day, ODD]] = at
                facts[day, ODD] += 1
    count = 0
    for item in range(low, low + facts[day, ODD]):
        if state[odd[item]] != GOOD:
            picks[low + count] = odd[item]
            count += 1
    facts[day, COUNT] = count


@kernel
def _release(state, low, high):  # type: ignore[no-untyped-def]
    for at in range(low, high):
        if state[at] == SPIKE:
            state[at] = GOOD


@kernel
def _mark_spikes(energy, state, low, high, percent, floor):  # type: ignore[no-untyped-def]
    """Rule V14, as `find_spikes`; returns their energy."""
    first, second, third = np.int64(-1), np.int64(-1), np.int64(-1)
    for at in range(low, high):
        if state[at] == GOOD and energy[at] > third:
            if energy[at] > first:
                first, second, third = energy[at], first, second
            elif energy[at] > second:
                second, third = energy[at], second
            else:
                third = energy[at]
    taken = np.int64(0)
    if third < 0 or first <= floor or (first - third) * 100 <= percent * third:
        return taken
    for at in range(low, high):
        far = energy[at] > floor and (energy[at] - third) * 100 > percent * third
        if far and state[at] == GOOD:
            state[at] = SPIKE
            taken += energy[at]
    return taken


@kernel
def estimate(lines, facts, days, places, channels, order, slot_secs, linear_secs):  # type: ignore[no-untyped-def]
    """New energies and methods of all that is substituted, before registers; whether there was one for each.

    order: see `kernels_order`.
    """
    state, after, total = lines[STATE_LINE], 0, days * places
    for day in range(days):
        for item in range(day * places, day * places + facts[day, COUNT]):
            at = lines[PICK_LINE, item]
            if at < after:
                continue
            after = at + 1
            while after < total and state[after] != GOOD:
                after += 1
            if not _fill_gap(lines, at, after, total, places, channels, order, (after - at) * slot_secs, linear_secs):
                return False
    return True


@kernel
def _fill_gap(lines, first, after, total, places, channels, order, seconds, linear_secs):  # type: ignore[no-untyped-def]
    """Fill the gap [first, after) as `kernels_estimate` does; whether each interval has a method."""
    for at in range(first, after):
        lines[METHOD_LINE, at], lines[GAP_LINE, at] = 0, seconds
    for number in range(order.shape[0]):
        step = order[number]
        if step[METHOD] == 0:
            return False
        if not fits(step, seconds, linear_secs):
            continue
        if step[METHOD] == LINEAR:
            if first > 0 and after < total:
                _line(lines, first, after, channels)
                return True
            continue
        left = False
        for at in range(first, after):
            if lines[METHOD_LINE, at] != 0:
                continue
            if step[METHOD] == LIKE_DAY:
                found = _like_day(lines, at, total, places, channels, step[LEAST])
            else:
                found = _carry(lines, at, total, channels)
            left = left or not found
        if not left:
            return True
    return False


@kernel
def _line(lines, at, after, channels):  # type: ignore[no-untyped-def]
    """E03 on what has no method yet of [at, after)."""
    steps = after - at + 1
    for channel in range(channels):
        low, high = lines[SENT_LINE + channel, at - 1], lines[SENT_LINE + channel, after]
        for step in range(1, steps):
            if lines[METHOD_LINE, at + step - 1] == 0:
                lines[NEW_LINE + channel, at + step - 1] = (low * (steps - step) + high * step) // steps
    for inside in range(at, after):
        if lines[METHOD_LINE, inside] == 0:
            lines[METHOD_LINE, inside] = LINEAR


@kernel
def _like_day(lines, at, total, places, channels, least):  # type: ignore[no-untyped-def]
    """E04 of at least `least` days; whether there are so many."""
    state, count = lines[STATE_LINE], 0
    for channel in range(channels):
        lines[NEW_LINE + channel, at] = 0
    for other in range(at % places, total, places):
        if other != at and state[other] == GOOD:
            count += 1
            for channel in range(channels):
                lines[NEW_LINE + channel, at] += lines[SENT_LINE + channel, other]
    if count == 0 or count < least:
        return False
    for channel in range(channels):
        lines[NEW_LINE + channel, at] //= count
    lines[METHOD_LINE, at] = LIKE_DAY
    return True


@kernel
def _carry(lines, at, total, channels):  # type: ignore[no-untyped-def]
    """The nearest good interval before, else after; whether there is one."""
    state, near = lines[STATE_LINE], at - 1
    while near >= 0 and state[near] != GOOD:
        near -= 1
    if near < 0:
        near = at + 1
        while near < total and state[near] != GOOD:
            near += 1
        if near == total:
            return False
    for channel in range(channels):
        lines[NEW_LINE + channel, at] = lines[SENT_LINE + channel, near]
    lines[METHOD_LINE, at] = CARRIED
    return True


@kernel
def meet_registers(lines, facts, day, places, channels):  # type: ignore[no-untyped-def]
    """Scale a day's substitutes to its registers, and say what is published; whether no more than that is needed."""
    first, count, picks = day * places, facts[day, COUNT], lines[PICK_LINE]
    flat, known = False, facts[day, KNOWN]
    for channel in range(channels):
        if (known >> channel) & 1:
            need = facts[day, ENERGY + channel] - facts[day, SUM + channel]
            if need < 0 or (need > 0 and count == 0):
                return False
            if count:
                spread = _share_out(lines, first, count, need, channel)
                if spread < 0:
                    return False
                flat = flat or (channel == 0 and spread == 1)
    for item in range(first, first + count):
        at = picks[item]
        method = lines[METHOD_LINE, at]
        if known:
            method = FLAT if flat else SPIKE_SCALED if lines[STATE_LINE, at] == SPIKE else SCALED
        lines[FRESH_LINE, at] = (lines[CELL_LINE, at] & KEPT) | method
    return True


@kernel
def _share_out(lines, first, count, target, channel):  # type: ignore[no-untyped-def]
    """E06 as `share_out`: 1 when it was spread evenly, else 0; -1: the product is too large."""
    picks, weights, remainders = lines[PICK_LINE], lines[WEIGHT_LINE], lines[REMAINDER_LINE]
    new = lines[NEW_LINE + channel]
    largest, total, flat = np.int64(0), np.int64(0), 0
    for item in range(first, first + count):
        weights[item] = new[picks[item]]
        largest = max(largest, weights[item])
        total += weights[item]
    if largest > 0 and target > LARGEST_PRODUCT // largest:
        return -1
    if total == 0:
        flat, total = 1, count
        for item in range(first, first + count):
            weights[item] = 1
    left = target
    for item in range(first, first + count):
        product = target * weights[item]
        share = product // total
        new[picks[item]], remainders[item] = share, product - share * total
        left -= share
    while left > 0:
        best = first
        for item in range(first + 1, first + count):
            if remainders[item] > remainders[best]:
                best = item
        new[picks[best]] += 1
        remainders[best] = -1
        left -= 1
    return flat


@kernel
def fresh_of_good(cell):  # type: ignore[no-untyped-def]
    """A good interval's cell when it is published as it was sent."""
    return (cell & KEPT) | AS_SENT
