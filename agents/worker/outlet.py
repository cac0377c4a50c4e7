"""Where outputs leave: one idempotent producer for all partitions, and which of them the broker has acknowledged."""

from __future__ import annotations

from functools import partial
from threading import Lock
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from agents.worker.settings import WorkerSettings
from pipeline.checkpoint import Deliveries
from pipeline.errors import Fatal
from pipeline.runtime.chain import Output
from pipeline.wire import MOST_RECORD_BYTES

ID_HEADER = "kvarn-id"
"""Header with the output's id: copies that a restart makes have the same id and the same bytes."""

FULL_WAIT_SECS = 0.05


class Outlet:
    """Used from the thread of the steps and from the event loop."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": settings.bootstrap, "enable.idempotence": True, "acks": "all",
                "compression.type": "lz4", "linger.ms": settings.linger_ms, "batch.size": 1 << 20,
                "message.max.bytes": MOST_RECORD_BYTES, "queue.buffering.max.kbytes": settings.output_bytes >> 10,
                # It retries for ever: an output is given up only with the process.
                "message.timeout.ms": 0,
                # The same partition for a key on every replay, also for the empty one.
                "partitioner": "murmur2",
            }
        )  # fmt: skip
        self._deliveries = Deliveries()
        self._lock = Lock()
        self._error: KafkaError | None = None
        self.messages = 0

    def send(self, output: Output) -> None:
        """Hand one record to the producer; waits while its queue is full."""
        with self._lock:
            mark = self._deliveries.sent()
        place = -1 if output.partition is None else output.partition
        while True:
            try:
                self._producer.produce(
                    output.topic, key=output.key, value=output.value, partition=place,
                    headers=[(ID_HEADER, output.id.encode())], on_delivery=partial(self._delivered, mark),
                )  # fmt: skip
                break
            except BufferError:
                self.poll(FULL_WAIT_SECS)
            except KafkaException as error:
                raise Fatal(
                    "OUTPUT_REFUSED", where=output.topic, what=f"{len(output.value)} bytes: {error.args[0].str()}",
                    do="if it is too large, drain the topology into topics with more partitions; start again, nothing "
                    "is lost",
                ) from error  # fmt: skip
        self.messages += 1
        self._producer.poll(0)

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
        self._producer.poll(secs)
        if self._error is not None:
            raise Fatal(
                "OUTPUT_REFUSED", where="outputs", what=self._error.str(),
                do="check the topic's limits and rights; start again, nothing is lost",
            )  # fmt: skip

    def _delivered(self, mark: int, error: KafkaError | None, _message: Any) -> None:
        if error is not None:
            # Not counted as delivered: a checkpoint that waits for it must not pass.
            self._error = error
            return
        with self._lock:
            self._deliveries.delivered(mark)
