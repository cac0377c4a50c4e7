"""Known-good intervals taken away on purpose, to see how well they would have been estimated.

There is no chance here: which gaps are tried follows from the seed, the series' name and the place in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from agents.vee.estimate.errors import LENGTHS
from agents.vee.estimate.model import GOOD, NO_I64, NO_U1, Grid
from agents.vee.estimate.work import ESTIMATES, WHOLE_GAP, Work, spread_of
from pipeline.codes import Method
from pipeline.columns import Array

TRIED: tuple[Method, ...] = (
    Method.LINEAR,
    Method.LIKE_DAY,
    Method.NEAR_DAY,
    Method.PREVIOUS_PERIOD,
    Method.CARRIED,
    Method.WEIGHTED_DAYS,
    Method.MEDIAN_DAYS,
    Method.BRIDGE,
)
"""Methods that need nothing but the series itself."""


TIMES = (4, 2, 1, 1)
"""So many times as many gaps are tried of each of LENGTHS: short ones hold few intervals, and their errors scatter."""


class Trial(NamedTuple):
    """What each method made of g gaps; m methods."""

    methods: tuple[Method, ...]
    length: Array
    """i64 (g,): which of LENGTHS."""
    first: Array
    """i64 (g,): first interval of the gap."""
    applied: Array
    """bool (g, m)"""
    wrong: Array
    """i64 (g, m): sum of |estimate - actual|, 0 where not applied."""
    over: Array
    """i64 (g, m): sum of estimate - actual."""
    spread: Array
    """i64 (g, m): how far the days around lie from the estimate."""
    actual: Array
    """i64 (g,): energy that was taken away."""


def scrambled(numbers: Array) -> Array:
    """A bijection of u64 whose results look like chance (the finalizer of SplitMix64)."""
    mixed: Array = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed = mixed ^ (mixed >> np.uint64(31))
    return mixed


def gaps_of(name: str, seed: int, standing: Array, size: int, count: int, low: int, high: int) -> Array:
    """First intervals of at most `count` gaps of `size` good intervals within [low, high), in order.

    Gaps may overlap: each is tried by itself.
    """
    bad = np.concatenate(([0], np.cumsum(standing[low:high] != GOOD)))
    possible: Array = np.flatnonzero(bad[size:] == bad[:-size]) + low if size < bad.size else NO_I64
    key = blake2b(f"{seed}/{size}/{name}".encode(), digest_size=8).digest()
    drawn = scrambled(possible.astype(np.uint64) ^ np.uint64(int.from_bytes(key, "little")))
    return np.sort(possible[np.argsort(drawn, kind="stable")[:count]])


def days_within(work: Work, method: Method, first: int, last: int) -> list[tuple[int, int]]:
    """A gap in the parts that a method takes at once."""
    if method in WHOLE_GAP:
        return [(first, last)]
    day = work.history.series.day
    begins = [first, *(np.flatnonzero(np.diff(day[first : last + 1])) + first + 1).tolist()]
    return list(zip(begins, [begin - 1 for begin in begins[1:]] + [last], strict=True))


def attempt(work: Work, method: Method, first: int, last: int) -> bool:
    """Estimate a gap into work.history.out; False when the method does not apply to all of it."""
    return all(ESTIMATES[method](work, low, high) > 0 for low, high in days_within(work, method, first, last))


def trial(
    work: Work, name: str, seed: int, count: int, low: int, high: int, methods: Sequence[Method] = TRIED
) -> Trial:
    """Take gaps within [low, high) away, each by itself, and let every method estimate them.

    A gap of less than an interval is not tried.

    Args:
        work: the series.
        name: of the series; decides with the seed which gaps are taken.
        seed: see `gaps_of`.
        count: most gaps of a day and longer; TIMES as many of shorter ones.
        low: first interval that may be taken.
        high: first one that may not be taken any more.
        methods: which ones.
    """
    history, interval = work.history, work.history.grid.interval
    standing = history.series.standing
    firsts, lengths = [], []
    for number, seconds in enumerate(LENGTHS):
        if seconds >= interval:
            found = gaps_of(name, seed, standing, seconds // interval, count * TIMES[number], low, high).tolist()
            firsts += found
            lengths += [number] * len(found)
    shape = len(firsts), len(methods)
    applied = np.zeros(shape, bool)
    wrong, over, spread = (np.zeros(shape, np.int64) for _ in range(3))
    actual = np.zeros(len(firsts), np.int64)
    for item, (first, number) in enumerate(zip(firsts, lengths, strict=True)):
        last = first + LENGTHS[number] // interval - 1
        known = history.series.value[first : last + 1]
        actual[item] = known.sum()
        history.hide(first, last)
        for column, method in enumerate(methods):
            if attempt(work, method, first, last):
                error = history.out[first : last + 1] - known
                applied[item, column] = True
                wrong[item, column], over[item, column] = np.abs(error).sum(), error.sum()
                spread[item, column] = max(0, spread_of(work, (first, last), first, last))
        history.show(first, last)
    firsts_of, lengths_of = np.array(firsts, np.int64), np.array(lengths, np.int64)
    return Trial(tuple(methods), lengths_of, firsts_of, applied, wrong, over, spread, actual)


def part_of(grid: Grid, after: int) -> Grid:
    """The first `after` intervals of a grid, without registers."""
    days = int(grid.day[after - 1]) - int(grid.day[0]) + 1
    cut = {name: getattr(grid, name)[:after] for name in ("start", "value", "standing", "place", "day")}
    return grid._replace(**cut, day_type=grid.day_type[:days], register_at=NO_I64, register=NO_I64, register_good=NO_U1)
