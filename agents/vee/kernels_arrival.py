"""Decoded rows into the hot window: one call a batch.

A row is judged by itself, stored, and published at once; what the day makes of it is settled at a tick. Most rows are
good, of a meter that needs no planes, and the first of their interval: those take the way that is written out here, the
others that of `kernels_again`. Times in here are local seconds unless they are called epoch.
"""

from __future__ import annotations

import numpy as np

from agents.vee.borrow import borrowed
from agents.vee.jit import inlined, kernel
from agents.vee.kernels_again import enter, take_registers
from agents.vee.kernels_cells import set_dirty, slice_of
from agents.vee.kernels_judge import IN_FUTURE, SUBSTITUTES, SUSPECT, TOO_OLD, judge, outside
from agents.vee.kernels_limits import own_limits
from agents.vee.kernels_links import slot_grid
from agents.vee.kernels_part_rows import ODD, REPEATED
from agents.vee.kernels_parts import in_frame, take_part
from agents.vee.kernels_reading import as_sent, begin_reading
from agents.vee.kernels_words import GOOD_AS_SENT, pack_sent, put_word, word_at
from agents.vee.output import AT, DONE, FULL, LACKING, PLANE_NEEDED, READINGS, REJECTS, SLOT, STATUS
from agents.vee.state import GOOD, WORD
from pipeline.channels import N_ENERGY
from pipeline.codes import REJECT_NUMBER, Flag, Kind
from pipeline.jit import AHEAD, prefetch
from pipeline.localtime import DAY_SECS

WORD_OCTETS = WORD.itemsize
BLOCK, DAILY = int(Kind.BLOCK), int(Kind.DAILY)
OFF_GRID, NOT_ACTUAL = REJECT_NUMBER["OFF_GRID"], REJECT_NUMBER["REGISTER_NOT_ACTUAL"]
HEAD_END = int(Flag.HEAD_END)
TAKEN = 0
LEFT = -1
"""Nothing to publish and nothing to refuse."""


@kernel
def arrive(pages, tables, limits, clock, rows, slots, offset, work, out, refused, cursor):  # type: ignore[no-untyped-def]
    """Take the rows from cursor[AT] on.

    rows: DecodedRows; slots i64 (rows,); offset: of the record, for revisions; work i64 (4, ALL_PLANES): scratch; out
    READING, refused REJECT (rows,). Stops with STATUS PLANE_NEEDED at a row whose point (SLOT) needs planes (LACKING)
    first, and with FULL at one that may make more readings than there is room for.
    """
    pages, tables, rows, slots = borrowed(pages), borrowed(tables), borrowed(rows), borrowed(slots)
    work, out, refused, cursor = borrowed(work), borrowed(out), borrowed(refused), borrowed(cursor)
    cursor[LACKING] = 0
    count = rows.kind.shape[0]
    # What the row before had: divisions are most of what a row costs, and rows of one frame follow each other in time.
    slot, page = np.int64(-1), np.int64(0)
    asked, asked_slice = np.int64(-1), np.int64(limits.slices - 1)
    time, interval, end, moved = np.int64(-1), np.int64(0), np.int64(-1), 0
    start, slice_ = np.int64(-1), np.int64(limits.slices - 1)
    # The frame in which stamps went back, -1: none. Where a call goes on within a frame it may have been that one.
    back = np.int64(rows.frame[cursor[AT]]) if 0 < cursor[AT] < count else np.int64(-1)
    for row in range(cursor[AT], count):
        coming = row + AHEAD
        if coming < count:
            asked, asked_slice = _next_slice(limits, asked, asked_slice, rows.time[coming] + limits.offset - 1)
            place = asked_slice * pages.ring.shape[1] + slots[coming]
            prefetch(tables.links, rows.link[coming])
            prefetch(pages.ring, place * WORD_OCTETS)
        if slots[row] != slot:
            slot = slots[row]
            page = slot // pages.capacity
        verdict = LEFT
        if rows.kind[row] == BLOCK:
            before, step = time, interval
            time, interval = rows.time[row] + limits.offset, np.int64(tables.links[rows.link[row]].interval)
            if interval == step and end >= 0 and time == before + interval:
                end += interval
            elif interval != step or time != before:
                end, moved = _snap(time, interval, limits.tolerance)
            back = _went_back(rows, row, limits, before, time, back)
            if end < 0 or (back >= 0 and _comes_again(rows, row, limits, end)):
                verdict = _cut(
                    pages, tables, limits, clock, rows, row, slot, page, offset, end, moved, work, out, cursor
                )
            else:
                start, slice_ = _next_slice(limits, start, slice_, end - interval)
                verdict = _block(
                    pages, tables, limits, clock, rows, row, slot, page, offset, start, slice_, interval, moved, work,
                    out, cursor,
                )  # fmt: skip
        elif rows.kind[row] == DAILY:
            verdict = _daily(pages, tables, limits, clock, rows, row, slot, work, cursor)
        if cursor[LACKING]:
            cursor[AT], cursor[SLOT] = row, slot
            cursor[STATUS] = PLANE_NEEDED if cursor[LACKING] > 0 else FULL
            return
        if verdict > TAKEN:
            refused[cursor[REJECTS]].row = np.int32(row)
            refused[cursor[REJECTS]].code = np.uint8(verdict)
            cursor[REJECTS] += 1
    cursor[AT], cursor[STATUS] = count, DONE


@inlined
def _went_back(rows, row, limits, before, time, back):  # type: ignore[no-untyped-def]
    """The row's frame when stamps have not risen in it, up to this row of `time` behind one of `before`; else -1."""
    if time <= before + limits.tolerance and row > 0 and rows.frame[row] == rows.frame[row - 1]:
        return np.int64(rows.frame[row])
    return back if back == np.int64(rows.frame[row]) else np.int64(-1)


@inlined
def _next_slice(limits, known, slice_, start):  # type: ignore[no-untyped-def]
    """(start, its slice), from the slice of `known`: without a division for the same place, and for the one behind."""
    if start == known + limits.slot_secs:
        slice_ = slice_ + 1 if slice_ + 1 < limits.slices else np.int64(0)
    elif start != known:
        slice_ = slice_of(limits, start)
    return start, slice_


@kernel
def _snap(time, step, tolerance):  # type: ignore[no-untyped-def]
    """(nearest multiple of step, 1 when moved), or (-1, 0) when none is near."""
    off = time % step
    if off == 0:
        return time, 0
    if off <= tolerance:
        return time - off, 1
    if step - off <= tolerance:
        return time + step - off, 1
    return np.int64(-1), 0


@kernel
def _comes_again(rows, row, limits, end):  # type: ignore[no-untyped-def]
    """A row of the same frame before this one closed the same interval. Of head-ends' rows nothing follows from it."""
    if rows.flags[row] & HEAD_END:
        return False
    for earlier in range(row - 1, -1, -1):
        if rows.frame[earlier] != rows.frame[row]:
            return False
        if in_frame(rows, earlier, row, limits, end):
            return True
    return False


@kernel
def _cut(pages, tables, limits, clock, rows, row, slot, page, offset, end, moved, work, out, cursor):  # type: ignore[no-untyped-def]
    """A row off the grid (end -1), or one of an interval that came in the same frame before: see `kernels_parts`."""
    link, stamp = tables.links[rows.link[row]], rows.time[row] + limits.offset
    interval = np.int64(link.interval)
    if link.limits:
        limits = own_limits(tables, limits, link, (stamp - 1) // DAY_SECS)
    if end >= 0 and not moved:
        first = _first_other(tables, limits, rows, row, end, work)
        start = end - interval
        code = outside(limits, clock, start, end, interval)
        split = start - limits.offset < link.start or end - limits.offset > link.until
        if code or split or first < 0 or judge(rows, row, link, limits, False, work[0]) != GOOD:
            return _block(
                pages, tables, limits, clock, rows, row, slot, page, offset, start, slice_of(limits, start), interval,
                moved, work, out, cursor,
            )  # fmt: skip
        return take_part(pages, tables, limits, clock, rows, row, slot, offset, end, REPEATED, first, work, out, cursor)
    start = stamp - stamp % interval
    code = outside(limits, clock, start, stamp, interval)
    if code:
        return code
    begin = max(start - interval, start - start % DAY_SECS) - limits.offset
    within = begin >= link.start and start + interval - limits.offset <= link.until
    if not within or judge(rows, row, link, limits, False, work[0]) != GOOD:
        return OFF_GRID
    return take_part(pages, tables, limits, clock, rows, row, slot, offset, stamp, ODD, row, work, out, cursor)


@kernel
def _first_other(tables, limits, rows, row, end, work):  # type: ignore[no-untyped-def]
    """First row of the frame that closed the same interval, if one of them has other good values; else -1."""
    first, differs = -1, False
    judge(rows, row, tables.links[rows.link[row]], limits, False, work[0])
    for earlier in range(row - 1, -1, -1):
        if rows.frame[earlier] != rows.frame[row]:
            break
        if in_frame(rows, earlier, row, limits, end) and (
            judge(rows, earlier, tables.links[rows.link[earlier]], limits, False, work[1]) == GOOD
        ):
            first = earlier
            for channel in range(N_ENERGY):
                differs = differs or work[0, channel] != work[1, channel]
    return first if differs else -1


@inlined
def _block(  # type: ignore[no-untyped-def]
    pages, tables, limits, clock, rows, row, slot, page, offset, start, slice_, interval, moved, work, out, cursor
):
    end, link = start + interval, tables.links[rows.link[row]]
    code = outside(limits, clock, start, end, interval)
    if code:
        return code
    split = start - limits.offset < link.start or end - limits.offset > link.until
    if split and _too_coarse(tables, limits, link.point, interval, start, work[3]):
        return OFF_GRID
    own = limits if link.limits == 0 else own_limits(tables, limits, link, start // DAY_SECS)
    sent = judge(rows, row, link, own, split, work[0])
    if link.plain and sent == GOOD and word_at(pages, slice_, slot) == 0 and work[0, 2] == 0 and work[0, 3] == 0:
        word = pack_sent(work[0, 0], work[0, 1])
        if word >= 0:
            _first(
                pages, tables, limits, clock, rows, row, slot, page, offset, start, slice_, word, moved, work[0], out,
                cursor,
            )  # fmt: skip
            return TAKEN
    return enter(pages, tables, limits, clock, rows, row, slot, offset, start, sent, moved, work, out, cursor)


@kernel
def _too_coarse(tables, limits, point, interval, start, grid):  # type: ignore[no-untyped-def]
    """The place is shared with a meter of shorter intervals, whose grid is kept."""
    place = start - start % limits.slot_secs - limits.offset
    slot_grid(tables, point, place, place + limits.slot_secs, grid)
    return grid[2] > 0 and interval > grid[0]


@inlined
def _first(  # type: ignore[no-untyped-def]
    pages, tables, limits, clock, rows, row, slot, page, offset, start, slice_, word_of, moved, billed, out, cursor
):
    """Store and publish a good row whose interval is empty, and that one word holds."""
    put_word(pages, slice_, slot, word_of)
    # As `mark`; the page is known.
    word, bit = slot >> 6, np.uint64(1) << np.uint64(slot & 63)
    pages.ring_changed[slice_, word] |= bit
    pages.ring_dirty[slice_, page] = 1
    reading = out[cursor[READINGS]]
    cursor[READINGS] += 1
    begin_reading(limits, rows, row, tables.links[rows.link[row]].interval, offset, start, reading)
    as_sent(tables, rows, row, GOOD_AS_SENT, moved, billed, reading)
    day = start // DAY_SECS
    if (day + 1) * DAY_SECS <= clock.closed + limits.offset:
        set_dirty(pages, slot, 1 << (day & 7))


@kernel
def _daily(pages, tables, limits, clock, rows, row, slot, work, cursor):  # type: ignore[no-untyped-def]
    """Registers at a midnight, of the device that stood there then."""
    time, _ = _snap(rows.time[row] + limits.offset, DAY_SECS, limits.tolerance)
    if time < 0:
        return OFF_GRID
    link = tables.links[rows.link[row]]
    today = (clock.time + limits.offset) // DAY_SECS
    if time // DAY_SECS <= today - limits.hot_days:
        return TOO_OLD
    ahead = time > clock.time + limits.offset + link.interval + limits.slack
    if time // DAY_SECS > today + 1 or (clock.ticked and ahead):
        return IN_FUTURE
    if not link.start <= time - limits.offset < link.until:
        return LEFT
    if rows.flags[row] & (SUSPECT | SUBSTITUTES):
        return NOT_ACTUAL
    return take_registers(pages, limits, clock, rows, row, slot, time, work, cursor)
