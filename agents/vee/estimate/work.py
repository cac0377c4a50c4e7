"""What a method is called with, and the methods that can be called: one function each, by `pipeline.codes.Method`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from agents.vee.estimate import kernels_days, kernels_line
from agents.vee.estimate.history import History
from agents.vee.estimate.model import Side
from agents.vee.estimate.order import Tuning
from pipeline.codes import Method


class Work(NamedTuple):
    """A series, what stands beside it, and the numbers of the methods."""

    history: History
    side: Side
    tuning: Tuning


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


ESTIMATES: dict[Method, Estimate] = {
    Method.LINEAR: _line,
    Method.CARRIED: _carry,
    Method.LIKE_DAY: _of_days(kernels_days.like_days),
    Method.NEAR_DAY: _of_days(kernels_days.near_day),
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
    }
)
"""Methods whose inputs are days; those of the others are indices of intervals."""
