"""A page of state is damaged while its worker is away: whoever starts must stop before it writes anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from bench.faults.parts import Parts
from bench.faults.ways.base import Recurring
from pipeline.checkpoint import HEAD_KEY
from pipeline.errors import Fatal, Transient

FLUSH_SECS = 30.0
NAMED = ("PAGE_DAMAGED", "PAGES_OTHER")
"""Codes that say what is wrong."""
REFUSALS = 2
"""Starts that must have been refused before the page is put right."""


class DamagedPages(Recurring):
    """Kill the worker, overwrite a page's last record with half of it, or with other octets; put it right later."""

    gap: ClassVar[tuple[float, float]] = (0.5, 2.0)
    lasts: ClassVar[tuple[float, float]] = (1.0, 2.0)

    def begin(self, parts: Parts) -> None:
        """See Disturbance."""
        super().begin(parts)
        parts.may_end.add(self.scene.kind.part)
        self._refused = 0

    def strike(self, parts: Parts) -> str:
        """See Recurring."""
        parts.stop_now(self.scene.kind.part)
        chain = next(chain for chain in self.scene.plan.chains if f"worker.{chain.name}" == self.scene.kind.part)
        self._topic, self._place = chain.state.name, self._strikes % chain.source.partitions
        self._key, self._page = self._some_page()
        half = self._strikes % 2 == 0
        damaged = self._page[: len(self._page) // 2] if half else self._page[:-1] + bytes([self._page[-1] ^ 1])
        self._write(damaged)
        self._refused = 0
        parts.start(self.scene.kind.part)
        return "half a page" if half else "other octets"

    def seen(self, ended: list[tuple[str, str]]) -> None:
        """See Disturbance."""
        self._refused += sum(part == self.scene.kind.part for part, _ in ended)

    def may_heal(self, parts: Parts) -> bool:
        """See Recurring."""
        return self._refused >= REFUSALS

    def heal(self, parts: Parts) -> None:
        """See Recurring."""
        log = parts.processes.tail(self.scene.kind.part)
        if not any(code in log for code in NAMED):
            raise Fatal("PAGE_TAKEN", where=self.scene.kind.part, what=f"no word of the damaged page: {log}",
                        do="see its log")  # fmt: skip
        self._write(self._page)

    def _some_page(self) -> tuple[bytes, bytes]:
        """(key, value) of the page that was written last, of the partition."""
        last: dict[bytes, bytes] = {}
        with _consumer(self.scene.services.kafka) as consumer:
            consumer.assign([TopicPartition(self._topic, self._place, 0)])
            while True:
                for message in consumer.consume(500, timeout=1.0):
                    error = message.error()
                    if error is not None and error.code() == KafkaError._PARTITION_EOF:
                        return next(reversed(last.items()))
                    key, value = message.key(), message.value()
                    if error is None and key is not None and key != HEAD_KEY:
                        last.pop(key, None)
                        if value is not None:
                            last[key] = value

    def _write(self, value: bytes) -> None:
        producer = Producer({"bootstrap.servers": self.scene.services.kafka, "acks": "all", "compression.type": "none"})
        producer.produce(self._topic, key=self._key, value=value, partition=self._place)
        if producer.flush(FLUSH_SECS):
            raise Transient("PAGE_NOT_WRITTEN", where=self._topic, what="time-out", do="check the broker")


@contextmanager
def _consumer(bootstrap: str) -> Iterator[Consumer]:
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "damage", "enable.auto.commit": False, "log_level": 0,
         "isolation.level": "read_committed", "enable.partition.eof": True, "auto.offset.reset": "earliest"}
    )  # fmt: skip
    try:
        yield consumer
    finally:
        consumer.close()
