"""The naive way, measured: single frames waiting in Kafka, one process that takes them."""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from confluent_kafka import OFFSET_END, Consumer, Producer, TopicPartition

from bench.case import Load, NaiveLoad
from cli.processes.children import Processes
from cli.services.stack import temporary
from connectors.simulator.burst import Burst, BurstBuffers, BurstPlan
from pipeline.errors import Fatal, Transient
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics

PARTITIONS = 4
FRAMES, READINGS, REJECTS = "naive-frames", "naive-readings", "naive-rejects"
LOOK_SECS, START_SECS, ASK_SECS = 0.1, 120.0, 30.0
PART = "naive"


@dataclass(frozen=True)
class NaiveResult:
    """What one cipher came to; CPU seconds of worker and broker."""

    cipher: str
    compiled: bool
    frames: int
    rejected: int
    seconds: float
    worker_secs: float
    broker_secs: float

    @property
    def frames_per_s(self) -> float:
        """Frames a second of wall time."""
        return self.frames / self.seconds

    @property
    def frames_per_cpu_s(self) -> float:
        """Frames a CPU second of worker and broker together."""
        return self.frames / (self.worker_secs + self.broker_secs)


def why_not() -> str | None:
    """Why the naive way cannot be measured here; None when it can."""
    return None if importlib.util.find_spec("gurux_dlms") else "the package gurux-dlms is not installed (make env-dev)"


def measure(
    load: Load, naive: NaiveLoad, folder: Path, progress: Callable[[str, int, int], None], *, compiled: bool = True
) -> list[NaiveResult]:
    """Each cipher once, on a broker of its own."""
    plan = BurstPlan(naive.meters, PARTITIONS, seed=load.seed, faults=load.faults)
    intervals = range(load.first, load.first - (-naive.frames // naive.meters))
    found = []
    for cipher in naive.ciphers:
        with temporary(("kafka",)) as services:
            ensure_topics(services.kafka, [WantedTopic(name, PARTITIONS) for name in (FRAMES, READINGS, REJECTS)])
            progress(f"single frames for {cipher}", 0, 1)
            _feed(services.kafka, plan, intervals)
            broker = services.status()[0].pid
            assert broker is not None
            run = _Run(services.kafka, psutil.Process(broker), naive, cipher, compiled)
            found.append(run.go(plan, folder, progress))
    return found


def _feed(bootstrap: str, plan: BurstPlan, intervals: range) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 50,
                         "queue.buffering.max.messages": 1_000_000})  # fmt: skip
    burst, buffers = Burst(plan), BurstBuffers(plan.partitions, 4_001)
    try:
        for interval in intervals:
            for partition, batch in burst.batches(interval, buffers):
                raw, ends = batch.payload.tobytes(), np.cumsum(batch.length.astype(np.int64))
                for end, length in zip(ends.tolist(), batch.length.tolist(), strict=True):
                    producer.produce(FRAMES, raw[end - length : end], partition=partition)
                producer.poll(0)
    finally:
        burst.close()
    if producer.flush(60):
        raise Transient("BENCH_NOT_FED", where=FRAMES, what="time-out", do="check the broker")


@dataclass
class _Run:
    bootstrap: str
    broker: psutil.Process
    naive: NaiveLoad
    cipher: str
    compiled: bool

    def go(self, plan: BurstPlan, folder: Path, progress: Callable[[str, int, int], None]) -> NaiveResult:
        settings = {
            "bootstrap": self.bootstrap, "name": PART, "source": FRAMES, "readings": READINGS, "rejects": REJECTS,
            "partitions": PARTITIONS, "meters": plan.meters, "seed": plan.seed, "cipher": self.cipher,
            "compiled": self.compiled,
        }  # fmt: skip
        command = [sys.executable, "-W", "ignore", "-m", "bench.naive.worker", json.dumps(settings)]
        ends = _Ends(self.bootstrap)
        try:
            with Processes(folder / f"naive-{self.cipher}", {}) as processes:
                processes.start(PART, command)
                return self._watch(ends, processes, progress)
        finally:
            ends.close()

    def _watch(self, ends: _Ends, processes: Processes, progress: Callable[[str, int, int], None]) -> NaiveResult:
        frames = ends.of(FRAMES)
        before = self._look(ends, processes)
        deadline = time.monotonic() + START_SECS
        while True:
            processes.check()
            now = self._look(ends, processes)
            if now[1]:
                break
            if time.monotonic() > deadline:
                raise Fatal("NAIVE_SILENT", where=PART, what=processes.tail(PART), do="see its log")
            before = now
            time.sleep(LOOK_SECS)
        while now[1] < frames and now[0] - before[0] < self.naive.secs:
            time.sleep(LOOK_SECS)
            processes.check()
            now = self._look(ends, processes)
            progress(f"naive, {self.cipher}, seconds", int(now[0] - before[0]), int(self.naive.secs))
        return NaiveResult(
            self.cipher, self.compiled, now[1], ends.of(REJECTS), now[0] - before[0],
            now[2] - before[2], now[3] - before[3],
        )  # fmt: skip

    def _look(self, ends: _Ends, processes: Processes) -> tuple[float, int, float, float]:
        """(now, frames done, CPU seconds of the worker, of the broker)."""
        done = ends.of(READINGS) + ends.of(REJECTS)
        times = self.broker.cpu_times()
        return time.perf_counter(), done, processes.cpu_secs(PART), float(times.user + times.system)


class _Ends:
    """Records in topics."""

    def __init__(self, bootstrap: str) -> None:
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "ends"})

    def of(self, topic: str) -> int:
        places = [TopicPartition(topic, number, OFFSET_END) for number in range(PARTITIONS)]
        return sum(place.offset for place in self._consumer.offsets_for_times(places, timeout=ASK_SECS))

    def close(self) -> None:
        self._consumer.close()
