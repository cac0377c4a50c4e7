"""A topic of frames as load: all partitions, in the order of their records' times, up to the ends as of now."""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterator
from typing import Any

from confluent_kafka import OFFSET_END, Consumer, KafkaError, KafkaException, TopicPartition

from connectors.simulator.kvf import Logged
from connectors.simulator.senders.base import Address
from pipeline.errors import ConfigError, ContractError, Transient
from pipeline.wire import HEADER, MAGIC, Contracts
from schemas.load import shipped_ids

SCHEMA = "FrameBatch"
OCTETS_OF_LENGTH = 4
"""Of each frame in the column `length`."""

ADMIN_SECS = 30.0
POLL_SECS = 0.2
SILENT_SECS = 30.0
MOST_KBYTES = 131_072
"""Records fetched ahead, over all partitions."""
SETTINGS: dict[str, Any] = {
    "group.id": "kvarn-replay", "enable.auto.commit": False, "auto.offset.reset": "error", "enable.partition.eof": True,
    # Every record up to the end as of now: without it the end is not reached while a transaction is open.
    "isolation.level": "read_uncommitted",
    # A replay that keeps the spacing reads seldom; nobody else is to get its partitions meanwhile.
    "max.poll.interval.ms": 86_400_000,
    # What goes wrong is said once, by the error.
    "log_level": 0,
}  # fmt: skip


class TopicLoad:
    """Records of `address`' topic from `first_ms` until before `end_ms` (epoch milliseconds), as of when it is made."""

    unit = "records"

    def __init__(
        self, address: Address, contracts: Contracts, first_ms: int | None = None, end_ms: int | None = None
    ) -> None:
        """Raises ConfigError when there is no such topic, Transient when no broker answers."""
        self.bootstrap, self.topic = place_of(address)
        self.name = f"kafka://{self.bootstrap}/{self.topic}"
        self._contracts = contracts
        self._header = HEADER.pack(MAGIC, shipped_ids()[SCHEMA])
        self._spans = self._find(first_ms, end_ms)
        self.partitions = len(self._spans)
        self.total = sum(max(0, end - first) for first, end in self._spans.values())

    def records(self) -> Generator[tuple[int, Logged]]:
        """(how many so far, record). The order of a partition is kept; a time is never before the one in front of it.

        Raises ContractError when a record is not of frames.
        """
        parts = [self._partition(number, *span) for number, span in self._spans.items()]
        try:
            yield from enumerate(heapq.merge(*parts, key=lambda record: record.time_ms), 1)
        finally:
            for part in parts:
                part.close()

    def _partition(self, number: int, first: int, end: int) -> Generator[Logged]:
        if first >= end:
            return
        size = max(1024, MOST_KBYTES // self.partitions)
        consumer = Consumer({**SETTINGS, "bootstrap.servers": self.bootstrap, "queued.max.messages.kbytes": size})
        try:
            consumer.assign([TopicPartition(self.topic, number, first)])
            yield from self._messages(consumer, end)
        finally:
            consumer.close()

    def _messages(self, consumer: Consumer, end: int) -> Iterator[Logged]:
        latest_ms, silent = 0, 0.0
        while silent < SILENT_SECS:
            # One at a time: for several it would wait, although more than these are not fetched ahead.
            message: Any = consumer.poll(POLL_SECS)
            silent = 0.0 if message is not None else silent + POLL_SECS
            if message is None:
                continue
            error = message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise _unread(self.name, str(error))
            if error is None and message.offset() < end:
                latest_ms = max(latest_ms, message.timestamp()[1])
                yield self._logged(message, latest_ms)
            if message.offset() >= end - (error is None):
                return
        raise _unread(self.name, f"nothing came for {SILENT_SECS:.0f} s")

    def _logged(self, message: Any, time_ms: int) -> Logged:
        value = message.value() or b""
        try:
            columns = self._contracts.view(value, SCHEMA)
        except ContractError as error:
            raise ContractError(
                "NOT_FRAMES", where=f"{self.name}, partition {message.partition()}, offset {message.offset()}",
                what=f"it is no record of frames ({error.what})",
                do="name a topic of frames, and the schema registry that its writers use, if they use one",
            ) from error  # fmt: skip
        # With the shipped id it is read everywhere, also where another schema registry counts.
        plain = value if value.startswith(self._header) else self._header + value[HEADER.size :]
        frames = len(columns["length"]) // OCTETS_OF_LENGTH
        return Logged(message.partition(), time_ms, frames, message.key(), plain)

    def _find(self, first_ms: int | None, end_ms: int | None) -> dict[int, tuple[int, int]]:
        """Partition -> offsets of its first record, and behind its last."""
        consumer = Consumer({**SETTINGS, "bootstrap.servers": self.bootstrap})
        try:
            numbers = partitions_of(consumer, self.bootstrap, self.topic)
            places = [TopicPartition(self.topic, number) for number in numbers]
            marks = [consumer.get_watermark_offsets(place, timeout=ADMIN_SECS) for place in places]
            first = [low for low, _ in marks] if first_ms is None else self._at(consumer, numbers, first_ms)
            end = [high for _, high in marks] if end_ms is None else self._at(consumer, numbers, end_ms)
        except KafkaException as error:
            raise _unread(self.name, str(error)) from error
        finally:
            consumer.close()
        return {
            number: (max(begin, low) if begin >= 0 else high, min(stop, high) if stop >= 0 else high)
            for number, (low, high), begin, stop in zip(numbers, marks, first, end, strict=True)
        }

    def _at(self, consumer: Consumer, numbers: list[int], time_ms: int) -> list[int]:
        """Offset of the first record of each partition that is not before that time; negative when there is none."""
        asked = [TopicPartition(self.topic, number, time_ms) for number in numbers]
        found = {place.partition: place.offset for place in consumer.offsets_for_times(asked, timeout=ADMIN_SECS)}
        return [-1 if found[number] == OFFSET_END else found[number] for number in numbers]


def place_of(address: Address) -> tuple[str, str]:
    """(bootstrap, topic) of a Kafka address; raises ConfigError when it names no topic."""
    if not address.path:
        raise ConfigError("ADDRESS_UNKNOWN", where=str(address), what="it names no topic",
                          do="write kafka://host:port/topic")  # fmt: skip
    return f"{address.host}:{address.port}", address.path


def partitions_of(client: Any, bootstrap: str, topic: str) -> list[int]:
    """Numbers of the topic's partitions; raises ConfigError when it is not there, Transient when no broker answers."""
    try:
        topics = client.list_topics(timeout=ADMIN_SECS).topics
    except KafkaException as error:
        raise Transient("BROKER_ABSENT", where=bootstrap, what=str(error),
                        do="start the broker, or correct the address") from error  # fmt: skip
    if topic not in topics:
        raise ConfigError("TOPIC_MISSING", where=topic, what=f"the broker at {bootstrap} has no such topic",
                          do="correct its name, or make the topics of the topology first") from None  # fmt: skip
    return sorted(topics[topic].partitions)


def _unread(name: str, what: str) -> Transient:
    return Transient("TOPIC_UNREAD", where=name, what=what, do="check the broker; retention may have overtaken it")
