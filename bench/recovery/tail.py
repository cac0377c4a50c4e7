"""What comes out, as it comes: of each partition of the log the newest record that an output was made of."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from agents.worker.outlet import ID_HEADER
from pipeline.topology.plan import TopicPlan

CONSUME_SECS = 0.05
ADMIN_SECS = 30.0


class Tail:
    """Reads a topic of which each record names the log's record that it was made of, in the output's id.

    applied: by partition of the log, the newest offset that an output was seen of. copies: outputs of records that
    outputs had been seen of before.
    """

    def __init__(self, bootstrap: str, topic: TopicPlan, partitions: int) -> None:
        self.applied = [-1] * partitions
        self.copies = 0
        self.first_copy_at = self.first_new_at = 0.0
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": "bench-tail", "enable.auto.commit": False,
             "fetch.wait.max.ms": 20, "fetch.max.bytes": 32 << 20}
        )  # fmt: skip
        places = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        for place in places:
            place.offset = max(0, self._consumer.get_watermark_offsets(place, timeout=ADMIN_SECS)[1] - 1)
        self._consumer.assign(places)
        self._ended = Event()

    @contextmanager
    def follow(self) -> Iterator[None]:
        """Read while the block runs."""
        thread = Thread(target=self._run, name="tail", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()
            self._consumer.close()

    def arm(self) -> None:
        """From now on note when the first copy and the first new output come."""
        self.first_copy_at = self.first_new_at = 0.0

    def _run(self) -> None:
        while not self._ended.is_set():
            for message in self._consumer.consume(50, CONSUME_SECS):
                if message.error() is None:
                    self._note(message)

    def _note(self, message: Any) -> None:
        name = dict(message.headers() or ()).get(ID_HEADER)
        if name is None:
            return
        # topology/stage/topic id/partition/offset/kind/index
        partition, offset = map(int, name.decode().split("/")[-4:-2])
        if offset <= self.applied[partition]:
            self.copies += 1
            self.first_copy_at = self.first_copy_at or time.monotonic()
            return
        self.applied[partition] = offset
        self.first_new_at = self.first_new_at or time.monotonic()
