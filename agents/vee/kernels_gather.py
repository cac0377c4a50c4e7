"""The closed days of one service point, out of the ring into scratch arrays."""

from __future__ import annotations

import numpy as np

from agents.vee.jit import inlined, kernel
from agents.vee.kernels_cells import half_of, is_amended, sent_of, slice_of
from agents.vee.kernels_limits import take_limits
from agents.vee.kernels_midnights import find_if_any
from agents.vee.kernels_words import cell_of, read_words, word_at
from agents.vee.state import AMENDED, EMPTY, KEPT, MEMBERS, MISSING, NEGATIVE, NOTHING
from agents.vee.state import GOOD as SENT_GOOD
from agents.vee.state import OFFERED as SENT_OFFERED
from agents.vee.state import PARTED as SENT_PARTED
from agents.vee.work import BAD, BEFORE, COUNTS, GAP, GOOD, LINK_COUNT, NONE, OFFERED, PLANES_AT
from pipeline.channels import N_ENERGY
from pipeline.localtime import DAY_SECS


@kernel
def gather(pages, tables, limits, clock, slot, work, first, days):  # type: ignore[no-untyped-def]
    """Fill start, interval, link, state, cell, sent and published of `days` days from local day `first` on.

    Position: ((day x places) + place) x 2 + half. Returns how many positions there are.
    """
    planes = work.pad[PLANES_AT]
    find_if_any(pages, slot, planes)
    total = days * 2 * (DAY_SECS // limits.slot_secs)
    base = first * DAY_SECS
    single = _single(tables, work, base - limits.offset, base + days * DAY_SECS - limits.offset)
    for at in range(total):
        work.cells[at].state = NONE
        start = base + (at >> 1) * limits.slot_secs
        if single >= 0:
            interval, row = np.int64(tables.links[single].interval), single
        else:
            interval, row = _grid(tables, work, start - limits.offset, limits.slot_secs)
        if row < 0 or start % interval or (at & 1 and interval >= limits.slot_secs):
            continue
        start += interval * (at & 1)
        if single < 0:
            _, row = _grid(tables, work, start - limits.offset, interval)
        half = half_of(limits, start, interval)
        own = planes[half * MEMBERS]
        if row >= 0 and own >= 0:
            cell = cell_of(word_at(pages, slice_of(limits, start), own))
            _fill(pages, limits, clock, planes, work.cells[at], start, interval, row, half, cell)
            take_limits(tables, limits, work.cells[at])
    return total


@kernel
def _single(tables, work, begin, end):  # type: ignore[no-untyped-def]
    """Row of the only meter in [begin, end) epoch s if it stood there all the time, else -1."""
    if work.pad[COUNTS, LINK_COUNT] != 1:
        return -1
    link = tables.links[work.links[0]]
    return work.links[0] if link.start <= begin and link.until >= end else -1


@inlined
def _grid(tables, work, begin, length):  # type: ignore[no-untyped-def]
    """(shortest interval, row of the latest link) among the links of [begin, begin + length) epoch s; row -1: none."""
    interval, latest = 0, -1
    for place in range(work.pad[COUNTS, LINK_COUNT]):
        link = tables.links[work.links[place]]
        if link.start < begin + length and link.until > begin:
            if latest < 0 or link.interval < interval:
                interval = link.interval
            latest = work.links[place]
    return interval, latest


@kernel
def _fill(pages, limits, clock, planes, position, start, interval, row, half, cell):  # type: ignore[no-untyped-def]
    """One position, CELL."""
    slice_ = slice_of(limits, start)
    position.start, position.interval, position.link, position.cell = start, interval, row, cell
    position.fresh, position.method, position.said, position.gap = cell & KEPT, 0, 0, 0
    sent = sent_of(cell)
    if sent == NOTHING:
        position.state = GAP if start - limits.offset >= clock.begin else BEFORE
    else:
        position.state = GOOD if sent == SENT_GOOD else OFFERED if sent in (SENT_OFFERED, SENT_PARTED) else BAD
    read_words(pages, planes, half, slice_, sent == NEGATIVE, position.sent)
    if is_amended(cell):
        read_words(pages, planes, half | AMENDED, slice_, False, position.published)
    for channel in range(N_ENERGY):
        if cell & 15 in (EMPTY, MISSING):
            position.published[channel] = 0
        elif not is_amended(cell):
            position.published[channel] = position.sent[channel]
        position.new[channel] = position.sent[channel] if sent != NOTHING else 0
        position.base[channel] = 0
