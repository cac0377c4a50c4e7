"""Days of which every interval came, good, and agrees with the registers: settled from their sums.

A block of neighbouring slots is summed slice by slice, in the order of memory.
"""

from __future__ import annotations

import numpy as np

from agents.vee.jit import inlined, kernel
from agents.vee.kernels_cells import slice_of
from agents.vee.output import DAYS
from agents.vee.state import AS_SENT, GOOD, PLANES, SENT_SHIFT
from agents.vee.work import BLOCK_SLOTS
from pipeline.channels import N_ENERGY
from pipeline.localtime import DAY_SECS

GOOD_AS_SENT = (GOOD << SENT_SHIFT) | AS_SENT
BOTH_REGISTERS = 3


@kernel
def sum_block(pages, limits, first_slot, day, block):  # type: ignore[no-untyped-def]
    """block SUMS (BLOCK_SLOTS,): sums of local `day`, from slot `first_slot` on."""
    for item in range(BLOCK_SLOTS):
        block[item].good = 0
        for channel in range(N_ENERGY):
            block[item].energy[channel] = 0
        for channel in range(2):
            block[item].peak[channel] = -1
    places = DAY_SECS // limits.slot_secs
    first = slice_of(limits, day * DAY_SECS)
    for place in range(places):
        for item in range(BLOCK_SLOTS):
            if pages.cells[first + place, first_slot + item] != GOOD_AS_SENT:
                continue
            sums = block[item]
            sums.good += 1
            for channel in range(N_ENERGY):
                sums.energy[channel] += pages.ring[first + place, first_slot + item, channel]
            for channel in range(2):
                energy = np.int64(pages.ring[first + place, first_slot + item, channel])
                if energy > sums.peak[channel]:
                    sums.peak[channel] = energy
                    sums.peak_at[channel] = place


@kernel
def quick_day(pages, tables, limits, revision, state, slot, day, sums, days_out, cursor):  # type: ignore[no-untyped-def]
    """Write the row of a point's `day` from its sums, if that is all there is to do for it; whether it was."""
    record = pages.hot[slot]
    if sums.good != DAY_SECS // limits.slot_secs or record.link >= tables.links.shape[0] or record.carried:
        return False
    for plane in range(PLANES):
        if record.planes[plane]:
            return False
    link = tables.links[record.link]
    begin = day * DAY_SECS - limits.offset
    if link.point != pages.keys[slot] or link.start > begin or link.until <= begin + DAY_SECS:
        return False
    size = limits.hot_days + 1
    opening, closing = pages.registers[day % size, slot], pages.registers[(day + 1) % size, slot]
    if not (link.plain and opening.device == link.device and closing.device == link.device):
        return False
    for channel in range(N_ENERGY):
        if opening.value[channel] < 0 or closing.value[channel] < opening.value[channel]:
            return False
        if _billed(link, closing.value[channel]) - _billed(link, opening.value[channel]) != sums.energy[channel]:
            return False
    out = days_out[cursor[DAYS]]
    cursor[DAYS] += 1
    out.service_point, out.link = pages.keys[slot], record.link
    out.start, out.revision, out.state = begin, revision, np.uint8(state)
    out.registers = np.uint8(BOTH_REGISTERS)
    for channel in range(N_ENERGY):
        out.opening[channel], out.closing[channel] = opening.value[channel], closing.value[channel]
        out.register_energy[channel] = sums.energy[channel]
        out.actual[channel] = sums.energy[channel]
        out.estimated[channel], out.suspect[channel], out.unexplained[channel] = 0, 0, 0
        out.counts[channel] = np.uint16(sums.good if channel == 0 else 0)
    for channel in range(2):
        out.demand[channel] = sums.peak[channel]
        out.demand_start[channel] = begin + sums.peak_at[channel] * limits.slot_secs
    return True


@inlined
def _billed(link, register):  # type: ignore[no-untyped-def]
    return register * np.int64(link.numerator) // np.int64(link.denominator)
