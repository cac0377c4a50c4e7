"""Kernels of the exceptions stage: what a settled day shows, and what of it is new.

Days are judged from their counts and sums; all but a few pass at a glance and never touch the state.
"""

from __future__ import annotations

import numpy as np

from agents.exceptions.config import WINDOW
from pipeline.jit import allocating_kernel, expanded
from pipeline.keyed import find_slot
from pipeline.localtime import DAY_SECS
from pipeline.rules import RULE_BIT
from pipeline.state import mark

V01, V12, V23, V24, V26, V30 = (RULE_BIT[code] for code in ("V01", "V12", "V23", "V24", "V26", "V30"))
ACTUAL, ESTIMATED, MISSING, SUSPECT = range(4)
"""Places of `day_counts`."""
BOTH_REGISTERS = 3
OUTAGE_IN_DAY, USE_IN_OUTAGE = 256, 512
"""Bits of `day_registers`."""
STAYS = 1 << V26
"""Rules whose failure at a reading stays, though all of the day is actual: the value that came is what is odd."""
KEPT_DAYS = 400
"""Behind the last value of an open switch that its point is remembered."""
RUN_BITS = 64

ZERO_DAY, ESTIMATED_DAY = 1, 2
"""Bits of `kind`."""

OPEN, CLOSED = 0, 1

CHANGE = np.dtype([("row", "<i8"), ("bit", "<i8"), ("state", "<i8"), ("first", "<i8"), ("last", "<i8")])
"""An exception that opens or closes: row of the settled day, rule, first and last local day."""

LIMITS = np.dtype(
    [
        ("missing_percent", "<i8"),
        ("sum_wh", "<i8"),
        ("sum_permille", "<i8"),
        ("estimated_days", "<i8"),
        ("offset", "<i8"),
        ("inactive_wh", "<i8"),
    ]
)


@allocating_kernel
def judge_days(registers, counts, unexplained, register_energy, actual, estimated, limits, rules, kind):  # type: ignore[no-untyped-def]
    """rules u64 (n,), kind u1 (n,) of n settled days, whose columns are those of ReadingBatch; limits LIMITS (1,)."""
    limit = limits[0]
    for row in range(registers.shape[0]):
        rules[row], kind[row] = np.uint64(0), np.uint8(0)
        expected = np.int64(0)
        for item in range(4):
            expected += np.int64(counts[row, item])
        if expected == 0:
            continue
        absent = np.int64(counts[row, ESTIMATED]) + np.int64(counts[row, MISSING])
        if absent * 100 > limit.missing_percent * expected:
            rules[row] |= np.uint64(1) << np.uint64(V01)
        left = abs(unexplained[row, 0])
        share = abs(register_energy[row, 0]) // 1000 * limit.sum_permille
        if registers[row] & BOTH_REGISTERS == BOTH_REGISTERS and left > max(limit.sum_wh, share):
            rules[row] |= np.uint64(1) << np.uint64(V12)
        if registers[row] & USE_IN_OUTAGE:
            rules[row] |= np.uint64(1) << np.uint64(V26)
        if np.int64(counts[row, ACTUAL]) == expected and actual[row, 0] == 0 and estimated[row, 0] == 0:
            # Without supply nothing can be used.
            kind[row] = np.uint8(0 if registers[row] & OUTAGE_IN_DAY else ZERO_DAY)
        elif absent == expected:
            kind[row] = np.uint8(ESTIMATED_DAY)


@allocating_kernel
def known(points, keys, pages, capacity, slots):  # type: ignore[no-untyped-def]
    """slots i64 (n,) of the points u64 (n,) that have a row, -1 of the others; keys u64 (slots,) of the store."""
    for item in range(points.shape[0]):
        slots[item] = find_slot(points[item], keys, pages, capacity)


@expanded
def _place_of(record, day):  # type: ignore[no-untyped-def]
    """Place of a day, made its own; -1 when a later day has it."""
    place = day % WINDOW
    if np.int64(record.days[place]) > day:
        return np.int64(-1)
    if np.int64(record.days[place]) < day:
        record.days[place] = np.uint16(day)
        record.seen[place] = np.uint32(0)
        record.open[place] = np.uint32(0)
    return place


@allocating_kernel
def see(slots, days, bits, points, changed, dirty, capacity):  # type: ignore[no-untyped-def]
    """Note the rules (bits u64) that failed at readings of local days i64 (n,), at slots i64 (n,)."""
    for item in range(slots.shape[0]):
        place = _place_of(points[slots[item]], days[item])
        if place >= 0:
            points[slots[item]].seen[place] |= np.uint32(bits[item])
            mark(changed, dirty, 0, slots[item], capacity)


@expanded
def _of_point(record, place, whole, used, day, limit):  # type: ignore[no-untyped-def]
    """Rules of a local day, at `place`, by what is kept of its point."""
    # Of a day that has come whole there is nothing to look at any more, whatever came before.
    if whole:
        record.seen[place] = np.uint32(record.seen[place] & STAYS)
    found = np.uint64(record.seen[place])
    if used > limit.inactive_wh and _was_open(record, day * DAY_SECS - limit.offset):
        found |= np.uint64(1) << np.uint64(V24)
    return found


@expanded
def _was_open(record, begin):  # type: ignore[no-untyped-def]
    """The load switch is known to have been open all the local day that begins at `begin`."""
    end = begin + DAY_SECS
    lasted = record.until == 0 or record.until >= end
    return record.since != 0 and record.since <= begin and record.heard >= end and lasted


@allocating_kernel
def note_switches(slots, times, closed, points, changed, dirty, capacity):  # type: ignore[no-untyped-def]
    """Take values of load switches, closed u1 (n,) at times i64 (n,), into the rows at slots i64 (n,); -1: no row."""
    for item in range(slots.shape[0]):
        if slots[item] < 0:
            continue
        record, time = points[slots[item]], times[item]
        if closed[item]:
            # What is older than the open time, or behind its end, says nothing new.
            if record.since == 0 or time < record.since or (record.until != 0 and time >= record.until):
                continue
            record.until = time
            record.heard = min(record.heard, time)
        elif record.since == 0 or (record.until != 0 and time > record.until):
            record.since, record.until, record.heard = time, 0, time
        elif time > record.heard:
            record.heard = time
        else:
            continue
        mark(changed, dirty, 0, slots[item], capacity)


@expanded
def _run(bits):  # type: ignore[no-untyped-def]
    """Days of the run that ends at the newest day."""
    length = np.int64(0)
    while length < RUN_BITS and (bits >> np.uint64(length)) & np.uint64(1):
        length += np.int64(1)
    return length


@expanded
def _put(out, made, row, bit, state, first, last):  # type: ignore[no-untyped-def]
    change = out[made]
    change.row, change.bit, change.state, change.first, change.last = row, bit, state, first, last
    return made + 1


@allocating_kernel
def follow(  # type: ignore[no-untyped-def]
    first, rows, slots, day, rules, kind, counts, used, zero_days, limits, points, changed, dirty, capacity, out
):
    """Take settled days rows i64 (n,), from `first` on, into the state at slots i64 (n,), in order; what opens or
    closes goes to out CHANGE. used i64 (days, 4): actual energy of all; zero_days i64 (n,): limit of V23 at each.

    Returns (days taken, changes): fewer days when `out` might not hold those of the next.
    """
    limit = limits[0]
    made = np.int64(0)
    for item in range(first, rows.shape[0]):
        if made + 2 * RUN_BITS > out.shape[0]:
            return item, made
        row, record = rows[item], points[slots[item]]
        at = day[row]
        if rules[row] == 0 and kind[row] == 0 and _is_untouched(record):
            continue  # entered for a later day of the same batch
        mark(changed, dirty, 0, slots[item], capacity)
        _note_run(record, at, kind[row])
        place = _place_of(record, at)
        if place >= 0:
            whole = counts[row, ESTIMATED] == 0 and counts[row, MISSING] == 0 and counts[row, SUSPECT] == 0
            found = rules[row] | _of_point(record, place, whole, used[row, 0], at, limit)
            before = np.uint64(record.open[place])
            record.open[place] = np.uint32(found)
            for bit in range(RUN_BITS):
                is_, was = (found >> np.uint64(bit)) & np.uint64(1), (before >> np.uint64(bit)) & np.uint64(1)
                if is_ != was:
                    made = _put(out, made, row, bit, OPEN if is_ else CLOSED, at, at)
        run = _run(record.zero)
        if run >= zero_days[item] and record.zero_from == 0:
            record.zero_from = record.newest - run + 1
            made = _put(out, made, row, V23, OPEN, record.zero_from, record.newest)
        elif run < zero_days[item] and record.zero_from != 0:
            made = _put(out, made, row, V23, CLOSED, record.zero_from, record.newest)
            record.zero_from = 0
        run = _run(record.estimated)
        if run >= limit.estimated_days and record.estimated_from == 0:
            record.estimated_from = record.newest - run + 1
            made = _put(out, made, row, V30, OPEN, record.estimated_from, record.newest)
        elif run < limit.estimated_days and record.estimated_from != 0:
            made = _put(out, made, row, V30, CLOSED, record.estimated_from, record.newest)
            record.estimated_from = 0
    return rows.shape[0], made


@expanded
def _is_untouched(record):  # type: ignore[no-untyped-def]
    untouched = record.newest == 0 and record.since == 0
    for place in range(WINDOW):
        untouched = untouched and record.days[place] == 0
    return untouched


@expanded
def _note_run(record, day, kind):  # type: ignore[no-untyped-def]
    if record.newest == 0:
        record.newest = day
    if day > record.newest:
        ahead = day - record.newest
        record.zero = record.zero << np.uint64(ahead) if ahead < RUN_BITS else np.uint64(0)
        record.estimated = record.estimated << np.uint64(ahead) if ahead < RUN_BITS else np.uint64(0)
        record.newest = day
    back = record.newest - day
    if back < RUN_BITS:
        bit = np.uint64(1) << np.uint64(back)
        record.zero = record.zero | bit if kind == ZERO_DAY else record.zero & ~bit
        record.estimated = record.estimated | bit if kind == ESTIMATED_DAY else record.estimated & ~bit


@allocating_kernel
def sweep(keys, points, today, keep):  # type: ignore[no-untyped-def]
    """keep i64: slots of rows that may still matter at local day `today`; returns how many."""
    count = 0
    for slot in range(keys.shape[0]):
        if keys[slot] == 0:
            continue
        record = points[slot]
        matters = record.zero_from != 0 or record.estimated_from != 0
        matters = matters or (record.zero & np.uint64(1)) != 0 or (record.estimated & np.uint64(1)) != 0
        for place in range(WINDOW):
            if np.int64(record.days[place]) > today - WINDOW and (record.open[place] or record.seen[place]):
                matters = True
        # Values of an open switch come for as long as it is open.
        since = record.until if record.until else record.heard
        matters = matters or since // DAY_SECS > today - (WINDOW if record.until else KEPT_DAYS)
        # A late frame may still join two runs into one.
        recent = np.uint64((1 << WINDOW) - 1)
        matters = matters or (record.newest > today - WINDOW and ((record.zero | record.estimated) & recent) != 0)
        if matters or keys[slot] == np.uint64(0xFFFFFFFFFFFFFFFF):
            keep[count] = slot
            count += 1
    return count
