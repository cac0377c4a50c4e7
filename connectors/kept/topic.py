"""A topic of rejects or parked frames, read from its start, and on as it grows."""

from __future__ import annotations

from collections.abc import Generator
from threading import Lock
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from connectors.kept.rejected import Rejected
from pipeline.errors import Transient
from pipeline.wire import Contracts

MOST_WAIT_MS = 86_400_000
"""Between two reads, while there is no room for what was read; the most that the client allows."""
READ_RECORDS = 1000
READ_SECS = 0.2
ANSWER_SECS = 10.0
QUEUED_KBYTES = 16_384
"""What the client may have read ahead."""


class KeptTopic:
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

    def read(self) -> list[Rejected]:
        """Up to READ_RECORDS further records; raises Transient, after which it goes on where it was."""
        with self._reading:
            if not self._begun:
                self._begin()
            found: list[Rejected] = []
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

    def _take(self, message: Any, found: list[Rejected]) -> KafkaError | None:
        error: KafkaError | None = message.error()
        if error is None:
            self.ends[message.partition()] = message.offset() + 1
            record = self._contracts.decode(message.value(), "Reject")
            found.append(Rejected(self._topic, message.partition(), message.offset(), record))
        elif error.code() == KafkaError._PARTITION_EOF:
            self._behind.discard(message.partition())
            error = None
        return error

    def _unreadable(self, error: object) -> Transient:
        return Transient("PARKED_UNREADABLE", where=self._topic, what=str(error), do="check the broker")


def read_all(bootstrap: str, topic: str, contracts: Contracts) -> Generator[list[Rejected]]:
    """The topic from its start to its present end, in lists of at most READ_RECORDS."""
    kept = KeptTopic(bootstrap, topic, contracts)
    try:
        while not kept.at_end:
            yield kept.read()
    finally:
        kept.close()
