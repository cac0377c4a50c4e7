"""Local days and months as integers, for kernels.

A day number counts local days since 1970-01-01; a month number is 12 x year + month - 1. The time zone is a fixed
offset from UTC (`pipeline.localtime`).
"""

from __future__ import annotations

from pipeline.jit import kernel
from pipeline.localtime import DAY_SECS

QUARTER_SECS = 900
QUARTERS = 96


@kernel
def day_of(time, offset):  # type: ignore[no-untyped-def]
    """Local day number of an epoch second."""
    return (time + offset) // DAY_SECS


@kernel
def day_start(day, offset):  # type: ignore[no-untyped-def]
    """Epoch second of the local midnight that `day` begins at."""
    return day * DAY_SECS - offset


@kernel
def month_of(day):  # type: ignore[no-untyped-def]
    """Month number of a day number; in the arithmetic years begin in March, so that a leap day ends one."""
    shifted = day + 719_468
    era = shifted // 146_097
    day_of_era = shifted - era * 146_097
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    from_march = (5 * day_of_year + 2) // 153
    return (era * 400 + year_of_era) * 12 + from_march + 2


@kernel
def month_first(month):  # type: ignore[no-untyped-def]
    """Day number of the first day of a month number."""
    from_march = month - 2
    year = from_march // 12
    era = year // 400
    year_of_era = year - era * 400
    day_of_year = (153 * (from_march - year * 12) + 2) // 5
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468
