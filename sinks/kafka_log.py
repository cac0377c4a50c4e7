"""Kafka as the log of a sink process: bulk reads, and offsets committed with metadata."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from pipeline.errors import ConfigError, Fatal, Transient
from pipeline.runtime.kafka_topics import topic_id
from pipeline.wire import SOURCE_AT_HEADER
from sinks.log import Message, Start
from sinks.plan import Position

log = structlog.get_logger()

ADMIN_SECS = 30.0
COMMIT_SECS = 30.0
FEWEST, MOST = 64, 4096
"""Messages asked for at once; many small ones cost less together."""

MOST_DIGITS = 16
"""Of a time in milliseconds that stands in a header, and more."""

FEWEST_BYTES = 1 << 20
"""What a message is taken to hold before one was seen."""

_made: Callable[[tuple[str, int, int, bytes]], Message] = partial(tuple.__new__, Message)
"""A Message of its fields. Its own constructor is a function of Python's, and there is a call for each determinant."""

REPLACED = {
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.FENCED_INSTANCE_ID,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError._ASSIGNMENT_LOST,
    KafkaError._STATE,
}
"""Refusals of a commit: someone else reads these partitions now."""

PASSING = {
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError._WAIT_COORD,
    KafkaError._ALL_BROKERS_DOWN,
}
"""Refusals of a commit that is tried again. The client marks none of a consumer's errors as retriable."""


class KafkaLog:
    """Reads `topics` under a consumer group.

    `alone`: this process takes every partition itself, without the group sharing them out; right for a warehouse that
    one process alone can open. Otherwise partitions come and go with the members of the group.
    """

    def __init__(
        self, bootstrap: str, group: str, topics: Sequence[str], *, alone: bool, fetch_bytes: int = 64 << 20
    ) -> None:
        self.bootstrap = bootstrap
        self.group = group
        self.topics = tuple(topics)
        self.alone = alone
        self.behind_secs: float | None = None
        self._ids: dict[str, str] = {}
        self._placed: list[TopicPartition] = []
        self._early: list[Message] = []
        self._mean = FEWEST_BYTES
        self._held: set[tuple[str, int]] = set()
        self._changes = 0
        self._assigned: Callable[[Start], int] | None = None
        self._revoked: Callable[[str, int], None] | None = None
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": group,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                # Where to begin is decided here; an offset that is gone must be heard of, not skipped over.
                "auto.offset.reset": "error",
                "enable.partition.eof": False,
                "queued.max.messages.kbytes": fetch_bytes >> 10,
                "fetch.message.max.bytes": 8 << 20,
                "partition.assignment.strategy": "range",
            }
        )

    def open(self, assigned: Callable[[Start], int], revoked: Callable[[str, int], None]) -> None:
        """Look the topics up and begin."""
        self._assigned, self._revoked = assigned, revoked
        metadata = _asked(lambda: self._consumer.list_topics(timeout=ADMIN_SECS), self.bootstrap)
        absent = [topic for topic in self.topics if topic not in metadata.topics]
        if absent:
            raise ConfigError(
                "TOPIC_MISSING", where=", ".join(absent), what="not there", do="make the topics, or correct the names"
            )
        self._ids = {topic: topic_id(self.bootstrap, topic) for topic in self.topics}
        if self.alone:
            every = [TopicPartition(topic, number) for topic in self.topics
                     for number in sorted(metadata.topics[topic].partitions)]  # fmt: skip
            self._take(self._consumer, every)
        else:
            self._consumer.subscribe(list(self.topics), on_assign=self._take, on_revoke=self._give, on_lost=self._give)

    def _take(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        assert self._assigned is not None
        committed = _asked(lambda: consumer.committed(partitions, timeout=ADMIN_SECS), self.bootstrap)
        self._placed, self._early = [], []
        self._changes += 1
        for part in committed:
            low = self._low(part)
            offset = part.offset if part.offset >= 0 else None
            start = Start(part.topic, part.partition, self._ids[part.topic], low, offset, part.metadata or "")
            self._placed.append(TopicPartition(part.topic, part.partition, self._assigned(start)))
        consumer.assign(self._placed)

    def _low(self, part: TopicPartition) -> int:
        low, _ = _asked(lambda: self._consumer.get_watermark_offsets(part, timeout=ADMIN_SECS), self.bootstrap)
        return int(low)

    def _give(self, _consumer: Any, partitions: list[TopicPartition]) -> None:
        assert self._revoked is not None
        self._placed, self._early = [], []
        self._changes += 1
        for part in partitions:
            self._revoked(part.topic, part.partition)

    def poll(self, size: int, secs: float) -> Sequence[Message]:
        """Messages of about `size` bytes."""
        changes, end = self._changes, time.monotonic() + secs
        found, self._early = self._early, []
        held = sum(len(message.value) for message in found)
        while held < size and (left := end - time.monotonic()) > 0:
            # How large the next ones are is not known: as many as would fit if they were like the last ones.
            most = min(max((size - held) // self._mean, FEWEST), MOST)
            more: list[Any] = self._consumer.consume(most, left)
            values = [message.value() or b"" for message in more]
            if values:
                self._mean = max(sum(map(len, values)) // len(values), 1)
                held += self._mean * len(values)
                self._note_age(more[-1])
            for message, value in zip(more, values, strict=True):
                if message.error() is None:
                    found.append(_made((message.topic(), message.partition(), message.offset(), value)))
                else:
                    self._heed(message)
        if changes != self._changes:
            # Some of these may be from before the partitions were shared out: read on from where each begins now.
            if self._placed:
                self._consumer.assign(self._placed)
            return []
        return found

    def _note_age(self, message: Any) -> None:
        """By the last of many: plain records of a run say nothing, batches do."""
        if message.error() is not None:
            return
        for name, value in message.headers() or ():
            # It only says how soon to write: one that is no number, from whoever wrote it, must not end the sink.
            if name == SOURCE_AT_HEADER and value and len(value) < MOST_DIGITS and value.isdigit() and int(value):
                self.behind_secs = time.time() - int(value) / 1000

    def _heed(self, message: Any) -> None:
        error = message.error()
        # The client reconnects by itself; an offset that is gone does not come back.
        if error.fatal() or error.code() == KafkaError._AUTO_OFFSET_RESET:
            raise Fatal(
                "LOG_UNREADABLE",
                where=f"{message.topic()} [{message.partition()}]",
                what=error.str(),
                do="check the topic and its retention, then start the sink again",
            )
        log.warning("broker", what=error.str())

    def hold(self, partitions: Collection[tuple[str, int]]) -> None:
        """Pause these, resume the others."""
        self._held = set(partitions)
        every = self._consumer.assignment()
        held = [part for part in every if (part.topic, part.partition) in self._held]
        if held:
            self._consumer.pause(held)
        self._consumer.resume([part for part in every if (part.topic, part.partition) not in self._held])

    def wait(self, secs: float) -> None:
        """Pause all partitions and go on answering the group meanwhile."""
        end = time.monotonic() + secs
        while (left := end - time.monotonic()) > 0:
            assignment = self._consumer.assignment()
            if assignment:
                self._consumer.pause(assignment)
            message: Any = self._consumer.poll(min(left, 1.0))
            if message is not None and message.error() is not None:
                self._heed(message)
            elif message is not None:
                # Fetched before the pause: it is the next to be taken.
                value = message.value() or b""
                self._early.append(Message(message.topic(), message.partition(), message.offset(), value))
        self.hold(self._held)

    def commit(self, positions: Sequence[Position]) -> None:
        """One request for all positions."""
        offsets = [TopicPartition(at.topic, at.partition, at.offset, metadata=at.metadata) for at in positions]
        end = time.monotonic() + COMMIT_SECS
        while offsets:
            try:
                answers = self._consumer.commit(offsets=offsets, asynchronous=False)
                refused = next((answer.error for answer in answers if answer.error), None)
            except KafkaException as error:
                refused = error.args[0]
            if refused is None:
                return
            if refused.code() not in PASSING or time.monotonic() > end:
                raise Fatal(
                    "COMMIT_REFUSED",
                    where=f"group {self.group}",
                    what=refused.str(),
                    do="nothing, if another sink has taken over; else start this one again",
                )
            time.sleep(0.2)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()


def _asked(question: Callable[[], Any], bootstrap: str) -> Any:
    try:
        return question()
    except KafkaException as error:
        raise Transient("BROKER_ABSENT", where=bootstrap, what=str(error), do="check the broker's address") from error
