"""Days of which every interval came, good, and that no register contradicts: settled from their sums.

Either the registers at both ends agree with the sum, or none is known at the end (and for a final row at neither): then
nothing may stand out as a spike. A block of neighbouring slots is summed slice by slice, in the order of memory.
"""

from __future__ import annotations

import numpy as np

from agents.vee.jit import inlined, kernel
from agents.vee.kernels_cells import slice_of
from agents.vee.kernels_registers import CLOSING_KNOWN, OPENING_KNOWN
from agents.vee.output import DAYS
from agents.vee.state import AS_SENT, EMPTY, GOOD, PLANES, SENT_SHIFT
from agents.vee.work import BLOCK_SLOTS
from pipeline.channels import N_ENERGY
from pipeline.localtime import DAY_SECS

GOOD_AS_SENT = (GOOD << SENT_SHIFT) | AS_SENT
FINAL = 1


@inlined
def places_before(limits, clock, day):  # type: ignore[no-untyped-def]
    """Places of local `day` that are older than the log."""
    late = clock.begin + limits.offset - day * DAY_SECS
    return min(max((late + limits.slot_secs - 1) // limits.slot_secs, 0), DAY_SECS // limits.slot_secs)


@kernel
def sum_block(pages, limits, clock, first_slot, day, block):  # type: ignore[no-untyped-def]
    """block SUMS (BLOCK_SLOTS,): sums of local `day`, from slot `first_slot` on."""
    for item in range(BLOCK_SLOTS):
        sums = block[item]
        sums.good, sums.early, sums.second, sums.third = 0, 0, -1, -1
        for channel in range(N_ENERGY):
            sums.energy[channel] = 0
        for channel in range(2):
            sums.peak[channel] = -1
    places, before = DAY_SECS // limits.slot_secs, places_before(limits, clock, day)
    first = slice_of(limits, day * DAY_SECS)
    for place in range(before):
        for item in range(BLOCK_SLOTS):
            block[item].early += pages.cells[first + place, first_slot + item] != EMPTY
    for place in range(before, places):
        for item in range(BLOCK_SLOTS):
            if pages.cells[first + place, first_slot + item] != GOOD_AS_SENT:
                continue
            sums = block[item]
            sums.good += 1
            for channel in range(N_ENERGY):
                sums.energy[channel] += pages.ring[first + place, first_slot + item, channel]
            _rank(sums, place, np.int64(pages.ring[first + place, first_slot + item, 0]))
            energy = np.int64(pages.ring[first + place, first_slot + item, 1])
            if energy > sums.peak[1]:
                sums.peak[1], sums.peak_at[1] = energy, place


@inlined
def _rank(sums, place, energy):  # type: ignore[no-untyped-def]
    """Keep the three largest of wh_imp; the largest with its place."""
    if energy > sums.peak[0]:
        sums.third, sums.second = sums.second, sums.peak[0]
        sums.peak[0], sums.peak_at[0] = energy, place
    elif energy > sums.second:
        sums.third, sums.second = sums.second, energy
    elif energy > sums.third:
        sums.third = energy


@kernel
def quick_day(pages, tables, limits, clock, revision, state, slot, day, sums, days_out, cursor):  # type: ignore[no-untyped-def]
    """Write the row of a point's `day` from its sums, if that is all there is to do for it; whether it was."""
    record = pages.hot[slot]
    before = places_before(limits, clock, day)
    if sums.good == 0 or sums.good != DAY_SECS // limits.slot_secs - before or sums.early or record.carried:
        return False
    if record.link >= tables.links.shape[0]:
        return False
    for plane in range(PLANES):
        if record.planes[plane]:
            return False
    link = tables.links[record.link]
    begin = day * DAY_SECS - limits.offset
    if link.point != pages.keys[slot] or link.start > begin or link.until <= begin + DAY_SECS or not link.plain:
        return False
    if link.start == begin and link.exchange & OPENING_KNOWN:
        return False
    size = limits.hot_days + 1
    opening, closing = pages.registers[day % size, slot], pages.registers[(day + 1) % size, slot]
    opens, closes = opening.device == link.device, closing.device == link.device
    if opens and closes:
        if before or not _agree(link, opening, closing, sums):
            return False
    elif closes or (opens and state == FINAL) or _stands_out(limits, sums):
        return False
    out = days_out[cursor[DAYS]]
    cursor[DAYS] += 1
    out.service_point, out.link = pages.keys[slot], record.link
    out.start, out.revision, out.state = begin, revision, np.uint8(state)
    known = OPENING_KNOWN if opens and opening.value[0] >= 0 else 0
    out.registers = np.uint8(known | (CLOSING_KNOWN if closes else 0))
    for channel in range(N_ENERGY):
        out.opening[channel] = max(opening.value[channel], 0) if opens else 0
        out.closing[channel] = closing.value[channel] if closes else 0
        out.register_energy[channel] = sums.energy[channel] if closes else 0
        out.actual[channel] = sums.energy[channel]
        out.estimated[channel], out.suspect[channel], out.unexplained[channel] = 0, 0, 0
        out.counts[channel] = np.uint16(sums.good if channel == 0 else 0)
    for channel in range(2):
        out.demand[channel] = sums.peak[channel]
        out.demand_start[channel] = begin + sums.peak_at[channel] * limits.slot_secs
    return True


@inlined
def _agree(link, opening, closing, sums):  # type: ignore[no-untyped-def]
    """The registers say what the intervals say."""
    agree = True
    for channel in range(N_ENERGY):
        rises = opening.value[channel] >= 0 and closing.value[channel] >= opening.value[channel]
        difference = _billed(link, closing.value[channel]) - _billed(link, opening.value[channel])
        agree = agree and rises and difference == sums.energy[channel]
    return agree


@inlined
def _stands_out(limits, sums):  # type: ignore[no-untyped-def]
    """The largest interval would be a spike (rule V14 as in `kernels_estimate`); then so may the second be."""
    if sums.third < 0 or sums.peak[0] <= limits.spike_floor:
        return False
    return (sums.peak[0] - sums.third) * 100 > limits.spike_percent * sums.third


@inlined
def _billed(link, register):  # type: ignore[no-untyped-def]
    return register * np.int64(link.numerator) // np.int64(link.denominator)
