"""COSEM date-time (12 octets) to epoch seconds, and links as of a time."""

from __future__ import annotations

import numpy as np

from agents.decode.kernels_axdr import DATE_TIME, big_endian, string_place
from pipeline.codes import Flag, Kind
from pipeline.jit import inlined

CLOCK_LENGTH = 12
UNUSABLE = np.int64(-(2**62))
"""In place of a time: a field is not specified or impossible."""

FIRST_YEAR, LAST_YEAR = 2000, 2099
INVALID, DOUBTFUL, NO_STATUS = 0x01, 0x02, 0xFF
"""Clock status bits."""

DAY = 86_400
CLOCK_INVALID, CLOCK_DOUBTFUL = int(Flag.CLOCK_INVALID), int(Flag.CLOCK_DOUBTFUL)
BLOCK = int(Kind.BLOCK)


@inlined
def days_of(year, month, day):  # type: ignore[no-untyped-def]
    """Days since 1970-01-01 of a Gregorian date (proleptic; eras of 400 years)."""
    shifted = year - (1 if month <= 2 else 0)
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


@inlined
def month_length(year, month):  # type: ignore[no-untyped-def]
    """Days of a month."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


@inlined
def clock(octets, p, offset, zero_is_utc):  # type: ignore[no-untyped-def]
    """Epoch seconds of the 12 octets at `p`, or UNUSABLE.

    Meters send their deviation with either sign, or none, so the wall clock counts: it is `offset` seconds ahead of
    UTC, unless the deviation is 0 and `zero_is_utc`. Hundredths and day of week are not looked at.
    """
    year = np.int64(big_endian(octets, p, 2))
    month, day = np.int64(octets[p + 2]), np.int64(octets[p + 3])
    hour, minute, second = np.int64(octets[p + 5]), np.int64(octets[p + 6]), np.int64(octets[p + 7])
    if year < FIRST_YEAR or year > LAST_YEAR or month < 1 or month > 12:
        return UNUSABLE
    if day < 1 or day > month_length(year, month) or hour > 23 or minute > 59 or second > 59:
        return UNUSABLE
    local = days_of(year, month, day) * DAY + hour * 3600 + minute * 60 + second
    utc = zero_is_utc and octets[p + 9] == 0 and octets[p + 10] == 0
    return local if utc else local - offset


@inlined
def clock_flags(octets, p):  # type: ignore[no-untyped-def]
    """Flags for the status octet of the date-time at `p`."""
    status = octets[p + 11]
    if status == NO_STATUS:
        return 0
    return (CLOCK_INVALID if status & INVALID else 0) | (CLOCK_DOUBTFUL if status & DOUBTFUL else 0)


@inlined
def clock_place(octets, p):  # type: ignore[no-untyped-def]
    """Where the 12 octets of the (whole) date-time datum at `p` begin, or -1 when it is no date-time."""
    if octets[p] == DATE_TIME:
        return p + 1
    return string_place(octets, p, CLOCK_LENGTH)


@inlined
def link_at(links, row, device, kind, time, closes):  # type: ignore[no-untyped-def]
    """Row of `device`'s link in force for a stamp, searched from its first `row`; -1 when there is none.

    A validity holds its start and not its end. A block belongs to the last second of its interval; its stamp closes it,
    but for models whose stamps open it, unless `closes`. A register taken in the moment of the removal is still the old
    link's.
    """
    late = np.int64(-1)
    while row >= 0 and row < links.shape[0] and links[row].device == device:
        ended = time + links[row].opens if kind == BLOCK and not closes else time
        moment = ended - 1 if kind == BLOCK else ended
        if links[row].valid_from <= moment and moment < links[row].valid_to:
            return row
        if links[row].valid_to == ended:
            late = row
        row += 1
    return late
