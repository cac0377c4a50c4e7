"""Days of which every interval came, good, and that no register contradicts: settled from their sums.

Either the registers at both ends agree with the sum, or none is known at the end (and for a final row at neither): then
nothing may stand out as a spike. A block of neighbouring slots is summed slice by slice, in the order of memory;
export, which few have, point by point.
"""

from __future__ import annotations

import numpy as np

from agents.vee.jit import inlined, kernel
from agents.vee.kernels_cells import find_planes, slice_of
from agents.vee.kernels_limits import is_quick
from agents.vee.kernels_midnights import FULL, device_at, load
from agents.vee.kernels_registers import CLOSING_KNOWN, OPENING_KNOWN
from agents.vee.kernels_words import SENT, SENT_EXCESS, is_outside, word_at
from agents.vee.output import DAYS
from agents.vee.state import ALL_PLANES, EXPORT
from agents.vee.work import BLOCK_SLOTS, CLOSING, OPENING, PLANES_AT
from pipeline.channels import N_ENERGY
from pipeline.codes import FINAL
from pipeline.localtime import DAY_SECS

NO_VAH = (1 << SENT_EXCESS) - 1
"""Excess of a word that says that there is no VAh."""


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
            block[item].early += word_at(pages, first + place, first_slot + item) != 0
    for place in range(before, places):
        for item in range(BLOCK_SLOTS):
            word = word_at(pages, first + place, first_slot + item)
            if word < SENT:
                continue
            sums = block[item]
            sums.good += 1
            wh, vah = energies_of_sent(word)
            sums.energy[0] += wh
            sums.energy[1] += vah
            _rank(sums, place, wh)
            if vah > sums.peak[1]:
                sums.peak[1], sums.peak_at[1] = vah, place


@inlined
def energies_of_sent(word):  # type: ignore[no-untyped-def]
    """(Wh, VAh) of the word of a good interval."""
    wh, excess = (word & (SENT - 1)) >> SENT_EXCESS, word & NO_VAH
    return wh, wh + excess if excess != NO_VAH else np.int64(0)


@kernel
def _export_alone(pages, limits, clock, slot, day, sums, planes):  # type: ignore[no-untyped-def]
    """Add export to the sums of a point that has no other plane and whose export fits its words; whether it is so."""
    find_planes(pages, slot, planes)
    for plane in range(1, ALL_PLANES):
        if plane != EXPORT and planes[plane] >= 0:
            return False
    first, places = slice_of(limits, day * DAY_SECS), DAY_SECS // limits.slot_secs
    wh, vah = np.int64(0), np.int64(0)
    for place in range(places_before(limits, clock, day), places):
        word = word_at(pages, first + place, planes[EXPORT])
        if is_outside(word):
            return False
        if word:
            own_wh, own_vah = energies_of_sent(word)
            wh, vah = wh + own_wh, vah + own_vah
    sums.energy[2], sums.energy[3] = wh, vah
    return True


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
def quick_day(pages, tables, limits, clock, revision, state, slot, day, sums, work, days_out, cursor):  # type: ignore[no-untyped-def]
    """Write the row of a point's `day` from its sums, if that is all there is to do for it; whether it was."""
    record = pages.hot[slot]
    before = places_before(limits, clock, day)
    if sums.good == 0 or sums.good != DAY_SECS // limits.slot_secs - before or sums.early or record.carried:
        return False
    if record.link >= tables.links.shape[0]:
        return False
    link = tables.links[record.link]
    begin = day * DAY_SECS - limits.offset
    if link.point != pages.keys[slot] or link.start > begin or link.until <= begin + DAY_SECS or not link.plain:
        return False
    opening_given = link.start == begin and link.exchange & OPENING_KNOWN
    if opening_given or (link.limits and not is_quick(tables, link, day, sums)):
        return False
    size, planes, opening, closing = limits.hot_days + 1, work.pad[PLANES_AT], work.pad[OPENING], work.pad[CLOSING]
    planes[EXPORT] = -1
    if record.chain and not _export_alone(pages, limits, clock, slot, day, sums, planes):
        return False
    if _other_meter(pages, slot, day % size) or _other_meter(pages, slot, (day + 1) % size):
        return False
    opens = device_at(pages, slot, planes, day % size) == link.device
    closes = device_at(pages, slot, planes, (day + 1) % size) == link.device
    load(pages, slot, planes, day % size, opening)
    load(pages, slot, planes, (day + 1) % size, closing)
    if opens and closes:
        if before or not _agree(link, opening, closing, sums):
            return False
    elif closes or (opens and state == FINAL) or _stands_out(limits, sums):
        return False
    out = days_out[cursor[DAYS]]
    cursor[DAYS] += 1
    out.service_point, out.link = pages.keys[slot], record.link
    out.start, out.revision, out.state = begin, revision, np.uint8(state)
    known = OPENING_KNOWN if opens and opening[0] >= 0 else 0
    out.registers = np.uint8(known | (CLOSING_KNOWN if closes else 0))
    for channel in range(N_ENERGY):
        out.opening[channel] = max(opening[channel], 0) if opens else 0
        out.closing[channel] = closing[channel] if closes else 0
        out.register_energy[channel] = sums.energy[channel] if closes else 0
        out.actual[channel] = sums.energy[channel]
        out.estimated[channel], out.suspect[channel], out.unexplained[channel] = 0, 0, 0
        out.counts[channel] = np.uint16(sums.good if channel == 0 else 0)
    for channel in range(2):
        out.demand[channel] = sums.peak[channel]
        out.demand_start[channel] = begin + sums.peak_at[channel] * limits.slot_secs
    return True


@inlined
def _other_meter(pages, slot, slice_):  # type: ignore[no-untyped-def]
    """The registers of this midnight lie in a plane."""
    return pages.registers[slice_, slot] & FULL == FULL


@inlined
def _agree(link, opening, closing, sums):  # type: ignore[no-untyped-def]
    """The registers say what the intervals say."""
    agree = True
    for channel in range(N_ENERGY):
        rises = opening[channel] >= 0 and closing[channel] >= opening[channel]
        difference = _billed(link, closing[channel]) - _billed(link, opening[channel])
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
    if link.numerator == 1 and link.denominator == 1:
        return register
    return register * np.int64(link.numerator) // np.int64(link.denominator)
