"""Offer rejected frames again when a version is in force that may take them: another key, another registry row.

What is in force is what the workers say in their checkpoints, of every partition. All that was refused under the
versions before lies in the topic by then, for a checkpoint is written behind its outputs. So at each change the topic
is read once, from its start to its end, and a frame is offered when what it waits for has changed for its device. At
the start nobody knows what was in force before: then only frames flow on whose device had no key and has one now. The
rest is the operator's (`kvarn rejects requeue`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import structlog

from connectors.gather.pump import Pump
from connectors.kept.rejected import Rejected
from connectors.kept.topic import KeptTopic
from connectors.kept.tries import Tries
from pipeline.columns import Array
from pipeline.errors import Transient
from pipeline.lookup import find
from pipeline.reference import KeyRing, Registry
from pipeline.retry import Retry, retry_of
from pipeline.wire import Contracts

TOGETHER = 500
"""Frames that are offered in one turn of the event loop: acknowledgements want theirs."""

log = structlog.get_logger()


@dataclass(frozen=True)
class InForce:
    """What the workers work with, in all partitions."""

    versions: Mapping[str, str]
    registry: Registry
    keys: KeyRing

    def key(self, device: int) -> bytes | None:
        """The device's keys."""
        return self.keys.octets_of(device) or None

    def links(self, device: int) -> bytes:
        """All that the registry says of the device, to be compared; empty when it does not know it."""
        index, devices = self.registry.by_device
        row = int(find(index, devices, np.uint64(device)))
        if row < 0:
            return b""
        stop = row + int(np.searchsorted(devices[row:], np.uint64(device), side="right"))
        columns: list[Array] = [
            getattr(self.registry, column.name)[row:stop] for column in Registry.COLUMNS if column.section == "link"
        ]
        return b"".join(np.ascontiguousarray(column).tobytes() for column in columns)


Asked = Callable[[Mapping[str, str]], InForce | None]
"""What is in force; None while the partitions differ, or while it is what it was under the versions given."""


def worth(rejected: Rejected, before: InForce | None, now: InForce) -> bool:
    """Whether what a reject waits for has changed for its device."""
    if rejected.unfounded:
        return False
    device, waits = rejected.device, retry_of(rejected.code)
    if waits is Retry.KEYS:
        key = now.key(device)
        if before is None:
            return key is not None and rejected.code == "KEY_UNKNOWN"
        return key is not None and key != before.key(device)
    if waits is Retry.REGISTRY and before is not None:
        links = now.links(device)
        return links != b"" and links != before.links(device)
    return False


class Again:
    """What was in force when the topic of rejects was looked at last."""

    def __init__(self, bootstrap: str, topic: str, contracts: Contracts, pump: Pump, asked: Asked) -> None:
        self._place = (bootstrap, topic, contracts)
        self._pump = pump
        self._asked = asked
        self._before: InForce | None = None

    async def watch(self, every_secs: float, stop: asyncio.Event) -> None:
        """Look again and again until `stop`; what cannot be read now is read later."""
        while not stop.is_set():
            try:
                await self.look(stop)
            except Transient as error:
                log.warning("rejects not offered again yet", code=error.code, what=error.what)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every_secs)

    async def look(self, stop: asyncio.Event) -> int:
        """Offer what is due when other versions are in force than at the last look; returns how many frames."""
        now = await asyncio.to_thread(self._asked, {} if self._before is None else self._before.versions)
        if now is None:
            return 0
        tries = await asyncio.to_thread(self._read)
        due = await asyncio.to_thread(tries.due, lambda rejected: worth(rejected, self._before, now))
        for place, rejected in enumerate(due):
            if place % TOGETHER == 0:
                await asyncio.sleep(0)
            if not await self._pump.room(stop):
                return place
            self._pump.offer_again(
                rejected.raw, rejected.device, rejected.record["received_at"], rejected.reference()
            )  # fmt: skip
        # Not before all is offered: after an error it is looked at anew, and copies end at the invocation counter.
        self._before = now
        log.info("rejected frames offered again", connector="parked", frames=len(due), left=dict(tries.left))
        return len(due)

    def _read(self) -> Tries:
        tries, topic = Tries(), KeptTopic(*self._place)
        try:
            while not topic.at_end:
                for rejected in topic.read():
                    tries.see(rejected)
        finally:
            topic.close()
        return tries
