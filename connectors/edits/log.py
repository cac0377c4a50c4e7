"""The topic of edits: read from its start, and answered in the partition where an event stands.

Blocks: call it in a thread, one call at a time. What holds is known from the whole partition, so it is read from its
start by each new owner; what is committed says from which event on statements are still to be handed on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer

from connectors.edits.book import Book
from connectors.gather.intake import MOST_WAIT_MS, QUEUED_KBYTES, READ_SECS, commit_done
from connectors.gather.progress import Progress
from pipeline.errors import Transient
from pipeline.runtime.kafka_from_start import ANSWER_SECS
from pipeline.wire import ONE_AT_A_TIME

READ_EVENTS = 1000
FLUSH_SECS = 0.2

log = structlog.get_logger()


class EditLog:
    """Events of the partitions that are ours; `books` by partition."""

    def __init__(self, bootstrap: str, topic: str, group: str, progress: Progress) -> None:
        self.books: dict[int, Book] = {}
        self._topic, self._progress = topic, progress
        self._committed: dict[int, int] = {}
        self._whole: set[int] = set()
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False,
             "enable.auto.offset.store": False, "auto.offset.reset": "earliest", "enable.partition.eof": True,
             "partition.assignment.strategy": "range", "max.poll.interval.ms": MOST_WAIT_MS,
             "queued.max.messages.kbytes": QUEUED_KBYTES}
        )  # fmt: skip
        self._consumer.subscribe([topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all", **ONE_AT_A_TIME,
             "linger.ms": 2, "message.timeout.ms": 0}
        )  # fmt: skip

    def read(self) -> list[Any]:
        """Some further messages; an error of the broker is logged, and the client goes on by itself."""
        messages = []
        found: list[Any] = self._consumer.consume(READ_EVENTS, READ_SECS)
        for message in found:
            error = message.error()
            if error is None:
                messages.append(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                self._whole.add(message.partition())
            else:
                log.warning("not read", topic=self._topic, error=str(error))
        return messages

    def answerable(self) -> list[tuple[int, Book]]:
        """Partitions that were read to their end once: all that an owner before has answered is known."""
        return [(partition, book) for partition, book in self.books.items() if partition in self._whole]

    def told(self, partition: int, offset: int) -> bool:
        """Whether what follows from the event there was handed on by an owner before."""
        return offset < self._committed.get(partition, 0)

    def answer(self, answers: Iterable[tuple[int, bytes, bytes]], stopped: Callable[[], bool]) -> bool:
        """Write (partition, key, value); False when it was `stopped` before Kafka had all. Raises Transient."""
        failed: list[KafkaError] = []

        def delivered(error: KafkaError | None, _message: Any) -> None:
            if error is not None:
                failed.append(error)

        for partition, key, value in answers:
            while True:
                try:
                    self._producer.produce(self._topic, key=key, value=value, partition=partition,
                                           on_delivery=delivered)  # fmt: skip
                    break
                except BufferError:
                    self._producer.poll(FLUSH_SECS)
        while self._producer.flush(FLUSH_SECS):
            if stopped():
                return False
        if failed:
            raise Transient("EDITS_UNANSWERED", where=self._topic, what=str(failed[0]),
                            do="check the broker, and the right to write this topic")  # fmt: skip
        return True

    def commit(self) -> None:
        """Commit what is handed on; raises Transient, after which it is done again with the next."""
        commit_done(self._consumer, self._topic, self._progress)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _assigned(self, consumer: Any, partitions: list[Any]) -> None:
        try:
            found = consumer.committed(partitions, timeout=ANSWER_SECS)
        except KafkaException as error:
            raise Transient("OFFSETS_UNREADABLE", where=self._topic, what=str(error), do="check the broker") from error
        self._committed = {one.partition: max(one.offset, 0) for one in found}
        self.books = {one.partition: Book() for one in partitions}
        self._whole = set()
        for one in partitions:
            one.offset = OFFSET_BEGINNING
        consumer.assign(partitions)

    def _revoked(self, consumer: Any, partitions: list[Any]) -> None:
        try:
            self.commit()
        except Transient as error:
            log.warning("not committed before a partition went", error=error.what)
        self._lost(consumer, partitions)

    def _lost(self, _consumer: Any, partitions: list[Any]) -> None:
        # The protocol of the group takes all away before it gives anew.
        self._progress.forget([one.partition for one in partitions])
        for one in partitions:
            self.books.pop(one.partition, None)
            self._whole.discard(one.partition)
