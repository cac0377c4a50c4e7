"""Live frames at a steady rate, written by a thread of their own while parts are killed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

from confluent_kafka import KafkaError

from bench.case import OPENING, Load
from bench.throughput.feed import Feed, Feeding
from connectors.simulator.burst import Burst, BurstBuffers
from pipeline.errors import Fatal
from pipeline.topology.plan import TopicPlan
from pipeline.wire import Contracts, frames_record

MOST_BEHIND_SECS = 0.5
"""A feeder that could not keep its rate does not make up for more than this."""


class PacedFeed(Feed):
    """As the feed of a full log, and then interval after interval at `rate` frames a second until it is ended.

    It alone writes the topic, so what it wrote to a partition is its end.
    """

    def __init__(self, bootstrap: str, topic: TopicPlan, contracts: Contracts, load: Load) -> None:
        super().__init__(bootstrap, topic, contracts, load)
        self.ends = [0] * topic.partitions
        self.frames = 0
        self.last = load.numbers[OPENING - 1]
        """Number of the last whole interval that was sent."""
        self._offsets: dict[int, list[int]] = {}
        self._ended = Event()
        self._error: BaseException | None = None

    def open(self, keys: Path, master: bytes) -> None:
        """See Feed; the last interval is known then."""
        super().open(keys, master)
        self.last = self._load.numbers[OPENING - 1]

    def fill(self, progress: Feeding) -> int:
        """See Feed."""
        frames = super().fill(progress)
        self.last = self._load.numbers[-1]
        return frames

    @contextmanager
    def live(self, rate: float) -> Iterator[None]:
        """Feed while the block runs; the interval under way is then sent to its end, at the same rate."""
        thread = Thread(target=self._run, args=(rate,), name="feed", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()
        self.check()

    def check(self) -> None:
        """Raise Fatal when the feeder has failed."""
        if self._error is not None:
            raise Fatal("BENCH_NOT_FED", where=self.topic.name, what=repr(self._error), do="check the broker") from (
                self._error
            )

    def _run(self, rate: float) -> None:
        try:
            self._feed(rate)
        except BaseException as error:  # noqa: BLE001  told by `check`
            self._error = error

    def _feed(self, rate: float) -> None:
        burst, due = Burst(self._plan), time.monotonic()
        buffers = BurstBuffers(self.topic.partitions, self._load.batch_frames + 1)
        try:
            for interval in count(self.last + 1):
                for partition, batch in burst.batches(interval, buffers):
                    due = max(due, time.monotonic() - MOST_BEHIND_SECS) + len(batch.length) / rate
                    value = frames_record(self.contracts, batch=batch)
                    time.sleep(max(0.0, due - time.monotonic()))
                    self._write(partition, value)
                    self.frames += len(batch.length)
                self._tick(interval)
                self.last = interval
                if self._ended.is_set():
                    break
        finally:
            burst.close()
        self._settle()

    def _write(self, partition: int, value: bytes) -> None:
        super()._write(partition, value)
        self.ends[partition] += 1

    def _delivered(self, error: KafkaError | None, message: Any) -> None:
        super()._delivered(error, message)
        if error is None:
            self._offsets.setdefault(message.partition(), []).append(message.offset())

    def _settle(self) -> None:
        """See Feed; and what was acknowledged is there: else the log is short before any part has read it."""
        super()._settle()
        for partition, end in enumerate(self.ends):
            offsets = self._offsets.get(partition, [])
            if offsets != list(range(end)):
                raise Fatal(
                    "BENCH_LOG_SHORT", where=f"{self.topic.name}[{partition}]",
                    what=f"{end} records written, acknowledged at {offsets[:8]} ... {offsets[-3:]} ({len(offsets)})",
                    do="look at the broker's log; what follows would be counted as lost",
                )  # fmt: skip
