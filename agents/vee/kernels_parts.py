"""Intervals that a clock set has cut or repeated: put together, by time, from the rows that the meter sent of them.

A meter's stamps lie on the grid of its interval. When its clock is set within one, it closes a part of it at once, with
a stamp off the grid, and goes on to the next boundary of the new clock; set back over a boundary, it comes to the same
stamp again. So, of rows that are good by themselves:

- an *odd* row, stamp off the grid, covers the time from the row before it: the latest stamp that is known of the meter,
  but no more than its interval, and no more than from the local midnight on (days are settled to their registers one
  by one). Its energy goes to the one or two intervals that this time lies in, by seconds, to the watt-hour;
- a *regular* row covers its interval;
- *repeated* rows are those of one stamp that stand in one frame with different values: they all count. Rows of one
  stamp in several frames are two opinions on one interval, as ever: the larger is in force, and V02 says so.

The sum is what was sent for the interval (PARTED). Each row is kept (`kernels_part_rows`) until it leaves the window: a
copy is known by it, and the order of arrival leaves no trace. Times are local seconds.
"""

from __future__ import annotations

import numpy as np

from agents.vee.jit import inlined, kernel
from agents.vee.kernels_cells import (
    MOST,
    day_bit,
    energy_quality,
    find_planes,
    half_of,
    method_of,
    read_published,
    read_sent,
    rules_of,
    scaled_of,
    sent_of,
    set_dirty,
    slice_of,
)
from agents.vee.kernels_judge import judge
from agents.vee.kernels_part_rows import (
    ODD,
    REGULAR,
    REPEATED,
    compare,
    energy_at,
    find,
    forget,
    free_place,
    is_among_repeated,
    is_repeated,
    list_of,
    places,
    put,
    there_is,
)
from agents.vee.kernels_part_time import sum_rows
from agents.vee.kernels_reading import as_sent, begin_reading, note_replaced
from agents.vee.kernels_said import store_behind
from agents.vee.kernels_said_rows import is_said
from agents.vee.kernels_words import cell_of, lacks_any, word_at, write_energies
from agents.vee.output import LACKING, READINGS
from agents.vee.state import (
    AS_SENT,
    CUT_ROWS,
    DOUBTED,
    GOOD,
    KEPT,
    MEMBERS,
    NEGATIVE,
    PARTED,
    RANGE,
    SENT_SHIFT,
    SPLIT,
    TWICE,
)
from pipeline.channels import N_ENERGY
from pipeline.codes import REJECT_NUMBER, Kind
from pipeline.localtime import DAY_SECS

OFF_GRID, SAME_AGAIN = REJECT_NUMBER["OFF_GRID"], REJECT_NUMBER["DUPLICATE_INTERVAL"]
BLOCK = int(Kind.BLOCK)
TAKEN, LEFT = 0, -1

MOST_READINGS = 3
"""Intervals whose value one row can change: its own, and one on either side."""

NO_ROOM = -1
"""In place of lacking planes: there is no room for so many readings."""


# ------------------------------------------------------------------------------------------- rows


@kernel
def _enter(pages, limits, clock, at, stamp, form, energies):  # type: ignore[no-untyped-def]
    """Enter one odd or regular row; (reject's number or TAKEN, whether there is another value of its stamp)."""
    known = find(pages, limits, at, stamp, form)
    if known < 0:
        known = free_place(pages, limits, clock, at, 0)
        if known < 0:
            return OFF_GRID, False
        put(pages, at, known, stamp, form, energies)
        return TAKEN, False
    order = compare(pages, at, known, energies)
    if order > 0:
        put(pages, at, known, stamp, form, energies)
    return (TAKEN, True) if order else (SAME_AGAIN, False)


@kernel
def _enter_repeated(pages, limits, clock, at, stamp, energies):  # type: ignore[no-untyped-def]
    """Enter one of several rows of a stamp, if it is not there."""
    if is_among_repeated(pages, limits, at, stamp, energies):
        return SAME_AGAIN
    place = find(pages, limits, at, stamp, REGULAR)
    if place < 0:
        place = free_place(pages, limits, clock, at, 0)
    if place < 0:
        return OFF_GRID
    put(pages, at, place, stamp, REPEATED, energies)
    return TAKEN


@kernel
def _enter_all(pages, tables, limits, clock, rows, row, first, at, stamp, energies, other):  # type: ignore[no-untyped-def]
    """Enter row `row` and those of the same stamp from row `first` of its frame on; a reject's number, or TAKEN."""
    code = SAME_AGAIN
    for earlier in range(first, row):
        if in_frame(rows, earlier, row, limits, stamp) and (
            judge(rows, earlier, tables.links[rows.link[earlier]], limits, False, other) == GOOD
        ):
            entered = _enter_repeated(pages, limits, clock, at, stamp, other)
            code = entered if entered != SAME_AGAIN else code
    entered = _enter_repeated(pages, limits, clock, at, stamp, energies)
    return entered if entered != SAME_AGAIN else code


@inlined
def in_frame(rows, earlier, row, limits, stamp):  # type: ignore[no-untyped-def]
    """Whether an earlier row is of the same frame as `row`, and of this stamp, within the tolerance."""
    off = rows.time[earlier] + limits.offset - stamp
    return (
        rows.frame[earlier] == rows.frame[row]
        and rows.kind[earlier] == BLOCK
        and -limits.tolerance <= off <= limits.tolerance
    )


@kernel
def _makes_room(pages, limits, clock, planes, at, stamp, own, interval, energies):  # type: ignore[no-untyped-def]
    """Whether there is a place for the odd row of `stamp`.

    The good row of its interval, which so far stands in the ring alone, is entered too: so there must be two.
    """
    if find(pages, limits, at, stamp, ODD) >= 0:
        return True
    half, slice_ = half_of(limits, own, interval), slice_of(limits, own)
    cell = cell_of(word_at(pages, slice_, planes[half * MEMBERS]))
    place = free_place(pages, limits, clock, at, 0)
    if place < 0 or sent_of(cell) != GOOD:
        return place >= 0
    if free_place(pages, limits, clock, at, place + 1) < 0:
        return False
    read_sent(pages, planes, slice_, half, cell, energies)
    put(pages, at, place, own + interval, REGULAR, energies)
    return True


@kernel
def _lacking(pages, limits, planes, at, interval, own, energies, most):  # type: ignore[no-untyped-def]
    """Bits of the planes that an interval with all rows of the point in it would need; most i64 (4,): scratch."""
    half = half_of(limits, own, interval)
    place_of = planes[half * MEMBERS]
    if not there_is(at) or place_of < 0:
        lacking = 0 if place_of >= 0 else 1 << (half * MEMBERS)
        for part in range(2):
            lacking |= 0 if at[part] >= 0 else 1 << (CUT_ROWS + part)
        return lacking
    cell = cell_of(word_at(pages, slice_of(limits, own), place_of))
    read_sent(pages, planes, slice_of(limits, own), half, cell, most)
    for channel in range(N_ENERGY):
        most[channel] = energies[channel] + abs(most[channel])
        for place in range(places(limits, at)):
            most[channel] += energy_at(pages, at, place, channel)
        most[channel] = min(most[channel], MOST)
    lacking = lacks_any(planes, half, most)
    if interval < limits.slot_secs:
        lacking |= lacks_any(planes, 1 - half, most)
    return lacking


@kernel
def take_part(  # type: ignore[no-untyped-def]
    pages, tables, limits, clock, rows, row, slot, offset, stamp, form, first, work, out, cursor
):
    """Enter a good row of the local `stamp`, and publish what it changes; returns a reject's number, or less.

    first: of REPEATED, the first row of the frame that has this stamp. work i64 (4, ALL_PLANES): billed energies, then
    scratch. A regular row comes here when its interval is PARTED. Sets cursor[LACKING] and does nothing when the point
    lacks a plane, or `out` room (NO_ROOM).
    """
    energies, sums, planes, old = work[0], work[1], work[2], work[3]
    interval, at = np.int64(tables.links[rows.link[row]].interval), list_of(pages, slot)
    own = stamp - stamp % interval if form == ODD else stamp - interval
    find_planes(pages, slot, planes)
    cursor[LACKING] = _lacking(pages, limits, planes, at, interval, own, energies, sums)
    if cursor[READINGS] + MOST_READINGS + rows.kind.shape[0] - row > out.shape[0]:
        cursor[LACKING] = NO_ROOM
    if cursor[LACKING]:
        return LEFT
    other = False
    if form == REPEATED:
        code = _enter_all(pages, tables, limits, clock, rows, row, first, at, stamp, energies, sums)
    elif form == REGULAR and is_repeated(pages, limits, at, stamp):
        return SAME_AGAIN if is_among_repeated(pages, limits, at, stamp, energies) else LEFT
    elif form == ODD and not _makes_room(pages, limits, clock, planes, at, stamp, own, interval, old):
        return OFF_GRID
    else:
        code, other = _enter(pages, limits, clock, at, stamp, form, energies)
    if code:
        return code
    for start in range(own - interval, own + 2 * interval, interval):
        if start // DAY_SECS == own // DAY_SECS:
            _publish(
                pages, tables, limits, clock, rows, row, slot, at, offset, start, interval, other and start == own,
                start == own, work, out, cursor,
            )  # fmt: skip
    return TAKEN


# ------------------------------------------------------------------------------------------- intervals


@kernel
def _publish(  # type: ignore[no-untyped-def]
    pages, tables, limits, clock, rows, row, slot, at, offset, start, interval, other, own, work, out, cursor
):
    """Bring the interval from `start` up to its rows, if it has any; `other`: there is another value of one of them."""
    sums, planes, old = work[1], work[2], work[3]
    count, regular, repeated = sum_rows(pages, limits, planes, at, interval, start, sums)
    if count == 0:
        return
    half, slice_ = half_of(limits, start, interval), slice_of(limits, start)
    cell = cell_of(word_at(pages, slice_, planes[half * MEMBERS]))
    alone = count == 1 and regular == 1
    fresh = _fresh(cell, other, alone, repeated > 0)
    if alone:
        forget(pages, at, find(pages, limits, at, start + interval, REGULAR))
    read_sent(pages, planes, slice_, half, cell, old)
    if cell & KEPT == fresh & KEPT and _same(sums, old):
        return
    if is_said(planes):
        if store_behind(
            pages, tables, limits, clock, rows, row, slot, planes, start, interval, cell, fresh, sums, offset, work,
            out, cursor,
        ):  # fmt: skip
            return
        cursor[LACKING] = 0  # it is published for now, and what is said of it when its day is settled
    reading, link = out[cursor[READINGS]], tables.links[rows.link[row]]
    cursor[READINGS] += 1
    begin_reading(limits, rows, row, interval, offset, start, reading)
    scaled = scaled_of(pages, slot, start)
    read_published(pages, planes, slice_, half, cell, old)
    note_replaced(cell, scaled, old, reading)
    as_sent(tables, rows, row, fresh, 0, sums, reading)
    if not own:
        # Voltages and the like are those of the row's own interval.
        reading.source, reading.rules = np.int32(-1), np.uint32(rules_of(fresh))
        reading.method, reading.quality = np.uint8(method_of(fresh)), energy_quality(fresh, scaled, link.present)
    write_energies(pages, planes, half, slice_, fresh, sums)
    day = start // DAY_SECS
    if (day + 1) * DAY_SECS <= clock.closed + limits.offset:
        set_dirty(pages, slot, day_bit(day))


@kernel
def _fresh(cell, other, alone, repeated):  # type: ignore[no-untyped-def]
    """The cell of an interval whose rows are known; `alone`: it is one regular row after all."""
    twice = cell & TWICE
    if other or sent_of(cell) in (NEGATIVE, RANGE, SPLIT, DOUBTED):
        twice = TWICE
    if repeated:
        twice = 0
    return ((GOOD if alone else PARTED) << SENT_SHIFT) | AS_SENT | twice


@kernel
def _same(one, other):  # type: ignore[no-untyped-def]
    same = True
    for channel in range(N_ENERGY):
        same = same and one[channel] == other[channel]
    return same
