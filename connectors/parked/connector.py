"""Offer parked frames again when their device is known.

Nothing is taken out of the topic: at each registry version it is read from its start, and frames flow on whose device
is known now and was not before. Then it is read on as it grows: a connector that takes a version over later than this
one still parks frames of devices that are known here, and no later version would tell them from those that have flowed
on. After a restart all known ones are offered; copies end at the invocation counter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

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
READ_RECORDS = 1000
READ_SECS = 0.2
ANSWER_SECS = 10.0
QUEUED_KBYTES = 16_384
"""What the client may have read ahead."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Parked:
    """A parked frame and its place in the topic."""

    partition: int
    offset: int
    aside: Aside


class ParkedTopic:
    """The topic from its start, and on as it grows. Blocks: call it in a thread, one call at a time."""

    def __init__(self, bootstrap: str, topic: str, contracts: Contracts) -> None:
        self.ends: dict[int, int] = {}
        """Of each partition the offset behind what was read."""
        self._topic, self._contracts = topic, contracts
        self._begun = False
        self._behind: set[int] = set()
        self._reading = Lock()
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": "kvarn-parked", "enable.auto.commit": False,
             "auto.offset.reset": "earliest", "enable.partition.eof": True, "max.poll.interval.ms": MOST_WAIT_MS,
             "queued.max.messages.kbytes": QUEUED_KBYTES}
        )  # fmt: skip

    @property
    def at_end(self) -> bool:
        """True once each partition has been read to what was its end then."""
        return self._begun and not self._behind

    def read(self) -> list[Parked]:
        """Up to READ_RECORDS further frames; raises Transient, after which it goes on where it was."""
        with self._reading:
            if not self._begun:
                self._begin()
            found: list[Parked] = []
            failed: KafkaError | None = None
            for message in self._consumer.consume(READ_RECORDS, READ_SECS):
                failed = self._take(message, found) or failed
            # What was read beside an error is not read again, so it counts; behind it the next read begins anew.
            self._begun = failed is None
            if failed is not None and not found:
                raise self._unreadable(failed)
            return found

    def close(self) -> None:
        """Give the connection back; a read that is under way is waited for."""
        with self._reading:
            self._consumer.close()

    def _begin(self) -> None:
        try:
            partitions = self._consumer.list_topics(self._topic, timeout=ANSWER_SECS).topics[self._topic].partitions
        except KafkaException as error:
            raise self._unreadable(error) from error
        if not partitions:
            raise self._unreadable("it has no partitions")
        self._consumer.assign([TopicPartition(self._topic, number, self.ends.get(number, 0)) for number in partitions])
        self._behind = set(partitions)
        self._begun = True

    def _take(self, message: Any, found: list[Parked]) -> KafkaError | None:
        error: KafkaError | None = message.error()
        if error is None:
            self.ends[message.partition()] = message.offset() + 1
            aside = aside_of(self._contracts.decode(message.value(), "Reject"))
            if aside.parked:
                found.append(Parked(message.partition(), message.offset(), aside))
        elif error.code() == KafkaError._PARTITION_EOF:
            self._behind.discard(message.partition())
            error = None
        return error

    def _unreadable(self, error: object) -> Transient:
        return Transient("PARKED_UNREADABLE", where=self._topic, what=str(error), do="check the broker")


class Offers:
    """What of the topic has been looked at, and with which version of the registry."""

    def __init__(self, bootstrap: str, config: ParkedConfig, contracts: Contracts, pump: Pump) -> None:
        self._place = (bootstrap, config.source, contracts)
        self._pump = pump
        self._topic: ParkedTopic | None = None
        self._before: Registry | None = None
        self._now: Registry | None = None
        self._looked: Mapping[int, int] = {}

    def adopt(self, registry: Registry) -> None:
        """Look with this registry from now on, and at the whole topic anew."""
        if self._topic is not None:
            self._looked = self._topic.ends
            self._topic.close()
        self._before, self._now = self._now, registry
        self._topic = ParkedTopic(*self._place)

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
                frame = np.frombuffer(parked.aside.raw, np.uint8)
                lengths = np.array([len(frame)], np.uint32)
                self._pump.offer(frame, np.zeros(1, np.int64), lengths, parked.aside.device)
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


def due(found: list[Parked], before: Registry | None, now: Registry, looked: Mapping[int, int]) -> list[Parked]:
    """Those whose device `now` knows, and which nobody has looked at with a registry that knew it: `before` did not, or
    they lie at or behind the end, `looked`, of what was looked at with it."""
    fresh = np.array([parked.offset >= looked.get(parked.partition, 0) for parked in found], bool)
    devices = np.array([parked.aside.device for parked in found], np.uint64)
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


def read_all(bootstrap: str, topic: str, contracts: Contracts) -> Generator[list[Aside]]:
    """The topic from its start to its present end, in lists of at most READ_RECORDS."""
    parked = ParkedTopic(bootstrap, topic, contracts)
    try:
        while not parked.at_end:
            yield [row.aside for row in parked.read()]
    finally:
        parked.close()
