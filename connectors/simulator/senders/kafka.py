"""Straight into the `frames` topic, as a connector would have written it: batches, ticks and registry versions."""

from __future__ import annotations

import asyncio

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from connectors.gather.gatherer import Gatherer
from connectors.gather.outlet import KafkaOutlet, Targets
from connectors.simulator.frames import Frames
from connectors.simulator.senders.base import Address
from connectors.ticker.connector import write_to_all
from pipeline.errors import ConfigError, Transient
from pipeline.reference import Registry
from pipeline.reference_codec import registry_to_bytes
from pipeline.runtime.kafka_references import publish
from pipeline.runtime.references import REGISTRY, empty_registry
from pipeline.step import Control, Tick
from pipeline.wire import Contracts

MOST_WAITING_OCTETS = 64_000_000
POLL_SECS = 0.005
TOPIC = "frames"
BROKER_SECS = 30.0


class KafkaSender:
    """Needs the topics to be there; unknown devices go to `parked`, unreadable frames to `rejects`."""

    def __init__(self, address: Address, contracts: Contracts) -> None:
        self._bootstrap = f"{address.host}:{address.port}"
        self._topic = address.path or TOPIC
        self._registry_topic = address.options.get("registry", REGISTRY)
        self._contracts = contracts
        self._targets = Targets(
            self._topic, address.options.get("rejects", "rejects"), address.options.get("parked", "parked")
        )
        self._partitions = 0
        self._outlet: KafkaOutlet | None = None
        self._gatherer: Gatherer | None = None

    async def open(self) -> None:
        """Ask the broker how many partitions there are."""
        self._partitions = await asyncio.to_thread(self._count)
        self._outlet = KafkaOutlet(self._bootstrap, self._contracts, self._targets, "simulator")
        self._gatherer = Gatherer(empty_registry(), self._partitions)

    def _count(self) -> int:
        try:
            topics = AdminClient({"bootstrap.servers": self._bootstrap}).list_topics(timeout=BROKER_SECS).topics
        except KafkaException as error:
            raise Transient("BROKER_ABSENT", where=self._bootstrap, what=str(error),
                            do="start the broker, or correct the address") from error  # fmt: skip
        if self._topic not in topics:
            raise ConfigError("TOPIC_MISSING", where=self._topic, what="the broker has no such topic",
                              do="make the topics of the topology first") from None  # fmt: skip
        return len(topics[self._topic].partitions)

    async def send(self, frames: Frames) -> None:
        """See Sender."""
        assert self._gatherer is not None
        assert self._outlet is not None
        self._gatherer.add(frames.payload, frames.offsets, frames.length, frames.received_at, frames.hint)
        self._outlet.send(self._gatherer.cut(), lambda: None)
        await self._below(MOST_WAITING_OCTETS)

    async def settle(self) -> None:
        """See Sender."""
        await self._below(0)

    async def _below(self, octets: int) -> None:
        assert self._outlet is not None
        self._outlet.poll()
        while self._outlet.waiting_octets > octets:
            await asyncio.sleep(POLL_SECS)
            self._outlet.poll()

    async def registry(self, registry: Registry) -> None:
        """Publish the version, then name it in a control record of every partition."""
        assert self._gatherer is not None
        self._gatherer.registry = registry
        raw = registry_to_bytes(registry)
        version = await asyncio.to_thread(publish, self._bootstrap, REGISTRY, raw, self._registry_topic)
        control = Control({REGISTRY: version})
        await asyncio.to_thread(
            write_to_all, self._bootstrap, self._contracts, self._topic, self._partitions, None, control
        )

    async def tick(self, tick: Tick) -> None:
        """See Sender."""
        await asyncio.to_thread(write_to_all, self._bootstrap, self._contracts, self._topic, self._partitions, tick)

    async def close(self) -> None:
        """See Sender."""
        if self._outlet is not None:
            left = await asyncio.to_thread(self._outlet.flush)
            self._outlet = None
            if left:
                raise Transient("FRAMES_NOT_WRITTEN", where=self._topic, what=f"{left} records are left",
                                do="check the broker")  # fmt: skip
