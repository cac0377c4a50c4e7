"""Offer parked frames again when their device is known.

Nothing is taken out of the topic: at each registry version it is read from its start, and frames flow on whose device
is known now and was not before. Then it is read on as it grows: a connector that takes a version over later than this
one still parks frames of devices that are known here, and no later version would tell them from those that have flowed
on. After a restart all known ones are offered; copies end at the invocation counter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import numpy as np
import structlog

from connectors.gather.gatherer import Aside
from connectors.gather.pump import Pump
from connectors.kept.rejected import Rejected
from connectors.kept.topic import KeptTopic
from connectors.parked.config import ParkedConfig
from pipeline.codes import REJECT_CODES
from pipeline.lookup import find_many
from pipeline.reference import Registry
from pipeline.wire import Contracts

PARKED = frozenset(row.code for row in REJECT_CODES if row.parked)

log = structlog.get_logger()


class Offers:
    """What of the topic has been looked at, and with which version of the registry."""

    def __init__(self, bootstrap: str, config: ParkedConfig, contracts: Contracts, pump: Pump) -> None:
        self._place = (bootstrap, config.source, contracts)
        self._pump = pump
        self._topic: KeptTopic | None = None
        self._before: Registry | None = None
        self._now: Registry | None = None
        self._looked: Mapping[int, int] = {}

    def adopt(self, registry: Registry) -> None:
        """Look with this registry from now on, and at the whole topic anew."""
        if self._topic is not None:
            self._looked = self._topic.ends
            self._topic.close()
        self._before, self._now = self._now, registry
        self._topic = KeptTopic(*self._place)

    async def offer(self, stop: asyncio.Event) -> int:
        """Offer what is due: after `adopt` to the end of the topic, else what one read brings; until `stop`.

        Returns how many frames; raises Transient, after which it goes on where it was.
        """
        if self._topic is None or self._now is None:
            return 0
        offered, first = 0, not self._topic.at_end
        while not stop.is_set():
            found = await asyncio.to_thread(self._topic.read)
            for parked in due(found, self._before, self._now, self._looked):
                if not await self._pump.room(stop):
                    return offered
                self._pump.offer_again(
                    parked.raw, parked.device, parked.record["received_at"], parked.reference()
                )  # fmt: skip
                offered += 1
            if self._topic.at_end:
                break
        if first or offered:
            log.info("parked frames offered again", connector="parked", frames=offered)
        return offered

    def close(self) -> None:
        """Give the connection back."""
        if self._topic is not None:
            self._topic.close()


def due(found: list[Rejected], before: Registry | None, now: Registry, looked: Mapping[int, int]) -> list[Rejected]:
    """Those parked whose device `now` knows, and which nobody has looked at with a registry that knew it: `before` did
    not, or they lie at or behind the end, `looked`, of what was looked at with it."""
    found = [rejected for rejected in found if rejected.code in PARKED]
    fresh = np.array([parked.offset >= looked.get(parked.partition, 0) for parked in found], bool)
    devices = np.array([parked.device for parked in found], np.uint64)
    chosen = _known(devices, now) & (fresh | ~_known(devices, before))
    return [parked for parked, offered in zip(found, chosen, strict=True) if offered]


def newly_known(asides: list[Aside], before: Registry | None, now: Registry) -> list[Aside]:
    """Those of `asides` whose device `now` knows and `before` did not."""
    devices = np.array([aside.device for aside in asides], np.uint64)
    return [aside for aside, new in zip(asides, _known(devices, now) & ~_known(devices, before), strict=True) if new]


def _known(devices: np.ndarray, registry: Registry | None) -> np.ndarray:
    rows = np.full(len(devices), -1, np.int64)
    if registry is not None:
        find_many(*registry.by_device, devices, rows)
    return rows >= 0
