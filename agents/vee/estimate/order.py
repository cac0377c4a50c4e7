"""In which order methods are tried, and on what conditions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agents.vee.estimate.errors import SHIPPED, Errors
from pipeline.codes import Method
from pipeline.columns import Array

FOREVER = 2**62
MOST_STEPS = 1000


class Tuning(NamedTuple):
    """Numbers of the methods; domain values are the defaults."""

    like_days: int = 3
    """E04, E12: how many days are averaged."""
    window_days: int = 90
    """E04, E05: how far back a like day may lie."""
    check_days: int = 30
    """E02: days over which the two meters are compared."""
    season_days: int = 14
    """E09: days before and after the same weekday last year."""
    period_days: int = 28
    """E09, E10, E11: days over which daily use is taken."""
    least_peers: int = 5
    """E11: fewer neighbours say nothing."""
    temperature_tenths: int = 20
    """E12: a day is near when its temperature differs by no more."""
    near_weeks: int = 8
    """E16 to E18: weeks before and after whose days count."""
    end_thousandths: int = 700
    """E18: weight of an interval next to the gap, beside that of all days together."""
    decay_thousandths: int = 400
    """E18: what is left of it an hour further into the gap, or an interval when that is longer."""


def decay_of(tuning: Tuning, interval: int) -> Array:
    """Parts of a million that are left of an end's vote after 0, 1, 2 ... intervals; it ends before the first zero.

    Whole numbers throughout, so that it is the same everywhere.
    """
    left, found, steps = 10**6, [10**6], max(1, 3600 // interval)
    each = _root(tuning.decay_thousandths * 10 ** (9 * steps - 3), steps)
    while left > 0 and len(found) < MOST_STEPS:
        left = left * each // 10**9
        found.append(left)
    return np.array([part for part in found if part >= 1000], np.int64)


def _root(number: int, degree: int) -> int:
    """The largest whole number whose power is no more."""
    low, high = 0, 10**9 + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**degree <= number else (low, middle)
    return low


class Step(NamedTuple):
    """A method, and which lengths of gap it is for."""

    method: Method
    longest_secs: int = FOREVER
    shortest_secs: int = 0

    def fits(self, seconds: int) -> bool:
        """Whether it is for gaps of this length."""
        return self.shortest_secs <= seconds <= self.longest_secs


LINEAR_SECS = 7200
"""E03 is for gaps up to this; domain 3.3."""

STEPS: tuple[Step, ...] = (
    Step(Method.AGREED),
    Step(Method.OUTAGE),
    Step(Method.CHECK_METER),
    Step(Method.LINEAR, longest_secs=LINEAR_SECS),
    Step(Method.LIKE_DAY),
    Step(Method.NEAR_DAY),
    Step(Method.TEMPERATURE),
    Step(Method.NEIGHBOURS),
    Step(Method.PREVIOUS_PERIOD),
    Step(Method.CLASS_PROFILE),
    Step(Method.FLAT),
    Step(Method.CARRIED),
)
"""Default order; the last is a stop-gap for a series without any history."""


class Order(NamedTuple):
    """How a series is filled."""

    steps: tuple[Step, ...] = STEPS
    tuning: Tuning = Tuning()
    scale: bool = True
    """E06 and E07 where registers are good at both ends."""
    zero_between_outages: bool = True
    """A gap with an outage on both sides is taken for a part of it."""
    errors: Errors = SHIPPED
    """Expected error by method and length of gap."""
