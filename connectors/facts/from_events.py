"""Power failures that meters report themselves, paired to outages: last gasp (101) and first breath (102).

Codes: IS 15959 part 2, event code tables. Pure: no socket, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple

from connectors.facts.model import OPEN, Fact, FactKind

FAILED, RESTORED = 101, 102
SOURCE = "meter events"


class PowerEvent(NamedTuple):
    """One event of a device; `time` by the meter's own clock, epoch s UTC."""

    device: str
    service_point: int
    time: int
    code: int


@dataclass
class Paired:
    """Outages, and what could not be paired: `failures` with no restoration before the next failure, `restorations`
    with no failure before them; `short`: outages below the least length."""

    outages: list[Fact] = field(default_factory=list)
    failures: int = 0
    restorations: int = 0
    short: int = 0


def paired(events: Iterable[PowerEvent], least_secs: int = 60) -> Paired:
    """Outages of each device from its failures and the restorations behind them, by begin.

    Order and copies of events make no difference. The last failure of a device without a restoration is an outage that
    goes on. A failure that another one follows has no end that is known, and gives none.
    """
    found = Paired()
    # Of one second the restoration comes first: it ends what was before.
    ordered = sorted(set(events), key=lambda one: (one.device, one.time, -one.code))
    failed: PowerEvent | None = None
    for event in ordered:
        if failed is not None and event.device != failed.device:
            found.outages.append(_outage(failed, OPEN))
            failed = None
        if event.code == FAILED:
            found.failures += failed is not None
            failed = event
        elif event.code == RESTORED and failed is None:
            found.restorations += 1
        elif event.code == RESTORED and failed is not None:
            if event.time - failed.time >= least_secs:
                found.outages.append(_outage(failed, event.time))
            else:
                found.short += 1
            failed = None
    if failed is not None:
        found.outages.append(_outage(failed, OPEN))
    found.outages.sort(key=attrgetter("start", "point"))
    return found


def _outage(failed: PowerEvent, until: int) -> Fact:
    return Fact(
        FactKind.OUTAGE, str(failed.service_point), start=failed.time, until=until, source=SOURCE,
        why=f"device {failed.device}", id=f"power/{failed.device}/{failed.time}",
    )  # fmt: skip
