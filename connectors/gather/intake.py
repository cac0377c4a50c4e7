"""The consumer of a topic that another system writes. Blocks: call it in a thread, one call at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from connectors.gather.progress import Progress
from pipeline.errors import Fatal, Transient

READ_MESSAGES = 100
READ_SECS = 0.2
MOST_WAIT_MS = 86_400_000
"""Between two reads, while there is no room for what was read; the most that the client allows."""
QUEUED_KBYTES = 65_536

FOR_GOOD = (KafkaError._FATAL, KafkaError.FENCED_INSTANCE_ID)
"""Errors after which a client reads no more; the one that a message brings may not say of itself that it is fatal."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Source:
    """A topic to be read, by whom, and where: `settings` are the client's own, for its cluster."""

    bootstrap: str
    topic: str
    group: str
    most: int = READ_MESSAGES
    start: str = "earliest"
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)


class Intake:
    """Messages from what was committed on."""

    def __init__(self, source: Source, progress: Progress) -> None:
        self._topic, self._most, self._progress = source.topic, source.most, progress
        self._consumer = Consumer(
            {"bootstrap.servers": source.bootstrap, "group.id": source.group, "enable.auto.commit": False,
             "enable.auto.offset.store": False, "auto.offset.reset": source.start,
             "partition.assignment.strategy": "range", "max.poll.interval.ms": MOST_WAIT_MS,
             "queued.max.messages.kbytes": QUEUED_KBYTES, **source.settings}
        )  # fmt: skip
        self._consumer.subscribe([source.topic], on_revoke=self._revoked, on_lost=self._lost)

    def read(self) -> list[Any]:
        """Some further messages; an error of the broker is logged, and the client goes on by itself.

        Raises Fatal when it cannot: another process has taken this one's place in the group.
        """
        messages = []
        for message in self._consumer.consume(self._most, READ_SECS):
            error = message.error()
            if error is None:
                messages.append(message)
            elif error.fatal() or error.code() in FOR_GOOD:
                raise Fatal(
                    "READER_REPLACED", where=self._topic, what=error.str(),
                    do="run one process of this connector: another one has taken its place",
                )  # fmt: skip
            else:
                log.warning("not read", topic=self._topic, error=str(error))
        return messages

    def commit(self) -> None:
        """Commit what is done; raises Transient, after which it is done again with the next."""
        done = self._progress.take()
        if not done:
            return
        offsets = [TopicPartition(self._topic, partition, offset) for partition, offset in sorted(done.items())]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            self._progress.restore(done)
            raise Transient("OFFSETS_UNCOMMITTED", where=self._topic, what=str(error), do="check the broker") from error

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _revoked(self, _consumer: Any, partitions: list[Any]) -> None:
        # What is done is committed while the partition is still ours; what is under way the next owner reads again.
        try:
            self.commit()
        except Transient as error:
            log.warning("not committed before a partition went", error=error.what)
        self._lost(_consumer, partitions)

    def _lost(self, _consumer: Any, partitions: list[Any]) -> None:
        self._progress.forget([one.partition for one in partitions])
