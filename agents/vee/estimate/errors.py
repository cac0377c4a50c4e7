"""Expected error of an estimate, by method and length of gap: shipped defaults, or what a scorecard has measured.

What is used changes with the season and the hour, and the error with it. So two figures are kept: WAPE, and how large
errors were beside the spread of the days around the gap. The second one, times the spread around a new gap, is its
expected error; WAPE stands in where no days are around.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pipeline.codes import Method

HOUR, DAY = 3600, 86400

LENGTHS = (HOUR, 6 * HOUR, DAY, 3 * DAY)
"""Lengths of gap that are scored, seconds."""

LENGTH_NAMES = ("1 h", "6 h", "1 d", "3 d")

BOUNDS = (2 * HOUR, 12 * HOUR, 36 * HOUR)
"""Gaps up to these count as the first, second and third length, others as the last."""

MOST = 10_000
"""Thousandths that an expected error can reach."""


class Expected(NamedTuple):
    """What is expected of one method at one length of gap, thousandths."""

    wape: int
    """Of the energy."""
    spread: int
    """Of the spread of the days around; 0: not measured."""


UNMEASURED = Expected(1000, 0)
"""For what nothing was measured: the error may be as large as the value."""

Errors = Mapping[Method, tuple[Expected, Expected, Expected, Expected]]
"""Method -> what is expected, by length of gap."""


def length_class(seconds: int) -> int:
    """Which of LENGTHS a gap counts as."""
    return sum(seconds > bound for bound in BOUNDS)


def expected_of(errors: Errors, method: Method, seconds: int) -> Expected:
    """What is expected of a method in a gap of so many seconds."""
    found = errors.get(method)
    return UNMEASURED if found is None else found[length_class(seconds)]


def thousandths(expected: Expected, spread: int, energy: int) -> int:
    """Expected error in thousandths of an estimate.

    Args:
        expected: of the method at this length.
        spread: Wh, summed over the intervals; below zero: no days are around.
        energy: Wh, the estimate of all intervals.
    """
    if spread < 0 or not expected.spread:
        return expected.wape
    return min(MOST, expected.spread * spread // max(1, abs(energy)))


def exact() -> tuple[Expected, Expected, Expected, Expected]:
    """Nothing is expected to be wrong."""
    none = Expected(0, 0)
    return none, none, none, none


CHECKED = Expected(20, 0)

SHIPPED: Errors = {
    Method.AGREED: exact(),
    Method.OUTAGE: exact(),
    Method.CHECK_METER: (CHECKED, CHECKED, CHECKED, CHECKED),
    Method.LINEAR: (Expected(494, 1061), Expected(633, 1010), Expected(885, 970), Expected(886, 952)),
    Method.LIKE_DAY: (Expected(573, 1014), Expected(571, 994), Expected(575, 984), Expected(586, 1001)),
    Method.NEAR_DAY: (Expected(647, 1021), Expected(641, 975), Expected(639, 964), Expected(649, 972)),
    Method.CARRIED: (Expected(560, 1101), Expected(756, 984), Expected(921, 974), Expected(929, 952)),
    Method.PREVIOUS_PERIOD: (Expected(524, 1003), Expected(522, 982), Expected(524, 962), Expected(546, 981)),
    Method.WEIGHTED_DAYS: (Expected(498, 998), Expected(499, 982), Expected(496, 959), Expected(512, 981)),
    Method.MEDIAN_DAYS: (Expected(458, 1021), Expected(457, 990), Expected(445, 942), Expected(462, 966)),
    Method.BRIDGE: (Expected(397, 1007), Expected(426, 972), Expected(439, 942), Expected(459, 965)),
}
"""Of the methods from E03 on: what `kvarn vee accuracy` has learned from four half-hourly and hourly household series.
The check meter's is a proposal."""
