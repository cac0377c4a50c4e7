"""What time alone changes: intervals that are due, days that close, days that leave the window.

Each kernel goes through the slots of a partition in their order in memory. Times are local seconds.
"""

from __future__ import annotations

import numpy as np

from agents.vee.borrow import borrowed
from agents.vee.jit import kernel
from agents.vee.kernels_cells import (
    day_bit,
    day_of,
    energy_quality,
    find_planes,
    half_of,
    mark_hot,
    method_of,
    read_published,
    read_sent,
    rules_of,
    scaled_of,
    sent_of,
    set_dirty,
    slice_of,
)
from agents.vee.kernels_links import slot_grid
from agents.vee.kernels_midnights import LONG
from agents.vee.kernels_order import LEAST, METHOD, expected_of, fits, seconds_behind
from agents.vee.kernels_said_rows import in_force, is_said, is_without_supply, lacks_supply
from agents.vee.kernels_words import (
    cell_of,
    lacks_plane,
    long_at,
    mark_word,
    put_long,
    put_word,
    word_at,
    write_energies,
)
from agents.vee.output import AT, DONE, FULL, LACKING, PLANE_NEEDED, READINGS, SLOT, STATUS
from agents.vee.state import (
    CARRIED,
    EMPTY,
    FREE,
    GOOD,
    LIKE_DAY,
    LINEAR,
    MEMBERS,
    MISSING,
    NO_SUPPLY,
    PAGE,
    PLANE,
    POINT,
    TIMELESS,
)
from pipeline.channels import N_ENERGY
from pipeline.localtime import DAY_SECS
from pipeline.lookup import find
from pipeline.state import mark


@kernel
def sweep(pages, tables, limits, clock, due, revision, work, out, cursor):  # type: ignore[no-untyped-def]
    """Estimate the intervals that end at `due` and have not come; from slot cursor[AT] on.

    work i64 (4, ALL_PLANES): scratch. Stops with STATUS FULL or PLANE_NEEDED.
    """
    pages, tables, work, out, cursor = (
        borrowed(pages),
        borrowed(tables),
        borrowed(work),
        borrowed(out),
        borrowed(cursor),
    )
    slots = pages.keys.shape[0]
    room = out.shape[0]
    usual = slice_of(limits, due - limits.slot_secs)
    whole, mixed = due % limits.slot_secs == 0, tables.shortest < limits.slot_secs
    for slot in range(cursor[AT], slots):
        there = whole and word_at(pages, usual, slot) != 0
        if there and not mixed:
            continue
        record = pages.hot[slot]
        if record.kind != POINT or (record.chain == 0 and (there or not whole)):
            continue
        if cursor[READINGS] >= room:
            cursor[AT], cursor[STATUS] = slot, FULL
            return
        lacking = _sweep_point(pages, tables, limits, clock, due, revision, slot, work, out, cursor)
        if lacking:
            cursor[AT], cursor[STATUS], cursor[SLOT], cursor[LACKING] = slot, PLANE_NEEDED, slot, lacking
            return
    cursor[AT], cursor[STATUS] = slots, DONE


@kernel
def _sweep_point(pages, tables, limits, clock, due, revision, slot, work, out, cursor):  # type: ignore[no-untyped-def]
    point = pages.keys[slot]
    interval, row = _interval_at(pages, tables, limits, slot, point, due)
    if row < 0 or due % interval:
        return 0
    start = due - interval
    half = half_of(limits, start, interval)
    planes, energies = work[0], work[1]
    find_planes(pages, slot, planes)
    own = planes[half * MEMBERS]
    if own < 0:
        return 1 << (half * MEMBERS)
    slice_ = slice_of(limits, start)
    if cell_of(word_at(pages, slice_, own)) & 15 != EMPTY:
        return 0
    seconds = seconds_behind(pages, limits, clock, planes, start, interval)
    cell = provisional(
        pages, tables, row, limits, clock, start, interval, half, planes, seconds, energies, work[2]
    )  # fmt: skip
    if is_said(planes) and is_without_supply(pages, limits, planes, start, due):
        cell = NO_SUPPLY
        energies[:N_ENERGY] = 0
    lacking = lacks_plane(planes, half, cell, energies)
    if lacking:
        return lacking
    write_energies(pages, planes, half, slice_, cell, energies)
    expected = np.int64(0)
    if cell in (LIKE_DAY, CARRIED):
        expected = expected_of(tables, row, cell, seconds)
    _write_reading(pages, tables, limits, slot, row, start, interval, revision, cell, energies, expected, out, cursor)
    return 0


@kernel
def _interval_at(pages, tables, limits, slot, point, due):  # type: ignore[no-untyped-def]
    """(interval, link row) of the interval of a point that ends at `due`; row -1 when no meter stood there."""
    end = due - limits.offset
    if pages.hot[slot].link < tables.links.shape[0]:
        link = tables.links[pages.hot[slot].link]
        place = due - 1 - (due - 1) % limits.slot_secs - limits.offset
        if link.point == point and link.start <= place and end <= link.until and place + limits.slot_secs <= link.until:
            return np.int64(link.interval), np.int64(pages.hot[slot].link)
    return _look_up(pages, tables, limits, slot, point, due)


@kernel
def _look_up(pages, tables, limits, slot, point, due):  # type: ignore[no-untyped-def]
    grid = np.empty(3, np.int64)
    place = due - 1 - (due - 1) % limits.slot_secs
    slot_grid(tables, point, place - limits.offset, place - limits.offset + limits.slot_secs, grid)
    if grid[1] < 0:
        return np.int64(1), np.int64(-1)
    interval = grid[0]
    slot_grid(tables, point, due - interval - limits.offset, due - limits.offset, grid)
    if grid[1] >= 0 and pages.hot[slot].link != grid[1]:
        pages.hot[slot].link = np.uint32(grid[1])
        mark_hot(pages, slot)
    return interval, grid[1]


@kernel
def provisional(  # type: ignore[no-untyped-def]
    pages, tables, row, limits, clock, start, interval, half, planes, seconds, energies, scratch
):
    """Like days of the window or an interval before carried on, in the order in force: LIKE_DAY, CARRIED or MISSING.

    What somebody says of an interval is no pattern for it, as when the day is settled.
    row: of the link; seconds: of the gap until now.
    """
    oldest = (day_of(clock.time + limits.offset) - limits.hot_days + 1) * DAY_SECS
    first, order = max(oldest, tables.links[row].start + limits.offset), tables.orders[tables.order_of[row]]
    for number in range(order.shape[0]):
        step = order[number]
        if step[METHOD] == 0:
            break
        if step[METHOD] == LINEAR or not fits(step, seconds, 0):
            continue
        if step[METHOD] == LIKE_DAY:
            if _mean_of_days(pages, limits, first, start, interval, half, planes, step[LEAST], energies, scratch):
                return LIKE_DAY
        elif _carried_on(pages, limits, first, start - interval, interval, planes, energies):
            return CARRIED
    for channel in range(N_ENERGY):
        energies[channel] = 0
    return MISSING


@kernel
def _mean_of_days(  # type: ignore[no-untyped-def]
    pages, limits, first, start, interval, half, planes, least, energies, scratch
):
    """Mean of the good intervals at the same time of day from local second `first` on; whether there are enough."""
    count = 0
    for channel in range(N_ENERGY):
        energies[channel] = 0
    earlier = start - DAY_SECS
    while earlier >= first:
        slice_ = slice_of(limits, earlier)
        cell = cell_of(word_at(pages, slice_, planes[half * MEMBERS]))
        if sent_of(cell) == GOOD and not _something_is_said(pages, limits, planes, earlier, interval):
            read_sent(pages, planes, slice_, half, cell, scratch)
            for channel in range(N_ENERGY):
                energies[channel] += scratch[channel]
            count += 1
        earlier -= DAY_SECS
    if count == 0 or count < least:
        return False
    for channel in range(N_ENERGY):
        energies[channel] //= count
    return True


@kernel
def _something_is_said(pages, limits, planes, start, interval):  # type: ignore[no-untyped-def]
    """The interval is edited or discarded, or an outage fell into it."""
    return is_said(planes) and (
        in_force(pages, limits, planes, start) >= 0 or lacks_supply(pages, limits, planes, start, start + interval)
    )


@kernel
def _carried_on(pages, limits, first, before, interval, planes, energies):  # type: ignore[no-untyped-def]
    """What is published from local second `before` on, or before that, where something is said of it; whether there is
    anything."""
    while before >= first and _something_is_said(pages, limits, planes, before, interval):
        before -= interval
    if before < first:
        return False
    before_half = half_of(limits, before, interval)
    slice_ = slice_of(limits, before)
    cell = cell_of(word_at(pages, slice_, planes[before_half * MEMBERS]))
    if cell & 15 in (EMPTY, MISSING) or (sent_of(cell) > GOOD and method_of(cell) == 0):
        return False
    read_published(pages, planes, slice_, before_half, cell, energies)
    return True


@kernel
def _write_reading(  # type: ignore[no-untyped-def]
    pages, tables, limits, slot, row, start, interval, revision, cell, energies, expected, out, cursor
):
    """A reading that a tick made."""
    reading, link = out[cursor[READINGS]], tables.links[row]
    reading.service_point, reading.device, reading.link = link.point, link.device, np.uint32(row)
    reading.interval_start, reading.interval_secs = start - limits.offset, np.uint32(interval)
    reading.revision = revision
    reading.frame, reading.source, reading.replaces = np.int32(-1), np.int32(-1), np.uint8(0)
    reading.method, reading.rules = np.uint8(method_of(cell)), np.uint32(rules_of(cell))
    reading.quality = energy_quality(cell, scaled_of(pages, slot, start), link.present)
    reading.expected_error = np.uint16(expected)
    for channel in range(N_ENERGY):
        reading.energy[channel] = energies[channel]
    cursor[READINGS] += 1


@kernel
def close_day(pages, day):  # type: ignore[no-untyped-def]
    """Have every point settle a day that has closed."""
    pages = borrowed(pages)
    bit = day_bit(day)
    for slot in range(pages.keys.shape[0]):
        if pages.hot[slot].kind == POINT:
            set_dirty(pages, slot, bit)


@kernel
def clear_day(pages, limits, leaving):  # type: ignore[no-untyped-def]
    """Forget day `leaving`: its places are those of the day that begins, its midnight's that of the next one.

    Planes forget it too, so that an interval that exports nothing need not look for the plane of export.
    """
    pages = borrowed(pages)
    first, slots = slice_of(limits, leaving * DAY_SECS), pages.keys.shape[0]
    timeless = np.zeros(slots, np.bool_)
    for slot in range(slots):
        record = pages.hot[slot]
        timeless[slot] = record.kind == PAGE or (record.kind == PLANE and record.plane >= TIMELESS)
    for slice_ in range(first, first + DAY_SECS // limits.slot_secs):
        for slot in range(slots):
            if word_at(pages, slice_, slot) and not timeless[slot]:
                put_word(pages, slice_, slot, 0)
                mark_word(pages, slice_, slot)
    slice_, bit = leaving % (limits.hot_days + 1), day_bit(leaving)
    keep = np.uint8(255 - bit)
    nibble = np.uint32(15) << np.uint32(4 * (leaving & 7))
    for slot in range(slots):
        if pages.registers[slice_, slot]:
            pages.registers[slice_, slot] = 0
            mark(pages.registers_changed, pages.registers_dirty, slice_, slot, pages.capacity)
        record = pages.hot[slot]
        if record.kind == POINT and ((record.dirty | record.fragile) & bit or record.scaled & nibble):
            record.dirty &= keep
            record.fragile &= keep
            record.scaled &= ~nibble
            mark_hot(pages, slot)


@kernel
def relink(pages, tables, now):  # type: ignore[no-untyped-def]
    """Point every hot record to the link in force at `now` (epoch s), or to its latest one before."""
    pages, tables = borrowed(pages), borrowed(tables)
    for slot in range(pages.keys.shape[0]):
        record = pages.hot[slot]
        if record.kind != POINT:
            continue
        best = np.int64(-1)
        place = find(tables.link_index, tables.link_keys, pages.keys[slot])
        while 0 <= place < tables.order.shape[0]:
            row = tables.order[place]
            if tables.links[row].point != pages.keys[slot]:
                break
            if best < 0 or tables.links[row].start <= now:
                best = row
            place += 1
        link = np.uint32(best) if best >= 0 else np.uint32(0xFFFFFFFF)
        if record.link != link:
            record.link = link
            mark_hot(pages, slot)


@kernel
def enter_points(pages, slots):  # type: ignore[no-untyped-def]
    """Make the slots of service points, i64 (n,), into points."""
    pages, slots = borrowed(pages), borrowed(slots)
    for item in range(slots.shape[0]):
        record = pages.hot[slots[item]]
        if record.kind == FREE:
            record.kind = np.uint8(POINT)
            record.link = np.uint32(0xFFFFFFFF)
            mark_hot(pages, slots[item])


@kernel
def write_clock(pages, words):  # type: ignore[no-untyped-def]
    """Note log time, i64 (CLOCK_WORDS,), in each page's record."""
    pages = borrowed(pages)
    for page in range(pages.page_slot.shape[0]):
        for number in range(words.shape[0]):
            put_long(pages, pages.page_slot[page], LONG * number, words[number])


@kernel
def read_clock(pages, words):  # type: ignore[no-untyped-def]
    """What `write_clock` has noted, of the first page."""
    pages = borrowed(pages)
    for number in range(words.shape[0]):
        words[number] = long_at(pages, pages.page_slot[0], LONG * number)
