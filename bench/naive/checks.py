"""The rules and registers of the pipeline in their simplest form: plain Python objects, one meter at a time.

There are no ticks here: a lost interval is never noticed, nothing is estimated or settled, nothing survives a restart.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from bench.naive.decode import Push

INTERVAL_SECS, DAY_SECS, IST_SECS = 1800, 86_400, 19_800
LIMIT_WH, SPIKE_FLOOR_WH = 8_640, 500
ZONES = (0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 0, 0)
"""Time-of-day zone by hour."""

RECORD = struct.Struct(">8sIqqqqqB")


@dataclass
class Meter:
    """What is kept of one meter."""

    newest: int = 0
    last: tuple[int, ...] = ()
    highest: int = 0
    zones: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    demand: int = 0


class Rejected(Exception):
    """A frame that is not used."""


class Checks:
    """All meters of a process."""

    def __init__(self) -> None:
        self._meters: dict[bytes, Meter] = {}

    def take(self, push: Push) -> bytes:
        """Check one push, add it to its registers, and give the record for the topic of readings."""
        meter = self._meters.get(push.title)
        if meter is None:
            meter = self._meters[push.title] = Meter()
        return take(meter, push)


def take(meter: Meter, push: Push) -> bytes:
    """Check one push of a meter, add it to its registers, and give the record; raises Rejected."""
    if push.counter <= meter.newest:
        raise Rejected("counter")
    if push.stamp % INTERVAL_SECS:
        raise Rejected("grid")
    rules = 0
    wh = push.energies[0]
    if any(energy < 0 for energy in push.energies):
        rules |= 1
    if any(energy > LIMIT_WH for energy in push.energies):
        rules |= 2
    if meter.highest and wh > SPIKE_FLOOR_WH and 100 * (wh - meter.highest) > 180 * meter.highest:
        rules |= 4
    if push.energies == meter.last:
        rules |= 8
    meter.newest, meter.last = push.counter, push.energies
    meter.highest = max(meter.highest, wh)
    begin = push.stamp - INTERVAL_SECS + IST_SECS
    meter.zones[ZONES[begin % DAY_SECS // 3600]] += wh
    meter.demand = max(meter.demand, 2 * wh)
    return RECORD.pack(push.title, push.counter, push.stamp, *push.energies, rules)
