"""E13 and E14: a register that was not read at the time it is needed for."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from pipeline.localtime import DAY_SECS

CENT = Decimal("0.01")


def average_daily_use(usage: Decimal, days: int) -> Decimal:
    """ADU of the monthly method: usage over days, two decimals, a half up. days > 0."""
    return (usage / days).quantize(CENT, ROUND_HALF_UP)


def estimated_register(last: int, usage: Decimal, usage_days: int, days: int, constant: Decimal = Decimal(1)) -> int:
    """E13 as monthly billing rounds it: the dial reading `days` after the last one.

    ADU to two decimals (a half up), times days, two decimals again, divided by the meter's constant, cut to a whole
    number, and added to the last reading (California's working group).

    Args:
        last: last reading of the dial.
        usage: kWh used in the `usage_days` before it.
        usage_days: > 0.
        days: since the last reading.
        constant: kWh of one step of the dial.
    """
    energy = (average_daily_use(usage, usage_days) * days).quantize(CENT, ROUND_HALF_UP)
    return last + int((energy / constant).to_integral_value(ROUND_DOWN))


def estimated_register_wh(last: int, daily_use: int, seconds: int) -> int:
    """E13 in whole watt-hours: last + daily use x days, nearest, a half up."""
    return last + (2 * daily_use * seconds + DAY_SECS) // (2 * DAY_SECS)


def register_at(at: int, before: tuple[int, int], after: tuple[int, int]) -> int:
    """E14 without a profile: R(t) = Ra + (Rb - Ra) (t - ta) / (tb - ta), nearest, a half up.

    Args:
        at: epoch seconds; before[0] <= at <= after[0].
        before: (epoch seconds, Wh) of the reading before.
        after: the same of the reading after, later than the one before.

    Raises:
        ValueError: when `at` is not between them.
    """
    span, past = after[0] - before[0], at - before[0]
    if span <= 0 or not 0 <= past <= span:
        raise ValueError(f"{at} is not between readings at {before[0]} and {after[0]}")
    return before[1] + (2 * (after[1] - before[1]) * past + span) // (2 * span)


def register_by_intervals(before: int, intervals: list[int]) -> int:
    """E14 with a profile: Ra + sum of the intervals from then on."""
    return before + sum(intervals)
