"""Kernels of rating: how two months lie in the state, one of them with sums."""

from __future__ import annotations

import numpy as np

from agents.rating.state import (
    KNOWN,
    LAST_DAY,
    M_DEMAND,
    M_ENERGY,
    M_ESTIMATED,
    M_REGISTERS,
    M_ZONES,
    MONTH_FINAL,
    MONTH_WIDE,
    NEWER_REGISTERS,
    NEWER_SUMS,
    ZONES,
)
from agents.rating.work import OPEN_MONTH
from pipeline.channels import N_ENERGY
from pipeline.jit import expanded, inlined, kernel

LOW32 = (1 << 32) - 1
UNIT_WH = 1000

EMPTY_MONTH = np.zeros(1, OPEN_MONTH)
EMPTY_MONTH["first_offset"] = EMPTY_MONTH["last_offset"] = -1


@expanded
def joined32(low, high):  # type: ignore[no-untyped-def]
    """A number of 32 bits and its high part."""
    return np.int64(low) | np.int64(high) << np.int64(32)


@kernel
def unpack_months(rows, slot, wide, work):  # type: ignore[no-untyped-def]
    """Take state.MONTH at `slot` apart into work.months; wide: the point's second slot, -1 for none."""
    if wide < 0:
        _unpack_months(rows, slot, np.int64(-1), work)
    else:
        _unpack_months(rows, slot, wide, work)


@inlined
def _unpack_months(rows, slot, wide, work):  # type: ignore[no-untyped-def]
    record, months = rows[0, slot], work.months
    newer = np.int64(record.month[1] > record.month[0])
    for place in range(2):
        out = months[place]
        months[place] = EMPTY_MONTH[0]
        out.month, out.revision, out.carry_wh = record.month[place], record.revision[place], record.carry_wh[place]
        out.known, out.state = record.heads[place] & KNOWN, np.int64(record.heads[place] & MONTH_FINAL != 0)
    sums = months[newer if record.flags & NEWER_SUMS else 1 - newer]
    sums.last_day = record.flags & LAST_DAY
    sums.days, sums.register_days, sums.exchange_days = record.days, record.register_days, record.exchange_days
    sums.demand_start, sums.demand_va_start = record.demand_start[0], record.demand_start[1]
    for place in range(4):
        sums.counts[place] = record.counts[place]
    for zone in range(ZONES):
        sums.zones[zone] = _word(rows, slot, wide, M_ZONES + zone)
    sums.estimated = _word(rows, slot, wide, M_ESTIMATED)
    sums.demand_w, sums.demand_va = _word(rows, slot, wide, M_DEMAND), _word(rows, slot, wide, M_DEMAND + 1)
    sums.first_offset, sums.last_offset = _offset(rows, slot, wide, 0), _offset(rows, slot, wide, 1)
    one = months[newer if record.flags & NEWER_REGISTERS else 1 - newer]
    for channel in range(N_ENERGY):
        sums.energy[channel] = _word(rows, slot, wide, M_ENERGY + channel)
        one.opening[channel] = _word(rows, slot, wide, M_REGISTERS + channel) - 1
        one.closing[channel] = _word(rows, slot, wide, M_REGISTERS + N_ENERGY + channel) - 1
        if not record.flags & NEWER_REGISTERS:
            months[newer].opening[channel] = _word(rows, slot, wide, M_REGISTERS + 2 * N_ENERGY + channel) - 1


@expanded
def _word(rows, slot, wide, place):  # type: ignore[no-untyped-def]
    return joined32(rows[0, slot].words[place], rows[0, wide].words[place] if wide >= 0 else np.uint32(0))


@expanded
def _offset(rows, slot, wide, place):  # type: ignore[no-untyped-def]
    offset = joined32(rows[0, slot].offsets[place], rows[0, slot].offsets_high[place])
    if wide >= 0:
        offset |= np.int64(rows[0, wide].offsets[place]) << np.int64(40)
    return offset - 1


@expanded
def _newer_sums(months, newer):  # type: ignore[no-untyped-def]
    """Days close in their order, and the window is shorter than a month: then none of the older month is in it."""
    return months[newer].days > 0


@expanded
def _newer_registers(months, newer):  # type: ignore[no-untyped-def]
    """The last day of the newer month is settled: the older one is long out of the window."""
    found = months[newer].known & 2 != 0
    for channel in range(N_ENERGY):
        found = found or months[newer].closing[channel] != 0
    return found


@kernel
def month_words(months, words):  # type: ignore[no-untyped-def]
    """Words and offsets of MONTH, out words i64 (M_WORDS + 2,); returns all bits of them, offsets 8 bits lower."""
    newer = np.int64(months[1].month > months[0].month)
    sums = months[newer if _newer_sums(months, newer) else 1 - newer]
    for zone in range(ZONES):
        words[M_ZONES + zone] = sums.zones[zone]
    words[M_ESTIMATED], words[M_DEMAND], words[M_DEMAND + 1] = sums.estimated, sums.demand_w, sums.demand_va
    fresh = _newer_registers(months, newer)
    one = months[newer if fresh else 1 - newer]
    for channel in range(N_ENERGY):
        words[M_ENERGY + channel] = sums.energy[channel]
        place = M_REGISTERS + channel
        words[place], words[place + N_ENERGY] = one.opening[channel] + 1, one.closing[channel] + 1
        words[place + 2 * N_ENERGY] = np.int64(1) if fresh else months[newer].opening[channel] + 1
    bits = np.int64(0)
    for place in range(words.shape[0] - 2):
        bits |= words[place]
    words[-2], words[-1] = sums.first_offset + 1, sums.last_offset + 1
    return bits | (words[-2] | words[-1]) >> np.int64(8)


@kernel
def pack_months(rows, slot, wide, months, words):  # type: ignore[no-untyped-def]
    """Store months, of which `month_words` has made words."""
    record = rows[0, slot]
    newer = np.int64(months[1].month > months[0].month)
    flags = record.flags & MONTH_WIDE
    sums, older = months[1 - newer], months[1 - newer]
    if _newer_sums(months, newer):
        sums = months[newer]
        flags |= NEWER_SUMS
        older.carry_wh = (older.carry_wh + older.energy[0]) % UNIT_WH
        older.energy[0] = 0
    if _newer_registers(months, newer):
        flags |= NEWER_REGISTERS
    record.flags = np.uint8(flags | (LAST_DAY if sums.last_day else 0))
    for place in range(2):
        own = months[place]
        if record.month[place] != own.month:
            record.paise[place] = 0
        record.month[place], record.revision[place] = np.uint16(own.month), np.uint16(own.revision)
        record.carry_wh[place] = np.uint16(own.carry_wh)
        record.heads[place] = np.uint8(own.known | (MONTH_FINAL if own.state else 0))
    record.days, record.register_days = np.uint8(sums.days), np.uint8(sums.register_days)
    record.exchange_days = np.uint8(sums.exchange_days)
    record.demand_start[0], record.demand_start[1] = np.uint32(sums.demand_start), np.uint32(sums.demand_va_start)
    for place in range(4):
        record.counts[place] = np.uint16(sums.counts[place])
    for place in range(words.shape[0] - 2):
        record.words[place] = np.uint32(words[place] & LOW32)
        if wide >= 0:
            rows[0, wide].words[place] = np.uint32((words[place] >> np.int64(32)) & LOW32)
    for place in range(2):
        offset = words[words.shape[0] - 2 + place]
        record.offsets[place] = np.uint32(offset & LOW32)
        record.offsets_high[place] = np.uint8((offset >> np.int64(32)) & 255)
        if wide >= 0:
            rows[0, wide].offsets[place] = np.uint32((offset >> np.int64(40)) & LOW32)
