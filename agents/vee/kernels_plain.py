"""Closed days of a plain meter with gaps or spikes: read into rows of numbers, decided, stored, published.

Most days that lack something, or have a spike, are of a meter that stood there all the time, sends one interval a
place, and whose registers are known at each midnight, or at none after some midnight. They are settled here
(`kernels_gaps`); what differs is left to the general way of `kernels_settle`, which gives the same.
"""

from __future__ import annotations

import numpy as np

from agents.vee.jit import inlined, kernel
from agents.vee.kernels_cells import day_bit, is_amended, read_published, sent_of, slice_of
from agents.vee.kernels_gaps import choose, estimate, fresh_of_good, meet_registers
from agents.vee.kernels_midnights import find_if_any
from agents.vee.kernels_plain_read import energies_of_kind, read_days, read_registers
from agents.vee.kernels_publish import SCALED_TO_REGISTERS, store_position
from agents.vee.kernels_registers import CLOSING_KNOWN, OPENING_KNOWN
from agents.vee.kernels_words import (
    GOOD_AS_SENT,
    is_outside,
    lacks_for_cell,
    lacks_plane,
)
from agents.vee.output import DAYS
from agents.vee.state import (
    ALL_PLANES,
    AMENDED,
    EXPORT,
    MEMBERS,
    MIDNIGHTS,
    NOTHING,
)
from agents.vee.work import (
    CELL_LINE,
    CHANGED_LINE,
    COUNT,
    DEVICE,
    ENERGY,
    FRESH_LINE,
    GAP_LINE,
    GOOD,
    KNOWN,
    METHOD_LINE,
    NEW_LINE,
    ODD,
    ODD_LINE,
    OLD_LINE,
    PICK_LINE,
    PLANES_AT,
    REGISTER,
    SCRATCH,
    SENT_LINE,
    STATE_LINE,
    SUM,
    WORD_LINE,
)
from pipeline.channels import N_ENERGY
from pipeline.codes import FINAL
from pipeline.localtime import DAY_SECS

SETTLED, NOT_PLAIN = 0, -1

GROUP = (1 << MEMBERS) - 1
PLANES = GROUP | GROUP << (AMENDED * MEMBERS) | 1 << MIDNIGHTS
"""Planes that such a meter may have."""


@kernel
def settle_plain(  # type: ignore[no-untyped-def]
    pages, tables, limits, clock, revision, state, slot, first, days, work, readings, days_out, cursor
):
    """SETTLED, NOT_PLAIN, or bits of the planes that are lacking. Nothing is stored unless SETTLED."""
    planes, places = work.pad[PLANES_AT], DAY_SECS // limits.slot_secs
    if not _stood_all_the_time(pages, tables, limits, clock, slot, first, days):
        return NOT_PLAIN
    find_if_any(pages, slot, planes)
    channels = N_ENERGY if planes[EXPORT] >= 0 else 2
    if (pages.hot[slot].chain and not _has_known_planes(planes)) or not (
        read_days(pages, limits, slot, first, days, places, work)
        and read_registers(pages, tables, limits, slot, first, days, channels, state, work)
        and _decide(tables, limits, pages.hot[slot].link, work, days, places, channels)
    ):
        return NOT_PLAIN
    if state == FINAL:
        _write(pages, limits, revision, state, slot, first, 0, places, channels, work, days_out, cursor)
        return SETTLED
    lacking = np.int64(0)
    for day in range(days):
        for item in range(day * places, day * places + work.facts[day, ODD]):
            at = work.lines[ODD_LINE, item]
            if _changes(pages, limits, first * DAY_SECS + at * limits.slot_secs, at, channels, work):
                lacking |= _lacks(pages, limits, first * DAY_SECS + at * limits.slot_secs, at, work)
    if lacking:
        return lacking
    record = pages.hot[slot]
    dirty = record.dirty
    for day in range(days):
        changed = _store(pages, tables, limits, revision, slot, first, day, places, work, readings, cursor)
        bit = day_bit(first + day)
        record.fragile = np.uint8(record.fragile | bit if work.facts[day, COUNT] else record.fragile & ~bit)
        if changed or dirty & bit:
            _write(pages, limits, revision, state, slot, first, day, places, channels, work, days_out, cursor)
    return SETTLED


@kernel
def _has_known_planes(planes):  # type: ignore[no-untyped-def]
    known = True
    for plane in range(1, ALL_PLANES):
        known = known and (planes[plane] < 0 or (PLANES >> plane) & 1 == 1)
    return known


@kernel
def _decide(tables, limits, link, work, days, places, channels):  # type: ignore[no-untyped-def]
    """Whether all of the days could be decided."""
    for day in range(days):
        choose(work.lines, work.facts, day, places, channels, limits.spike_percent, limits.spike_floor)
    order = tables.orders[tables.order_of[link]]
    decided = estimate(
        work.lines, work.facts, days, places, channels, order, limits.slot_secs, limits.linear_secs
    )  # fmt: skip
    for day in range(days):
        decided = decided and meet_registers(work.lines, work.facts, day, places, channels)
    return decided


@inlined
def _stood_all_the_time(pages, tables, limits, clock, slot, first, days):  # type: ignore[no-untyped-def]
    """One meter of one interval a place and without limits of its own, from before the first day to after the last; no
    day was scaled or carried."""
    record = pages.hot[slot]
    begin, end = first * DAY_SECS - limits.offset, (first + days) * DAY_SECS - limits.offset
    plain = record.carried == 0 and record.scaled == 0 and begin >= clock.begin
    if plain and record.link < tables.links.shape[0]:
        link = tables.links[record.link]
        plain = (
            link.plain != 0
            and link.limits == 0
            and link.point == pages.keys[slot]
            and link.start <= begin
            and link.until > end
        )
        return plain and (link.start != begin or link.exchange & OPENING_KNOWN == 0)
    return False


@kernel
def _changes(pages, limits, start, at, channels, work):  # type: ignore[no-untyped-def]
    """Whether an odd interval changes; fills what was published of it, and what is now."""
    lines, planes, cell = work.lines, work.pad[PLANES_AT], work.lines[CELL_LINE, at]
    for channel in range(channels, N_ENERGY):
        lines[NEW_LINE + channel, at], lines[SENT_LINE + channel, at] = 0, 0
    for channel in range(N_ENERGY):
        lines[OLD_LINE + channel, at] = lines[SENT_LINE + channel, at]
    if lines[STATE_LINE, at] == GOOD:
        lines[FRESH_LINE, at] = fresh_of_good(cell)
        for channel in range(channels):
            lines[NEW_LINE + channel, at] = lines[SENT_LINE + channel, at]
    if is_amended(cell) or (cell != GOOD_AS_SENT and (planes[EXPORT] >= 0 or is_outside(lines[WORD_LINE, at]))):
        read_published(pages, planes, slice_of(limits, start), 0, cell, work.pad[SCRATCH])
        for channel in range(N_ENERGY):
            lines[OLD_LINE + channel, at] = work.pad[SCRATCH, channel]
    elif sent_of(cell) == NOTHING:
        lines[OLD_LINE, at], lines[OLD_LINE + 1, at] = energies_of_kind(lines[WORD_LINE, at])
    differs = lines[FRESH_LINE, at] != cell
    for channel in range(N_ENERGY):
        differs = differs or lines[OLD_LINE + channel, at] != lines[NEW_LINE + channel, at]
    lines[CHANGED_LINE, at] = differs
    return differs


@kernel
def _lacks(pages, limits, start, at, work):  # type: ignore[no-untyped-def]
    """Bits of the planes that an interval that changes still needs."""
    lines, planes, energies = work.lines, work.pad[PLANES_AT], work.pad[SCRATCH]
    cell, fresh = lines[CELL_LINE, at], lines[FRESH_LINE, at]
    for channel in range(N_ENERGY):
        energies[channel] = lines[NEW_LINE + channel, at]
    if sent_of(fresh) == NOTHING:
        return lacks_plane(planes, 0, fresh, energies)
    lacking = lacks_plane(planes, AMENDED, GOOD_AS_SENT, energies) if is_amended(fresh) else np.int64(0)
    if fresh != cell:
        lacking |= lacks_for_cell(pages, planes, 0, slice_of(limits, start), fresh)
    return lacking


@kernel
def _store(pages, tables, limits, revision, slot, first, day, places, work, readings, cursor):  # type: ignore[no-untyped-def]
    """Store and publish what changes of a day; whether anything did."""
    lines, changed, position = work.lines, False, work.cells[0]
    for item in range(day * places, day * places + work.facts[day, ODD]):
        at = lines[ODD_LINE, item]
        if not lines[CHANGED_LINE, at]:
            continue
        changed = True
        position.start, position.interval = first * DAY_SECS + at * limits.slot_secs, limits.slot_secs
        position.link, position.state = pages.hot[slot].link, lines[STATE_LINE, at]
        position.cell, position.fresh = lines[CELL_LINE, at], lines[FRESH_LINE, at]
        position.method, position.gap = lines[METHOD_LINE, at], lines[GAP_LINE, at]
        # Of another point, which was settled before, there may be something in the same place.
        position.said, position.told, position.limits = 0, 0, 0
        for channel in range(N_ENERGY):
            position.new[channel] = lines[NEW_LINE + channel, at]
            position.published[channel] = lines[OLD_LINE + channel, at]
        store_position(pages, tables, limits, revision, 0, 0, work, position, readings, cursor)
    return changed


@kernel
def _write(pages, limits, revision, state, slot, first, day, places, channels, work, days_out, cursor):  # type: ignore[no-untyped-def]
    """The settlement row of a day, as `write_day`."""
    lines, facts, out = work.lines, work.facts, days_out[cursor[DAYS]]
    cursor[DAYS] += 1
    begin, count, known = (first + day) * DAY_SECS - limits.offset, facts[day, COUNT], facts[day, KNOWN]
    opens, closes = facts[day, DEVICE] != 0, facts[day + 1, DEVICE] != 0
    out.service_point, out.link = pages.keys[slot], pages.hot[slot].link
    out.start, out.revision, out.state = begin, revision, np.uint8(state)
    bits = (OPENING_KNOWN if opens and facts[day, REGISTER] >= 0 else 0) | (
        CLOSING_KNOWN if closes and facts[day + 1, REGISTER] >= 0 else 0
    )
    out.registers = np.uint8(bits | (SCALED_TO_REGISTERS if known and count else 0))
    for channel in range(N_ENERGY):
        out.opening[channel] = max(facts[day, REGISTER + channel], 0) if opens else 0
        out.closing[channel] = max(facts[day + 1, REGISTER + channel], 0) if closes else 0
        actual = facts[day, SUM + channel] if channel < channels else np.int64(0)
        estimated, suspect = np.int64(0), np.int64(0)
        if channel < channels:
            for item in range(day * places, day * places + count):
                at = lines[PICK_LINE, item]
                estimated += lines[NEW_LINE + channel, at]
                suspect += lines[SENT_LINE + channel, at]
        out.actual[channel], out.estimated[channel], out.suspect[channel] = actual, estimated, suspect
        energy = facts[day, ENERGY + channel] if (known >> channel) & 1 else np.int64(0)
        out.register_energy[channel] = energy
        out.unexplained[channel] = energy - actual - estimated if (known >> channel) & 1 else 0
        out.counts[channel] = np.uint16(0)
    out.counts[0], out.counts[1] = np.uint16(places - count), np.uint16(count)
    for channel in range(2):
        most, place = np.int64(-1), np.int64(-1)
        for at in range(day * places, (day + 1) * places):
            if lines[SENT_LINE + channel, at] > most and lines[STATE_LINE, at] == GOOD:
                most, place = lines[SENT_LINE + channel, at], at - day * places
        out.demand[channel] = max(most, 0)
        out.demand_start[channel] = begin + place * limits.slot_secs if place >= 0 else 0
