"""What a method is called with, and the methods that can be called: one function each, by `pipeline.codes.Method`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from agents.vee.estimate import kernels_days, kernels_line, kernels_others, kernels_season, kernels_votes
from agents.vee.estimate.history import History
from agents.vee.estimate.model import Grid, Side
from agents.vee.estimate.order import Tuning, decay_of
from pipeline.codes import Method
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS


class Work(NamedTuple):
    """A series, what stands beside it, and the numbers of the methods."""

    history: History
    side: Side
    tuning: Tuning
    decay: Array
    """i64: what is left of an end's vote after so many intervals (E18)."""


def work_on(history: History, side: Side, tuning: Tuning) -> Work:
    """Ready to be handed to methods."""
    return Work(history, side, tuning, decay_of(tuning, history.grid.interval))


Estimate = Callable[[Work, int, int], int]
"""Fills work.history.out[first..last], names its inputs in work.history.used; returns their number, 0: not possible."""


def _line(work: Work, first: int, last: int) -> int:
    history = work.history
    return int(kernels_line.line(history.series, first, last, history.out, history.used))


def _carry(work: Work, first: int, last: int) -> int:
    history = work.history
    return int(kernels_line.carry(history.series, first, last, history.out, history.used))


def _of_days(kernel: Callable[..., int]) -> Estimate:
    def estimate(work: Work, first: int, last: int) -> int:
        history = work.history
        return int(kernel(history.series, work.tuning, first, last, history.out, history.used))

    return estimate


def _of_votes(kernel: Callable[..., int]) -> Estimate:
    def estimate(work: Work, first: int, last: int) -> int:
        history = work.history
        return int(kernel(history.series, work.tuning, first, last, history.out, history.used, history.votes))

    return estimate


def _bridge(work: Work, first: int, last: int) -> int:
    history = work.history
    return int(
        kernels_votes.bridge(
            history.series, work.tuning, work.decay, first, last, history.out, history.used, history.votes
        )
    )


def _check(work: Work, first: int, last: int) -> int:
    history, side = work.history, work.side
    if not side.check.size:
        return 0
    return int(
        kernels_others.check_meter(
            history.series, work.tuning, side.check, side.check_standing, first, last, history.out, history.used
        )
    )


def _temperature(work: Work, first: int, last: int) -> int:
    history, temperature = work.history, work.side.temperature
    if not temperature.size:
        return 0
    return int(
        kernels_season.temperature_days(
            history.series, work.tuning, temperature, first, last, history.out, history.used
        )
    )


def _neighbours(work: Work, first: int, last: int) -> int:
    history, side = work.history, work.side
    if side.neighbours.shape[0] < max(1, work.tuning.least_peers):
        return 0
    votes = history.votes_of(side.neighbours.shape[0])
    return int(
        kernels_others.neighbours(
            history.series, work.tuning, side.neighbours, side.neighbours_standing, first, last, history.out,
            history.used, votes,
        )
    )  # fmt: skip


def _profile(work: Work, first: int, last: int) -> int:
    history, profile = work.history, work.side.profile
    if not profile.size:
        return 0
    series = history.series
    day = int(series.day[first])
    use = int(kernels_others.daily_use(series, series.value, series.standing, day, work.tuning.period_days))
    if use < 0:
        use = int(kernels_others.daily_use(series, series.value, series.standing, day, series.complete.size))
    if use < 0:
        use = use_of_registers(history.grid)
    if use < 0:
        return 0
    kernels_others.class_profile(series, profile, use, first, last, history.out)
    history.used[0] = use
    return 1


def spread_of(work: Work, gap: tuple[int, int], first: int, last: int) -> int:
    """How far what is around the gap lies from the estimates in work.history.out, Wh; -1 when no days are around."""
    history = work.history
    return int(
        kernels_votes.spread(
            history.series, work.tuning, work.decay, gap[0], gap[1], first, last, history.out, history.votes
        )
    )


def use_of_registers(grid: Grid) -> int:
    """Average daily use between the first and the last good register, Wh; -1 when there are not two."""
    good = np.flatnonzero(grid.register_good)
    if good.size < 2:
        return -1
    at, readings = grid.register_at[good], grid.register[good]
    low, high = int(at.argmin()), int(at.argmax())
    seconds = (int(at[high]) - int(at[low])) * grid.interval
    energy = int(readings[high]) - int(readings[low])
    if seconds <= 0 or energy < 0:
        return -1
    return (2 * energy * DAY_SECS + seconds) // (2 * seconds)


ESTIMATES: dict[Method, Estimate] = {
    Method.CHECK_METER: _check,
    Method.LINEAR: _line,
    Method.LIKE_DAY: _of_days(kernels_days.like_days),
    Method.NEAR_DAY: _of_days(kernels_days.near_day),
    Method.CARRIED: _carry,
    Method.PREVIOUS_PERIOD: _of_days(kernels_season.previous_period),
    Method.CLASS_PROFILE: _profile,
    Method.NEIGHBOURS: _neighbours,
    Method.TEMPERATURE: _temperature,
    Method.WEIGHTED_DAYS: _of_votes(kernels_votes.weighted_days),
    Method.MEDIAN_DAYS: _of_votes(kernels_votes.median_days),
    Method.BRIDGE: _bridge,
}

WHOLE_GAP = frozenset({Method.LINEAR, Method.CARRIED, Method.BRIDGE})
"""Methods that take a gap as a whole; the others take it by local days."""

NAMES_DAYS = frozenset(
    {
        Method.LIKE_DAY,
        Method.NEAR_DAY,
        Method.PREVIOUS_PERIOD,
        Method.TEMPERATURE,
        Method.WEIGHTED_DAYS,
        Method.MEDIAN_DAYS,
        Method.CHECK_METER,
        Method.BRIDGE,
    }
)
"""Methods whose inputs are days; those of the others are indices of intervals, places of neighbours, or
daily use in Wh (E10)."""
