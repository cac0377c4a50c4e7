"""In which order methods are tried, and on what conditions."""

from __future__ import annotations

from typing import NamedTuple

from agents.vee.estimate.errors import SHIPPED, Errors
from pipeline.codes import Method

FOREVER = 2**62


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
    bridge_thousandths: int = 600
    """E18: how much of a difference to the days around is left one hour on."""


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
