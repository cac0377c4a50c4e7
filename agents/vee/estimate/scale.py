"""Estimates scaled so that each span meets its registers, and where they are good its zones theirs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agents.vee.estimate.model import LACKS, Filled, Gap, Grid, Side
from agents.vee.estimate.spans import Span, hard_to_believe, share_out, zone_needs
from pipeline.codes import Method
from pipeline.columns import Array

KNOWN = (Method.AGREED, Method.OUTAGE)
"""Substitutes that say what was used; they are not scaled."""


class _Scaling(NamedTuple):
    """What was done to the estimates at `at`."""

    at: Array
    numerator: int
    denominator: int
    why: str


def scaled(grid: Grid, side: Side, spans: list[Span], edges: Array, filled: Filled) -> Filled:
    """E06, E07 or E08 on every span; gaps are cut where a span begins, for each part has a factor of its own.

    Not scaled: a span with an interval that still lacks a value, one whose good intervals sum to more than its
    registers, and one without estimates.
    """
    gaps = [part for gap in filled.gaps for part in _parts(gap, edges)]
    first = np.array([gap.first for gap in gaps], np.int64)
    for span in spans:
        low, high = np.searchsorted(first, (span.first, span.after))
        if low == high:
            continue
        scalings = _scale(grid, side, span, filled)
        for place in range(int(low), int(high)):
            gaps[place] = _told(gaps[place], scalings)
    return filled._replace(gaps=gaps)


def _scale(grid: Grid, side: Side, span: Span, filled: Filled) -> list[_Scaling]:
    window = slice(span.first, span.after)
    method = filled.method[window]
    estimated: Array = (grid.standing[window] == LACKS) & ~np.isin(method, KNOWN)
    if (method[estimated] == Method.NONE).any() or not estimated.any():
        return []
    at: Array = np.flatnonzero(estimated) + span.first
    rest: Array = np.flatnonzero(~estimated) + span.first
    done, scalings = np.zeros(at.size, bool), []
    zoned = 0
    for zone, energy in zone_needs(side, span):
        mine = side.zone[at] == zone
        used = int(filled.value[rest[side.zone[rest] == zone]].sum())
        if mine.any() and energy >= used:
            scalings.append(_to(filled, at[mine], energy - used, Method.ZONE_SCALED))
            zoned += energy - used
            done |= mine
    if not done.all():
        need = span.energy - int(filled.value[rest].sum()) - zoned
        scalings.append(_to(filled, at[~done], need, Method.SCALED))
    return scalings


def _to(filled: Filled, at: Array, need: int, method: Method) -> _Scaling:
    """Let the estimates at `at` add up to `need`."""
    weights = filled.value[at]
    total = int(weights.sum())
    if need < 0:
        return _Scaling(at, 0, 0, f"registers leave {need} Wh: not scaled")
    if (weights < 0).any():
        return _Scaling(at, 0, 0, "estimates below zero: not scaled")
    flat = total == 0 or bool((filled.method[at] == Method.FLAT).all())
    filled.value[at] = share_out(need, np.zeros_like(weights) if flat else weights)
    filled.method[at] = Method.FLAT if flat else method
    if flat:
        return _Scaling(at, 0, 0, "spread evenly: no estimate has any weight" if total == 0 and need else "")
    if hard_to_believe(need, total):
        filled.suspect[at] = 1
        return _Scaling(at, need, total, f"factor {need / total:.2f} is outside 0.2..5: suspect")
    return _Scaling(at, need, total, "")


def _parts(gap: Gap, edges: Array) -> list[Gap]:
    low, high = np.searchsorted(edges, (gap.first, gap.last), side="right")
    begins = [gap.first, *edges[low:high].tolist()]
    ends = [begin - 1 for begin in begins[1:]] + [gap.last]
    return [gap._replace(first=begin, last=end) for begin, end in zip(begins, ends, strict=True)]


def _told(gap: Gap, scalings: list[_Scaling]) -> Gap:
    """The gap with the factor that it was scaled by; of several zones the one that its first interval belongs to."""
    for scaling in scalings:
        place = int(np.searchsorted(scaling.at, gap.first))
        if place < scaling.at.size and scaling.at[place] == gap.first:
            why = "; ".join(part for part in (gap.why, scaling.why) if part)
            return gap._replace(scaled_numerator=scaling.numerator, scaled_denominator=scaling.denominator, why=why)
    return gap
