"""Closed days of a plain meter into rows of numbers: intervals, registers, and what those say was used."""

from __future__ import annotations

import numpy as np

from agents.vee.jit import inlined, kernel
from agents.vee.kernels_cells import sent_of, slice_of
from agents.vee.kernels_midnights import BITS, FULL, ZERO_VAH, ZERO_WH, device_at, load
from agents.vee.kernels_quick import energies_of_sent
from agents.vee.kernels_registers import billed_between
from agents.vee.kernels_words import (
    GOOD_AS_SENT,
    KIND,
    KIND_EXCESS,
    LARGEST,
    SENT,
    cell_of,
    is_outside,
    read_words,
    word_at,
)
from agents.vee.state import (
    AS_SENT,
    CARRIED,
    EMPTY,
    EXPORT,
    FLAT,
    LIKE_DAY,
    LINEAR,
    MISSING,
    NOTHING,
    ROUNDING,
    SCALED,
    SPIKE_SCALED,
)
from agents.vee.state import GOOD as SENT_GOOD
from agents.vee.work import (
    CELL_LINE,
    DEVICE,
    ENERGY,
    GAP,
    GOOD,
    KNOWN,
    ODD,
    ODD_LINE,
    PLANES_AT,
    REGISTER,
    SCRATCH,
    SENT_LINE,
    STATE_LINE,
    SUM,
    WORD_LINE,
)
from pipeline.channels import N_ENERGY
from pipeline.codes import FINAL
from pipeline.localtime import DAY_SECS

PUBLISHED = sum(
    1 << known for known in (EMPTY, AS_SENT, MISSING, LINEAR, LIKE_DAY, SCALED, FLAT, CARRIED, ROUNDING, SPIKE_SCALED)
)
"""What a settlement may have published before."""


@kernel
def read_days(pages, limits, slot, first, days, places, work):  # type: ignore[no-untyped-def]
    """Intervals of the days; whether each is good, or did not come."""
    lines, facts, planes = work.lines, work.facts, work.pad[PLANES_AT]
    for day in range(days):
        low, slice_, odd = day * places, slice_of(limits, (first + day) * DAY_SECS), day * places
        sum_wh, sum_vah = np.int64(0), np.int64(0)
        for place in range(places):
            at, word = low + place, word_at(pages, slice_ + place, slot)
            wh, vah, cell, state = np.int64(0), np.int64(0), np.int64(GOOD_AS_SENT), GOOD
            if word >= SENT:
                wh, vah = energies_of_sent(word)
            else:
                cell = cell_of(word)
                sent = sent_of(cell)
                if sent not in (NOTHING, SENT_GOOD) or not (PUBLISHED >> (cell & 15)) & 1:
                    return False
                if sent == NOTHING:
                    state = GAP
                elif is_outside(word):
                    read_words(pages, planes, 0, slice_ + place, False, work.pad[SCRATCH])
                    wh, vah = work.pad[SCRATCH, 0], work.pad[SCRATCH, 1]
                else:
                    wh, vah = energies_of_kind(word)
                lines[WORD_LINE, at] = word
                lines[ODD_LINE, odd] = at
                odd += 1
            lines[SENT_LINE, at], lines[SENT_LINE + 1, at] = wh, vah
            lines[STATE_LINE, at], lines[CELL_LINE, at] = state, cell
            sum_wh, sum_vah = sum_wh + wh, sum_vah + vah
        facts[day, ODD], facts[day, SUM], facts[day, SUM + 1] = odd - low, sum_wh, sum_vah
    if planes[EXPORT] >= 0:
        _read_export(pages, limits, first, days, places, work)
    return True


@inlined
def energies_of_kind(word):  # type: ignore[no-untyped-def]
    """(Wh, VAh) of a word of another cell, unless they lie outside."""
    if word < KIND:
        return np.int64(0), np.int64(0)
    wh, excess, none = (word & (KIND - 1)) >> KIND_EXCESS, word & ((1 << KIND_EXCESS) - 1), (1 << KIND_EXCESS) - 1
    return wh, wh + excess if excess != none else np.int64(0)


@kernel
def _read_export(pages, limits, first, days, places, work):  # type: ignore[no-untyped-def]
    """Export of what is good."""
    lines, facts, planes = work.lines, work.facts, work.pad[PLANES_AT]
    for day in range(days):
        low, slice_ = day * places, slice_of(limits, (first + day) * DAY_SECS)
        sum_wh, sum_vah = np.int64(0), np.int64(0)
        for place in range(places):
            word = word_at(pages, slice_ + place, planes[EXPORT])
            wh, vah = np.int64(0), np.int64(0)
            if word and lines[STATE_LINE, low + place] == GOOD:
                if word >= SENT:
                    wh, vah = energies_of_sent(word)
                else:
                    read_words(pages, planes, 0, slice_ + place, False, work.pad[SCRATCH])
                    wh, vah = work.pad[SCRATCH, 2], work.pad[SCRATCH, 3]
            lines[SENT_LINE + 2, low + place], lines[SENT_LINE + 3, low + place] = wh, vah
            sum_wh, sum_vah = sum_wh + wh, sum_vah + vah
        facts[day, SUM + 2], facts[day, SUM + 3] = sum_wh, sum_vah


@kernel
def read_registers(pages, tables, limits, slot, first, days, channels, state, work):  # type: ignore[no-untyped-def]
    """Registers, and the energy of each day between two known ones; whether no span has several days."""
    planes, facts, last = work.pad[PLANES_AT], work.facts, -1
    link = tables.links[pages.hot[slot].link]
    for day in range(days + 1):
        slice_ = (first + day) % (limits.hot_days + 1)
        word = pages.registers[slice_, slot]
        if planes[EXPORT] >= 0 or word & FULL == FULL:
            facts[day, DEVICE] = device_at(pages, slot, planes, slice_) == link.device
            load(pages, slot, planes, slice_, facts[day])
        else:
            facts[day, DEVICE] = word != 0 and pages.hot[slot].device == link.device
            facts[day, REGISTER], facts[day, REGISTER + 1] = (word & FULL) - 1, ((word >> BITS) & FULL) - 1
            facts[day, REGISTER + 2] = 0 if word & ZERO_WH else -1
            facts[day, REGISTER + 3] = 0 if word & ZERO_VAH else -1
        facts[day, KNOWN] = 0
        if not facts[day, DEVICE] or facts[day, REGISTER] < 0:
            continue
        if last >= 0 and last != day - 1:
            return False
        if last >= 0 and not _advance_day(link, facts, day - 1, channels):
            return False
        last = day
    opens = facts[0, DEVICE] != 0 and facts[0, REGISTER] >= 0
    closes = facts[1, DEVICE] != 0 and facts[1, REGISTER] >= 0
    # Else the register of the day that leaves the window is carried on.
    return state != FINAL or closes or not opens


@inlined
def _advance_day(link, facts, day, channels):  # type: ignore[no-untyped-def]
    """KNOWN and ENERGY of a day; False when registers of export have moved and no interval has any."""
    known, as_read = 0, link.numerator == 1 and link.denominator == 1
    for channel in range(N_ENERGY):
        opening, closing = facts[day, REGISTER + channel], facts[day + 1, REGISTER + channel]
        if opening < 0 or closing < 0:
            continue
        # Two divisions less.
        simple = as_read and 0 <= closing - opening <= LARGEST and closing <= LARGEST
        energy = closing - opening if simple else billed_between(link, opening, closing, DAY_SECS)
        if energy >= 0:
            known |= 1 << channel
            facts[day, ENERGY + channel] = energy
            if channel >= channels and energy:
                return False
    facts[day, KNOWN] = known if known & 1 else 0
    return True
