"""Expected error of an estimate, by method and length of gap: shipped defaults, or what a scorecard has measured."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.codes import Method

HOUR, DAY = 3600, 86400

LENGTHS = (HOUR, 6 * HOUR, DAY, 3 * DAY)
"""Lengths of gap that are scored, seconds."""

LENGTH_NAMES = ("1 h", "6 h", "1 d", "3 d")

BOUNDS = (2 * HOUR, 12 * HOUR, 36 * HOUR)
"""Gaps up to these count as the first, second and third length, others as the last."""

Errors = Mapping[Method, tuple[int, int, int, int]]
"""Method -> expected |error| in thousandths of the energy, by length of gap."""

MOST = 1000
"""For what nothing was measured: the error may be as large as the value."""


def length_class(seconds: int) -> int:
    """Which of LENGTHS a gap counts as."""
    return sum(seconds > bound for bound in BOUNDS)


def expected_error(errors: Errors, method: Method, seconds: int) -> int:
    """Thousandths of the estimate."""
    found = errors.get(method)
    return MOST if found is None else found[length_class(seconds)]


SHIPPED: Errors = {
    Method.AGREED: (0, 0, 0, 0),
    Method.OUTAGE: (0, 0, 0, 0),
    Method.CHECK_METER: (20, 20, 20, 20),
}
