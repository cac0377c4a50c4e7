"""The naive way, measured: single frames waiting in Kafka, one process that takes them."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.case import Load, NaiveLoad
from bench.naive.measure import Ends, Topics, Watch, feed
from cli.processes.children import Processes
from cli.services.stack import temporary
from connectors.simulator.burst import BurstPlan
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics

PARTITIONS = 4
PART = "naive"
TOPICS = Topics.of(PART, PARTITIONS)


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
            ensure_topics(services.kafka, [WantedTopic(name, PARTITIONS) for name in TOPICS.names])
            progress(f"single frames for {cipher}", 0, 1)
            frames = feed(services.kafka, TOPICS.frames, plan, intervals)
            broker = services.status()[0].pid
            assert broker is not None
            run = _Run(services.kafka, psutil.Process(broker), naive, cipher, compiled)
            found.append(run.go(plan, frames, folder, progress))
    return found


@dataclass
class _Run:
    bootstrap: str
    broker: psutil.Process
    naive: NaiveLoad
    cipher: str
    compiled: bool

    def go(self, plan: BurstPlan, frames: int, folder: Path, progress: Callable[[str, int, int], None]) -> NaiveResult:
        settings = {
            "bootstrap": self.bootstrap, "name": PART, "source": TOPICS.frames, "readings": TOPICS.readings,
            "rejects": TOPICS.rejects, "partitions": PARTITIONS, "meters": plan.meters, "seed": plan.seed,
            "cipher": self.cipher, "compiled": self.compiled,
        }  # fmt: skip
        command = [sys.executable, "-W", "ignore", "-m", "bench.naive.worker", json.dumps(settings)]
        ends = Ends(self.bootstrap, TOPICS)
        try:
            with Processes(folder / f"naive-{self.cipher}", {}) as processes:
                processes.start(PART, command)
                watch = Watch(ends, processes, PART, self.broker)
                begin, end = watch.go(frames, progress, most_secs=self.naive.secs)
                return NaiveResult(
                    self.cipher, self.compiled, end.done, ends.of(TOPICS.rejects), end.at - begin.at,
                    end.process_secs - begin.process_secs, end.broker_secs - begin.broker_secs,
                )  # fmt: skip
        finally:
            ends.close()
