"""Frames that are written while they are drained, the generator on the same CPUs: how many a second, all of it counted.

The parts run, the log is empty but for the opening interval. The generator writes as fast as it can, on a thread of
this process and without Python's lock for most of it, but never more than MOST_AHEAD frames ahead of what the worker
has committed: so that it runs beside the drain all the time, and not before it. The clock runs from the first frame
that is written to the first look at which every position is committed and equals its topic's end.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from bench.case import Case, Load
from bench.experiments.drain import LEFT_OUT, over_time
from bench.experiments.experiment import Measured
from bench.soak.book import ANSWER_SECS, Counted
from bench.throughput.drain import BROKER, LOOK_SECS, MASTER_KEY, MOST_SECS, Drain, Drained, Progress, named
from bench.throughput.feed import Feed, Feeding
from bench.throughput.figures import figures
from bench.throughput.machine import machine
from bench.throughput.run import WARM_UP, Outcome
from bench.throughput.watch import Moment, Watch
from bench.truth.side_by_side import check_dsn
from cli.deployment import prepare
from cli.processes.children import Processes
from pipeline.batch import FrameBatch
from pipeline.errors import Fatal
from pipeline.topology.plan import TopicPlan
from pipeline.wire import Contracts

MOST_AHEAD = 2_000_000
"""Frames. Of what the worker commits seldom, some seconds' worth: with much less the generator would wait for that."""

WAIT_SECS = 0.05
GENERATOR = "generator"


class LeashedFeed(Feed):
    """Waits while more than MOST_AHEAD frames are not committed by `group`. It alone writes the topic."""

    def __init__(self, bootstrap: str, topic: TopicPlan, contracts: Contracts, load: Load, group: str) -> None:
        super().__init__(bootstrap, topic, contracts, load)
        self.change = self._before
        self.frames = 0
        self.waited_secs = self.first_at = self.last_at = 0.0
        self.most_ahead = MOST_AHEAD
        self.stopped = Event()
        self._counted = [Counted() for _ in range(topic.partitions)]
        self._ends = [0] * topic.partitions
        self._next = self._committed = 0
        self._asked = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False})

    def fill(self, progress: Feeding) -> int:
        """See Feed."""
        self.first_at = 0.0
        frames = super().fill(progress)
        self.last_at = time.perf_counter()
        return frames

    def _before(self, _interval: int, _partition: int, batch: FrameBatch) -> FrameBatch:
        """Before each batch is written."""
        self._next = len(batch.length)
        begin = time.perf_counter()
        while self.frames - self._committed > self.most_ahead:
            if self.stopped.is_set():
                raise Fatal("BENCH_ENDED", where=self.topic.name, what="the run has ended", do="see its error")
            self._committed = self.committed()
            if self.frames - self._committed > self.most_ahead:
                time.sleep(WAIT_SECS)
        now = time.perf_counter()
        self.waited_secs += now - begin
        self.first_at = self.first_at or now
        return batch

    def _write(self, partition: int, value: bytes) -> None:
        super()._write(partition, value)
        self._counted[partition].add(self._ends[partition], self._next)
        self._ends[partition] += 1
        self.frames += self._next
        self._next = 0

    def committed(self) -> int:
        """Frames in front of the group's positions; what it was when the broker does not answer."""
        asked = [TopicPartition(self.topic.name, number) for number in range(self.topic.partitions)]
        try:
            found = self._asked.committed(asked, timeout=ANSWER_SECS)
        except KafkaException:
            return self._committed
        if any(place.error is not None for place in found):
            return self._committed
        return sum(self._counted[place.partition].before(max(0, place.offset)) for place in found)

    def close(self) -> None:
        """Give the connection back."""
        # The two know each other: else the producer would outlive the broker for a while, and complain.
        self.change = lambda interval, partition, batch: batch
        self._asked.close()


@dataclass
class Writing:
    """The generator on its thread."""

    feed: LeashedFeed
    frames: int = 0
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self.ended = Event()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Write while the block runs; it waits for `ended` unless something is wrong."""
        thread = Thread(target=self._run, name="feed", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.feed.stopped.set()
            thread.join()

    def _run(self) -> None:
        try:
            self.frames = self.feed.fill(lambda done, total: None)
        except BaseException as error:  # noqa: BLE001  told by `check`
            self.error = error
        finally:
            self.ended.set()

    def check(self) -> None:
        """Raise Fatal when it has failed."""
        if self.error is not None:
            raise Fatal("BENCH_NOT_FED", where="frames", what=repr(self.error), do="check the broker") from self.error


class LiveDrain(Drain):
    """See the module. `generator` is there after `go`."""

    generator: dict[str, Any]

    def feed(self, plan: Any, contracts: Contracts) -> LeashedFeed:
        """See Drain."""
        source = super().feed(plan, contracts).topic
        group = next(chain.group for chain in plan.chains if chain.reads == "FrameBatch")
        return LeashedFeed(plan.kafka.bootstrap, source, contracts, self.load, group)

    def go(self) -> Drained:
        """Feed and drain at once."""
        assert self.plan is not None
        with (
            closing(self.feed(self.plan, prepare(self.plan))) as feed,
            Processes(self.folder / "logs", self.environment) as processes,
        ):
            feed.open(self.folder / "keys", MASTER_KEY)
            self.progress("a first interval", 0, 1)
            self._until_idle(processes)
            writing = Writing(feed)
            moments = self._live(writing, processes)
            load = os.getloadavg()[0]
            self._stop(processes)
        reader = next(f"worker.{chain.name}" for chain in self.plan.chains if chain.reads == "FrameBatch")
        drained = Drained(writing.frames, moments, self.environment["CLICKHOUSE_DSN"], load, reader)
        self.generator = said_of(feed, drained)
        return drained

    def _live(self, writing: Writing, processes: Processes) -> list[Moment]:
        assert self.plan is not None
        assert self.services is not None
        pids = {name: process.pid for name, process in processes.running.items()}
        broker = self.services.status()[0].pid
        assert broker is not None
        pids |= {BROKER: broker, GENERATOR: os.getpid()}
        logs = self.services.settings.folder("kafka") / "logs"
        with closing(Watch(self.plan.kafka.bootstrap, self.plan, pids, logs)) as watch:
            moments, deadline = [watch.look()], time.monotonic() + MOST_SECS
            with writing.under_way():
                while True:
                    time.sleep(LOOK_SECS)
                    # Before the look: what is idle then is idle for good.
                    ended = writing.ended.is_set()
                    moments.append(watch.look())
                    writing.check()
                    processes.check()
                    if ended and moments[-1].idle:
                        break
                    if time.monotonic() > deadline:
                        raise Fatal("BENCH_TOO_SLOW", where="live", what=f"lag {dict(moments[-1].lag)}",
                                    do=f"see the logs in {processes.logs}")  # fmt: skip
                    self.progress("frames, written and drained", writing.feed.frames, self.load.frames)
        # What the parts use between the two is counted as well: some milliseconds.
        moments[0] = replace(moments[0], at=writing.feed.first_at)
        return moments


def said_of(feed: LeashedFeed, drained: Drained) -> dict[str, Any]:
    """How the generator has run beside the drain."""
    span = feed.last_at - feed.first_at
    return {
        "cpu_us_per_frame": round(1e6 * drained.cpu(GENERATOR) / drained.frames, 3),
        "writing_share": round((span - feed.waited_secs) / drained.seconds, 3),
        "not_done_share": round(span / drained.seconds, 3),
        "waited_s": round(feed.waited_secs, 2),
        "most_ahead_frames": feed.most_ahead,
    }


def frames_a_second(case: Case, file: Path, progress: Progress) -> Measured:
    """Frames a second of wall time; generator, broker and warehouse on the same CPUs."""
    with tempfile.TemporaryDirectory(prefix="kvarn-bench-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        _drain(case, WARM_UP, file, folder / "warm", named("warm-up", progress))
        drained, about, generator = _drain(case, case.load, file, folder / "run", progress)
        looking = partial(progress, "rows against the truth")
        tallies = check_dsn(drained.warehouse, case.load.plan(1), case.load.numbers, looking)
    said = figures(Outcome(case, drained, tallies, [], about))
    costs = said["cpu_us_per_frame"]
    details = {name: found for name, found in said.items() if name not in LEFT_OUT} | {
        "cpu_us_per_frame": {**costs, "together": round(sum(costs.values()), 3)},
        "over_time": over_time(drained),
        "generator": generator,
    }
    return Measured(said["frames_per_s"], said["correct"], details, said["machine"])


def _drain(
    case: Case, load: Load, file: Path, folder: Path, progress: Progress
) -> tuple[Drained, dict[str, Any], dict[str, Any]]:
    drain = LiveDrain(case, load, file, folder, progress)
    with drain.open():
        assert drain.services is not None
        about = machine(drain.services.settings.jars)
        return drain.go(), about, drain.generator
