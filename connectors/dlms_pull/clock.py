"""COSEM date-time (12 octets, IEC 62056-6-2) from and to epoch seconds, for a wall clock at a fixed offset."""

from __future__ import annotations

import calendar
import time


def date_time(epoch: int, offset_secs: int) -> bytes:
    """The wall clock `offset_secs` ahead of UTC, with its deviation (UTC = local + deviation)."""
    local = time.gmtime(epoch + offset_secs)
    deviation = -offset_secs // 60
    return (
        local.tm_year.to_bytes(2, "big")
        + bytes([local.tm_mon, local.tm_mday, local.tm_wday + 1, local.tm_hour, local.tm_min, local.tm_sec, 0])
        + deviation.to_bytes(2, "big", signed=True)
        + b"\0"
    )


def epoch_of(octets: bytes, offset_secs: int) -> int | None:
    """Epoch seconds of a wall clock `offset_secs` ahead of UTC; None when a field is not specified or impossible.

    The deviation is not looked at, since meters send it with either sign; but one of 0 means UTC.
    """
    if len(octets) != 12:
        return None
    year, month, day = int.from_bytes(octets[:2], "big"), octets[2], octets[3]
    hour, minute, second = octets[5:8]
    if not 2000 <= year <= 2099 or not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    local = calendar.timegm((year, month, day, hour, minute, second))
    return local if octets[9:11] == b"\0\0" else local - offset_secs
