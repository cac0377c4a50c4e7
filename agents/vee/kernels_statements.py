"""Statements into the hot window: edits, withdrawals, what is discarded, outages. One call a batch.

A statement is kept (`kernels_said_rows`), and the interval published anew at once; its day, when it is closed, is
settled again at the next tick, as for any late row. Times are local seconds unless they are called epoch.
"""

from __future__ import annotations

import numpy as np

from agents.vee.borrow import borrowed
from agents.vee.jit import inlined, kernel
from agents.vee.kernels_cells import MOST, find_planes, half_of
from agents.vee.kernels_judge import IN_FUTURE, TOO_OLD, outside
from agents.vee.kernels_links import slot_grid
from agents.vee.kernels_said import restate, settle_again
from agents.vee.kernels_said_rows import (
    DISCARD,
    EDIT,
    KEPT_SECS,
    LONGEST,
    OUTAGE,
    SECS,
    WITHDRAW,
    edited_energies,
    find_said,
    free_said,
    in_force,
    is_newer,
    put_said,
    said_energy,
    said_kind,
    said_number,
    said_present,
)
from agents.vee.kernels_words import GOOD_AS_SENT, lacks_plane
from agents.vee.output import AT, DONE, FULL, LACKING, PLANE_NEEDED, READINGS, REJECTS, SLOT, STATUS
from agents.vee.state import AMENDED, MEMBERS, SAID, SAID_PLANES
from pipeline.channels import N_ENERGY
from pipeline.codes import REJECT_NUMBER
from pipeline.localtime import DAY_SECS
from pipeline.lookup import find

NO_POINT, NO_INTERVAL = REJECT_NUMBER["STATEMENT_POINT"], REJECT_NUMBER["STATEMENT_INTERVAL"]
NO_VALUE, NO_ROOM = REJECT_NUMBER["STATEMENT_VALUE"], REJECT_NUMBER["STATEMENT_ROOM"]
TAKEN = 0

SAYS, GRID, WORK = 5, 6, 7
"""Rows of `work` beyond those of `kernels_said`: energies of the row; meters at a time; how many rows there are."""


@kernel
def take_statements(pages, tables, limits, clock, said, slots, revision, work, out, refused, cursor):  # type: ignore[no-untyped-def]
    """Take the statements from cursor[AT] on.

    said: agents.vee.statements.Said; slots i64 (n,); revision u64: of the first one; work i64 (WORK, ALL_PLANES):
    scratch; out READING; refused REJECT (n,). Stops as `kernels_arrival.arrive` does.
    """
    pages, tables, said, slots = borrowed(pages), borrowed(tables), borrowed(said), borrowed(slots)
    work, out, refused, cursor = borrowed(work), borrowed(out), borrowed(refused), borrowed(cursor)
    for row in range(cursor[AT], said.kind.shape[0]):
        if out.shape[0] - cursor[READINGS] < 2 * limits.slices:
            cursor[AT], cursor[STATUS] = row, FULL
            return
        cursor[LACKING], code = 0, TAKEN
        own = revision + np.uint64(row)
        if said.kind[row] == OUTAGE:
            code = _outage(pages, tables, limits, clock, said, row, slots[row], own, work, out, cursor)
        elif said.kind[row] in (EDIT, WITHDRAW, DISCARD):
            code = _interval(pages, tables, limits, clock, said, row, slots[row], own, work, out, cursor)
        if cursor[LACKING]:
            cursor[AT], cursor[SLOT], cursor[STATUS] = row, slots[row], PLANE_NEEDED
            return
        if code != TAKEN:
            refused[cursor[REJECTS]].row = np.int32(row)
            refused[cursor[REJECTS]].code = np.uint8(code)
            cursor[REJECTS] += 1
    cursor[AT], cursor[STATUS] = said.kind.shape[0], DONE


@inlined
def _oldest(limits, clock):  # type: ignore[no-untyped-def]
    """Where the window begins."""
    return ((clock.time + limits.offset) // DAY_SECS - limits.hot_days + 1) * DAY_SECS


@kernel
def meter_at(tables, limits, point, start, grid):  # type: ignore[no-untyped-def]
    """(interval, link row) of the interval of a point from `start` on; row -1: no meter, interval 0: not its grid."""
    place = start - start % limits.slot_secs - limits.offset
    slot_grid(tables, point, place, place + limits.slot_secs, grid)
    interval = grid[0]
    if grid[1] < 0:
        return np.int64(0), np.int64(-1)
    if start % interval:
        return np.int64(0), grid[1]
    slot_grid(tables, point, start - limits.offset, start - limits.offset + interval, grid)
    return interval, grid[1]


@kernel
def _room_for(pages, limits, clock, planes, known, cursor):  # type: ignore[no-untyped-def]
    """Place for a row whose present one is `known` (-1: none); -1 with cursor[LACKING], or without any room at all."""
    if known >= 0:
        return known
    place = free_said(pages, limits, planes, _oldest(limits, clock))
    if place < 0:
        for number in range(SAID_PLANES):
            if planes[SAID + number] < 0:
                cursor[LACKING] |= np.int64(1) << (SAID + number)
                break
    return place


# ------------------------------------------------------------------------------------------- one interval


@kernel
def _judged(tables, limits, clock, said, row, grid):  # type: ignore[no-untyped-def]
    """(reject's number or TAKEN, interval, link row) of an edit, withdrawal or discarding."""
    start, secs, none = said.start[row] + limits.offset, np.int64(said.secs[row]), np.int64(0)
    if find(tables.link_index, tables.link_keys, said.service_point[row]) < 0:
        return NO_POINT, none, none
    code = outside(limits, clock, start, start + secs, secs)
    if code:
        # What has left the window is to be judged anew from the archive: TOO_OLD is where that begins.
        return code, none, none
    interval, link_row = meter_at(tables, limits, said.service_point[row], start, grid)
    if link_row < 0:
        return NO_POINT, none, none
    if secs != interval:
        return NO_INTERVAL, none, none
    for channel in range(N_ENERGY):
        stated = said.kind[row] == EDIT and (np.int64(said.present[row]) >> channel) & 1
        if stated and not 0 <= said.energy[row, channel] <= MOST:
            return NO_VALUE, none, none
    return TAKEN, interval, link_row


@kernel
def _interval(pages, tables, limits, clock, said, row, slot, revision, work, out, cursor):  # type: ignore[no-untyped-def]
    code, interval, link_row = _judged(tables, limits, clock, said, row, work[GRID])
    if code != TAKEN:
        return code
    planes, energies = work[0], work[SAYS]
    start, kind = said.start[row] + limits.offset, np.int64(said.kind[row])
    present = np.int64(said.present[row]) if kind == EDIT else np.int64(0)
    for channel in range(N_ENERGY):
        energies[channel] = said.energy[row, channel] if (present >> channel) & 1 else 0
    find_planes(pages, slot, planes)
    half = half_of(limits, start, interval)
    if planes[half * MEMBERS] < 0:
        cursor[LACKING] = np.int64(1) << (half * MEMBERS)
        return TAKEN
    known = find_said(pages, limits, planes, start, False)
    if known >= 0 and not is_newer(pages, limits, planes, known, said.number[row], kind, present, energies):
        return TAKEN
    before = said_kind(pages, limits, planes, known) if known >= 0 else np.int64(0)
    place = _room_for(pages, limits, clock, planes, known, cursor)
    if place < 0 and cursor[LACKING] == 0:
        return NO_ROOM
    if kind == EDIT:  # a value that comes behind it finds room beside it
        cursor[LACKING] |= lacks_plane(planes, half | AMENDED, GOOD_AS_SENT, energies)
    if cursor[LACKING]:
        return TAKEN
    cursor[LACKING] = restate(
        pages, tables, limits, clock, slot, start, interval, link_row, kind if kind != WITHDRAW else 0, present,
        energies, before, revision, said.frame[row], work, out, cursor,
    )  # fmt: skip
    if cursor[LACKING]:
        return TAKEN
    put_said(pages, limits, planes, place, start, kind, present, said.number[row], energies)
    settle_again(pages, limits, clock, slot, start)
    return TAKEN


# ------------------------------------------------------------------------------------------- outages


@kernel
def _outage(pages, tables, limits, clock, said, row, slot, revision, work, out, cursor):  # type: ignore[no-untyped-def]
    planes, energies, oldest = work[0], work[SAYS], _oldest(limits, clock)
    start, secs = said.start[row] + limits.offset, np.int64(said.secs[row])
    if find(tables.link_index, tables.link_keys, said.service_point[row]) < 0:
        return NO_POINT
    if start // DAY_SECS > (clock.time + limits.offset) // DAY_SECS:
        return IN_FUTURE
    find_planes(pages, slot, planes)
    known = find_said(pages, limits, planes, start, True)
    longest = said_energy(pages, limits, planes, known, LONGEST) if known >= 0 else np.int64(0)
    had = said_energy(pages, limits, planes, known, SECS) if known >= 0 else np.int64(0)
    if start + max(secs, longest) <= oldest and (secs > 0 or start <= oldest - KEPT_SECS or longest > 0):
        return TOO_OLD
    energies[:N_ENERGY] = 0
    energies[SECS], energies[LONGEST] = secs, max(secs, longest)
    if known >= 0 and not _later(pages, limits, planes, known, said.number[row], secs):
        if secs > longest:  # how long the outage was that has been taken back
            energies[SECS] = had
            number = said_number(pages, limits, planes, known)
            put_said(pages, limits, planes, known, start, OUTAGE, 1, number, energies)
        elif said.number[row] != said_number(pages, limits, planes, known):
            return TAKEN
        secs = had
    else:
        place = _room_for(pages, limits, clock, planes, known, cursor)
        if cursor[LACKING]:
            return TAKEN
        if place < 0:
            return NO_ROOM
        put_said(pages, limits, planes, place, start, OUTAGE, 1, said.number[row], energies)
    end = start + max(secs, energies[LONGEST])
    _restate_all(pages, tables, limits, clock, said, row, slot, start, end, revision, work, out, cursor)
    return TAKEN


@inlined
def _later(pages, limits, planes, known, number, secs):  # type: ignore[no-untyped-def]
    """The statement takes the place of the one that is known of the same begin."""
    other = said_number(pages, limits, planes, known)
    return number > other or (number == other and secs > said_energy(pages, limits, planes, known, SECS))


@kernel
def _restate_all(pages, tables, limits, clock, said, row, slot, start, end, revision, work, out, cursor):  # type: ignore[no-untyped-def]
    """Publish the intervals that [start, end) touches and that are due; days that are closed are settled again.

    It may be called again for the same statement: what is as it should be stays.
    """
    planes, energies = work[0], work[SAYS]
    at = max(start, _oldest(limits, clock))
    until = min(end, clock.time + limits.offset)
    at -= at % limits.slot_secs
    while at < until:
        settle_again(pages, limits, clock, slot, at)
        interval, link_row = meter_at(tables, limits, said.service_point[row], at, work[GRID])
        if link_row < 0 or interval == 0:
            at += limits.slot_secs // 2
            continue
        half = half_of(limits, at, interval)
        if planes[half * MEMBERS] < 0:
            cursor[LACKING] = np.int64(1) << (half * MEMBERS)
            return
        if at + interval <= clock.closed + limits.offset:
            kind, present, place = np.int64(0), np.int64(0), in_force(pages, limits, planes, at)
            if place >= 0:
                kind, present = said_kind(pages, limits, planes, place), said_present(pages, limits, planes, place)
                edited_energies(pages, limits, planes, place, energies)
            cursor[LACKING] = restate(
                pages, tables, limits, clock, slot, at, interval, link_row, kind, present, energies, kind, revision,
                said.frame[row], work, out, cursor,
            )  # fmt: skip
            if cursor[LACKING]:
                return
        at += interval
