"""Closed days: gather, decide, store, publish; one call for all points of a partition."""

from __future__ import annotations

import numpy as np

from agents.vee.borrow import borrowed
from agents.vee.jit import inlined, kernel
from agents.vee.kernels_cells import day_bit, half_of, is_amended, mark_hot, sent_of, slice_of
from agents.vee.kernels_decide import decide
from agents.vee.kernels_gather import gather
from agents.vee.kernels_plain import NOT_PLAIN, settle_plain
from agents.vee.kernels_publish import store_day, write_day
from agents.vee.kernels_quick import quick_day, sum_block
from agents.vee.kernels_registers import carries, carry, find_spans, list_links
from agents.vee.kernels_said_rows import is_said
from agents.vee.kernels_said_spans import heed
from agents.vee.kernels_words import GOOD_AS_SENT, lacks_for_cell, lacks_plane
from agents.vee.output import AT, DAYS, DONE, FULL, PLANE_NEEDED, READINGS, STATUS
from agents.vee.state import AMENDED, CARRY, NOTHING, POINT
from agents.vee.work import BLOCK_SLOTS, CARRIED_DAYS, COUNTS, FIRST_DAY, NONE, PLANES_AT, SCRATCH, WANTED
from pipeline.channels import N_ENERGY
from pipeline.codes import FINAL as FINAL
from pipeline.codes import PROVISIONAL
from pipeline.localtime import DAY_SECS


@kernel
def settle(pages, tables, limits, clock, revision, state, work, readings, days_out, cursor):  # type: ignore[no-untyped-def]
    """Settle every point that has dirty days; from slot cursor[AT] on.

    state FINAL: write the last row of the oldest day of every point instead, and carry its register on.
    What is settled is clean again, or marked as finished, so the kernel may be called again from slot 0 at any time.
    Stops with STATUS FULL, or with PLANE_NEEDED behind the last slot: points of work.wanted lack planes, are as they
    were, and are settled by the next call, from slot 0.
    """
    pages, tables, work = borrowed(pages), borrowed(tables), borrowed(work)
    readings, days_out, cursor = borrowed(readings), borrowed(days_out), borrowed(cursor)
    slots = pages.keys.shape[0]
    first, days = closed_days(limits, clock)
    slot, summed = cursor[AT], np.int64(-1)
    # Points that wait for planes are left from the call before: nothing quick is among them.
    quick = work.pad[COUNTS, WANTED] == 0
    if slot == 0:
        work.pad[COUNTS, WANTED] = 0
    while slot < slots:
        page = pages.page_slot[slot // pages.capacity]
        if state == PROVISIONAL and pages.hot[page].dirty == 0:
            slot += pages.capacity - slot % pages.capacity
            continue
        if _is_due(pages.hot[slot], state):
            if cursor[READINGS] + work.cells.shape[0] > readings.shape[0] or cursor[DAYS] + days > days_out.shape[0]:
                cursor[AT], cursor[STATUS] = slot, FULL
                return
            day = first if state == FINAL else first + days - 1
            alone = quick and _only(pages.hot[slot], state, day)
            if alone and slot // BLOCK_SLOTS != summed:
                summed = slot // BLOCK_SLOTS
                sum_block(pages, limits, clock, summed * BLOCK_SLOTS, day, work.block)
            lacking = _settle_slot(
                pages, tables, limits, clock, revision, state, slot, first, days, day, alone, work, readings, days_out,
                cursor,
            )  # fmt: skip
            if lacking and _want(work, slot, lacking):
                break
            if state == FINAL and not lacking:
                pages.hot[slot].finished = np.uint8(1)
        slot += 1
        if slot % pages.capacity == 0 and state == PROVISIONAL and not _wants(work, slot - pages.capacity):
            pages.hot[page].dirty = np.uint8(0)
            mark_hot(pages, page)
    if work.pad[COUNTS, WANTED]:
        cursor[AT], cursor[STATUS] = slots, PLANE_NEEDED
        return
    if state == FINAL:
        _forget_finished(pages)
    cursor[AT], cursor[STATUS] = slots, DONE


@inlined
def _settle_slot(  # type: ignore[no-untyped-def]
    pages, tables, limits, clock, revision, state, slot, first, days, day, alone, work, readings, days_out, cursor
):
    """The first of three ways that fits; bits of the planes that are lacking, or 0 when it is done."""
    sums = work.block[slot % BLOCK_SLOTS]
    lacking = np.int64(0)
    if not (
        alone and quick_day(pages, tables, limits, clock, revision, state, slot, day, sums, work, days_out, cursor)
    ):
        lacking = settle_plain(
            pages, tables, limits, clock, revision, state, slot, first, days, work, readings, days_out, cursor
        )
        if lacking == NOT_PLAIN:
            lacking = _settle_point(
                pages, tables, limits, clock, revision, state, slot, first, days, work, readings, days_out, cursor
            )
    if lacking == 0 and state == PROVISIONAL:
        _clean(pages, slot)
    return lacking


@kernel
def _want(work, slot, lacking):  # type: ignore[no-untyped-def]
    """Note the planes that a point lacks; whether the list is full now."""
    count = work.pad[COUNTS, WANTED]
    work.wanted[count, 0], work.wanted[count, 1] = slot, lacking
    work.pad[COUNTS, WANTED] = count + 1
    return count + 1 == work.wanted.shape[0]


@inlined
def _wants(work, first):  # type: ignore[no-untyped-def]
    """Some point from slot `first` on waits for planes; slots are noted in their order."""
    count = work.pad[COUNTS, WANTED]
    return count > 0 and work.wanted[count - 1, 0] >= first


@kernel
def _forget_finished(pages):  # type: ignore[no-untyped-def]
    """The mark is for calls that go on from slot 0; no checkpoint sees it."""
    for slot in range(pages.keys.shape[0]):
        if pages.hot[slot].finished:
            pages.hot[slot].finished = np.uint8(0)


@inlined
def _is_due(record, state):  # type: ignore[no-untyped-def]
    return record.kind == POINT and (record.finished == 0 if state == FINAL else record.dirty != 0)


@inlined
def oldest_day(limits, clock):  # type: ignore[no-untyped-def]
    """First local day of the window."""
    return (clock.time + limits.offset) // DAY_SECS - limits.hot_days + 1


@kernel
def closed_days(limits, clock):  # type: ignore[no-untyped-def]
    """(first, count) of the window's closed local days since the log began."""
    first = max(oldest_day(limits, clock), (clock.begin + limits.offset) // DAY_SECS)
    return first, max((clock.closed + limits.offset) // DAY_SECS - first, 0)


@kernel
def _settle_point(  # type: ignore[no-untyped-def]
    pages, tables, limits, clock, revision, state, slot, first, days, work, readings, days_out, cursor
):
    """Bits of the planes that are lacking, or 0 when it is done."""
    record = pages.hot[slot]
    per_day = 2 * (DAY_SECS // limits.slot_secs)
    carried = np.int64(record.carried) if first == oldest_day(limits, clock) else np.int64(0)
    work.pad[COUNTS, FIRST_DAY], work.pad[COUNTS, CARRIED_DAYS] = first, carried
    begin = (first - carried) * DAY_SECS - limits.offset
    list_links(tables, work, pages.keys[slot], begin, (first + days) * DAY_SECS - limits.offset + 1)
    total = gather(pages, tables, limits, clock, slot, work, first, days)
    if is_said(work.pad[PLANES_AT]):
        heed(pages, limits, work, first, total)
    spans = find_spans(pages, tables, limits, slot, work, first, days)
    decide(tables, limits, work, total, per_day, spans)
    if state == FINAL:
        if work.pad[PLANES_AT, CARRY] < 0 and carries(pages, slot, work):
            return 1 << CARRY
        written = write_day(pages, tables, limits, revision, slot, first, 0, per_day, FINAL, work, days_out, cursor)
        for channel in range(N_ENERGY):
            work.pad[SCRATCH, channel] = 0
            if written:
                row = days_out[cursor[DAYS] - 1]
                work.pad[SCRATCH, channel] = row.actual[channel] + row.estimated[channel]
        carry(pages, limits, slot, work, first, work.pad[SCRATCH])
        return 0
    lacking = _lacking(pages, limits, work, total)
    if lacking:
        return lacking
    dirty = record.dirty
    for day in range(days):
        scaled = work.spans[work.spans[day].of_day].scaled
        changed = store_day(
            pages, tables, limits, revision, slot, first + day, day * per_day, per_day, scaled, work, readings, cursor
        )
        if changed or _any_dirty(work, dirty, first, day):
            write_day(pages, tables, limits, revision, slot, first, day, per_day, PROVISIONAL, work, days_out, cursor)
    return 0


@inlined
def _only(record, state, day):  # type: ignore[no-untyped-def]
    """Nothing but `day` is to be settled, and no other day leans on it: none has substitutes or was scaled."""
    return state == FINAL or (record.dirty == day_bit(day) and record.fragile == 0 and record.scaled == 0)


@inlined
def _clean(pages, slot):  # type: ignore[no-untyped-def]
    if pages.hot[slot].dirty:
        pages.hot[slot].dirty = np.uint8(0)
        mark_hot(pages, slot)


@inlined
def _any_dirty(work, dirty, first, day):  # type: ignore[no-untyped-def]
    """Some day of this day's span has changed."""
    span = work.spans[work.spans[day].of_day]
    bits = 0
    for inside in range(span.first, span.last):
        bits |= day_bit(first + inside)
    return dirty & bits != 0


@inlined
def _lacking(pages, limits, work, total):  # type: ignore[no-untyped-def]
    lacking, planes = 0, work.pad[PLANES_AT]
    for at in range(total):
        position = work.cells[at]
        if position.state == NONE:
            continue
        half, cell = half_of(limits, position.start, position.interval), position.fresh
        if sent_of(cell) == NOTHING:
            lacking |= lacks_plane(planes, half, cell, position.new)
            continue
        if is_amended(cell):
            lacking |= lacks_plane(planes, half | AMENDED, GOOD_AS_SENT, position.new)
        if cell != position.cell:
            lacking |= lacks_for_cell(pages, planes, half, slice_of(limits, position.start), cell)
    return lacking
