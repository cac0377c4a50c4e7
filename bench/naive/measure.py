"""What the naive way and the peers share: single frames written to Kafka, and the clock over a process that takes them.

A frame done is a record in the topic of readings or of rejects.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import psutil
from confluent_kafka import OFFSET_END, Consumer, Producer, TopicPartition

from bench.throughput.drain import Progress
from cli.processes.children import Processes
from connectors.simulator.burst import Burst, BurstBuffers, BurstPlan
from pipeline.errors import Fatal, Transient

LOOK_SECS, ASK_SECS, FLUSH_SECS = 0.1, 30.0, 60.0
BATCH_FRAMES = 4_000


@dataclass(frozen=True)
class Topics:
    """Where frames come from, and where what becomes of them goes; all with as many partitions."""

    frames: str
    readings: str
    rejects: str
    partitions: int

    @classmethod
    def of(cls, name: str, partitions: int) -> Topics:
        """Those of one who is measured."""
        return cls(f"{name}-frames", f"{name}-readings", f"{name}-rejects", partitions)

    @property
    def names(self) -> tuple[str, str, str]:
        """All of them."""
        return self.frames, self.readings, self.rejects


def feed(bootstrap: str, topic: str, plan: BurstPlan, intervals: range, *, keyed: bool = False) -> int:
    """Write whole intervals, a frame a message, into the partition of its meter; returns how many frames.

    `keyed`: each message has the meter's system title as its key, for those whose state goes by the message's key.
    """
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 50,
                         "queue.buffering.max.messages": 1_000_000})  # fmt: skip
    burst, buffers, frames = Burst(plan), BurstBuffers(plan.partitions, BATCH_FRAMES + 1), 0
    try:
        for interval in intervals:
            for partition, batch in burst.batches(interval, buffers):
                raw, ends = batch.payload.tobytes(), np.cumsum(batch.length.astype(np.int64))
                titles = batch.device.astype(">u8").tobytes()
                for row, (end, length) in enumerate(zip(ends.tolist(), batch.length.tolist(), strict=True)):
                    key = titles[8 * row : 8 * row + 8] if keyed else None
                    _produce(producer, topic, raw[end - length : end], key, partition)
                frames += len(ends)
                producer.poll(0)
    finally:
        burst.close()
    if producer.flush(FLUSH_SECS):
        raise Transient("BENCH_NOT_FED", where=topic, what="time-out", do="check the broker")
    return frames


def _produce(producer: Producer, topic: str, value: bytes, key: bytes | None, partition: int) -> None:
    while True:
        try:
            producer.produce(topic, value, key, partition=partition)
            break
        except BufferError:
            producer.poll(LOOK_SECS)


class Ends:
    """How many records topics have, and how far groups have committed."""

    def __init__(self, bootstrap: str, topics: Topics) -> None:
        self._bootstrap, self._topics = bootstrap, topics
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "ends"})

    def of(self, topic: str) -> int:
        """Records of a topic."""
        places = [TopicPartition(topic, number, OFFSET_END) for number in range(self._topics.partitions)]
        return sum(place.offset for place in self._consumer.offsets_for_times(places, timeout=ASK_SECS))

    def done(self) -> int:
        """Frames that have become a reading or a reject."""
        return self.of(self._topics.readings) + self.of(self._topics.rejects)

    def committed(self, group: str) -> int:
        """Frames that a group has committed; it is asked as itself and never joined."""
        consumer = Consumer({"bootstrap.servers": self._bootstrap, "group.id": group})
        try:
            places = [TopicPartition(self._topics.frames, number) for number in range(self._topics.partitions)]
            return sum(max(0, place.offset) for place in consumer.committed(places, timeout=ASK_SECS))
        finally:
            consumer.close()

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()


@dataclass(frozen=True)
class Look:
    """One look: when, frames done, CPU seconds of the process and of the broker up to then."""

    at: float
    done: int
    process_secs: float
    broker_secs: float


@dataclass
class Watch:
    """The clock over a process of `processes` on a broker."""

    ends: Ends
    processes: Processes
    part: str
    broker: psutil.Process
    silent_secs: float = 120.0
    """Without a further frame for so long it is taken for stuck."""

    def look(self) -> Look:
        """Now."""
        done, times = self.ends.done(), self.broker.cpu_times()
        used = self.processes.cpu_secs(self.part)
        return Look(time.perf_counter(), done, used, float(times.user + times.system))

    def go(
        self, frames: int, progress: Progress, *, warm_up: int = 0, most_secs: float = float("inf"),
        finished: Callable[[], bool] = lambda: True,
    ) -> tuple[Look, Look]:  # fmt: skip
        """From the last look at which no more than `warm_up` frames were done, to the first at which all were.

        Or to the first after `most_secs`. `finished` is asked when all are done. Raises Fatal when nothing goes on.
        """
        begin, now = self._from(warm_up)
        silent = _Silence(self, now)
        while now.at - begin.at < most_secs and not (now.done >= frames and finished()):
            time.sleep(LOOK_SECS)
            now = silent.next()
            progress(f"{self.part}, frames", now.done, frames)
        return begin, now

    def _from(self, warm_up: int) -> tuple[Look, Look]:
        begin = self.look()
        silent = _Silence(self, begin)
        while True:
            now = silent.next()
            if now.done > warm_up:
                return begin, now
            begin = now
            time.sleep(LOOK_SECS)


class _Silence:
    """Looks one after the other, and says when nothing has gone on for too long."""

    def __init__(self, watch: Watch, first: Look) -> None:
        self._watch, self._newest = watch, first

    def next(self) -> Look:
        self._watch.processes.check()
        now = self._watch.look()
        if now.done > self._newest.done:
            self._newest = now
        elif now.at - self._newest.at > self._watch.silent_secs:
            part = self._watch.part
            raise Fatal("PEER_SILENT", where=part, what=self._watch.processes.tail(part), do="see its log")
        return now
