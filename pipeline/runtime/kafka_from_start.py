"""A topic read from its start to what is its end then, and on: for tables that are kept in a topic. No group is joined.

Blocks: call it in a thread, one call at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition

ANSWER_SECS = 10.0
"""The longest that a broker may take to answer."""
READ_RECORDS = 1000
READ_SECS = 0.2


class FromStart:
    """All partitions of a topic. Nothing is assigned before `begin`, which may be called again after an error."""

    def __init__(self, bootstrap: str, topic: str, group: str, settings: Mapping[str, Any] | None = None) -> None:
        self.ends: dict[int, int] = {}
        """Of each partition the offset behind what was read."""
        self._topic = topic
        self._behind: set[int] | None = None
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False,
             "auto.offset.reset": "earliest", "enable.partition.eof": True, **(settings or {})}
        )  # fmt: skip

    @property
    def at_end(self) -> bool:
        """True once each partition has been read to what was its end then."""
        return self._behind is not None and not self._behind

    def begin(self) -> bool:
        """Go on behind what was read, at first at the start; False when there is no such topic. Raises KafkaException.

        All topics are asked for: to be asked for one by name may make it, with another number of partitions.
        """
        topics = self._consumer.list_topics(timeout=ANSWER_SECS).topics
        if self._topic not in topics or not topics[self._topic].partitions:
            return False
        found = topics[self._topic].partitions
        self._consumer.assign([TopicPartition(self._topic, number, self.ends.get(number, 0)) for number in found])
        self._behind = set(found)
        return True

    def read(self, most: int = READ_RECORDS) -> tuple[list[Any], KafkaError | None]:
        """Up to so many further messages, and what went wrong beside them: behind an error `begin` anew."""
        found: list[Any] = []
        failed: KafkaError | None = None
        messages: list[Any] = self._consumer.consume(most, READ_SECS)
        for message in messages:
            error = message.error()
            if error is None:
                self.ends[message.partition()] = message.offset() + 1
                found.append(message)
            elif error.code() != KafkaError._PARTITION_EOF:
                failed = error
            elif self._behind is not None:
                self._behind.discard(message.partition())
        return found, failed

    def close(self) -> None:
        """Give the connection back."""
        self._consumer.close()
