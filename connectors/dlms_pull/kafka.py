"""The topics of the pull connector on Kafka: commands in, results and frames out, and the journal.

The journal's producer is transactional under the connector's name: a second process of this connector fences the first,
which can record no intent from then on, so it can send no command that acts.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition

from connectors.dlms_pull.commands import MOST_TEXT, Command, Result
from connectors.dlms_pull.journal import MemoryJournal, encoded
from connectors.dlms_pull.offsets import Offsets
from pipeline.errors import Fatal, Transient
from pipeline.wire import ONE_AT_A_TIME, UNREADABLE, Contracts

ANSWER_SECS = 30.0
POLL_SECS = 0.2
READ_RECORDS = 500

log = structlog.get_logger()


class KafkaJournal(MemoryJournal):
    """Records are written by a task that takes all that wait into one transaction."""

    def __init__(self, bootstrap: str, topic: str, name: str) -> None:
        super().__init__()
        self.log = []
        self._bootstrap, self._topic = bootstrap, topic
        self._producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": f"{topic}-{name}",
                                   "acks": "all", "enable.idempotence": True, "linger.ms": 0})  # fmt: skip
        self._waiting: list[tuple[str, bytes | None, asyncio.Future[None]]] = []
        self._wanted = asyncio.Event()

    async def open(self) -> None:
        """Fence whoever wrote before, then read everything; raises Transient."""
        await asyncio.to_thread(self._open)

    def _open(self) -> None:
        try:
            self._producer.init_transactions(ANSWER_SECS)
            consumer = Consumer({"bootstrap.servers": self._bootstrap, "group.id": "kvarn-pull-journal",
                                 "enable.auto.commit": False, "isolation.level": "read_committed",
                                 "enable.partition.eof": True})  # fmt: skip
            try:
                self._read(consumer)
            finally:
                consumer.close()
        except KafkaException as error:
            raise Transient("JOURNAL_UNREADABLE", where=self._topic, what=str(error), do="check the broker") from error

    def _read(self, consumer: Any) -> None:
        consumer.assign([TopicPartition(self._topic, 0, 0)])
        while True:
            message = consumer.poll(ANSWER_SECS)
            if message is None:
                raise Transient("JOURNAL_SLOW", where=self._topic, what="its end was not reached", do="start again")
            error = message.error()
            if error is not None:
                if error.code() == KafkaError._PARTITION_EOF:
                    return
                raise KafkaException(error)
            self.apply(message.key().decode(), message.value())

    async def put(self, key: str, record: Any) -> None:
        """See Journal; raises Fatal when this process was replaced."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, None if record is None else encoded(record), future))
        self._wanted.set()
        await future

    async def run(self) -> None:
        """Write what waits; raises Fatal, and so do all who wait, when it cannot be written."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            batch, self._waiting = self._waiting, []
            try:
                await asyncio.to_thread(self._write, [(key, value) for key, value, _ in batch])
            except KafkaException as error:
                fatal = Fatal(
                    "JOURNAL_NOT_WRITTEN", where=self._topic, what=str(error),
                    do="look whether a second process of this connector runs; else check the broker, and start again",
                )  # fmt: skip
                for _, _, future in batch:
                    if not future.done():
                        future.set_exception(fatal)
                raise fatal from error
            for key, value, future in batch:
                self.apply(key, value)
                if not future.done():
                    future.set_result(None)

    def _write(self, records: list[tuple[str, bytes | None]]) -> None:
        self._producer.begin_transaction()
        for key, value in records:
            self._producer.produce(self._topic, key=key.encode(), value=value, partition=0)
        self._producer.commit_transaction(ANSWER_SECS)


class ResultTopic:
    """Results, each awaited until all replicas have it."""

    def __init__(self, bootstrap: str, topic: str, contracts: Contracts, source: str) -> None:
        self._topic, self._contracts, self._source = topic, contracts, source
        self._producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all",
                                   **ONE_AT_A_TIME, "linger.ms": 2, "message.timeout.ms": 0})  # fmt: skip

    async def answer(self, result: Result) -> None:
        """Write it, under its device's key; raises Fatal when it cannot be written."""
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()

        def delivered(error: KafkaError | None, _message: Any) -> None:
            if written.done():
                return
            if error is None:
                written.set_result(None)
            else:
                written.set_exception(Fatal("RESULT_NOT_WRITTEN", where=self._topic, what=str(error),
                                            do="check the broker, and start again"))  # fmt: skip

        value = self._contracts.encode("CommandResult", result.record(self._source))
        self._producer.produce(self._topic, key=result.device.encode(), value=value, on_delivery=delivered)
        await written

    def poll(self) -> None:
        """Let acknowledgements in; called on the event loop."""
        self._producer.poll(0)


class CommandTopic:
    """Commands from all partitions, from where the group's position stands; one process."""

    def __init__(self, bootstrap: str, topic: str, contracts: Contracts, group: str) -> None:
        self._topic, self._contracts = topic, contracts
        self.offsets = Offsets()
        self.unreadable = 0
        # Whoever waits in the client's library is not ended with the task that waits for it, and must be out of it
        # before the client is closed.
        self._reading, self._committing = threading.Lock(), threading.Lock()
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False,
                                   "auto.offset.reset": "earliest"})  # fmt: skip

    async def open(self) -> None:
        """Take all partitions at their positions; raises Transient."""
        await asyncio.to_thread(self._open)

    def _open(self) -> None:
        try:
            found = self._consumer.list_topics(self._topic, timeout=ANSWER_SECS).topics[self._topic].partitions
            places = self._consumer.committed([TopicPartition(self._topic, number) for number in found], ANSWER_SECS)
            # Without a position the group has finished nothing: it begins where the topic does.
            self._consumer.assign([
                TopicPartition(self._topic, place.partition, place.offset if place.offset >= 0 else OFFSET_BEGINNING)
                for place in places
            ])  # fmt: skip
        except KafkaException as error:
            raise Transient("COMMANDS_UNREADABLE", where=self._topic, what=str(error), do="check the broker") from error

    async def read(self, most: int) -> list[tuple[int, int, Command]]:
        """(partition, offset, command) of up to `most` further records; what is no command is finished at once."""
        found = []
        for message in await asyncio.to_thread(self._consume, min(most, READ_RECORDS)):
            if message.error() is not None:
                log.warning("commands not read", error=str(message.error()))
                continue
            partition, offset = int(message.partition() or 0), int(message.offset() or 0)
            if not self.offsets.take(partition, offset):
                continue
            try:
                record = self._contracts.decode(message.value() or b"", "Command")
                command = Command(**record)
                if max(map(len, (command.id, command.device, command.kind))) > MOST_TEXT:
                    raise ValueError(f"an id, device or kind of more than {MOST_TEXT} characters")
                found.append((partition, offset, command))
            except UNREADABLE as error:
                self.unreadable += 1
                self.offsets.finish(partition, offset)
                log.warning("a record is no command", partition=partition, offset=offset, reason=str(error)[:200])
        return found

    async def commit(self) -> None:
        """Everything before these offsets has its result; a broker that does not take it is told again later."""
        places = [TopicPartition(self._topic, partition, at) for partition, at in self.offsets.done().items()]
        if not places:
            return
        try:
            await asyncio.to_thread(self._commit, places)
        except KafkaException as error:
            log.warning("positions not committed", topic=self._topic, error=str(error))

    async def close(self) -> None:
        """Give the connection back."""
        await asyncio.to_thread(self._close)

    def _consume(self, most: int) -> list[Any]:
        with self._reading:
            return list(self._consumer.consume(most, POLL_SECS))

    def _commit(self, places: list[TopicPartition]) -> None:
        with self._committing:
            self._consumer.commit(offsets=places, asynchronous=False)

    def _close(self) -> None:
        with self._reading, self._committing:
            self._consumer.close()


async def polled(poll: Callable[[], None], stop: asyncio.Event, secs: float = 0.01) -> None:
    """Call `poll` again and again until `stop`."""
    while not stop.is_set():
        poll()
        await asyncio.sleep(secs)
