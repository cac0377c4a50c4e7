"""Decoded rows into the hot window: one call a batch.

A row is judged by itself, stored, and published at once; what the day makes of it is settled at a tick.
Times in here are local seconds unless they are called epoch.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from agents.vee.config import DAY_SECS
from agents.vee.kernels_cells import (
    MOST,
    day_bit,
    energy_quality,
    find_planes,
    half_of,
    lacks_plane,
    mark_hot,
    method_of,
    quality_of,
    read_published,
    read_sent,
    remarks,
    rules_of,
    scaled_of,
    sent_of,
    set_dirty,
    slice_of,
    slot_grid,
    stored_form,
    write_cell,
    write_energies,
)
from agents.vee.kernels_registers import replace_carried
from agents.vee.output import AT, DONE, LACKING, PLANE_NEEDED, READINGS, REJECTS, SLOT, STATUS
from agents.vee.state import AS_SENT, EMPTY, GOOD, NEGATIVE, NOTHING, RANGE, SENT_SHIFT, SPLIT, TWICE
from pipeline.channels import CHANNELS, FIRST_PHYSICAL, N_ENERGY
from pipeline.codes import REJECT_NUMBER, RULE_BIT, Flag, Kind, Quality
from pipeline.state import mark

BLOCK, DAILY = int(Kind.BLOCK), int(Kind.DAILY)
TOO_OLD, IN_FUTURE, OFF_GRID, SAME_AGAIN = (
    REJECT_NUMBER[code] for code in ("TOO_OLD", "IN_FUTURE", "OFF_GRID", "DUPLICATE_INTERVAL")
)
TAKEN = 0
LEFT = -1
"""Stored, or not needed, without a reading to publish."""
LACKS = -2
"""A plane must be granted first."""

MOVED = int(Flag.OFF_GRID)
V03 = 1 << RULE_BIT["V03"]
ACTUAL, SUSPECT = int(Quality.ACTUAL), int(Quality.SUSPECT)
N_CHANNELS = len(CHANNELS)


@njit(nogil=True, cache=True)
def arrive(pages, tables, limits, clock, rows, slots, offset, work, out, refused, cursor):  # type: ignore[no-untyped-def]
    """Take the rows from cursor[AT] on.

    rows: DecodedRows; slots i64 (rows,); offset: of the record, for revisions; work i64 (4, 8): scratch.
    Stops with STATUS PLANE_NEEDED at a row whose point (SLOT) needs planes (LACKING) first.
    """
    for row in range(cursor[AT], rows.kind.shape[0]):
        verdict = LEFT
        if rows.kind[row] == BLOCK:
            verdict = _block(pages, tables, limits, clock, rows, row, slots[row], offset, work, out, cursor)
        elif rows.kind[row] == DAILY:
            verdict = _daily(pages, tables, limits, clock, rows, row, slots[row])
        if verdict == LACKS:
            cursor[AT], cursor[STATUS], cursor[SLOT] = row, PLANE_NEEDED, slots[row]
            return
        if verdict > TAKEN:
            refused[cursor[REJECTS]].row = np.int32(row)
            refused[cursor[REJECTS]].code = np.uint8(verdict)
            cursor[REJECTS] += 1
    cursor[AT], cursor[STATUS] = rows.kind.shape[0], DONE


@njit(nogil=True, cache=True)
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


@njit(nogil=True, cache=True)
def _outside(limits, clock, start, end, interval):  # type: ignore[no-untyped-def]
    """Reject code of what the window cannot hold, or TAKEN."""
    now = clock.time + limits.offset
    today = now // DAY_SECS
    if start // DAY_SECS <= today - limits.hot_days:
        return TOO_OLD
    if start // DAY_SECS > today or (clock.ticked and end > now + interval + limits.slack):
        return IN_FUTURE
    return TAKEN


@njit(nogil=True, cache=True)
def _block(pages, tables, limits, clock, rows, row, slot, offset, work, out, cursor):  # type: ignore[no-untyped-def]
    link = tables.links[rows.link[row]]
    interval = np.int64(link.interval)
    end, moved = _snap(rows.time[row] + limits.offset, interval, limits.tolerance)
    if end < 0:
        return OFF_GRID
    start = end - interval
    code = _outside(limits, clock, start, end, interval)
    if code:
        return code
    split = start - limits.offset < link.start or end - limits.offset > link.until
    if split and _too_coarse(tables, limits, link, start, work[3]):
        return OFF_GRID
    billed, stored, planes = work[0], work[1], work[2]
    sent = _judge(rows, row, link, limits, split, billed)
    for channel in range(N_ENERGY):
        stored[channel] = stored_form(billed[channel], sent == NEGATIVE)
    half = half_of(limits, start, interval)
    find_planes(pages, slot, planes)
    lacking = lacks_plane(planes, half, stored)
    if lacking:
        cursor[LACKING] = lacking
        return LACKS
    return _enter(pages, tables, limits, clock, rows, row, slot, offset, start, half, sent, moved, work, out, cursor)


@njit(nogil=True, cache=True)
def _too_coarse(tables, limits, link, start, grid):  # type: ignore[no-untyped-def]
    """The place is shared with a meter of shorter intervals, whose grid is kept."""
    place = start - start % limits.slot_secs - limits.offset
    slot_grid(tables, link.point, place, place + limits.slot_secs, grid)
    return grid[2] > 0 and link.interval > grid[0]


@njit(nogil=True, cache=True)
def _judge(rows, row, link, limits, split, billed):  # type: ignore[no-untyped-def]
    """What was sent, by rules V07 and V09 on the meter's side; billed i64 (4,) = energies times the factor."""
    sent = SPLIT if split else GOOD
    for channel in range(N_ENERGY):
        energy = rows.energy[row, channel] if (rows.present[row] >> np.uint32(channel)) & np.uint32(1) else np.int64(0)
        billed[channel] = energy
        if link.numerator != 1 or link.denominator != 1:
            billed[channel] = energy * link.numerator // link.denominator
        if energy < 0:
            sent = NEGATIVE
        elif sent != NEGATIVE and _beyond(energy, billed[channel], link.limit * limits.range_percent // 100):
            sent = RANGE
    return sent


@njit(nogil=True, cache=True)
def _beyond(energy, billed, limit):  # type: ignore[no-untyped-def]
    """More than the meter can pass (limit 0: not known), or than is kept."""
    return (limit > 0 and energy > limit) or billed > MOST


@njit(nogil=True, cache=True)
def _order(sent, values, other_sent, other_values):  # type: ignore[no-untyped-def]
    """Which of two values of one interval is in force: 1 the first, -1 the other, 0 they are the same.

    A good one before a suspect one, then the larger: wh_imp, vah_imp, wh_exp, vah_exp. Any order of arrival ends in the
    same.
    """
    if (sent == GOOD) != (other_sent == GOOD):
        return 1 if sent == GOOD else -1
    for channel in range(N_ENERGY):
        if values[channel] != other_values[channel]:
            return 1 if values[channel] > other_values[channel] else -1
    if sent != other_sent:
        return 1 if sent < other_sent else -1
    return 0


@njit(nogil=True, cache=True)
def _enter(  # type: ignore[no-untyped-def]
    pages, tables, limits, clock, rows, row, slot, offset, start, half, sent, moved, work, out, cursor
):
    """Store a row and publish it; work: billed, stored, planes, scratch."""
    planes, old = work[2], work[3]
    slice_, place = slice_of(limits, start), planes[half]
    cell = np.int64(pages.cells[slice_, place])
    before = sent_of(cell)
    twice, order = 0, 1
    if before != NOTHING:
        read_sent(pages, planes, slice_, half, cell, old)
        _kept(sent, work[0], work[1])
        order = _order(sent, work[1], before, old)
        if order == 0:
            return SAME_AGAIN
        twice = TWICE
        if order < 0 and cell & TWICE:
            return LEFT
    reading, interval = out[cursor[READINGS]], tables.links[rows.link[row]].interval
    cursor[READINGS] += 1
    read_published(pages, planes, slice_, half, cell, old)
    _publish(pages, limits, rows, row, interval, slot, offset, start, cell, old, reading)
    if order < 0:  # the value in force stays, but from now on it is known that there was another
        _repeat(tables, cell | TWICE, old, reading)
        write_cell(pages, place, slice_, cell | TWICE)
        return TAKEN
    fresh = (sent << SENT_SHIFT) | AS_SENT | (cell & TWICE) | twice
    _as_sent(tables, rows, row, fresh, moved, start - limits.offset, work[0], reading)
    for channel in range(N_ENERGY):
        old[channel] = stored_form(work[0, channel], sent == NEGATIVE)
    write_energies(pages, planes, half, slice_, old)
    write_cell(pages, place, slice_, fresh)
    _note(pages, limits, clock, slot, start, rows.present[row])
    return TAKEN


@njit(nogil=True, cache=True)
def _kept(sent, billed, kept):  # type: ignore[no-untyped-def]
    """What reading the ring would give for `billed`."""
    for channel in range(N_ENERGY):
        magnitude = stored_form(billed[channel], False)
        kept[channel] = -magnitude if sent == NEGATIVE and billed[channel] < 0 else magnitude


@njit(nogil=True, cache=True)
def _note(pages, limits, clock, slot, start, present):  # type: ignore[no-untyped-def]
    """Channels that the meter has; the day is settled again when it is closed."""
    channels = np.uint8(present & np.uint32(15))
    if pages.hot[slot].present | channels != pages.hot[slot].present:
        pages.hot[slot].present |= channels
        mark_hot(pages, slot)
    if (start // DAY_SECS + 1) * DAY_SECS <= clock.closed + limits.offset:
        set_dirty(pages, slot, day_bit(start // DAY_SECS))


@njit(nogil=True, cache=True)
def _publish(pages, limits, rows, row, interval, slot, offset, start, cell, old, reading):  # type: ignore[no-untyped-def]
    """Write what all readings of a frame have, and what it replaces: `cell` with the energies `old`."""
    scaled = scaled_of(pages, slot, start)
    reading.replaces = np.uint8(1 if cell & 15 != EMPTY else 0)
    reading.prior_quality = np.uint8(quality_of(cell, scaled, 0))
    for channel in range(N_ENERGY):
        reading.prior_energy[channel] = old[channel]
    reading.service_point, reading.device = rows.service_point[row], rows.device[row]
    reading.link = rows.link[row]
    reading.interval_start, reading.interval_secs = start - limits.offset, np.uint32(interval)
    reading.revision = (np.uint64(offset) << np.uint64(20)) | np.uint64(row)
    reading.frame, reading.counter = np.int32(rows.frame[row]), rows.counter[row]
    reading.quality = energy_quality(cell, scaled, pages.hot[slot].present)


@njit(nogil=True, cache=True)
def _as_sent(tables, rows, row, cell, moved, epoch, billed, reading):  # type: ignore[no-untyped-def]
    """Complete a reading with the row's own values."""
    present = rows.present[row]
    reading.source = np.int32(row)
    reading.flags = np.uint16(rows.flags[row] | (MOVED if moved else 0))
    reading.method = np.uint8(0)
    rules = rules_of(cell) | remarks(tables, rows.service_point[row], epoch, cell, billed)
    reading.rules = np.uint32(rules | (V03 if moved else 0))
    quality = np.uint64(ACTUAL if sent_of(cell) == GOOD else SUSPECT)
    word = np.uint64(0)
    for channel in range(N_CHANNELS):
        if (present >> np.uint32(channel)) & np.uint32(1):
            word |= (quality if channel < FIRST_PHYSICAL else np.uint64(ACTUAL)) << np.uint64(4 * channel)
    reading.quality = word
    for channel in range(N_ENERGY):
        reading.energy[channel] = billed[channel]


@njit(nogil=True, cache=True)
def _repeat(tables, cell, energies, reading):  # type: ignore[no-untyped-def]
    """Complete a reading with the energies in force, for the mark that there was another value."""
    reading.source = np.int32(-1)
    reading.flags, reading.method = np.uint16(0), np.uint8(method_of(cell))
    told = remarks(tables, reading.service_point, reading.interval_start, cell, energies)
    reading.rules = np.uint32(rules_of(cell) | told)
    for channel in range(N_ENERGY):
        reading.energy[channel] = energies[channel]


@njit(nogil=True, cache=True)
def _daily(pages, tables, limits, clock, rows, row, slot):  # type: ignore[no-untyped-def]
    """Registers at a midnight, of the device that stood there then."""
    time, _ = _snap(rows.time[row] + limits.offset, DAY_SECS, limits.tolerance)
    if time < 0:
        return OFF_GRID
    link = tables.links[rows.link[row]]
    midnight, now = time // DAY_SECS, clock.time + limits.offset
    if midnight <= now // DAY_SECS - limits.hot_days:
        return TOO_OLD
    if midnight > now // DAY_SECS + 1 or (clock.ticked and time > now + link.interval + limits.slack):
        return IN_FUTURE
    if not link.start <= time - limits.offset < link.until:
        return LEFT
    slice_ = midnight % (limits.hot_days + 1)
    known = pages.registers[slice_, slot]
    if pages.hot[slot].carried and midnight == now // DAY_SECS - limits.hot_days + 1:
        replace_carried(pages, slot, slice_)
    if known.device > rows.device[row]:
        return LEFT
    changed, same = _keep_larger(known, rows, row)
    if not changed:
        return SAME_AGAIN if same else LEFT
    mark(pages.registers_changed, pages.registers_dirty, slice_, slot, pages.capacity)
    if time <= clock.closed + limits.offset:
        set_dirty(pages, slot, 255)
    return TAKEN


@njit(nogil=True, cache=True)
def _keep_larger(known, rows, row):  # type: ignore[no-untyped-def]
    """Of two registers of one midnight the larger counts, whatever came first: (changed, all the same)."""
    changed, same = False, True
    if known.device != rows.device[row]:
        known.device = rows.device[row]
        for channel in range(N_ENERGY):
            known.value[channel] = -1
    for channel in range(N_ENERGY):
        if not (rows.present[row] >> np.uint32(channel)) & np.uint32(1):
            continue
        register = rows.energy[row, channel]
        if register > known.value[channel]:
            known.value[channel] = register
            changed = True
        elif register < known.value[channel]:
            same = False
    return changed, same
