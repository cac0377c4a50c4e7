"""How much of an interval's time, and so of its energy, a row of a cut interval stands for; see `kernels_parts`."""

from __future__ import annotations

import numpy as np

from agents.vee.jit import inlined, kernel
from agents.vee.kernels_cells import MOST, half_of, sent_of, slice_of
from agents.vee.kernels_part_rows import ODD, REGULAR, REPEATED, energy_at, form_at, places, stamp_at
from agents.vee.kernels_words import cell_of, word_at
from agents.vee.state import GOOD, MEMBERS
from pipeline.channels import N_ENERGY
from pipeline.localtime import DAY_SECS


@kernel
def begin_of(pages, limits, planes, at, interval, stamp):  # type: ignore[no-untyped-def]
    """Where the time of the odd row with this stamp begins."""
    begin = max(stamp - interval, stamp - stamp % DAY_SECS)
    for place in range(places(limits, at)):
        known = stamp_at(pages, at, place)
        if form_at(pages, at, place) and begin < known < stamp:
            begin = known
    grid = stamp - stamp % interval
    if grid > begin:
        half = half_of(limits, grid - interval, interval)
        own = planes[half * MEMBERS]
        if own >= 0 and sent_of(cell_of(word_at(pages, slice_of(limits, grid - interval), own))) == GOOD:
            return grid
    return begin


@inlined
def _share(energy, begin, stamp, interval, start):  # type: ignore[no-untyped-def]
    """Part of an odd row's energy in the interval from `start`: by seconds, the remainder to the larger fraction."""
    cut = stamp - stamp % interval
    if begin >= cut:
        return energy if start == cut else np.int64(0)
    length = stamp - begin
    before, behind = energy * (cut - begin), energy * (stamp - cut)
    first, second = before // length, behind // length
    if first + second < energy:
        if behind % length > before % length:
            second += 1
        else:
            first += 1
    return second if start == cut else first


@kernel
def sum_rows(pages, limits, planes, at, interval, start, out):  # type: ignore[no-untyped-def]
    """out i64 (4,) = energies of the rows in the interval from `start`; (rows, regular, repeated ones among them)."""
    rows, regular, repeated = 0, 0, 0
    for channel in range(N_ENERGY):
        out[channel] = 0
    for place in range(places(limits, at)):
        form, stamp = form_at(pages, at, place), stamp_at(pages, at, place)
        if form == 0 or stamp <= start or stamp >= start + 2 * interval:
            continue
        if form != ODD:
            if stamp == start + interval:
                rows, regular, repeated = rows + 1, regular + (form == REGULAR), repeated + (form == REPEATED)
                for channel in range(N_ENERGY):
                    out[channel] += energy_at(pages, at, place, channel)
            continue
        begin = begin_of(pages, limits, planes, at, interval, stamp)
        if begin < start + interval:
            rows += 1
            for channel in range(N_ENERGY):
                out[channel] += _share(energy_at(pages, at, place, channel), begin, stamp, interval, start)
    for channel in range(N_ENERGY):
        out[channel] = min(out[channel], MOST)
    return rows, regular, repeated
