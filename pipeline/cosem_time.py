"""COSEM date-time (12 octets, Blue Book 4.1.6.1) to and from epoch seconds."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LENGTH = 12


@dataclass(frozen=True)
class Clock:
    """A date-time: epoch seconds UTC, and its status octet."""

    time: int
    status: int


def read_clock(octets: bytes, offset_secs: int, zero_is_utc: bool) -> Clock | None:
    """The 12 octets of a COSEM date-time, or None when a field is not specified or impossible."""
    year, month, day, _, hour, minute, second, _, deviation, status = struct.unpack(">HBBBBBBBhB", octets)
    if not 2000 <= year <= 2099:
        return None
    try:
        wall = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    offset = 0 if zero_is_utc and deviation == 0 else offset_secs
    return Clock(int((wall - timedelta(seconds=offset)).timestamp()), status)


def epoch_of(octets: bytes, offset_secs: int) -> int | None:
    """Epoch seconds of a wall clock `offset_secs` ahead of UTC; None for what is no time.

    The deviation is not looked at, since meters send it with either sign; but one of 0 means UTC.
    """
    clock = read_clock(octets, offset_secs, zero_is_utc=True) if len(octets) == LENGTH else None
    return None if clock is None else clock.time


def date_time(epoch: int, offset_secs: int) -> bytes:
    """The wall clock `offset_secs` ahead of UTC, with its deviation (UTC = local + deviation)."""
    wall = datetime.fromtimestamp(epoch + offset_secs, UTC)
    fields = (wall.year, wall.month, wall.day, wall.isoweekday(), wall.hour, wall.minute, wall.second, 0)
    return struct.pack(">HBBBBBBBhB", *fields, -offset_secs // 60, 0)
