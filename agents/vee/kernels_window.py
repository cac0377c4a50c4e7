"""Rules that look along the intervals of one closed day: spikes (V14), repeated values (V25), changes (V21).

All within the day, so that no other day's readings decide. What is taken out becomes SPIKE and is estimated; what is
only told (information, or a rule in shadow) stands in the day's settlement row, and the readings stay as they are.
"""

from __future__ import annotations

import numpy as np

from agents.vee.jit import kernel
from agents.vee.kernels_cells import V14
from agents.vee.kernels_estimate import find_spikes
from agents.vee.kernels_limits import ESTIMATED, OFF, TOLD, with_row
from agents.vee.work import GOOD, NONE, SPIKE
from pipeline.codes import RULE_BIT

V21, V25 = 1 << RULE_BIT["V21"], 1 << RULE_BIT["V25"]

STANDS_OUT, REPEATS, CHANGED = 32, 64, 128
"""Bits of a settlement row's `registers`: intervals of the day were told of by V14, V25, V21."""


@kernel
def _row_in(work, low, high):  # type: ignore[no-untyped-def]
    """Row of the table of limits at positions [low, high), that of the first interval; 0: no meter stood there."""
    for at in range(low, high):
        if work.cells[at].state != NONE:
            return work.cells[at].limits
    return np.int64(0)


@kernel
def sum_tolerance_of(tables, limits, work, low, high):  # type: ignore[no-untyped-def]
    """V12 of a span, Wh: that of its first day."""
    number = _row_in(work, low, high)
    return tables.limit_rows[number].sum_tolerance if number else np.int64(limits.sum_tolerance)


@kernel
def doubt_day(tables, limits, work, low, high):  # type: ignore[no-untyped-def]
    """V14 and V25 of the day at [low, high): good intervals become SPIKE, or are told of; returns the energy of the
    former, Wh."""
    number = _row_in(work, low, high)
    if number == 0:
        return find_spikes(work, limits, low, high)
    row, taken = tables.limit_rows[number], np.int64(0)
    if row.stuck != OFF:
        taken += _find_stuck(work, row, low, high)
    if row.spike != OFF:
        taken += _find_spikes(work, with_row(limits, row), row, low, high)
    return taken


@kernel
def _find_spikes(work, limits, row, low, high):  # type: ignore[no-untyped-def]
    taken = find_spikes(work, limits, low, high)
    if row.spike == ESTIMATED:
        return taken
    for at in range(low, high):
        repeats = row.stuck == ESTIMATED and work.cells[at].told & V25
        if work.cells[at].state == SPIKE and not repeats:
            work.cells[at].state = GOOD
            work.cells[at].told |= V14
    return np.int64(0)


@kernel
def _find_stuck(work, row, low, high):  # type: ignore[no-untyped-def]
    """V25: the same wh_imp, at least stuck_floor, at least stuck_intervals times in a row: all but the first."""
    taken, begin, length = np.int64(0), np.int64(-1), np.int64(0)
    for at in range(low, high + 1):
        if at < high and work.cells[at].state == NONE:
            continue
        good = at < high and work.cells[at].state == GOOD
        if good and begin >= 0 and work.cells[at].sent[0] == work.cells[begin].sent[0]:
            length += 1
            continue
        if begin >= 0 and length >= row.stuck_intervals and work.cells[begin].sent[0] >= max(row.stuck_floor, 1):
            taken += _doubt_run(work, row.stuck, begin, at)
        begin, length = (np.int64(at), np.int64(1)) if good else (np.int64(-1), np.int64(0))
    return taken


@kernel
def _doubt_run(work, effect, begin, after):  # type: ignore[no-untyped-def]
    """The first of a row of equal values was measured; the others, up to `after`, are doubted."""
    taken = np.int64(0)
    for at in range(begin + 1, after):
        if work.cells[at].state != GOOD:
            continue
        work.cells[at].told |= V25
        if effect == ESTIMATED:
            work.cells[at].state = SPIKE
            taken += work.cells[at].sent[0]
    return taken


@kernel
def forget_stuck(tables, work, low, high):  # type: ignore[no-untyped-def]
    """The registers confirm what was to be estimated: it was no repeated value after all."""
    for at in range(low, high):
        position = work.cells[at]
        if position.state == GOOD and position.told & V25 and tables.limit_rows[position.limits].stuck == ESTIMATED:
            position.told &= ~V25


@kernel
def tell_changes(tables, work, total, per_day):  # type: ignore[no-untyped-def]
    """V21: wh_imp above that of the interval before, by more than change_percent, and above change_floor."""
    for low in range(0, total, per_day):
        row = tables.limit_rows[_row_in(work, low, low + per_day)]
        if row.changed != TOLD:
            continue
        before = np.int64(-1)
        for at in range(low, low + per_day):
            if work.cells[at].state == NONE:
                continue
            if work.cells[at].state != GOOD:
                before = np.int64(-1)
                continue
            energy = work.cells[at].sent[0]
            if before >= 0 and work.cells[before].interval == work.cells[at].interval:
                last = work.cells[before].sent[0]
                if last > 0 and energy > row.change_floor and (energy - last) * 100 > last * row.change_percent:
                    work.cells[at].told |= V21
            before = np.int64(at)


@kernel
def day_told(work, low, per_day):  # type: ignore[no-untyped-def]
    """Bits of a settlement row for what was told of its day, beside what was estimated for it."""
    told = np.int64(0)
    for at in range(low, low + per_day):
        if work.cells[at].state == GOOD:
            told |= work.cells[at].told
    return (STANDS_OUT if told & V14 else 0) | (REPEATS if told & V25 else 0) | (CHANGED if told & V21 else 0)


@kernel
def is_named_anew(tables, position, dirty):  # type: ignore[no-untyped-def]
    """A substitute of V14 or V25 whose reading may say the other: the cell does not, when another value comes late.

    dirty: whether anything of its day has come since it was settled.
    """
    if not dirty or position.state != SPIKE or position.limits == 0:
        return False
    return tables.limit_rows[position.limits].stuck == ESTIMATED


@kernel
def named(rules, position):  # type: ignore[no-untyped-def]
    """`rules` of a cell, of which V14 and V25 look the same."""
    if position.state == SPIKE and position.told & V25:
        return (rules & ~V14) | V25
    return rules
