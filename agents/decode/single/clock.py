"""COSEM date-times (Blue Book, 4.1.6.1) as time, and as text for people."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta, timezone

from pipeline.axdr import Datum
from pipeline.cosem_time import LENGTH, Clock, read_clock

NO_DEVIATION = -0x8000
MOST_DEVIATION = 840
"""Minutes; a deviation further off is not one."""

INVALID, DOUBTFUL, OTHER_BASE, INVALID_STATUS, DAYLIGHT_SAVING = 0x01, 0x02, 0x04, 0x08, 0x80
NO_STATUS = 0xFF
STATUS_NAMES = {
    INVALID: "invalid", DOUBTFUL: "doubtful", OTHER_BASE: "different base", INVALID_STATUS: "invalid status",
    DAYLIGHT_SAVING: "daylight saving",
}  # fmt: skip


def clock_octets(datum: Datum) -> bytes | None:
    """The 12 octets of a date-time, sent as an octet string or as itself."""
    octets = datum.value if datum.tag in (9, 25) else b""
    return octets if len(octets) == LENGTH else None


def local_time(octets: bytes, offset_secs: int) -> str | None:
    """ISO 8601 in the zone of the meters, whatever the deviation says; 0 in it means UTC. None when it is no time."""
    clock = read_clock(octets, offset_secs, zero_is_utc=True)
    zone = timezone(timedelta(seconds=offset_secs))
    return None if clock is None else datetime.fromtimestamp(clock.time, zone).isoformat()


def own_time(octets: bytes) -> str | None:
    """ISO 8601 as the date-time itself has it: with an offset when it names one. None when it is no time."""
    clock = read_clock(octets, 0, zero_is_utc=False)
    if clock is None:
        return None
    wall = datetime.fromtimestamp(clock.time, UTC)
    (deviation,) = struct.unpack(">h", octets[9:11])
    if abs(deviation) > MOST_DEVIATION:
        return wall.replace(tzinfo=None).isoformat()
    # UTC = local time + deviation.
    return wall.replace(tzinfo=timezone(timedelta(minutes=-deviation))).isoformat()


def wall_text(octets: bytes) -> str | None:
    """What the clock on the wall showed, for a date-time among other values; None when it is no time."""
    clock = read_clock(octets, 0, zero_is_utc=False)
    return None if clock is None else datetime.fromtimestamp(clock.time, UTC).strftime("%Y-%m-%d %H:%M:%S")


def status_names(status: int) -> list[str]:
    """What the status octet says; nothing where it is not specified."""
    return [] if status == NO_STATUS else [name for bit, name in STATUS_NAMES.items() if status & bit]


def read_own_clock(octets: bytes, offset_secs: int, *, zero_is_utc: bool) -> Clock | None:
    """A date-time as the meter itself has it, for meters that send their deviation; None when it is no time.

    A deviation of the wrong sign is known by the zone of the deployment (`offset_secs` ahead of UTC): of the deviation
    and its mirror image the one nearer to the zone is meant. Without a deviation the zone counts, an hour later where
    the status says that daylight saving time is in force.
    """
    clock = read_clock(octets, 0, zero_is_utc=False)
    if clock is None:
        return None
    (deviation,) = struct.unpack(">h", octets[9:11])
    if abs(deviation) > MOST_DEVIATION or (deviation == 0 and not zero_is_utc):
        summer = clock.status != NO_STATUS and clock.status & DAYLIGHT_SAVING
        offset = offset_secs + (3600 if summer else 0)
    elif deviation == 0:
        offset = 0
    else:
        # UTC = local time + deviation.
        offset = min((-60 * deviation, 60 * deviation), key=lambda secs: abs(secs - offset_secs))
    return Clock(clock.time - offset, clock.status)
