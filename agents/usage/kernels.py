"""Kernels of the usage stage: days into months, and months against what came before them.

Tests and references are those of whole series (`agents.vee.series.kernels_periods`); there the months are arrays, here
they are the running one and codes of twelve others.
"""

from __future__ import annotations

import numpy as np

from agents.usage.config import JUDGED
from agents.usage.kernels_code import code_of, figure_of
from agents.usage.state import LONGEST_RUN, RUN_BITS, YEAR
from pipeline.jit import kernel
from pipeline.rules import RULE_BIT
from pipeline.state import mark

V08, V17, V18, V19, V20, V22, V30, _V28 = range(len(JUDGED))
"""Places in JUDGED."""
BIT_V08, BIT_V17, BIT_V18, BIT_V19, BIT_V20, BIT_V22, BIT_V30, _ = (RULE_BIT[code] for code in JUDGED)

OPEN, CLOSED = 0, 1
PASSED, FAILED, NOT_JUDGED = 0, 1, -1

LEAST_DAYS = 21
"""A month of which fewer days are known is not judged, and judges no other: three quarters, as of whole series."""
SHARES = 16
"""Use a day is kept in sixteenths of a watt-hour, lest rounding matter where little is used."""
MOST_ESTIMATED = 255
MOST_USE = 2**40 - 1
MOST_BALANCE = 32_767
MOST_CHANGES = 40
"""More than one day can make: it closes two months at most, each of five rules, and ends runs between them."""

CHANGE = np.dtype([("row", "<i8"), ("bit", "<i8"), ("state", "<i8"), ("first", "<i8"), ("last", "<i8"), ("wh", "<i8")])
"""An exception that opens, goes on or closes: row of the settled day, rule, first and last local day; Wh at stake, -1:
what is at stake of that day."""


@kernel
def fold(at, items, slots, state, limits, calendar, out):  # type: ignore[no-untyped-def]
    """Take items ITEM (n,) at slots i64 (n,), from item `at` on; what opens, goes on and closes goes to out CHANGE.

    state: step.State; limits LIMITS (k,); calendar: step.Calendar. Returns (items taken, changes): fewer items when
    `out` might not hold the changes of the next.
    """
    made = np.int64(0)
    for place in range(at, items.shape[0]):
        if made + MOST_CHANGES > out.shape[0]:
            return place, made
        item, slot = items[place], slots[place]
        record, limit = state.points[slot], limits[item.limits]
        last, month = np.int64(record.last), np.int64(calendar.month_of_day[item.day])
        if item.day <= last:
            continue  # a day leaves the window once: what corrects it later is not in the months
        if last > 0:
            before = np.int64(calendar.month_of_day[last])
            if before < month and last + 1 != _first_of(calendar, before + 1):
                made = _close_month(state, slot, before, item.row, limit, calendar, out, made)
            if before + 1 < month:
                made = _pass_over(state, slot, before, month, item.row, limit, calendar, out, made)
        made = _judge_registers(state, slot, last, item, limit, out, made)
        _add(record, item)
        if item.day + 1 == _first_of(calendar, month + 1):
            made = _close_month(state, slot, month, item.row, limit, calendar, out, made)
        mark(state.points_changed, state.points_dirty, 0, slot, state.capacity)
    return items.shape[0], made


@kernel
def _add(record, item):  # type: ignore[no-untyped-def]
    """A day into the running month."""
    if item.known:
        use = min(_use_of(record) + item.use, np.int64(MOST_USE))
        record.use, record.use_high = np.uint32(use & 0xFFFFFFFF), np.uint8(use >> 32)
        record.days = np.uint8(record.days + 1)
    record.peak = np.uint16(max(np.int64(record.peak), item.peak))
    balance = max(min(np.int64(record.balance) + item.balance, np.int64(MOST_BALANCE)), np.int64(-MOST_BALANCE))
    record.balance = np.int16(balance)
    record.last = np.uint16(item.day)


@kernel
def _use_of(record):  # type: ignore[no-untyped-def]
    return np.int64(record.use) | (np.int64(record.use_high) << 32)


@kernel
def _judge_registers(state, slot, last, item, limit, out, made):  # type: ignore[no-untyped-def]
    """V08 and V20 of one day."""
    if item.rolled and _is_judged(limit, V08):
        made = _put(out, made, item.row, BIT_V08, OPEN, item.day, item.day, -1)
    if state.spans.shape[0] == 0:
        return made
    span = state.spans[slot]
    previous = (np.int64(span.low) | (np.int64(span.high) << 32)) - 1
    known = item.span >= 0 and previous >= 0 and item.day == last + 1
    if limit.register_change_percent > 0 and known and item.span != 0:
        difference = abs(item.span - previous)
        if difference * 100 > item.span * limit.register_change_percent:
            made = _put(out, made, item.row, BIT_V20, OPEN, item.day, item.day, difference)
    kept = item.span + 1 if item.span <= MOST_USE - 1 else np.int64(0)
    if kept != previous + 1:
        span.low, span.high = np.uint32(kept & 0xFFFFFFFF), np.uint8(kept >> 32)
        mark(state.spans_changed, state.spans_dirty, 0, slot, state.capacity)
    return made


@kernel
def _close_month(state, slot, month, row, limit, calendar, out, made):  # type: ignore[no-untyped-def]
    """Judge the running month, make it the newest of those that others are compared with, and begin anew."""
    record, here = state.points[slot], month % YEAR
    use, days = _use_of(record), np.int64(record.days)
    if days < LEAST_DAYS:
        days = np.int64(0)
    year, before = state.months[here, slot], state.months[(month - 1) % YEAR, slot]
    other = year if year.use > 0 else before
    reference = figure_of(np.int64(other.use)) if days > 0 else np.int64(0)
    # V17
    status, wh = NOT_JUDGED, np.int64(0)
    if reference > 0:
        now, then = use * SHARES * 100, reference * days
        wh = abs(use * SHARES - then) // SHARES
        status = FAILED if now > then * limit.usage_high_percent or now < then * limit.usage_low_percent else PASSED
    made = _follow(record, 0, BIT_V17, V17, status, wh, month, row, limit, calendar, out, made)
    # V18. Of a month of estimates the highest interval is not known.
    record.peak = np.uint16(0 if record.balance > 0 else record.peak)
    peak, usual = figure_of(np.int64(record.peak)), figure_of(np.int64(other.peak))
    known, status = days > 0 and record.balance <= 0, NOT_JUDGED
    if known and other.use > 0 and usual > 0:
        high = peak * 100 > usual * limit.demand_high_percent
        status = FAILED if high or peak * 100 < usual * limit.demand_low_percent else PASSED
    made = _follow(record, 1, BIT_V18, V18, status, -1, month, row, limit, calendar, out, made)
    # V19
    status, wh = _audit(record, use, days, year, before, state.months[(month - 2) % YEAR, slot], limit)
    made = _follow(record, 2, BIT_V19, V19, status, wh, month, row, limit, calendar, out, made)
    # V22
    usual, status = figure_of(np.int64(before.peak)), NOT_JUDGED
    if known and before.use > 0 and usual > 0:
        status = FAILED if (peak - usual) * 100 > usual * limit.peak_change_percent else PASSED
    made = _follow(record, 3, BIT_V22, V22, status, -1, month, row, limit, calendar, out, made)
    made = _follow_estimates(record, month, row, limit, calendar, out, made)
    kept = state.months[here, slot]
    kept.use = np.uint16(code_of((use * SHARES + days // 2) // days) if days > 0 else 0)
    kept.peak = np.uint16(record.peak if days > 0 else 0)
    mark(state.months_changed, state.months_dirty, here, slot, state.capacity)
    record.before = np.uint8(((record.before & 15) << 4) | (days - LEAST_DAYS + 1 if days > 0 else 0))
    _begin(record)
    return made


@kernel
def _begin(record):  # type: ignore[no-untyped-def]
    """The next month."""
    record.use, record.use_high, record.days = np.uint32(0), np.uint8(0), np.uint8(0)
    record.peak, record.balance = np.uint16(0), np.int16(0)


@kernel
def _audit(record, use, days, year, before, second, limit):  # type: ignore[no-untyped-def]
    """V19: (status, Wh to the nearest reference): what no reference explains."""
    status, nearest = NOT_JUDGED, np.int64(-1)
    if days == 0:
        return status, nearest
    failed = True
    for kind in range(2):
        past, length = np.int64(0), np.int64(0)
        if kind == 0 and before.use > 0 and second.use > 0:
            near, far = np.int64(record.before) & 15, np.int64(record.before) >> 4
            near, far = near + LEAST_DAYS - 1, far + LEAST_DAYS - 1
            past, length = figure_of(np.int64(before.use)) * near + figure_of(np.int64(second.use)) * far, near + far
        elif kind == 1 and year.use > 0:
            past, length = figure_of(np.int64(year.use)), np.int64(1)
        if past <= 0:
            continue
        status = PASSED
        now, then = use * SHARES * length * 100, past * days
        high = now > then * (100 + limit.audit_high_percent)
        failed = failed and (high or now < then * (100 - limit.audit_low_percent))
        difference = abs(use * SHARES * length - then) // (SHARES * length)
        nearest = difference if nearest < 0 else min(nearest, difference)
    if status == PASSED and failed:
        status = FAILED
    return status, nearest


@kernel
def _follow(record, number, bit, rule, status, wh, month, row, limit, calendar, out, made):  # type: ignore[no-untyped-def]
    """The exception of a rule (place in JUDGED, and its bit), whose run is the `number`th, after one more month."""
    if not _is_judged(limit, rule):
        return made
    shift = RUN_BITS * number
    run = (np.int64(record.runs) >> shift) & LONGEST_RUN
    first, last = _first_of(calendar, month - run), _first_of(calendar, month + 1) - 1
    if run > 0 and (status == PASSED or run == LONGEST_RUN):
        made = _put(
            out, made, row, bit, CLOSED, first, last if status == PASSED else _first_of(calendar, month) - 1, wh
        )
        run = np.int64(0)
    if status == FAILED:
        run += 1
        made = _put(out, made, row, bit, OPEN, _first_of(calendar, month - run + 1), last, wh)
    elif run > 0:
        run += 1
    record.runs = np.uint16((np.int64(record.runs) & ~(LONGEST_RUN << shift)) | (run << shift))
    return made


@kernel
def _follow_estimates(record, month, row, limit, calendar, out, made):  # type: ignore[no-untyped-def]
    """V30: more months in a row than allowed were estimated, for the most part."""
    before, judged = np.int64(record.estimated), _is_judged(limit, V30)
    last = _first_of(calendar, month + 1) - 1
    if record.balance > 0:
        run = min(before + 1, np.int64(MOST_ESTIMATED))
        if judged and run > limit.estimated_bills:
            made = _put(out, made, row, BIT_V30, OPEN, _first_of(calendar, month - run + 1), last, -1)
    else:
        run = np.int64(0)
        if judged and before > limit.estimated_bills:
            made = _put(out, made, row, BIT_V30, CLOSED, _first_of(calendar, month - before), last, -1)
    record.estimated = np.uint8(run)
    return made


@kernel
def _pass_over(state, slot, before, month, row, limit, calendar, out, made):  # type: ignore[no-untyped-def]
    """Months between `before` and `month` without any settled day: nobody was there, and all runs end."""
    record = state.points[slot]
    for between in range(max(before + 1, month - YEAR), month):
        state.months[between % YEAR, slot].use, state.months[between % YEAR, slot].peak = np.uint16(0), np.uint16(0)
        mark(state.months_changed, state.months_dirty, between % YEAR, slot, state.capacity)
        record.before = np.uint8((record.before & 15) << 4)
    made = _end_run(record, 0, BIT_V17, V17, before, row, limit, calendar, out, made)
    made = _end_run(record, 1, BIT_V18, V18, before, row, limit, calendar, out, made)
    made = _end_run(record, 2, BIT_V19, V19, before, row, limit, calendar, out, made)
    made = _end_run(record, 3, BIT_V22, V22, before, row, limit, calendar, out, made)
    if _is_judged(limit, V30) and record.estimated > limit.estimated_bills:
        first, last = _first_of(calendar, before - record.estimated + 1), _first_of(calendar, before + 1) - 1
        made = _put(out, made, row, BIT_V30, CLOSED, first, last, -1)
    record.estimated = np.uint8(0)
    return made


@kernel
def _end_run(record, number, bit, rule, month, row, limit, calendar, out, made):  # type: ignore[no-untyped-def]
    """Close the exception of a rule behind `month`."""
    shift = RUN_BITS * number
    run = (np.int64(record.runs) >> shift) & LONGEST_RUN
    if run > 0 and _is_judged(limit, rule):
        first, last = _first_of(calendar, month - run + 1), _first_of(calendar, month + 1) - 1
        made = _put(out, made, row, bit, CLOSED, first, last, 0)
    record.runs = np.uint16(np.int64(record.runs) & ~(LONGEST_RUN << shift))
    return made


@kernel
def _first_of(calendar, month):  # type: ignore[no-untyped-def]
    """First local day of a month."""
    return np.int64(calendar.first_day[month])


@kernel
def _is_judged(limit, rule):  # type: ignore[no-untyped-def]
    return (limit.rules >> rule) & 1 != 0


@kernel
def _put(out, made, row, bit, state, first, last, wh):  # type: ignore[no-untyped-def]
    change = out[made]
    change.row, change.bit, change.state, change.first, change.last, change.wh = row, bit, state, first, last, wh
    return made + 1
