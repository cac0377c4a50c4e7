"""State of one source partition in the state topic: who owns it writes in fenced transactions, and reads to the end."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from agents.worker.settings import WorkerSettings
from pipeline.blocks import Record
from pipeline.checkpoint import HEAD_KEY
from pipeline.errors import Fatal, Transient
from pipeline.runtime.moments import Moments
from pipeline.topology.plan import ChainPlan
from pipeline.wire import ONE_AT_A_TIME

FENCED = (
    KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.INVALID_TXN_STATE,
    KafkaError.INVALID_PRODUCER_ID_MAPPING, KafkaError._FATAL,
)  # fmt: skip
"""The last: the client was told between two records, and refuses the second one without saying why."""

READ_SECS = 0.02
QUEUED_BYTES = 16 << 20
"""Records on their way to or from the broker, of each partition that is written or restored."""
HEAD_AND_END = 2


class StateReader:
    """Reads the state topic's partition of one source partition, and what belongs to it."""

    def __init__(self, plan: ChainPlan, settings: WorkerSettings, partition: int) -> None:
        self._plan = plan
        self._settings = settings
        self._partition = partition

    def last_head(self) -> bytes | None:
        """The newest head, if it is the last record, as after a whole checkpoint; else None."""
        consumer = self._consumer()
        try:
            place = TopicPartition(self._plan.state.name, self._partition)
            low, high = self._bounds(consumer, place)
            # The transaction's end takes an offset too.
            place.offset = max(low, high - HEAD_AND_END)
            consumer.assign([place])
            records: dict[bytes, bytes] = {}
            while not self._take(self._some(consumer, self._plan.state.name), records):
                pass
            return records.get(HEAD_KEY)
        finally:
            consumer.close()

    def read(self) -> tuple[bytes | None, dict[bytes, bytes]]:
        """(head, last record of each page key); head None when there is no checkpoint."""
        consumer = self._consumer()
        records: dict[bytes, bytes] = {}
        try:
            place = TopicPartition(self._plan.state.name, self._partition)
            # A number: asking for "the beginning" costs the client half a second.
            place.offset = self._bounds(consumer, place)[0]
            consumer.assign([place])
            while not self._take(self._some(consumer, self._plan.state.name), records):
                pass
            return records.pop(HEAD_KEY, None), records
        finally:
            consumer.close()

    def _take(self, messages: list[Any], records: dict[bytes, bytes]) -> bool:
        """Note the records; True at the end."""
        for message in messages:
            error = message.error()
            if error is None:
                records.pop(message.key(), None)
                if message.value() is not None:
                    records[message.key()] = message.value()
            elif error.code() == KafkaError._PARTITION_EOF:
                return True
            else:
                raise self._unreadable(self._plan.state.name, error.str())
        return False

    def log(self) -> tuple[int, int, int | None]:
        """Of the source partition: first offset, next offset, and what the group has committed (None: nothing)."""
        consumer = self._consumer()
        place = TopicPartition(self._plan.source.name, self._partition)
        try:
            low, high = self._bounds(consumer, place)
            committed = self._committed(consumer, place)
        finally:
            consumer.close()
        return low, high, committed.offset if committed.offset >= 0 else None

    def replay(self, begin: int, end: int) -> Iterable[tuple[int, bytes]]:
        """(offset, value) of the source's records from `begin` up to and without `end`."""
        consumer = self._consumer()
        at = begin
        try:
            consumer.assign([TopicPartition(self._plan.source.name, self._partition, begin)])
            while at < end:
                for message in self._some(consumer, self._plan.source.name):
                    if message.error() is None and at <= message.offset() < end:
                        yield message.offset(), message.value()
                        at = message.offset() + 1
        finally:
            consumer.close()

    def _bounds(self, consumer: Consumer, place: TopicPartition) -> tuple[int, int]:
        """First and next offset; patient while the partition has no leader."""
        deadline = time.monotonic() + self._settings.broker_secs
        while True:
            try:
                low, high = consumer.get_watermark_offsets(place, timeout=self._settings.broker_secs)
            except KafkaException as error:
                if time.monotonic() > deadline:
                    raise self._unreadable(place.topic, str(error)) from error
                time.sleep(0.1)
            else:
                return low, high

    def _committed(self, consumer: Consumer, place: TopicPartition) -> TopicPartition:
        """What the group has committed; patient while the group has no coordinator, as on a broker that comes up."""
        deadline = time.monotonic() + self._settings.broker_secs
        while True:
            try:
                found: TopicPartition = consumer.committed([place], timeout=self._settings.broker_secs)[0]
            except KafkaException as error:
                if time.monotonic() > deadline:
                    raise self._unreadable(place.topic, str(error)) from error
                time.sleep(0.1)
            else:
                if found.error is None:
                    return found
                if time.monotonic() > deadline:
                    raise self._unreadable(place.topic, found.error.str())
                time.sleep(0.1)

    def _some(self, consumer: Consumer, topic: str) -> list[Any]:
        """The next messages, one at least; raises Transient when none come in time."""
        deadline = time.monotonic() + self._settings.broker_secs
        while time.monotonic() < deadline:
            # It waits until it has as many as are asked for or its time is over.
            messages: list[Any] = consumer.consume(500, timeout=READ_SECS)
            if messages:
                return messages
        raise self._unreadable(topic, "no answer in time")

    def _unreadable(self, topic: str, what: str) -> Transient:
        return Transient(
            "TOPIC_UNREADABLE", where=f"{topic}/{self._partition}", what=what, do="check the topic and the broker"
        )

    def _consumer(self) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self._settings.bootstrap, "group.id": self._plan.group,
                "enable.auto.commit": False, "enable.auto.offset.store": False, "auto.offset.reset": "error",
                "isolation.level": "read_committed", "enable.partition.eof": True, "fetch.wait.max.ms": 10,
                "fetch.max.bytes": QUEUED_BYTES, "max.partition.fetch.bytes": QUEUED_BYTES,
                "queued.max.messages.kbytes": QUEUED_BYTES >> 10,
            }
        )  # fmt: skip


class Vault(StateReader):
    """The state topic's partition of one source partition."""

    def __init__(self, plan: ChainPlan, settings: WorkerSettings, partition: int, phases: Moments) -> None:
        super().__init__(plan, settings, partition)
        self._phases = phases
        self._producer = Producer(
            {
                "bootstrap.servers": settings.bootstrap, "transactional.id": f"{plan.group}-{partition}",
                "transaction.timeout.ms": int(settings.broker_secs * 1000), "linger.ms": 5, "batch.size": 1 << 20,
                **ONE_AT_A_TIME,
                # At midnight most of the state changes: its records are not all to wait in memory at once.
                "queue.buffering.max.kbytes": QUEUED_BYTES >> 10,
                # Pages are packed already; so the broker and its cleaner pass them on unopened.
                "compression.type": "none",
            }
        )  # fmt: skip

    def fence(self) -> None:
        """Become the owner: whoever owned the partition before cannot write any more, its open transaction ends."""
        try:
            self._producer.init_transactions(self._settings.broker_secs)
        except KafkaException as error:
            raise self._failed(error) from error

    def write(self, records: Iterable[Record]) -> None:
        """All records in one transaction; raises Fatal when another owner has fenced this one."""
        try:
            self._producer.begin_transaction()
            for record in records:
                self._produce(record)
                self._phases.reach("in-pages")
            self._phases.reach("before-commit")
            self._producer.commit_transaction(self._settings.broker_secs)
        except KafkaException as error:
            raise self._failed(error) from error

    def _produce(self, record: Record) -> None:
        while True:
            try:
                self._producer.produce(
                    self._plan.state.name, key=record.key, value=record.value, partition=self._partition
                )
                return
            except BufferError:
                self._producer.poll(0.05)

    def _failed(self, error: KafkaException) -> Fatal:
        cause = error.args[0]
        if cause.code() in FENCED or cause.fatal():
            return Fatal(
                "FENCED", where=f"{self._plan.name}/{self._partition}", what=cause.str(),
                do="nothing, if another worker has taken the partition; else check that no two have the same instance",
            )  # fmt: skip
        return Fatal(
            "STATE_NOT_WRITTEN", where=f"{self._plan.state.name}/{self._partition}", what=cause.str(),
            do="check the broker; the next start goes on from the checkpoint before",
        )  # fmt: skip
