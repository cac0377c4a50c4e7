"""Which limits hold for a link on a local day, and what follows at arrival and for a day that is whole.

A link names its course; a course is a list of days and rows of the table of limits (`agents.vee.limits`). Course 0 is
that of nearly all links: the thresholds of the topology, as `Limits` has them, for ever. It is asked for nothing here.
"""

from __future__ import annotations

import numpy as np

from agents.vee.jit import inlined, kernel
from agents.vee.kernels_cells import sent_of
from agents.vee.state import DOUBTED, RANGE, Limits
from agents.vee.work import BAD, HELD
from pipeline.localtime import DAY_SECS

OFF, TOLD, ESTIMATED = 0, 1, 2
"""What becomes of a value that fails V14 or V25: it is not looked for; it is counted; it is estimated."""

HOLDS_RANGE, HOLDS_DOUBTED = 1, 2
"""Bits of `held`: a value that fails V09, or that its head-end doubts, is suspect and stays."""


@kernel
def row_of(tables, link, day):  # type: ignore[no-untyped-def]
    """Row of the table of limits for a link (LINK) on a local day."""
    at, after = np.int64(tables.courses[link.limits]), np.int64(tables.courses[link.limits + 1])
    while at + 1 < after and tables.changes[at + 1].day <= day:
        at += 1
    return np.int64(tables.changes[at].row)


@kernel
def with_row(limits, row):  # type: ignore[no-untyped-def]
    """`limits` with what a row (LIMIT) says."""
    return Limits(
        limits.slot_secs,
        limits.slices,
        limits.offset,
        limits.hot_days,
        limits.tolerance,
        limits.slack,
        row.range_percent,
        row.spike_percent,
        row.spike_floor,
        row.linear_secs,
        row.sum_tolerance,
        row.doubted,
    )


@kernel
def own_limits(tables, limits, link, day):  # type: ignore[no-untyped-def]
    """Limits of a link on a local day."""
    return with_row(limits, tables.limit_rows[row_of(tables, link, day)])


@kernel
def take_limits(tables, limits, position):  # type: ignore[no-untyped-def]
    """Say of an interval (CELL) that has been gathered which limits are its own, and hold what they leave in force."""
    position.limits, position.told, position.linear = 0, 0, limits.linear_secs
    link = tables.links[position.link]
    if link.limits == 0:
        return
    position.limits = row_of(tables, link, position.start // DAY_SECS)
    row = tables.limit_rows[position.limits]
    position.linear = row.linear_secs
    if position.state == BAD and _holds(row, sent_of(position.cell)):
        position.state = HELD


@inlined
def _holds(row, sent):  # type: ignore[no-untyped-def]
    return (sent == RANGE and row.held & HOLDS_RANGE != 0) or (sent == DOUBTED and row.held & HOLDS_DOUBTED != 0)


@kernel
def is_held(tables, link, day, sent):  # type: ignore[no-untyped-def]
    """What was sent (see agents.vee.state) by a link (LINK) on a local day is suspect, and in force all the same."""
    return link.limits != 0 and _holds(tables.limit_rows[row_of(tables, link, day)], sent)


@kernel
def is_named_late(tables, link, day):  # type: ignore[no-untyped-def]
    """V14 and V25 both estimate there, and a cell does not say which of them did: the settlement says it again."""
    return link.limits != 0 and tables.limit_rows[row_of(tables, link, day)].stuck == ESTIMATED


@kernel
def is_quick(tables, link, day, sums):  # type: ignore[no-untyped-def]
    """A whole day of a link with limits of its own may be settled from its sums: nothing along it is to be looked at.

    What stands out by its own limits goes the long way; so does what stands out by those of the topology.
    """
    row = tables.limit_rows[row_of(tables, link, day)]
    if row.stuck != OFF or row.changed != OFF:
        return False
    if row.spike == OFF or sums.third < 0 or sums.peak[0] <= row.spike_floor:
        return True
    return (sums.peak[0] - sums.third) * 100 <= row.spike_percent * sums.third
