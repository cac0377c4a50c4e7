"""What a simulated fleet needs beside its frames: its registry in force, its keys sealed, its clock in the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cli.deployment import REGISTRY_TOPIC
from connectors.simulator import Fleet, Frames
from connectors.simulator.senders.base import FramesOnly
from connectors.ticker.connector import write_to_all
from pipeline.keystore import seal
from pipeline.reference import Registry, version_of
from pipeline.reference_codec import registry_to_bytes
from pipeline.runtime.kafka_references import publish
from pipeline.runtime.references import KEYS, REGISTRY, KeyFolder
from pipeline.step import Control, Tick
from pipeline.topology.plan import Plan
from pipeline.wire import Contracts


class FleetLog(FramesOnly):
    """A sender that takes registries and ticks, straight into the log; frames go through the connectors.

    `adopted(version)` returns when every connector resolves with the version: only then may frames of its new devices
    be sent.
    """

    def __init__(
        self, plan: Plan, contracts: Contracts, fleet: Fleet, keys: KeyFolder, master: bytes,
        adopted: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._plan, self._contracts, self._fleet = plan, contracts, fleet
        self._keys, self._master, self._adopted = keys, master, adopted
        self._version = ""

    async def open(self) -> None:
        """Put the first version in force: connectors listen only when there is one."""
        await self.registry(self._fleet.registry_versions[0][1])

    async def send(self, frames: Frames) -> None:
        """Frames go through the connectors."""

    async def settle(self) -> None:
        """Everything written is acknowledged."""

    async def close(self) -> None:
        """Nothing to close."""

    async def registry(self, registry: Registry) -> None:
        """See Sender."""
        await asyncio.to_thread(self.put_in_force, registry)

    async def tick(self, tick: Tick) -> None:
        """See Sender."""
        await asyncio.to_thread(self._write, tick, None)

    def put_in_force(self, registry: Registry) -> None:
        """Seal the keys, write the control record, publish the version, wait until it is adopted; once a version."""
        raw = registry_to_bytes(registry)
        version = version_of(raw)
        if version == self._version:
            return
        self._version = version
        keys = self._keys.put(seal(self._fleet.keys, self._master))
        # The control record first: connectors resolve with a version as soon as it is published, and a frame so
        # resolved must not stand before the record that puts the version in force. Workers wait for a version that is
        # on its way.
        self._write(None, Control({REGISTRY: version, KEYS: keys}))
        publish(self._plan.kafka.bootstrap, REGISTRY, raw, REGISTRY_TOPIC)
        self._adopted(version)

    def _write(self, tick: Tick | None, control: Control | None) -> None:
        topic = next(iter(self._plan.connectors.values())).to
        write_to_all(self._plan.kafka.bootstrap, self._contracts, topic.name, topic.partitions, tick, control)
