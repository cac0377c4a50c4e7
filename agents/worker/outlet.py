"""Where outputs leave: one idempotent producer for all partitions, and which of them the broker has acknowledged."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from agents.worker.settings import WorkerSettings
from pipeline.checkpoint import Deliveries
from pipeline.errors import Fatal
from pipeline.runtime.chain import Output, OutputRun, RejectRun
from pipeline.wire import MOST_RECORD_BYTES, ONE_AT_A_TIME, SOURCE_AT_HEADER

ID_HEADER = "kvarn-id"
"""Header with the output's id: copies that a restart makes have the same id and the same bytes."""

FULL_WAIT_SECS = 0.005
MOST_MESSAGES = 50_000


class Outlet:
    """Used from the thread of the steps and from the event loop."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._deliveries = Deliveries()
        self._lock = Lock()
        self._error: KafkaError | None = None
        self.messages = 0
        self._room = settings.output_bytes
        self._producer = Producer(
            {
                "bootstrap.servers": settings.bootstrap, "enable.idempotence": True, "acks": "all", **ONE_AT_A_TIME,
                "compression.type": "lz4", "linger.ms": settings.linger_ms, "batch.size": 1 << 20,
                "message.max.bytes": MOST_RECORD_BYTES, "queue.buffering.max.kbytes": settings.output_bytes >> 10,
                # A tick at midnight gives a hundred thousand small records, each with some 200 octets of the client's.
                "queue.buffering.max.messages": MOST_MESSAGES,
                # It retries for ever: an output is given up only with the process.
                "message.timeout.ms": 0,
                # With it the report of a partition's last record stands for all before it: a record that is refused
                # stops the producer, and no later one passes it by.
                "enable.gapless.guarantee": True,
                # The same partition for a key on every replay, also for the empty one.
                "partitioner": "murmur2",
                "error_cb": self._failed,
            }
        )  # fmt: skip

    def send(self, output: Output | OutputRun, at: float = 0.0) -> None:
        """Hand records to the producer; waits while its queue is full. Reports are taken in by `poll`.

        at: when the record was written that they were made of, epoch seconds; 0 where that is not known.
        """
        since = (SOURCE_AT_HEADER, b"%d" % (1000 * at))
        if isinstance(output, OutputRun):
            self._send_run(output, since)
            self.messages += len(output.values)
        else:
            self.messages += 1
            place = -1 if output.partition is None else output.partition
            self._produce(
                output.topic, output.value, output.key, place, on_delivery=self._report(),
                headers=[(ID_HEADER, output.id.encode()), since],
            )  # fmt: skip

    def _send_run(self, run: OutputRun, since: tuple[str, bytes]) -> None:
        """Only the last record of each partition is reported on: a report a record would cost more than the record."""
        partitions = run.partitions.tolist()
        last = {partition: place for place, partition in enumerate(partitions)}
        reported = {place: {"on_delivery": self._report()} for place in last.values()}
        rows, nothing = zip(run.key_bytes(), run.values, partitions, strict=True), dict[str, Any]()
        if isinstance(run, RejectRun):
            names = run.names()
            for place, (key, value, partition) in enumerate(rows):
                headers = [(ID_HEADER, next(names)), since]
                self._produce(run.topic, value, key, partition, headers=headers, **reported.get(place, nothing))
            return
        produce = self._producer.produce
        for place, (key, value, partition) in enumerate(rows):
            if place in reported:
                self._produce(run.topic, value, key, partition, **reported[place])
                continue
            try:
                produce(run.topic, value, key, partition)
            except (BufferError, KafkaException):
                self._produce(run.topic, value, key, partition)

    def _report(self) -> Callable[[KafkaError | None, Any], None]:
        with self._lock:
            return partial(self._delivered, self._deliveries.sent())

    def _produce(self, topic: str, value: bytes, key: bytes, partition: int, **more: Any) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, partition, **more)
                return
            except BufferError as error:
                if len(key) + len(value) > self._room:
                    raise Fatal(
                        "OUTPUT_REFUSED", where=topic, what=f"{len(value)} bytes are more than may wait ({self._room})",
                        do="set output_bytes higher and start again, nothing is lost",
                    ) from error  # fmt: skip
                self.poll(FULL_WAIT_SECS)
            except KafkaException as error:
                raise Fatal(
                    "OUTPUT_REFUSED", where=topic, what=f"{len(value)} bytes: {error.args[0].str()}",
                    do="if it is too large, drain the topology into topics with more partitions; start again, nothing "
                    "is lost",
                ) from error  # fmt: skip

    def mark(self) -> int:
        """Close the outputs handed over so far; see `Deliveries`."""
        with self._lock:
            return self._deliveries.mark()

    def acknowledged(self) -> int:
        """The highest mark whose outputs the broker has; raises Fatal when one was refused."""
        self.poll(0)
        with self._lock:
            return self._deliveries.acknowledged

    def poll(self, secs: float) -> None:
        """Take in reports; raises Fatal when an output was refused."""
        try:
            self._producer.poll(secs)
        except KafkaException as error:  # the client has stopped, in a report or in `_failed`
            self._error = error.args[0]
        if self._error is not None:
            raise Fatal(
                "OUTPUT_REFUSED", where="outputs", what=self._error.str(),
                do="check the topic's limits and rights; start again, nothing is lost",
            )  # fmt: skip

    def _failed(self, error: KafkaError) -> None:
        """What the client tells of itself: only what ends it matters, all else it tries again."""
        if error.fatal():
            self._error = error

    def _delivered(self, mark: int, error: KafkaError | None, _message: Any) -> None:
        if error is not None:
            # Not counted as delivered: a checkpoint that waits for it must not pass.
            self._error = error
            return
        with self._lock:
            self._deliveries.delivered(mark)
