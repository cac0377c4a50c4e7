"""What SAP names, in the registry: devices at a date."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np

from pipeline.lookup import find
from pipeline.reference import Registry


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


def point_of(registry: Registry, device: int, when: int) -> int:
    """The service point that a device measures at a time; 0: none."""
    if not device:
        return 0
    row = int(find(*registry.by_device, np.uint64(device)))
    while 0 <= row < len(registry.device) and int(registry.device[row]) == device:
        if int(registry.valid_from[row]) <= when < int(registry.valid_to[row]):
            return int(registry.service_point[row])
        row += 1
    return 0
