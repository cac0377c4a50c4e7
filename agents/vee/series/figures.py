"""Figures of a series that rules are judged by: months, registers without rollovers, how often values repeat."""

from __future__ import annotations

import numpy as np

from agents.vee.config import Thresholds
from agents.vee.series import kernels_registers as register_rules
from agents.vee.series import kernels_runs as run_rules
from agents.vee.series.model import Channel, Grid, Registers, Series
from pipeline.columns import Array

LEAST_USUAL_DAYS = 14
"""Days of a series from which on there is a usual day."""
LEAST_PAIRS = 100
"""Neighbours of an octave from which on their share of equal ones says something."""
NEVER = 2**62
"""More in a row than there can be."""


def without_rollover(series: Series, channel: Channel, limits: Thresholds) -> Array:
    """Registers of a channel without their rollovers, i64 (r,); the words of its spans get V08 and V07."""
    registers = channel.registers
    assert registers is not None
    modulus = registers.modulus or (10**limits.register_dials * 1000 if limits.register_dials else 0)
    if not modulus:
        channel.not_judged["V08"] = "no number of dials"
    adjusted = np.zeros(len(registers.at), np.int64)
    most = series.facts.limit_wh * limits.range_percent // 100
    register_rules.without_rollover(
        registers.at, registers.reading, registers.good, modulus, most, channel.spans, adjusted
    )
    return adjusted


def usual_peak(value: Array, usable: Array, bounds: Array, limits: Thresholds) -> int:
    """Highest interval of a usual day, of three days in four not more; 0: the series is too short to have one.

    Days whose highest interval stands out are left out, so that spikes on many days are not what is usual. Where more
    than half of the days have such an interval, it is usual.
    """
    peaks, plain = np.zeros(len(bounds) - 1, np.int64), np.zeros(len(bounds) - 1, np.uint8)
    ratio, floor = limits.spike_ratio_percent, limits.spike_floor_wh
    count = run_rules.day_peaks(value, usable, bounds, ratio, floor, peaks, plain)
    if count < LEAST_USUAL_DAYS:
        return 0
    peaks, usual = peaks[:count], plain[:count] > 0
    chosen = peaks[usual] if 2 * usual.sum() >= count else peaks
    return int(np.sort(chosen)[3 * len(chosen) // 4])


def least_repeats(pairs: Array, equal: Array, ppm: int, most: int) -> Array:
    """How many equal values in a row a series makes by chance in less than `ppm` of its intervals, i64 (64,).

    pairs, equal i64 (64,): neighbours, and equal ones, by octave. A share p of equal neighbours makes k in a row with a
    probability of p^(k - 1). Never less than 3; where it would be `most` or more, or too little is known, NEVER.
    """
    least = np.full(len(pairs), NEVER, np.int64)
    for octave in np.flatnonzero(pairs >= LEAST_PAIRS).tolist() if ppm else ():
        count, same = int(pairs[octave]), int(equal[octave])
        rows = 3
        # Whole numbers of any size: the same result on every machine.
        while rows < most and same ** (rows - 1) * 1_000_000 > ppm * count ** (rows - 1):
            rows += 1
        if rows < most:
            least[octave] = rows
    return least


def month_figures(grid: Grid, value: Array, usable: Array) -> tuple[Array, Array, Array]:
    """Of each calendar month: use i64 Wh, days of which all is known i64, highest interval i64 Wh.

    Use is of those days alone. A month of which less than three quarters are known is not judged: 0 days.
    """
    first = grid.day_bounds[:-1]
    counts = np.diff(grid.day_bounds)
    # The first and the last day of a file may be parts of days.
    whole = (np.add.reduceat(usable.astype(np.int64), first) == counts) & (counts * grid.interval >= 23 * 3600)
    energy = np.where(whole, np.add.reduceat(np.where(usable > 0, value, 0), first), 0)
    highest = np.maximum.reduceat(np.where(usable > 0, value, 0), first)
    months = np.searchsorted(first, grid.month_bounds[:-1])
    known = np.add.reduceat(whole.astype(np.int64), months)
    known[known < 21] = 0
    use = np.add.reduceat(energy, months)
    return use.astype(np.int64), known, np.maximum.reduceat(highest, months).astype(np.int64)


def mostly(grid: Grid, chosen: Array) -> Array:
    """u1 (m,): 1 for months of which more than half of the intervals are chosen."""
    bounds = grid.month_bounds
    share = np.add.reduceat(chosen.astype(np.int64), bounds[:-1])
    return (share * 2 > np.diff(bounds)).astype(np.uint8)


def registers_at(grid: Grid, time: Array, reading: Array, good: Array, modulus: int = 0) -> Registers:
    """Registers read at `time` i64 (r,) that fall on the begin of an interval, or the end of the last; in order."""
    ends = np.append(grid.start, grid.start[-1] + grid.interval)
    place = np.searchsorted(ends, time)
    inside = place < len(ends)
    fits = inside & (ends[np.where(inside, place, 0)] == time)
    order = np.argsort(place[fits], kind="stable")
    rows = np.flatnonzero(fits)[order]
    return Registers(place[rows].astype(np.int64), reading[rows], good[rows], modulus)
