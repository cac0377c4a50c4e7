"""E09 and E12: days of the same season last year, and days that were as warm. [first, last] lies within one day."""

from __future__ import annotations

import numpy as np

from agents.vee.estimate.kernels_days import mean_of_days
from agents.vee.estimate.model import NO_TEMPERATURE
from agents.vee.jit import kernel

YEAR = 364
"""Days back to the same weekday of last year."""

LEAST_DAYS = 7
"""A season of fewer complete days says nothing."""


@kernel
def previous_period(series, tuning, first, last, out, used):  # type: ignore[no-untyped-def]
    """E09: the mean day of the same season last year, else of the period before.

    The mean over days at each clock interval is average daily use times the shape of those days. Returns their number.
    """
    day = series.day[first]
    count = 0
    for other in range(max(0, day - YEAR - tuning.season_days), day - YEAR + tuning.season_days + 1):
        if series.complete[other]:
            used[count] = other
            count += 1
    if count < LEAST_DAYS:
        count = 0
        for other in range(max(0, day - tuning.period_days), day):
            if series.complete[other]:
                used[count] = other
                count += 1
    if count:
        mean_of_days(series, first, last, count, used, out)
    return count


@kernel
def temperature_days(series, tuning, temperature, first, last, out, used):  # type: ignore[no-untyped-def]
    """E12: the mean of the days of the same type whose temperature comes closest, within the limit.

    temperature: i32 (days,) tenths of a degree. Of equal differences the day nearer in time comes first, then the
    earlier one. Returns how many days.
    """
    day = series.day[first]
    if temperature[day] == NO_TEMPERATURE:
        return 0
    count = 0
    for other in range(series.complete.size):
        if not series.complete[other] or series.day_type[other] != series.day_type[day] or other == day:
            continue
        if temperature[other] == NO_TEMPERATURE:
            continue
        apart = abs(np.int64(temperature[other]) - temperature[day])
        if apart > tuning.temperature_tenths:
            continue
        place = count
        while place > 0 and _closer(temperature, day, other, used[place - 1]):
            if place < tuning.like_days:
                used[place] = used[place - 1]
            place -= 1
        if place < tuning.like_days:
            used[place] = other
            count = min(count + 1, tuning.like_days)
    if count:
        mean_of_days(series, first, last, count, used, out)
    return count


@kernel
def _closer(temperature, day, one, two):  # type: ignore[no-untyped-def]
    """Whether day `one` comes before day `two`, which is earlier."""
    mine = abs(np.int64(temperature[one]) - temperature[day])
    other = abs(np.int64(temperature[two]) - temperature[day])
    return mine < other or (mine == other and abs(one - day) < abs(two - day))
