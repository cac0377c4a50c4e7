"""Local days: time zones as fixed offsets. India has no summer time; a zone that has one is not in the table."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAY_SECS = 86_400

OFFSETS = {"Asia/Kolkata": 19_800, "UTC": 0}
"""Time zone -> seconds east of UTC."""


def known_zone(name: str) -> str:
    """`name`, when its local days can be told from the table; else ValueError."""
    if name not in OFFSETS:
        raise ValueError(f"use one of {', '.join(sorted(OFFSETS))}: a zone without summer time")
    return name


def zone_of_tz(name: str) -> str:
    """`name`, when the tz database has it, for what may have summer time; else ValueError."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no zone of the tz database") from error
    return name
