"""Closed days: decide what is published, store it, write what has changed, and a row a day."""

from __future__ import annotations

import numpy as np
from numba import njit

from agents.vee.config import DAY_SECS
from agents.vee.kernels_cells import (
    ACTUAL,
    ESTIMATED,
    LACKING,
    apparent_below_active,
    day_bit,
    energy_quality,
    half_of,
    is_amended,
    lacks_plane,
    mark_hot,
    method_of,
    quality_of,
    remarks_export,
    rules_of,
    sent_of,
    slice_of,
    write_cell,
    write_energies,
)
from agents.vee.kernels_decide import decide
from agents.vee.kernels_gather import gather
from agents.vee.kernels_registers import day_registers, find_spans, list_links
from agents.vee.output import AT, DAYS, DONE, FULL, PLANE_NEEDED, PRIORS, READINGS, SLOT, STATUS
from agents.vee.output import LACKING as PLANES_LACKING
from agents.vee.state import AMENDED, EMPTY, GOOD, NOTHING, POINT
from agents.vee.work import BAD, NONE, SPIKE
from agents.vee.work import GOOD as USED
from pipeline.channels import N_ENERGY
from pipeline.codes import RULE_BIT

V32 = 1 << RULE_BIT["V32"]
EXPORT = 2
SCALED_TO_REGISTERS, SEVERAL_DAYS = 4, 8


@njit(nogil=True, cache=True)
def settle(pages, tables, limits, clock, revision, work, out, days_out, cursor):  # type: ignore[no-untyped-def]
    """Settle every point that has dirty days; from slot cursor[AT] on.

    What is settled is clean again, so the kernel may be called again from slot 0 at any time.
    Stops with STATUS FULL or PLANE_NEEDED.
    """
    slots = pages.keys.shape[0]
    first, days = closed_days(limits, clock)
    slot = cursor[AT]
    while slot < slots:
        page = pages.page_slot[slot // pages.capacity]
        if pages.hot[page].dirty == 0:
            slot += pages.capacity - slot % pages.capacity
            continue
        if pages.hot[slot].kind == POINT and pages.hot[slot].dirty:
            if (
                cursor[READINGS] + work.start.shape[0] > out.link.shape[0]
                or cursor[DAYS] + days > days_out.link.shape[0]
            ):
                cursor[AT], cursor[STATUS] = slot, FULL
                return
            lacking = _settle_point(
                pages, tables, limits, clock, revision, slot, first, days, work, out, days_out, cursor
            )
            if lacking:
                cursor[AT], cursor[STATUS], cursor[SLOT], cursor[PLANES_LACKING] = slot, PLANE_NEEDED, slot, lacking
                return
        slot += 1
        if slot % pages.capacity == 0:
            pages.hot[page].dirty = np.uint8(0)
            mark_hot(pages, page)
    cursor[AT], cursor[STATUS] = slots, DONE


@njit(nogil=True, cache=True)
def closed_days(limits, clock):  # type: ignore[no-untyped-def]
    """(first, count) of the window's closed local days since the log began."""
    oldest = (clock.time + limits.offset) // DAY_SECS - limits.hot_days + 1
    first = max(oldest, (clock.begin + limits.offset) // DAY_SECS)
    return first, max((clock.closed + limits.offset) // DAY_SECS - first, 0)


@njit(nogil=True, cache=True)
def _settle_point(  # type: ignore[no-untyped-def]
    pages, tables, limits, clock, revision, slot, first, days, work, out, days_out, cursor
):
    record = pages.hot[slot]
    per_day = 2 * (DAY_SECS // limits.slot_secs)
    begin = first * DAY_SECS - limits.offset
    list_links(tables, work, pages.keys[slot], begin, begin + days * DAY_SECS)
    total = gather(pages, tables, limits, clock, slot, work, first, days)
    spans = find_spans(pages, tables, limits, slot, work, first, days)
    decide(tables, limits, work, total, per_day, spans)
    lacking = 0
    for at in range(total):
        if work.state[at] != NONE:
            half = half_of(limits, work.start[at], work.interval[at])
            lacking |= lacks_plane(work.planes, _kind(work.fresh[at], half), work.new[at])
    if lacking:
        return lacking
    dirty = record.dirty
    for day in range(days):
        scaled = work.span_scaled[work.span_of_day[day]]
        changed = _store_day(
            pages, tables, limits, revision, slot, first + day, day * per_day, per_day, scaled, work, out, cursor
        )
        if changed or dirty & day_bit(first + day):
            _write_day(pages, tables, limits, revision, slot, first, day, per_day, 0, work, days_out, cursor)
    record.dirty = np.uint8(0)
    mark_hot(pages, slot)
    return 0


@njit(nogil=True, cache=True)
def _kind(cell, half):  # type: ignore[no-untyped-def]
    """Planes that hold what is published."""
    return half | AMENDED if is_amended(cell) else half


@njit(nogil=True, cache=True)
def _store_day(pages, tables, limits, revision, slot, day, low, per_day, scaled, work, out, cursor):  # type: ignore[no-untyped-def]
    """Store a day's cells and publish those that changed; returns whether any did."""
    record = pages.hot[slot]
    shift = np.uint32(4 * (day & 7))
    before = np.int64((record.scaled >> shift) & np.uint32(15))
    changed, fragile = False, False
    for at in range(low, low + per_day):
        if work.state[at] == NONE:
            continue
        fragile = fragile or work.state[at] != USED
        if _differs(work, at, before, scaled):
            changed = True
            _store(pages, limits, work, at)
            _publish(pages, tables, limits, revision, slot, before, scaled, work, at, out, cursor)
    record.scaled = (record.scaled & ~(np.uint32(15) << shift)) | (np.uint32(scaled) << shift)
    bit = day_bit(day)
    record.fragile = np.uint8(record.fragile | bit if fragile else record.fragile & ~bit)
    return changed


@njit(nogil=True, cache=True)
def _differs(work, at, before, scaled):  # type: ignore[no-untyped-def]
    if work.fresh[at] != work.cell[at] or (before != scaled and work.state[at] == USED):
        return True
    differs = False
    for channel in range(N_ENERGY):
        differs = differs or work.new[at, channel] != work.published[at, channel]
    return differs


@njit(nogil=True, cache=True)
def _store(pages, limits, work, at):  # type: ignore[no-untyped-def]
    half = half_of(limits, work.start[at], work.interval[at])
    slice_ = slice_of(limits, work.start[at])
    cell = work.fresh[at]
    if sent_of(cell) == NOTHING or is_amended(cell):
        write_energies(pages, work.planes, _kind(cell, half), slice_, work.new[at])
    write_cell(pages, work.planes[half], slice_, cell)


@njit(nogil=True, cache=True)
def _publish(pages, tables, limits, revision, slot, before, scaled, work, at, out, cursor):  # type: ignore[no-untyped-def]
    place, cell, old = cursor[READINGS], work.fresh[at], work.cell[at]
    link = tables.links[work.link[at]]
    if old & 15 != EMPTY:
        prior = cursor[PRIORS]
        out.prior_reading[prior], out.prior_quality[prior] = place, quality_of(old, before, 0)
        for channel in range(N_ENERGY):
            out.prior_energy[prior, channel] = work.published[at, channel]
        cursor[PRIORS] += 1
    epoch = work.start[at] - limits.offset
    out.service_point[place], out.device[place], out.link[place] = link.point, link.device, work.link[at]
    out.interval_start[place], out.interval_secs[place] = epoch, work.interval[at]
    out.revision[place], out.frame[place], out.source[place] = revision, -1, -1
    out.method[place] = method_of(cell)
    rules = rules_of(cell)
    if sent_of(cell) == GOOD and method_of(cell) == 0:
        rules |= apparent_below_active(work.new[at])
        if work.new[at, EXPORT] > 0 and remarks_export(tables, link.point, epoch):
            rules |= V32
    out.rules[place] = rules
    out.quality[place] = energy_quality(cell, scaled, pages.hot[slot].present)
    for channel in range(N_ENERGY):
        out.energy[place, channel] = work.new[at, channel]
    cursor[READINGS] += 1


@njit(nogil=True, cache=True)
def _write_day(pages, tables, limits, revision, slot, first, day, per_day, state, work, out, cursor):  # type: ignore[no-untyped-def]
    """A settlement row, unless no meter stood there."""
    bits, row = day_registers(pages, tables, limits, slot, work, first + day)
    if row < 0:
        return
    place, span = cursor[DAYS], work.span_of_day[day]
    out.service_point[place], out.link[place] = pages.keys[slot], row
    out.start[place] = (first + day) * DAY_SECS - limits.offset
    out.revision[place], out.state[place] = revision, state
    _sum_day(work, day * per_day, per_day, work.span_scaled[span], place, out)
    demand(limits, work, day * per_day, per_day, work.span_scaled[span], place, out)
    known = work.span_known[span]
    if known and work.span_last[span] - work.span_first[span] > 1:
        bits |= SEVERAL_DAYS
    if known and out.counts[place, 1]:
        bits |= SCALED_TO_REGISTERS
    out.registers[place] = bits
    for channel in range(N_ENERGY):
        out.opening[place, channel], out.closing[place, channel] = work.opening[channel], work.closing[channel]
        energy, left = np.int64(0), np.int64(0)
        if (known >> channel) & 1 and not bits & SEVERAL_DAYS:
            energy = work.span_energy[span, channel]
            left = energy - out.actual[place, channel] - out.estimated[place, channel]
        out.register_energy[place, channel], out.unexplained[place, channel] = energy, left
    cursor[DAYS] += 1


@njit(nogil=True, cache=True)
def _sum_day(work, low, per_day, scaled, place, out):  # type: ignore[no-untyped-def]
    """Sums, and counts by the quality of wh_imp."""
    for channel in range(N_ENERGY):
        out.actual[place, channel], out.estimated[place, channel], out.suspect[place, channel] = 0, 0, 0
    for item in range(4):
        out.counts[place, item] = 0
    for item in range(2):
        out.demand[place, item], out.demand_start[place, item] = 0, 0
    for at in range(low, low + per_day):
        if work.state[at] == NONE:
            continue
        for channel in range(N_ENERGY):
            quality = quality_of(work.fresh[at], scaled, channel)
            if quality == ACTUAL:
                out.actual[place, channel] += work.new[at, channel]
            elif quality == ESTIMATED:
                out.estimated[place, channel] += work.new[at, channel]
            if work.state[at] in (BAD, SPIKE):
                out.suspect[place, channel] += work.sent[at, channel]
        quality = quality_of(work.fresh[at], scaled, 0)
        item = 0 if quality == ACTUAL else (1 if quality == ESTIMATED else (2 if quality == LACKING else 3))
        out.counts[place, item] += np.uint16(1)


@njit(nogil=True, cache=True)
def demand(limits, work, low, per_day, scaled, place, out):  # type: ignore[no-untyped-def]
    """Largest actual interval of wh_imp and vah_imp, as the meter sent it; of equals the first."""
    for channel in range(2):
        for at in range(low, low + per_day):
            if work.state[at] == USED and quality_of(work.fresh[at], scaled, channel) == ACTUAL:
                energy = work.sent[at, channel]
                if out.demand_start[place, channel] == 0 or energy > out.demand[place, channel]:
                    out.demand[place, channel] = energy
                    out.demand_start[place, channel] = work.start[at] - limits.offset


@njit(nogil=True, cache=True)
def finish_day(pages, tables, limits, clock, revision, work, days_out, cursor):  # type: ignore[no-untyped-def]
    """Write the last row of the oldest day before it leaves the window; from slot cursor[AT] on. Changes no state.

    Stops with STATUS FULL.
    """
    slots = pages.keys.shape[0]
    per_day = 2 * (DAY_SECS // limits.slot_secs)
    first, days = closed_days(limits, clock)
    leaving = (clock.time + limits.offset) // DAY_SECS - limits.hot_days + 1
    for slot in range(cursor[AT], slots):
        if pages.hot[slot].kind != POINT or first != leaving or days == 0:
            continue
        if cursor[DAYS] >= days_out.link.shape[0]:
            cursor[AT], cursor[STATUS] = slot, FULL
            return
        begin = first * DAY_SECS - limits.offset
        list_links(tables, work, pages.keys[slot], begin, begin + days * DAY_SECS)
        total = gather(pages, tables, limits, clock, slot, work, first, days)
        spans = find_spans(pages, tables, limits, slot, work, first, days)
        decide(tables, limits, work, total, per_day, spans)
        _write_day(pages, tables, limits, revision, slot, first, 0, per_day, 1, work, days_out, cursor)
    cursor[AT], cursor[STATUS] = slots, DONE
