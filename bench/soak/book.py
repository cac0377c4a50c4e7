"""Frames by position of the log, read from it: an independent count, and the way to tell positions in frames."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import deque

from confluent_kafka import Consumer, KafkaException, TopicPartition

from pipeline.batch import FrameBatch
from pipeline.step import Origin
from pipeline.topology.plan import TopicPlan
from pipeline.wire import Contracts, read_frames
from sinks.kafka_log import PASSING

ANSWER_SECS = 30.0


class Counted:
    """Frames of one partition in front of each position that is still asked for; positions only grow."""

    def __init__(self) -> None:
        self.total = 0
        self._ends: deque[int] = deque()
        self._sums: deque[int] = deque()
        self._base = 0

    def add(self, offset: int, frames: int) -> None:
        """The record at `offset` holds so many."""
        self.total += frames
        self._ends.append(offset + 1)
        self._sums.append(self.total)

    def before(self, position: int) -> int:
        """Frames of the records in front of `position`; smaller positions are forgotten."""
        for _ in range(bisect_right(self._ends, position)):
            self._ends.popleft()
            self._base = self._sums.popleft()
        return self._base


class Book(threading.Thread):
    """Reads the topic of frames from its start, until it is told to stop."""

    def __init__(self, bootstrap: str, topic: TopicPlan, group: str, contracts: Contracts) -> None:
        super().__init__(name="book", daemon=True)
        self.error: BaseException | None = None
        self._topic, self._contracts = topic, contracts
        self._counted = [Counted() for _ in range(topic.partitions)]
        self._committed = [0] * topic.partitions
        self._lock, self._stopping = threading.Lock(), threading.Event()
        settings = {"bootstrap.servers": bootstrap, "enable.auto.commit": False, "auto.offset.reset": "error"}
        self._reader = Consumer({**settings, "group.id": "kvarn-soak", "queued.max.messages.kbytes": 16_384})
        self._positions = Consumer({**settings, "group.id": group})

    @property
    def frames(self) -> int:
        """Frames in the log, as far as it has been read."""
        with self._lock:
            return sum(counted.total for counted in self._counted)

    def committed(self) -> int:
        """Frames in front of the positions that the group has committed, as far as the log has been read.

        A broker that does not answer changes nothing.
        """
        places = [TopicPartition(self._topic.name, number) for number in range(self._topic.partitions)]
        try:
            found = self._positions.committed(places, timeout=ANSWER_SECS)
        except KafkaException:
            found = []
        with self._lock:
            for place in found:
                if place.error is None:
                    self._committed[place.partition] = self._counted[place.partition].before(max(0, place.offset))
            return sum(self._committed)

    def run(self) -> None:
        """See Thread."""
        try:
            numbers = range(self._topic.partitions)
            self._reader.assign([TopicPartition(self._topic.name, number, 0) for number in numbers])
            while not self._stopping.is_set():
                self._take()
        except Exception as error:  # noqa: BLE001  (whoever waits raises it)
            self.error = error
        finally:
            self._reader.close()

    def _take(self) -> None:
        for message in self._reader.consume(32, 0.5):
            error = message.error()
            if error is not None:
                if error.code() in PASSING:
                    continue
                raise KafkaException(error)
            partition, offset, value = message.partition(), message.offset(), message.value()
            assert partition is not None
            assert offset is not None
            assert value is not None
            batch = read_frames(self._contracts, value, Origin("", partition, offset)).batch
            frames = len(batch.length) if isinstance(batch, FrameBatch) else 0
            with self._lock:
                self._counted[partition].add(offset, frames)

    def close(self) -> None:
        """Stop reading."""
        self._stopping.set()
        self.join(ANSWER_SECS)
        self._positions.close()
