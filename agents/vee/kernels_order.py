"""In which order the stream tries its methods, on what conditions, and how far off each is expected to be.

Rows of prepared arrays (`agents.vee.estimate.stream`): an order is i64 (STEPS, STEP), filled from the front; a method
of 0 ends it. What the stream can do is LINEAR, LIKE_DAY and CARRIED; registers make SCALED and FLAT of them.
"""

from __future__ import annotations

import numpy as np

from agents.vee.estimate.errors import BOUNDS
from agents.vee.jit import inlined, kernel
from agents.vee.kernels_cells import half_of, method_of, sent_of, slice_of
from agents.vee.kernels_words import cell_of, word_at
from agents.vee.state import EMPTY, GOOD, MANUAL, MEMBERS, NO_SUPPLY, NOTHING, OFFERED, SCALED
from pipeline.codes import NOT_KNOWN, Method, Quality
from pipeline.localtime import DAY_SECS

METHOD, SHORTEST, LONGEST, LEAST = range(4)
"""Places of a step: method (0: no more), seconds of gap from and up to which it is tried, days that it needs."""
STEP, STEPS = 4, 16

OWN = -1
"""LONGEST of a line: the threshold `linear_secs` that holds for the interval."""


SHORT, MIDDLE, LONG = BOUNDS
ESTIMATED = int(Quality.ESTIMATED)
HEAD_END, CLOCK_SET = int(Method.HEAD_END), int(Method.CLOCK_SET)


@inlined
def fits(step, seconds, linear_secs):  # type: ignore[no-untyped-def]
    """Whether a step is for a gap of so many seconds."""
    longest = step[LONGEST] if step[LONGEST] != OWN else linear_secs
    return step[SHORTEST] <= seconds and seconds <= longest


@kernel
def expected_of(tables, link, method, seconds):  # type: ignore[no-untyped-def]
    """Thousandths that an estimate by `method` is expected to be off in a gap of so many seconds, or NOT_KNOWN.

    link: row of the meter that stood there.
    """
    length = 0 if seconds <= SHORT else 1 if seconds <= MIDDLE else 2 if seconds <= LONG else 3
    return np.int64(tables.expected[tables.order_of[link], method, length])


@kernel
def expected_of_sent(tables, link, cell, interval):  # type: ignore[no-untyped-def]
    """The same of what came as an estimate, or was put together: nothing tells how long its gap is."""
    return expected_of(tables, link, HEAD_END if sent_of(cell) == OFFERED else CLOCK_SET, interval)


@kernel
def expected_of_settled(tables, position, quality):  # type: ignore[no-untyped-def]
    """The same of a settled interval (CELL) with this quality of wh_imp; 0: it is no estimate.

    Scaling to registers takes error away: what is not said of SCALED is taken from the method that was scaled. How far
    off a good interval is that contradicted its registers (V12) is not known.
    """
    if quality != ESTIMATED:
        return np.int64(0)
    sent = sent_of(position.fresh)
    if position.gap == 0:
        if sent < OFFERED:
            return np.int64(NOT_KNOWN)
        return expected_of_sent(tables, position.link, position.fresh, position.interval)
    found = expected_of(tables, position.link, method_of(position.fresh), position.gap)
    if found == NOT_KNOWN and position.method:
        found = expected_of(tables, position.link, position.method, position.gap)
    return found


@kernel
def expected_now(pages, tables, limits, clock, planes, link, start, interval, cell, quality):  # type: ignore[no-untyped-def]
    """The same of an interval that is published again before its day is settled; quality: of wh_imp."""
    if quality != ESTIMATED:
        return np.int64(0)
    if sent_of(cell) >= OFFERED:
        return expected_of_sent(tables, link, cell, interval)
    if sent_of(cell) == GOOD and cell & 15 == SCALED:
        return np.int64(NOT_KNOWN)
    seconds = seconds_behind(pages, limits, clock, planes, start, interval)
    return expected_of(tables, link, method_of(cell), seconds)


@kernel
def seconds_behind(pages, limits, clock, planes, start, interval):  # type: ignore[no-untyped-def]
    """Length of the gap that ends with an interval (local start), as far back as the window goes, or the longest bound.

    What comes behind it is not known yet.
    """
    oldest = ((clock.time + limits.offset) // DAY_SECS - limits.hot_days + 1) * DAY_SECS
    seconds, at = np.int64(interval), start - interval
    while at >= oldest and seconds <= LONG:
        own = planes[half_of(limits, at, interval) * MEMBERS]
        if own < 0:
            break
        cell = cell_of(word_at(pages, slice_of(limits, at), own))
        if sent_of(cell) != NOTHING or cell & 15 in (EMPTY, MANUAL, NO_SUPPLY):
            break
        seconds += interval
        at -= interval
    return seconds
