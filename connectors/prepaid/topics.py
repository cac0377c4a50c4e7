"""The topics of the prepaid connector on Kafka: records in from four of them, entries and commands out.

Entries, commands and the offsets of what they come from are written in one transaction under the group's name: a
second process of the group fences the first, and after a crash nothing is posted twice or left out. Blocks: one call
at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition

from pipeline.errors import Fatal, Transient
from pipeline.wire import Contracts

ANSWER_SECS = 30.0
READ_RECORDS = 1000
READ_SECS = 0.2

log = structlog.get_logger()


class PrepaidTopics:
    """`behind`: (topic, partition) of those that are not read to their end.

    `later`: topic -> the one that is read to its end first, once, when it is opened.
    """

    def __init__(
        self, bootstrap: str, group: str, topics: Sequence[str], later: Mapping[str, str] | None = None
    ) -> None:
        self.behind: set[tuple[str, int]] = set()
        self._bootstrap, self._group, self._topics = bootstrap, group, topics
        self._later = dict(later or {})
        self._held: list[TopicPartition] = []
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "transactional.id": f"{group}-ledger", "acks": "all",
             "enable.idempotence": True, "linger.ms": 5}
        )  # fmt: skip
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False,
             "auto.offset.reset": "earliest", "enable.partition.eof": True, "isolation.level": "read_committed"}
        )  # fmt: skip
        self._done: dict[tuple[str, int], int] = {}

    def open(self, ledger: str, take: Callable[[bytes], None]) -> None:
        """Fence whoever wrote before, hand the whole ledger to `take`, then go to the offsets; raises Transient."""
        try:
            self._producer.init_transactions(ANSWER_SECS)
            self._read_all(ledger, take)
            places = [
                TopicPartition(topic, partition)
                for topic in self._topics
                for partition in self._partitions(topic)
            ]  # fmt: skip
            places = self._consumer.committed(places, timeout=ANSWER_SECS)
        except KafkaException as error:
            raise Transient("LEDGER_UNREADABLE", where=ledger, what=str(error), do="check the broker") from error
        for place in places:
            place.offset = place.offset if place.offset >= 0 else OFFSET_BEGINNING
        self.behind = {(place.topic, place.partition) for place in places}
        self._consumer.assign(places)
        self._held = [TopicPartition(place.topic, place.partition) for place in places if place.topic in self._later]
        if self._held:
            self._consumer.pause(self._held)

    def read(self) -> list[Any]:
        """Some further messages; keeps `behind`."""
        found = []
        message: Any
        for message in self._consumer.consume(READ_RECORDS, READ_SECS):
            error = message.error()
            place = (message.topic(), message.partition())
            if error is None:
                found.append(message)
                self.behind.add(place)
            elif error.code() == KafkaError._PARTITION_EOF:
                self.behind.discard(place)
            else:
                log.warning("not read", topic=place[0], error=str(error))
        if found:
            self._at_their_end(found)
        self._let_go()
        return found

    def _at_their_end(self, messages: Sequence[Any]) -> None:
        """Where something always comes, the client never says that the end is reached."""
        last = {(message.topic(), message.partition()): message.offset() for message in messages}
        for place, offset in last.items():
            _, end = self._consumer.get_watermark_offsets(TopicPartition(*place), cached=True)
            if 0 < end <= offset + 1:
                self.behind.discard(place)

    def _let_go(self) -> None:
        """Read what was held, once the topics before it are read to their end."""
        behind = {topic for topic, _ in self.behind}
        free = [place for place in self._held if self._later[place.topic] not in behind]
        if free:
            self._consumer.resume(free)
            self._held = [place for place in self._held if place not in free]

    def done(self, message: Any) -> None:
        """What follows from a message is in the next `write`."""
        place = (message.topic(), message.partition())
        self._done[place] = max(self._done.get(place, 0), message.offset() + 1)

    def write(self, records: Sequence[tuple[str, bytes, bytes]]) -> None:
        """Write (topic, key, value) each, with the offsets of what is done; raises Fatal, for another owner goes on."""
        if not records and not self._done:
            return
        offsets = [TopicPartition(topic, partition, at) for (topic, partition), at in sorted(self._done.items())]
        try:
            self._producer.begin_transaction()
            for topic, key, value in records:
                self._produce(topic, key, value)
            self._producer.send_offsets_to_transaction(offsets, self._consumer.consumer_group_metadata(), ANSWER_SECS)
            self._producer.commit_transaction(ANSWER_SECS)
        except KafkaException as error:
            raise Fatal(
                "LEDGER_NOT_WRITTEN", where=self._group, what=str(error),
                do="look whether a second process of this connector runs; else check the broker, and start again",
            ) from error  # fmt: skip
        self._done.clear()

    def close(self) -> None:
        """Give the connections back."""
        self._consumer.close()

    def _produce(self, topic: str, key: bytes, value: bytes) -> None:
        while True:
            try:
                self._producer.produce(topic, key=key, value=value)
                return
            except BufferError:
                self._producer.poll(0.1)

    def _partitions(self, topic: str) -> Mapping[int, Any]:
        partitions: Mapping[int, Any] = self._consumer.list_topics(topic, timeout=ANSWER_SECS).topics[topic].partitions
        return partitions

    def _read_all(self, ledger: str, take: Callable[[bytes], None]) -> None:
        numbers = self._partitions(ledger)
        self._consumer.assign([TopicPartition(ledger, number, OFFSET_BEGINNING) for number in numbers])
        behind = set(numbers)
        message: Any
        while behind:
            for message in self._consumer.consume(READ_RECORDS, READ_SECS):
                error = message.error()
                if error is None:
                    take(message.value())
                elif error.code() == KafkaError._PARTITION_EOF:
                    behind.discard(message.partition())
                else:
                    raise KafkaException(error)


def encoded(
    contracts: Contracts, ledger: str, commands: str, entries: Sequence[Mapping[str, Any]],
    due: Sequence[Mapping[str, Any]],
) -> list[tuple[str, bytes, bytes]]:  # fmt: skip
    """(topic, key, value) of entries and commands."""
    found = [
        (ledger, entry["account"].to_bytes(8, "big", signed=True), contracts.encode("LedgerEntry", entry))
        for entry in entries
    ]
    return found + [(commands, one["device"].encode(), contracts.encode("Command", one)) for one in due]
