"""Times as people write and read them, in a named zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.errors import ConfigError

ZONE = "Asia/Kolkata"


def zone_of(name: str) -> ZoneInfo:
    """The zone; raises ConfigError when there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError("ZONE_UNKNOWN", where="--zone", what=f"there is no time zone {name!r}",
                          do="write it like Asia/Kolkata or UTC") from error  # fmt: skip


def epoch_ms(text: str | None, zone: ZoneInfo) -> int | None:
    """Epoch milliseconds of an ISO 8601 time, in `zone` where it names none; raises ConfigError when it is no time."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError("TIME_WRONG", where=text, what="it is no time",
                          do="write it like 2026-01-31T18:30 or 2026-01-31T13:00:00Z") from error  # fmt: skip
    return round(1000 * (found if found.tzinfo else found.replace(tzinfo=zone)).timestamp())


def iso(time_ms: int | None, zone: ZoneInfo) -> str | None:
    """ISO 8601 with the offset of `zone`."""
    return None if time_ms is None else datetime.fromtimestamp(time_ms / 1000, zone).isoformat(timespec="milliseconds")


def shown(time_ms: int, zone: ZoneInfo) -> str:
    """For people, with the zone's name."""
    return f"{datetime.fromtimestamp(time_ms / 1000, zone):%Y-%m-%d %H:%M:%S} {zone.key}"
