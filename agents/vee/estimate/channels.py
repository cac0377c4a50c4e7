"""Which methods suit which channel: import, export, reactive and apparent energy, and demand.

Voltage, current and power factor do not add up: they are never estimated, and stay empty.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import numpy as np

from agents.vee.estimate.fill import fill
from agents.vee.estimate.history import History
from agents.vee.estimate.model import GOOD, LACKS, NO_END, Filled, Gap, Grid, Side
from agents.vee.estimate.order import Order
from agents.vee.estimate.work import NAMES_DAYS
from pipeline.codes import Method
from pipeline.columns import Array

HOUR_SECS = 3600


class Channel(StrEnum):
    """What a series measures."""

    IMPORT = "import"
    EXPORT = "export"
    REACTIVE = "reactive"
    APPARENT = "apparent"
    NOT_ADDITIVE = "not additive"


NOT_FOR_EXPORT = frozenset({Method.CLASS_PROFILE, Method.NEIGHBOURS, Method.TEMPERATURE})
"""They describe what consumers of the class use, which says nothing of what one plant feeds in."""

NOT_FOR_REACTIVE = frozenset({Method.CLASS_PROFILE, Method.NEIGHBOURS})
"""Shares of active energy; compensation differs from one consumer to the next."""


def order_for(channel: Channel, order: Order) -> Order:
    """The steps of an order that suit a channel.

    Raises:
        ValueError: for a channel that is not additive: it is never estimated.
    """
    if channel is Channel.NOT_ADDITIVE:
        raise ValueError("a channel that does not add up is never estimated")
    left_out = {Channel.EXPORT: NOT_FOR_EXPORT, Channel.REACTIVE: NOT_FOR_REACTIVE}.get(channel, frozenset())
    return order._replace(steps=tuple(step for step in order.steps if step.method not in left_out))


def fill_channel(channel: Channel, series: Grid, side: Side, order: Order) -> Filled:
    """`fill` with the steps that suit the channel; apparent energy without active energy beside it counts as energy."""
    return fill(series, side, order_for(channel, order))


def apparent(active: Grid, filled: Filled, series: Grid) -> Filled:
    """kVAh = kWh / PF of the same reference days: apparent energy where it lacks, from the active energy of then.

    The power factor is that of the days (or intervals) which the active estimate goes by; without any energy in them
    that of the whole series. It is never less than the active energy (rule V16). What lacks while the active energy
    was measured goes by the power factor of the whole series.

    Args:
        active: grid of active energy, on the same intervals.
        filled: what `fill` made of it.
        series: grid of apparent energy.
    """
    history = History(series)
    lacks: Array = (series.standing == LACKS) & ((filled.method != Method.NONE) | (active.standing == GOOD))
    value: Array = np.where(series.standing == LACKS, 0, series.value).astype(np.int64)
    method: Array = np.zeros(value.size, np.uint8)
    both: Array = (active.standing == GOOD) & (series.standing == GOOD)
    whole = int(active.value[both].sum()), int(series.value[both].sum())
    gaps: list[Gap] = []
    known = np.flatnonzero(lacks & (active.standing == GOOD))
    value[known] = np.maximum(filled.value[known], _times(filled.value[known], whole))
    method[known] = Method.SCALED
    gaps += [Gap(at, at, Method.SCALED, whole[1], whole[0], (), "power factor of the series") for at in known.tolist()]
    for gap in filled.gaps:
        at = np.arange(gap.first, gap.last + 1)
        at = at[lacks[at]]
        if gap.method is Method.NONE or not at.size:
            continue
        used = _references(history, gap, at)
        used = used[both[used]]
        ratio = int(active.value[used].sum()), int(series.value[used].sum())
        ratio = ratio if ratio[0] > 0 else whole
        value[at] = np.maximum(filled.value[at], _times(filled.value[at], ratio))
        method[at] = filled.method[at]
        gaps.append(gap._replace(scaled_numerator=ratio[1], scaled_denominator=ratio[0], why="kWh / power factor"))
    expected = np.where(method != 0, filled.expected, 0).astype(np.int32)
    return Filled(value, method, expected, sorted(gaps), np.where(method != 0, filled.suspect, 0).astype(np.uint8))


def _references(history: History, gap: Gap, at: Array) -> Array:
    """Intervals that an estimate goes by."""
    inputs = np.array(gap.inputs, np.int64)
    if gap.method in NAMES_DAYS:
        days = inputs - int(history.grid.day[0])
        found: Array = history.series.at[days][:, history.series.place[at]].ravel()
        return found[found >= 0]
    if gap.method in (Method.LINEAR, Method.CARRIED):
        return inputs
    return np.zeros(0, np.int64)


def _times(energy: Array, ratio: tuple[int, int]) -> Array:
    """energy x apparent / active, nearest; unchanged without active energy."""
    active, apparent_energy = ratio
    if active <= 0:
        return energy
    found = [(2 * one * apparent_energy + active) // (2 * active) for one in energy.tolist()]
    return np.array(found, np.int64)


class Demand(NamedTuple):
    """The largest mean power of a period."""

    watts: int
    at: int
    """Interval that it stood in, the first of equal ones; -1: there is none."""
    estimated: bool
    """The block is an estimate."""


def demand(filled: Filled, standing: Array, interval: int) -> Demand:
    """Maximum demand of a period: the largest block, estimated ones included, over its length.

    Args:
        filled: of the period.
        standing: u1 (n,) of its grid; what still lacks a value does not count.
        interval: seconds of a block.
    """
    there: Array = ((standing == GOOD) | (standing == NO_END) | (filled.method != Method.NONE)).astype(bool)
    if not there.any():
        return Demand(0, -1, False)
    at = int(np.where(there, filled.value, np.iinfo(np.int64).min).argmax())
    watts = (2 * int(filled.value[at]) * HOUR_SECS + interval) // (2 * interval)
    return Demand(watts, at, bool(filled.method[at]))
