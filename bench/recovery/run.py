"""The case from begin to end: filled, drained, fed at a share of the capacity, killed, compared with the truth.

The parts are those that `kvarn run` starts, on a broker of their own. One that is killed is started again at once,
under its name, as a process manager would.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.recovery.case import RecoveryCase
from bench.recovery.paced import PacedFeed
from bench.recovery.restart import Restart, Scene, calm, kill
from bench.recovery.tail import Tail
from bench.room import check_room
from bench.throughput.drain import LOOK_SECS, MASTER_KEY, MOST_SECS, Drain, Drained, Progress, octets_of, part_of
from bench.throughput.machine import machine
from bench.throughput.watch import Watch
from bench.topology import reader_of_frames
from bench.truth.check import check
from bench.truth.rows import Tally
from bench.truth.warehouse import Warehouse
from cli.deployment import prepare
from cli.processes.children import Processes
from cli.run import parts
from pipeline.errors import ConfigError, Fatal
from pipeline.topology.plan import ChainPlan, Plan, TopicPlan
from pipeline.wire import Contracts

MOMENT_SECS = 5.0
"""A kill comes at a moment within so long, by the seed: anywhere between two checkpoints."""

EXPECTED_SECS = 45.0
"""Of load for a kill, to know how much disk is needed."""
EXPECTED_RATE = 100_000


@dataclass(frozen=True)
class Outcome:
    """Everything that was measured."""

    case: RecoveryCase
    capacity: float
    fed_rate: float
    frames: int
    state_bytes: int
    restarts: list[Restart]
    tallies: dict[str, Tally]
    machine: dict[str, Any]

    @property
    def different(self) -> int:
        """Rows of all tables that are not as they must be."""
        return sum(tally.different for tally in self.tallies.values())


@dataclass(frozen=True)
class Measured:
    """The drain, what followed each kill, frames in all, number of the last interval, frames a second that were fed,
    and bytes of state topics at the end."""

    drained: Drained
    restarts: list[Restart]
    frames: int
    last: int
    rate: float
    state_bytes: int


@dataclass
class Recovery(Drain):
    """The processes, drained first and then fed and killed; `measure` once `open`."""

    def feed(self, plan: Plan, contracts: Contracts) -> PacedFeed:
        """As Drain's, with a live half."""
        return PacedFeed(plan.kafka.bootstrap, reader_of_frames(plan).source, contracts, self.load)

    def measure(self, recovery: RecoveryCase) -> Measured:
        """Fill, drain, feed, kill."""
        assert self.plan is not None
        feed = self.feed(self.plan, prepare(self.plan))
        with Processes(self.folder / "logs", self.environment) as processes:
            feed.open(self.folder / "keys", MASTER_KEY)
            self.progress("a first interval", 0, 1)
            self._until_idle(processes)
            self._stop(processes)
            frames = feed.fill(lambda done, total: self.progress("frames into Kafka", done, total))
            drained = Drained(frames, self._until_idle(processes), self.environment["CLICKHOUSE_DSN"])
            rate = recovery.share * frames / drained.seconds
            with self._scene(self.plan, processes, feed) as scene, feed.live(rate):
                restarts = list(self._kills(recovery, scene))
            self._rest(processes)
            state = self._state_bytes()
            self._stop(processes)
        return Measured(drained, restarts, frames + feed.frames, feed.last, rate, state)

    @contextmanager
    def _scene(self, plan: Plan, processes: Processes, feed: PacedFeed) -> Iterator[Scene]:
        commands = {name: command for name, command in parts(plan, self.file).items() if part_of(name)}
        chain = reader_of_frames(plan)
        tail = Tail(plan.kafka.bootstrap, outputs_by_record(chain), chain.source.partitions)
        with closing(self._watch(plan)) as watch, tail.follow():
            yield Scene(processes, commands, watch, feed, tail, f"worker.{chain.name}")

    def _watch(self, plan: Plan) -> Watch:
        assert self.services is not None
        return Watch(plan.kafka.bootstrap, plan, {}, self.services.settings.folder("kafka") / "logs")

    def _kills(self, recovery: RecoveryCase, scene: Scene) -> Iterator[Restart]:
        moments = random.Random(self.load.seed)
        for part in recovery.parts:
            for number in range(recovery.tries):
                what = f"{part}, kill {number + 1} of {recovery.tries}"
                secs = recovery.steady_secs + moments.uniform(0, MOMENT_SECS)
                before = calm(scene, part, secs, partial(self.progress, f"{what}: steady load"))
                self.progress(f"{what}: recovery", 0, 1)
                yield kill(scene, part, before, recovery.most_secs)

    def _rest(self, processes: Processes) -> None:
        """Until everything that was fed is worked off."""
        assert self.plan is not None
        deadline = time.monotonic() + MOST_SECS
        with closing(self._watch(self.plan)) as watch:
            while not (now := watch.look()).idle:
                processes.check()
                if time.monotonic() > deadline:
                    raise Fatal("BENCH_TOO_SLOW", where="the rest", what=f"lag {dict(now.lag)}", do="see the logs in "
                                f"{processes.logs}")  # fmt: skip
                time.sleep(LOOK_SECS)
                self.progress("the rest, records left", 0, sum(now.lag.values()))

    def _state_bytes(self) -> int:
        assert self.plan is not None
        assert self.services is not None
        logs = self.services.settings.folder("kafka") / "logs"
        folders = [folder for chain in self.plan.chains for folder in logs.glob(f"{chain.state.name}-[0-9]*")]
        return sum(file.stat().st_size for folder in folders for file in folder.glob("*.log"))


def outputs_by_record(chain: ChainPlan) -> TopicPlan:
    """A topic that gets one record for each record of frames."""
    for publish in chain.publishes:
        if publish.topic.schema == "ReadingBatch":
            return publish.topic
    raise ConfigError(
        "BENCH_TOPOLOGY", where=chain.name, what="it publishes no readings", do="give a topology in which it does"
    )


def run(case: RecoveryCase, file: Path, progress: Progress, *, keep: Path | None = None) -> Outcome:
    """Measure; `keep` is a folder for warehouse and logs, else they are removed."""
    load, kills = case.load, case.tries * len(case.parts)
    check_room(octets_of(load.meters * load.intervals + int(EXPECTED_RATE * EXPECTED_SECS * kills)), "--frames")
    with tempfile.TemporaryDirectory(prefix="kvarn-bench-", ignore_cleanup_errors=True) as temporary:
        recovery = Recovery(case.as_case(), load, file, keep or Path(temporary) / "run", progress)
        with recovery.open():
            assert recovery.services is not None
            about = machine(recovery.services.settings.jars)
            found = recovery.measure(case)
        numbers, drained = range(load.first, found.last + 1), found.drained
        with closing(Warehouse(drained.warehouse)) as warehouse:
            tallies = check(warehouse, load.plan(1), numbers, partial(progress, "rows against the truth"))
    capacity = drained.frames / drained.seconds
    return Outcome(case, capacity, found.rate, found.frames, found.state_bytes, found.restarts, tallies, about)
