"""The closed days of one service point, out of the ring into scratch arrays."""

from __future__ import annotations

from agents.vee.jit import inlined, kernel
from agents.vee.kernels_cells import find_planes, half_of, read_published, read_sent, sent_of, slice_of
from agents.vee.state import GOOD as SENT_GOOD
from agents.vee.state import KEPT, NOTHING
from agents.vee.work import BAD, BEFORE, COUNTS, GAP, GOOD, LINK_COUNT, NONE, PLANES_AT
from pipeline.channels import N_ENERGY
from pipeline.localtime import DAY_SECS


@kernel
def gather(pages, tables, limits, clock, slot, work, first, days):  # type: ignore[no-untyped-def]
    """Fill start, interval, link, state, cell, sent and published of `days` days from local day `first` on.

    Position: ((day x places) + place) x 2 + half. Returns how many positions there are.
    """
    find_planes(pages, slot, work.pad[PLANES_AT])
    total = days * 2 * (DAY_SECS // limits.slot_secs)
    base = first * DAY_SECS
    single = _single(tables, work, base - limits.offset, base + days * DAY_SECS - limits.offset)
    for at in range(0, total, 2):
        start = base + (at >> 1) * limits.slot_secs
        work.cells[at].state, work.cells[at + 1].state = NONE, NONE
        if single >= 0:
            interval, row = tables.links[single].interval, single
        else:
            interval, row = _grid(tables, work, start - limits.offset, limits.slot_secs)
        if row < 0 or start % interval:
            continue
        _position(pages, tables, limits, clock, work, at, start, interval, single)
        if interval < limits.slot_secs:
            _position(pages, tables, limits, clock, work, at + 1, start + interval, interval, single)
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


@inlined
def _position(pages, tables, limits, clock, work, at, start, interval, single):  # type: ignore[no-untyped-def]
    row = single
    if single < 0:
        _, row = _grid(tables, work, start - limits.offset, interval)
    half = half_of(limits, start, interval)
    if row < 0 or work.pad[PLANES_AT, half] < 0:
        return
    slice_ = slice_of(limits, start)
    cell = int(pages.cells[slice_, work.pad[PLANES_AT, half]])
    position = work.cells[at]
    position.start, position.interval, position.link, position.cell = start, interval, row, cell
    position.fresh, position.method = cell & KEPT, 0
    sent = sent_of(cell)
    if sent == NOTHING:
        position.state = GAP if start - limits.offset >= clock.begin else BEFORE
    else:
        position.state = GOOD if sent == SENT_GOOD else BAD
    read_sent(pages, work.pad[PLANES_AT], slice_, half, cell, position.sent)
    read_published(pages, work.pad[PLANES_AT], slice_, half, cell, position.published)
    for channel in range(N_ENERGY):
        position.new[channel] = position.sent[channel] if sent != NOTHING else 0
        position.base[channel] = 0
