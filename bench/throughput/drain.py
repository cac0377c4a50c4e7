"""The processes of a topology on a log that is already full: started as users start them, measured, ended.

1. versions and a first interval are written; the parts start, take them in, and are stopped cleanly
2. the frames are written; no part runs
3. the parts start again from their checkpoints: the sink and the workers behind first, the worker of frames last
4. the clock runs from the last look before a worker has written anything, to the first look at which every
   position is committed and equals the end of its topic: workers, and the sink behind them
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.case import Case, Load
from bench.room import check_room
from bench.throughput.feed import Feed
from bench.throughput.watch import Moment, Watch
from bench.topology import reader_of_frames
from cli.deployment import KEY_FOLDER, MASTER_KEY_ENV, prepare
from cli.processes.children import Processes
from cli.run import parts
from cli.services.stack import Stack, temporary
from cli.topology import read_plan
from pipeline.errors import Fatal
from pipeline.topology.plan import Plan
from pipeline.wire import Contracts

MASTER_KEY = bytes(range(32))
BROKER = "broker"

BYTES_A_FRAME = 700
"""On disk, all in all: frames 140, readings 200 before compression, state 200, warehouse 60, and room to merge."""
BYTES_A_ROW = 150
"""The same for an interval of a frame that has many: 85 in all (frame 42, readings 11, warehouse 20), room to merge."""
BYTES_AT_LEAST = 4 << 30

FAST_LOOK_SECS, LOOK_SECS = 0.02, 0.2
"""Before the first output, and after it."""

MOST_SECS = 3600.0

Progress = Callable[[str, int, int], None]
"""What is under way, how much of it is done, and of how much."""


def named(prefix: str, progress: Progress) -> Progress:
    """A progress that says which part of the work it is of."""
    return lambda what, done, total: progress(f"{prefix}: {what}", done, total)


@dataclass
class Drained:
    """What the clock saw. `frames` were sent; the moments are those of the measured span."""

    frames: int
    moments: list[Moment]
    warehouse: str
    load_after: float = 0.0
    reader: str = ""
    """The part that takes the frames."""

    @property
    def begin(self) -> Moment:
        """The last look before the first output."""
        return self.moments[0]

    @property
    def end(self) -> Moment:
        """The first look at which nothing was left to do."""
        return self.moments[-1]

    @property
    def seconds(self) -> float:
        """Between the two."""
        return self.end.at - self.begin.at

    def cpu(self, part: str) -> float:
        """CPU seconds of a part."""
        return self.end.cpu[part] - self.begin.cpu[part]

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of what used CPU for it."""
        return tuple(self.end.cpu)


@dataclass
class Drain:
    """One run; `folder` holds warehouse, keys and logs of processes, and is there until the caller removes it."""

    case: Case
    load: Load
    file: Path
    folder: Path
    progress: Progress
    needs: tuple[str, ...] = ("kafka",)
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of these services (cli.services.settings)."""
    services: Stack | None = None
    plan: Plan | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def open(self) -> Iterator[Drain]:
        """A broker of its own, with the topics; ended with its data on the way out."""
        check_room(octets_of(self.load.meters * self.load.intervals, self.load.rows), "--frames")
        with ExitStack() as stack:
            self.progress("Kafka", 0, 1)
            self.services = stack.enter_context(temporary(self.needs, settings=self.settings))
            self.environment = {
                "KAFKA_BOOTSTRAP": self.services.kafka,
                "SCHEMA_REGISTRY_URL": self.services.schema_registry if "schema-registry" in self.needs else "",
                "CLICKHOUSE_DSN": f"chdb://{self.folder / 'warehouse'}",
                KEY_FOLDER: str(self.folder / "keys"),
                MASTER_KEY_ENV: MASTER_KEY.hex(),
                **self.case.environment,
            }
            stack.enter_context(variables_set(self.environment))
            self.plan = read_plan(self.file)
            yield self

    def go(self) -> Drained:
        """Feed, drain, measure."""
        assert self.plan is not None
        contracts = prepare(self.plan)
        feed = self.feed(self.plan, contracts)
        with Processes(self.folder / "logs", self.environment) as processes:
            feed.open(self.folder / "keys", MASTER_KEY)
            self.progress("a first interval", 0, 1)
            self._until_idle(processes)
            self._stop(processes)
            frames = feed.fill(lambda done, total: self.progress("frames into Kafka", done, total))
            moments = self._until_idle(processes)
            load = os.getloadavg()[0]
            self._stop(processes)
        reader = f"worker.{reader_of_frames(self.plan).name}"
        return Drained(frames, moments, self.environment["CLICKHOUSE_DSN"], load, reader)

    def feed(self, plan: Plan, contracts: Contracts) -> Feed:
        """What fills the log; raises ConfigError when not one chain reads frames."""
        return Feed(plan.kafka.bootstrap, reader_of_frames(plan).source, contracts, self.load)

    def _until_idle(self, processes: Processes) -> list[Moment]:
        """Start all parts and let them run until nothing is left; the moments from the first output on."""
        assert self.plan is not None
        assert self.services is not None
        every = parts(self.plan, self.file)
        commands = {name: command for name, command in every.items() if part_of(name)}
        for name, command in commands.items():
            processes.start(name, command)
        pids = {name: process.pid for name, process in processes.running.items()} | {BROKER: _broker(self.services)}
        logs = self.services.settings.folder("kafka") / "logs"
        with closing(Watch(self.plan.kafka.bootstrap, self.plan, pids, logs)) as watch:
            return self._look_on(watch, processes)

    def _look_on(self, watch: Watch, processes: Processes) -> list[Moment]:
        before, deadline = watch.look(), time.monotonic() + MOST_SECS
        total, moments = sum(before.lag.values()), [before]
        while not (moments[-1].idle and moments[-1].written > before.written):
            processes.check()
            if time.monotonic() > deadline:
                raise Fatal("BENCH_TOO_SLOW", where="drain", what=f"lag {dict(moments[-1].lag)}", do="see the logs in "
                            f"{processes.logs}")  # fmt: skip
            begun = moments[-1].written > before.written
            time.sleep(LOOK_SECS if begun else FAST_LOOK_SECS)
            now = watch.look()
            if not begun and now.written == before.written:
                moments = [now]
                continue
            moments.append(now)
            self.progress("drain, records left", max(0, total - sum(now.lag.values())), total)
        return moments

    def _stop(self, processes: Processes) -> None:
        for name in reversed(list(processes.running)):
            code = processes.stop(name)
            if code:
                raise Fatal(
                    "BENCH_PART", where=name, what=f"exit code {code}: {processes.tail(name)}", do="see its log"
                )


def part_of(name: str) -> bool:
    """Whether a part of a topology takes part: nobody pushes here, so connectors do not."""
    return not name.startswith("connect.")


def octets_of(readings: int, rows: int = 1) -> int:
    """Disk that a run may need, with `rows` readings a frame."""
    return readings * (BYTES_A_FRAME if rows == 1 else BYTES_A_ROW) + BYTES_AT_LEAST


def _broker(services: Stack) -> int:
    pid = services.status()[0].pid
    assert pid is not None
    return pid


@contextmanager
def variables_set(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables for this process, which reads the topology file with them; put back afterwards."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
