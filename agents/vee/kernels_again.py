"""Rows that are not the first good one of a plain meter's interval: duplicates, suspects, planes, registers."""

from __future__ import annotations

import numpy as np

from agents.vee.jit import kernel
from agents.vee.kernels_cells import (
    day_bit,
    energy_quality,
    find_planes,
    half_of,
    method_of,
    quality_of,
    read_published,
    read_sent,
    rules_of,
    scaled_of,
    sent_of,
    set_dirty,
    slice_of,
    stored_form,
)
from agents.vee.kernels_limits import is_named_late
from agents.vee.kernels_links import remarks
from agents.vee.kernels_midnights import device_at, find_if_any, lacks, load, store
from agents.vee.kernels_order import expected_now
from agents.vee.kernels_part_rows import REGULAR, is_repeated, list_of
from agents.vee.kernels_parts import take_part
from agents.vee.kernels_reading import as_sent, begin_reading, note_replaced
from agents.vee.kernels_registers import replace_carried
from agents.vee.kernels_said import store_behind
from agents.vee.kernels_said_rows import is_said
from agents.vee.kernels_words import (
    cell_of,
    lacks_for_cell,
    lacks_plane,
    read_words,
    word_at,
    write_cell,
    write_energies,
)
from agents.vee.output import LACKING, READINGS
from agents.vee.state import AS_SENT, GOOD, MEMBERS, NEGATIVE, NOTHING, OFFERED, PARTED, SENT_SHIFT, TWICE
from pipeline.channels import N_ENERGY
from pipeline.codes import REJECT_NUMBER
from pipeline.localtime import DAY_SECS

SAME_AGAIN = REJECT_NUMBER["DUPLICATE_INTERVAL"]
ESTIMATE_UNUSED = REJECT_NUMBER["ESTIMATE_UNUSED"]
ALL_DAYS = 255
TAKEN = 0
LEFT = -1


@kernel
def _order(sent, values, other_sent, other_values):  # type: ignore[no-untyped-def]
    """Which of two values of one interval is in force: 1 the first, -1 the other, 0 they are the same.

    A good one before an estimate of the head-end before a suspect one, then the larger: wh_imp, vah_imp, wh_exp,
    vah_exp. Any order of arrival ends in the same.
    """
    rank, other_rank = _rank(sent), _rank(other_sent)
    if rank != other_rank:
        return 1 if rank > other_rank else -1
    for channel in range(N_ENERGY):
        if values[channel] != other_values[channel]:
            return 1 if values[channel] > other_values[channel] else -1
    if sent != other_sent:
        return 1 if sent < other_sent else -1
    return 0


@kernel
def _rank(sent):  # type: ignore[no-untyped-def]
    return 2 if sent in (GOOD, PARTED) else 1 if sent == OFFERED else 0


@kernel
def enter(  # type: ignore[no-untyped-def]
    pages, tables, limits, clock, rows, row, slot, offset, start, sent, moved, work, out, cursor
):
    """Store a row and publish it; work i64 (4, ALL_PLANES): billed energies, then scratch.

    Returns a reject's number, or less. Sets cursor[LACKING] and does nothing when the point lacks a plane.
    """
    billed, kept, planes, old = work[0], work[1], work[2], work[3]
    half, slice_ = half_of(limits, start, tables.links[rows.link[row]].interval), slice_of(limits, start)
    find_planes(pages, slot, planes)
    place = planes[half * MEMBERS]
    if place < 0:
        cursor[LACKING] = 1 << (half * MEMBERS)
        return LEFT
    cell = cell_of(word_at(pages, slice_, place))
    order = 1
    if sent_of(cell) == PARTED and sent == GOOD:
        stamp = start + np.int64(tables.links[rows.link[row]].interval)
        return take_part(pages, tables, limits, clock, rows, row, slot, offset, stamp, REGULAR, row, work, out, cursor)
    if sent_of(cell) != NOTHING:
        read_sent(pages, planes, slice_, half, cell, old)
        _kept(sent, billed, kept)
        order = _order(sent, kept, sent_of(cell), old)
        if order == 0:
            return SAME_AGAIN
        if order < 0 and sent == OFFERED:
            return ESTIMATE_UNUSED
        stamp = start + np.int64(tables.links[rows.link[row]].interval)
        if order < 0 and (cell & TWICE or _is_whole(pages, limits, slot, cell, stamp)):
            return LEFT
    # That a value took the place of an estimate is no contradiction. An estimate in the place of a suspect value keeps
    # in mind that there was one, so that any order of arrival ends in the same.
    twice = TWICE if sent_of(cell) not in (NOTHING, OFFERED) else 0
    fresh = (sent << SENT_SHIFT) | AS_SENT | (cell & TWICE) | twice
    for channel in range(N_ENERGY):
        kept[channel] = stored_form(billed[channel], sent == NEGATIVE)
    if is_said(planes) and _goes_behind(
        pages, tables, limits, clock, rows, row, slot, offset, start, cell, fresh, order, work, out, cursor
    ):
        return LEFT
    cursor[LACKING] = _lacking(pages, planes, half, slice_, cell, fresh, kept, order)
    if cursor[LACKING]:
        return LEFT
    reading, link = out[cursor[READINGS]], tables.links[rows.link[row]]
    cursor[READINGS] += 1
    begin_reading(limits, rows, row, link.interval, offset, start, reading)
    read_published(pages, planes, slice_, half, cell, old)
    note_replaced(cell, scaled_of(pages, slot, start), old, reading)
    if order < 0:  # the value in force stays, but from now on it is known that there was another
        reading.quality = energy_quality(cell, scaled_of(pages, slot, start), link.present)
        _repeat(tables, cell | TWICE, old, reading)
        quality = quality_of(cell, scaled_of(pages, slot, start), 0)
        reading.expected_error = np.uint16(
            expected_now(
                pages, tables, limits, clock, planes, rows.link[row], start, np.int64(link.interval), cell, quality
            )
        )  # fmt: skip
        write_cell(pages, planes, half, slice_, cell | TWICE)
    else:
        as_sent(tables, rows, row, fresh, moved, billed, reading)
        write_energies(pages, planes, half, slice_, fresh, kept)
    changes = order > 0 or is_named_late(tables, link, start // DAY_SECS)
    if changes and (start // DAY_SECS + 1) * DAY_SECS <= clock.closed + limits.offset:
        set_dirty(pages, slot, day_bit(start // DAY_SECS))
    return TAKEN


@kernel
def _lacking(pages, planes, half, slice_, cell, fresh, kept, order):  # type: ignore[no-untyped-def]
    """Bits of the planes that storing the row, or that there was another value, still needs."""
    if order < 0:
        return lacks_for_cell(pages, planes, half, slice_, cell | TWICE)
    return lacks_plane(planes, half, fresh, kept)


@kernel
def _goes_behind(  # type: ignore[no-untyped-def]
    pages, tables, limits, clock, rows, row, slot, offset, start, cell, fresh, order, work, out, cursor
):
    """The interval is edited or discarded: the row is stored behind that, unless cursor[LACKING] says that a plane is
    missing. order below 0: all that is new is that there was another value."""
    kept, planes = work[1], work[2]
    interval = np.int64(tables.links[rows.link[row]].interval)
    if order < 0:
        fresh = cell | TWICE
        read_words(pages, planes, half_of(limits, start, interval), slice_of(limits, start), False, kept)
    behind = store_behind(
        pages, tables, limits, clock, rows, row, slot, planes, start, interval, cell, fresh, kept, offset, work, out,
        cursor,
    )  # fmt: skip
    return behind or cursor[LACKING] != 0


@kernel
def _is_whole(pages, limits, slot, cell, stamp):  # type: ignore[no-untyped-def]
    """One frame has shown all rows of a repeated interval, so that another value is no second opinion."""
    return sent_of(cell) == PARTED and is_repeated(pages, limits, list_of(pages, slot), stamp)


@kernel
def _kept(sent, billed, kept):  # type: ignore[no-untyped-def]
    """What reading the ring would give for `billed`."""
    for channel in range(N_ENERGY):
        magnitude = stored_form(billed[channel], False)
        kept[channel] = -magnitude if sent == NEGATIVE and billed[channel] < 0 else magnitude


@kernel
def _repeat(tables, cell, energies, reading):  # type: ignore[no-untyped-def]
    """Complete a reading with the energies in force, for the mark that there was another value."""
    reading.source = np.int32(-1)
    reading.flags, reading.method = np.uint16(0), np.uint8(method_of(cell))
    told = remarks(tables, reading.service_point, reading.interval_start, cell, energies)
    reading.rules = np.uint32(rules_of(cell) | told)
    for channel in range(N_ENERGY):
        reading.energy[channel] = energies[channel]


@kernel
def take_registers(pages, limits, clock, rows, row, slot, time, work, cursor):  # type: ignore[no-untyped-def]
    """Keep the registers of local midnight `time`; work i64 (4, ALL_PLANES): scratch.

    Sets cursor[LACKING] and does nothing when the point lacks a plane.
    """
    midnight, today = time // DAY_SECS, (clock.time + limits.offset) // DAY_SECS
    slice_ = midnight % (limits.hot_days + 1)
    values, planes = work[0], work[2]
    find_if_any(pages, slot, planes)
    if pages.hot[slot].carried and midnight == today - limits.hot_days + 1:
        replace_carried(pages, slot, slice_, planes)
    device = device_at(pages, slot, planes, slice_)
    load(pages, slot, planes, slice_, values)
    if device > rows.device[row]:
        return LEFT
    changed, same = _keep_larger(device, values, rows, row)
    if not changed:
        return SAME_AGAIN if same else LEFT
    cursor[LACKING] = lacks(pages, slot, planes, slice_, rows.device[row], values)
    if cursor[LACKING]:
        return LEFT
    store(pages, slot, planes, slice_, rows.device[row], values)
    closed, begin = clock.closed + limits.offset, clock.begin + limits.offset
    if time <= closed and closed // DAY_SECS > begin // DAY_SECS:
        set_dirty(pages, slot, ALL_DAYS)
    return TAKEN


@kernel
def _keep_larger(device, values, rows, row):  # type: ignore[no-untyped-def]
    """Of two registers of one midnight the larger counts, whatever came first: (changed, all the same)."""
    changed, same = False, True
    if device != rows.device[row]:
        for channel in range(N_ENERGY):
            values[channel] = -1
    for channel in range(N_ENERGY):
        if not (rows.present[row] >> np.uint32(channel)) & np.uint32(1):
            continue
        register = rows.energy[row, channel]
        if register > values[channel]:
            values[channel] = register
            changed = True
        elif register < values[channel]:
            same = False
    return changed, same
