"""Register energy of spans between midnights, over all meters that stood at a service point.

Days are local day numbers. When a day leaves the window between a register and an unknown midnight, that register is
*carried* to the midnight, with the energy that was published for the days since (`carry`): what comes later still meets
the register that comes next. So for the window's oldest midnight the registers may be those of an earlier one, its
origin.
"""

from __future__ import annotations

import numpy as np

from agents.vee.jit import kernel
from agents.vee.kernels_cells import mark_hot
from agents.vee.kernels_midnights import LONG, copy, device_at, drop, load
from agents.vee.kernels_words import LARGEST, long_at, put_long
from agents.vee.state import CARRY
from agents.vee.work import (
    CARRIED_DAYS,
    CLOSING,
    COUNTS,
    FIRST_DAY,
    LINK_COUNT,
    MOST_LINKS,
    OPENING,
    PLANES_AT,
    SCRATCH,
)
from pipeline.channels import N_ENERGY
from pipeline.localtime import DAY_SECS
from pipeline.lookup import find

ALL_CHANNELS = (1 << N_ENERGY) - 1
OPENING_KNOWN, CLOSING_KNOWN = 1, 2

MOST_PRODUCT = 2**62

MOST_CARRIED = 60
"""Days after which a register is given up."""


@kernel
def list_links(tables, work, point, start, end):  # type: ignore[no-untyped-def]
    """work.links[: work.pad[COUNTS, LINK_COUNT]]: links of `point` that overlap [start, end) epoch s, in order."""
    count = 0
    place = find(tables.link_index, tables.link_keys, point)
    while 0 <= place < tables.order.shape[0]:
        row = tables.order[place]
        link = tables.links[row]
        if link.point != point or count == MOST_LINKS:
            break
        if link.start < end and link.until > start:
            work.links[count] = row
            count += 1
        place += 1
    work.pad[COUNTS, LINK_COUNT] = count


@kernel
def registers_at(pages, limits, slot, planes, day, device, out):  # type: ignore[no-untyped-def]
    """Channels (bits) whose register of `device` at the midnight before `day` is known; out i64 (4,)."""
    mask, slice_ = 0, day % (limits.hot_days + 1)
    if device_at(pages, slot, planes, slice_) != device:
        return mask
    load(pages, slot, planes, slice_, out)
    for channel in range(N_ENERGY):
        if out[channel] >= 0:
            mask |= 1 << channel
    return mask


@kernel
def _exchange_of(tables, row):  # type: ignore[no-untyped-def]
    """Place in `exchanges` of link `row`, of which a register is known."""
    first, last = 0, tables.exchange_rows.shape[0] - 1
    while first < last:
        middle = (first + last) // 2
        if tables.exchange_rows[middle] < row:
            first = middle + 1
        else:
            last = middle
    return first


@kernel
def _opening(pages, tables, limits, slot, planes, row, day, origin, out):  # type: ignore[no-untyped-def]
    """Registers of link `row` where it begins to count: at the midnight of `day`, or when it was installed.

    origin: the day whose midnight's registers are kept for `day`.
    """
    link = tables.links[row]
    midnight = origin * DAY_SECS - limits.offset
    if link.start >= midnight and link.exchange & OPENING_KNOWN:
        for channel in range(N_ENERGY):
            out[channel] = tables.exchanges[_exchange_of(tables, row)].opening[channel]
        return ALL_CHANNELS
    if link.start > midnight:
        return 0
    return registers_at(pages, limits, slot, planes, day, link.device, out)


@kernel
def _closing(pages, tables, limits, slot, planes, row, day, out):  # type: ignore[no-untyped-def]
    """Registers of link `row` where it ceases to count: at the midnight of `day`, or when it was removed."""
    link = tables.links[row]
    midnight = day * DAY_SECS - limits.offset
    if link.until > midnight:
        return registers_at(pages, limits, slot, planes, day, link.device, out)
    if not link.exchange & CLOSING_KNOWN:
        return 0
    for channel in range(N_ENERGY):
        out[channel] = tables.exchanges[_exchange_of(tables, row)].closing[channel]
    return ALL_CHANNELS


@kernel
def opens_at(pages, tables, limits, slot, work, day):  # type: ignore[no-untyped-def]
    """A span may begin at midnight `day`: the register of the meter that stands then is known, or none stands."""
    midnight = day * DAY_SECS - limits.offset
    for place in range(work.pad[COUNTS, LINK_COUNT]):
        row = work.links[place]
        if tables.links[row].start <= midnight < tables.links[row].until:
            return _opening(pages, tables, limits, slot, work.pad[PLANES_AT], row, day, day, work.pad[SCRATCH]) & 1 == 1
    return True


@kernel
def closes_at(pages, tables, limits, slot, work, day):  # type: ignore[no-untyped-def]
    """A span may end there: the same for the meter that stood until then."""
    midnight = day * DAY_SECS - limits.offset
    for place in range(work.pad[COUNTS, LINK_COUNT]):
        row = work.links[place]
        if tables.links[row].start < midnight <= tables.links[row].until:
            return _closing(pages, tables, limits, slot, work.pad[PLANES_AT], row, day, work.pad[SCRATCH]) & 1 == 1
    return True


@kernel
def carries(pages, slot, work):  # type: ignore[no-untyped-def]
    """The window's oldest register is carried on to the next midnight."""
    after = work.spans[1]
    return work.spans[0].opens and not (after.opens or after.closes) and pages.hot[slot].carried != MOST_CARRIED


@kernel
def carry(pages, limits, slot, work, first, published):  # type: ignore[no-untyped-def]
    """Day `first` leaves the window, published i64 (4,) in it: carry its register on if the next midnight has none.

    What was published since is kept in the plane CARRY, which must be there.
    """
    record, size, planes = pages.hot[slot], limits.hot_days + 1, work.pad[PLANES_AT]
    if not carries(pages, slot, work):
        _end_carry(pages, slot)
        return
    copy(pages, slot, planes, first % size, (first + 1) % size)
    for channel in range(N_ENERGY):
        since = long_at(pages, planes[CARRY], LONG * channel) if record.carried else np.int64(0)
        put_long(pages, planes[CARRY], LONG * channel, since + published[channel])
    record.carried = np.uint8(record.carried + 1)
    mark_hot(pages, slot)


@kernel
def _end_carry(pages, slot):  # type: ignore[no-untyped-def]
    record = pages.hot[slot]
    if record.carried:
        record.carried = np.uint8(0)
        mark_hot(pages, slot)


@kernel
def replace_carried(pages, slot, slice_, planes):  # type: ignore[no-untyped-def]
    """A register has come for the midnight that another one was carried to."""
    drop(pages, slot, planes, slice_)
    _end_carry(pages, slot)


@kernel
def billed_between(link, opening, closing, seconds):  # type: ignore[no-untyped-def]
    """Billed energy between two registers of one meter, or -1 when they cannot be of one meter (V07, V08).

    Nor can they when they are further apart than the ring could hold, were it all of one interval.
    A register that has become smaller has passed its modulus, if the meter can pass that much in the time.
    """
    if closing < opening:
        closing += link.modulus
        most = link.limit * (seconds // link.interval + 1) if link.limit > 0 else link.modulus // 2
        if link.modulus == 0 or closing < opening or closing - opening > most:
            return np.int64(-1)
    if closing - opening > LARGEST or closing > MOST_PRODUCT // np.int64(link.numerator):
        return np.int64(-1)
    return closing * link.numerator // link.denominator - opening * link.numerator // link.denominator


@kernel
def span_energy(pages, tables, limits, slot, work, first, last, out):  # type: ignore[no-untyped-def]
    """Channels (bits) whose energy from midnight `first` to midnight `last` is known; out i64 (4,), billed.

    Each meter's part is floor(closing x factor) - floor(opening x factor).
    """
    origin = first - work.pad[COUNTS, CARRIED_DAYS] if first == work.pad[COUNTS, FIRST_DAY] else first
    begin, end = origin * DAY_SECS - limits.offset, last * DAY_SECS - limits.offset
    mask, planes = ALL_CHANNELS, work.pad[PLANES_AT]
    for channel in range(N_ENERGY):
        out[channel] = 0
    devices = 0
    for place in range(work.pad[COUNTS, LINK_COUNT]):
        row = work.links[place]
        link = tables.links[row]
        if link.start >= end or link.until <= begin:
            continue
        devices += 1
        mask &= _opening(pages, tables, limits, slot, planes, row, first, origin, work.pad[OPENING])
        mask &= _closing(pages, tables, limits, slot, planes, row, last, work.pad[CLOSING])
        seconds = min(end, link.until) - max(begin, link.start)
        for channel in range(N_ENERGY):
            if (mask >> channel) & 1:
                part = billed_between(link, work.pad[OPENING, channel], work.pad[CLOSING, channel], seconds)
                if part < 0 or out[channel] + part > LARGEST:
                    mask &= ~(1 << channel)
                out[channel] += part
    if origin != first:
        for channel in range(N_ENERGY):
            out[channel] -= long_at(pages, planes[CARRY], LONG * channel)
            if out[channel] < 0:
                mask &= ~(1 << channel)
    return mask, devices


@kernel
def find_spans(pages, tables, limits, slot, work, first, days):  # type: ignore[no-untyped-def]
    """Cut the days into spans between known midnights; days between unknown ones are spans of their own.

    Returns the number of spans; fills span_* and span_of_day. A span counts as known when wh_imp is.
    """
    for day in range(days + 1):
        work.spans[day].opens = opens_at(pages, tables, limits, slot, work, first + day)
        work.spans[day].closes = closes_at(pages, tables, limits, slot, work, first + day)
    if work.pad[COUNTS, CARRIED_DAYS]:
        work.spans[0].opens = True
    spans, day = 0, 0
    while day < days:
        after = day + 1
        while after < days and work.spans[day].opens and not work.spans[after].closes:
            after += 1
        mask, devices = 0, 0
        if work.spans[day].opens and work.spans[after].closes:
            mask, devices = span_energy(
                pages, tables, limits, slot, work, first + day, first + after, work.spans[spans].energy
            )
        if not mask & 1:
            after, mask = day + 1, 0
        work.spans[spans].first, work.spans[spans].last = day, after
        work.spans[spans].known, work.spans[spans].scaled, work.spans[spans].devices = mask, 0, devices
        for inside in range(day, after):
            work.spans[inside].of_day = spans
        spans += 1
        day = after
    return spans


@kernel
def day_registers(pages, tables, limits, slot, work, day):  # type: ignore[no-untyped-def]
    """(bits of day_registers, link row of the day or -1); pad[OPENING], pad[CLOSING]: the registers known."""
    begin, end = day * DAY_SECS - limits.offset, (day + 1) * DAY_SECS - limits.offset
    bits, meters, last, planes = 0, 0, np.int64(-1), work.pad[PLANES_AT]
    for channel in range(N_ENERGY):
        work.pad[OPENING, channel] = 0
        work.pad[CLOSING, channel] = 0
    for place in range(work.pad[COUNTS, LINK_COUNT]):
        row = work.links[place]
        link = tables.links[row]
        if link.start >= end or link.until <= begin:
            continue
        carried = work.pad[COUNTS, CARRIED_DAYS] and day == work.pad[COUNTS, FIRST_DAY]
        if meters == 0 and not (carried and link.start < begin):
            bits |= _opening(pages, tables, limits, slot, planes, row, day, day, work.pad[OPENING]) & 1
        last = row
        meters += 1
    if last >= 0:
        bits |= (_closing(pages, tables, limits, slot, planes, last, day + 1, work.pad[CLOSING]) & 1) << 1
    if meters > 1:
        bits |= 16
    for channel in range(N_ENERGY):
        work.pad[OPENING, channel] = max(work.pad[OPENING, channel], 0)
        work.pad[CLOSING, channel] = max(work.pad[CLOSING, channel], 0)
    return bits, last
