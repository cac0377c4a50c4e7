"""Spans between registers: what is missing between two good readings, and estimates scaled to it (E06, E07, E08)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from agents.vee.estimate.model import OUTSIDE, Grid, Side
from pipeline.columns import Array

LARGEST_PRODUCT = 2**62

LEAST_FACTOR, MOST_FACTOR = (1, 5), (5, 1)
"""A scaling factor outside of these makes its estimates suspect (domain 3.3, E06)."""


class Span(NamedTuple):
    """Intervals [first, after) between two good registers that are next to each other."""

    first: int
    after: int
    energy: int
    """Wh between the two registers."""
    low: int
    """Which registers: places in Grid.register."""
    high: int


def spans_of(grid: Grid) -> list[Span]:
    """Spans in which a meter stood all the time, in order of time."""
    good = np.flatnonzero(grid.register_good)
    good = good[np.argsort(grid.register_at[good], kind="stable")]
    found = []
    for low, high in zip(good[:-1].tolist(), good[1:].tolist(), strict=True):
        first, after = int(grid.register_at[low]), int(grid.register_at[high])
        if 0 <= first < after <= grid.value.size and not (grid.standing[first:after] == OUTSIDE).any():
            found.append(Span(first, after, int(grid.register[high]) - int(grid.register[low]), low, high))
    return found


def zone_needs(side: Side, span: Span) -> Iterator[tuple[int, int]]:
    """(zone, Wh between its two registers) of each zone whose registers are good at both ends."""
    if not side.zone.size:
        return
    for zone in range(side.zone_register.shape[0]):
        if side.zone_register_good[zone, span.low] and side.zone_register_good[zone, span.high]:
            yield zone, int(side.zone_register[zone, span.high]) - int(side.zone_register[zone, span.low])


def share_out(target: int, weights: Array) -> Array:
    """Whole watt-hours that add up to `target`, in proportion to `weights`; without any weight, evenly.

    The watt-hours left over go to the largest remainders, the earlier of equal ones first. Nothing overflows: large
    weights lose their lowest bits. target >= 0; weights: i64 (count,) of at least 0, count > 0. Returns i64 (count,).
    """
    weights = weights.astype(np.int64)
    largest = int(weights.max())
    while largest > 0 and max(target, weights.size) > LARGEST_PRODUCT // largest:
        largest >>= 1
        weights = weights >> 1
    total = int(weights.sum())
    if total == 0:
        weights, total = np.ones_like(weights), weights.size
    products: Array = weights * target
    shares: Array = products // total
    left = target - int(shares.sum())
    shares[np.argsort(-(products % total), kind="stable")[:left]] += 1
    return shares


def hard_to_believe(numerator: int, denominator: int) -> bool:
    """Whether a factor lies outside of LEAST_FACTOR to MOST_FACTOR; denominator > 0."""
    return numerator * LEAST_FACTOR[1] < LEAST_FACTOR[0] * denominator or numerator > MOST_FACTOR[0] * denominator
