"""The topic of facts: read from its start, so that what was said before is known; committed as facts are handed on.

Blocks: call it in a thread, one call at a time.
"""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from connectors.gather.intake import MOST_WAIT_MS, QUEUED_KBYTES
from pipeline.errors import ConfigError, Transient
from pipeline.runtime.kafka_from_start import ANSWER_SECS

READ_MESSAGES = 500
READ_SECS = 0.2


class FactTopic:
    """One partition; `committed`: offset up to which facts have been handed on by this group, after `begin`."""

    def __init__(self, bootstrap: str, topic: str, group: str) -> None:
        self.committed = 0
        self._topic = topic
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False,
             "enable.auto.offset.store": False, "auto.offset.reset": "earliest", "max.poll.interval.ms": MOST_WAIT_MS,
             "queued.max.messages.kbytes": QUEUED_KBYTES}
        )  # fmt: skip

    def begin(self) -> None:
        """Find out what was committed; raises Transient, or ConfigError for a topic of several partitions."""
        try:
            partitions = self._consumer.list_topics(self._topic, timeout=ANSWER_SECS).topics[self._topic].partitions
            committed = self._consumer.committed([TopicPartition(self._topic, 0)], timeout=ANSWER_SECS)
        except KafkaException as error:
            raise self._unreadable(error) from error
        if len(partitions) != 1:
            raise ConfigError(
                "FACTS_PARTITIONS", where=self._topic, what=f"it has {len(partitions)} partitions",
                do="give it `partitions: 1`: of two outages of a service point the later one holds",
            )  # fmt: skip
        self.committed = max(0, committed[0].offset)
        self._consumer.assign([TopicPartition(self._topic, 0, 0)])

    def read(self) -> list[tuple[int, bytes]]:
        """Some further facts: offset and value. Raises Transient, after which it goes on."""
        found: list[tuple[int, bytes]] = []
        failed: KafkaError | None = None
        for message in self._consumer.consume(READ_MESSAGES, READ_SECS):
            failed = message.error() or failed
            offset, value = message.offset(), message.value()
            if message.error() is None and offset is not None and value is not None:
                found.append((offset, value))
        if failed is not None and not found:
            raise self._unreadable(failed)
        return found

    def commit(self, offset: int) -> None:
        """All before `offset` has been handed on; raises Transient."""
        try:
            self._consumer.commit(offsets=[TopicPartition(self._topic, 0, offset)], asynchronous=False)
        except KafkaException as error:
            raise self._unreadable(error) from error

    def close(self) -> None:
        """Give the connection back."""
        self._consumer.close()

    def _unreadable(self, error: Any) -> Transient:
        return Transient("FACTS_UNREADABLE", where=self._topic, what=str(error), do="check the broker")
