"""Offer parked frames again whenever a new registry version is in force.

Nothing is taken out of the topic: at each version it is read from its start, and frames flow on whose device is known
now and was not before. After a restart all known ones are offered; copies end at the invocation counter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import numpy as np
import structlog
from confluent_kafka import Consumer, KafkaError, TopicPartition

from connectors.gather.aside import aside_of
from connectors.gather.gatherer import Aside
from connectors.gather.pump import Pump
from connectors.parked.config import ParkedConfig
from pipeline.errors import Transient
from pipeline.lookup import find_many
from pipeline.reference import Registry
from pipeline.wire import Contracts

MOST_WAIT_MS = 86_400_000
"""Between two reads, while there is no room for what was read; the most that the client allows."""

log = structlog.get_logger()


def newly_known(asides: list[Aside], before: Registry | None, now: Registry) -> list[Aside]:
    """Those of `asides` whose device `now` knows and `before` did not."""
    devices = np.array([aside.device for aside in asides], np.uint64)
    return [aside for aside, new in zip(asides, _known(devices, now) & ~_known(devices, before), strict=True) if new]


def _known(devices: np.ndarray, registry: Registry | None) -> np.ndarray:
    rows = np.full(len(devices), -1, np.int64)
    if registry is not None:
        find_many(*registry.by_device, devices, rows)
    return rows >= 0


def read_all(bootstrap: str, topic: str, contracts: Contracts) -> Generator[list[Aside]]:
    """The topic from its start to its present end, in lists of at most 1,000."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "kvarn-parked", "enable.auto.commit": False,
         "auto.offset.reset": "earliest", "enable.partition.eof": True, "max.poll.interval.ms": MOST_WAIT_MS}
    )  # fmt: skip
    try:
        partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        ended: set[int] = set()
        while len(ended) < len(partitions):
            messages: list[Any] = consumer.consume(1000, 1.0)
            asides = []
            for message in messages:
                error = message.error()
                if error is None:
                    asides.append(aside_of(contracts.decode(message.value(), "Reject")))
                elif error.code() == KafkaError._PARTITION_EOF:
                    ended.add(message.partition())
                else:
                    raise Transient("PARKED_UNREADABLE", where=topic, what=str(error), do="check the broker")
            yield [aside for aside in asides if aside.parked]
    finally:
        consumer.close()


async def offer_known(
    bootstrap: str, config: ParkedConfig, contracts: Contracts, pump: Pump, before: Registry | None, now: Registry,
    stop: asyncio.Event,
) -> int:  # fmt: skip
    """Offer what became known between two registry versions, until `stop`; returns how many frames."""
    offered = 0
    lists = read_all(bootstrap, config.source, contracts)
    while (asides := await asyncio.to_thread(next, lists, None)) is not None:
        for aside in newly_known(asides, before, now):
            if not await pump.room(stop):
                lists.close()
                return offered
            frame = np.frombuffer(aside.raw, np.uint8)
            pump.offer(frame, np.zeros(1, np.int64), np.array([len(frame)], np.uint32), aside.device)
            offered += 1
    log.info("parked frames offered again", connector="parked", frames=offered)
    return offered
