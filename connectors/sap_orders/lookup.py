"""What SAP names, in the registry: devices at a date."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from pipeline.lookup import find
from pipeline.reference import Registry
from schemas.mdus.names import EXCHANGE_REASONS, OPENING_REASONS

MOVES = frozenset({"06", "24"})
"""Somebody moves in, mostly where the meter stands already."""


class RefusedError(ValueError):
    """One part of a message cannot be taken: TypeID and note of its log."""

    def __init__(self, kind: str, note: str) -> None:
        super().__init__(note)
        self.kind, self.note = kind, note


def midnight(text: str, zone: str) -> int:
    """Epoch seconds UTC of the begin of a local date; raises RefusedError. A date of XML may have a zone: it is cut."""
    try:
        return int(datetime.combine(date.fromisoformat(text[:10]), time(0), ZoneInfo(zone)).timestamp())
    except (ValueError, OverflowError) as error:
        raise RefusedError("DATE_UNUSABLE", text) from error


def local_day(text: str, zone: str) -> tuple[int, int]:
    """Begin and end of a local date, epoch seconds UTC; raises RefusedError."""
    begin = midnight(text, zone)
    following = datetime.fromtimestamp(begin, ZoneInfo(zone)).date() + timedelta(days=1)
    return begin, midnight(following.isoformat(), zone)


def place_of(registry: Registry, device: int, reason: str, day: tuple[int, int]) -> tuple[int, int]:
    """(service point, time) that a reason asks for on a local day; service point 0: the device measures none then.

    That is midnight, of exchanges the moment of the exchange: what is read last belongs to the device that stood there
    until then.
    """
    opening = reason in OPENING_REASONS
    point = point_of(registry, device, day[0] - (not opening))
    if reason in EXCHANGE_REASONS and (not point or reason not in MOVES):
        times = registry.valid_from if opening else registry.valid_to
        for link in _links(registry, device):
            if day[0] <= int(times[link]) < day[1]:
                return int(registry.service_point[link]), int(times[link])
    return point, day[0]


def point_of(registry: Registry, device: int, when: int) -> int:
    """The service point that a device measures at a time; 0: none."""
    for link in _links(registry, device):
        if int(registry.valid_from[link]) <= when < int(registry.valid_to[link]):
            return int(registry.service_point[link])
    return 0


def _links(registry: Registry, device: int) -> Iterator[int]:
    """Links of a device, by their begin; none of device 0."""
    row = int(find(*registry.by_device, np.uint64(device))) if device else -1
    while 0 <= row < len(registry.device) and int(registry.device[row]) == device:
        yield row
        row += 1
