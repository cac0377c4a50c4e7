"""A run's services, topology and processes, and its log's clock while frames are pushed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.case import OPENING, Case, Load
from bench.latency.figures import Busy
from bench.latency.push import Pusher
from bench.latency.schedule import Schedule
from bench.latency.trace import Ends, ends_of
from bench.room import check_room
from bench.soak.clock import Clock
from bench.soak.look import Pages
from bench.soak.setting import PUSHED, commands_of
from bench.throughput.drain import BROKER, MASTER_KEY, Progress, octets_of, variables_set
from bench.throughput.feed import Feed
from bench.throughput.watch import Watch, machine_secs
from bench.topology import reader_of_frames
from cli.deployment import KEY_FOLDER, MASTER_KEY_ENV, prepare
from cli.processes.children import Processes, wait_until
from cli.services.ports import free_ports
from cli.services.stack import Stack, temporary
from cli.topology import read_plan
from connectors.simulator.burst import BurstPlan
from pipeline.errors import Fatal, KvarnError
from pipeline.step import Tick
from pipeline.topology.plan import Plan, TopicPlan
from pipeline.wire import Contracts

READY_SECS, DRAIN_SECS = 120.0, 600.0
TURN_SECS = 0.05
TICK_SECS = 5.0
"""An interval is closed so long after the next one's pushes have begun, or when half of those are sent: Kafka has all
of its own by then, and the schedule waits for nobody."""

MIDNIGHT = 48
"""Number of the interval that ends a local day of half hours."""

DEBUG = {"KVARN_LOG_LEVEL": "debug", "KVARN_LOG_FORMAT": "json"}
"""Of the sink: it says which records can be read, and when."""

GENERATOR = "generator"


class Offered(Load):
    """A load of which the local midnight lies before everything that is pushed: behind the opening interval.

    What a million meters' day gives rise to at midnight takes a minute of a day's 1440; in a run of a minute it would
    be all that is measured.
    """

    @property
    def first(self) -> int:
        """See Load."""
        return MIDNIGHT


@dataclass
class Ran:
    """What a run has left, beside the topics: the pushes, and CPU at both ends of the measured span."""

    pusher: Pusher
    schedule: Schedule
    begin: dict[str, Ends]
    """Of the topics that are read again, by name: where they ended before the first push."""
    busy: list[Busy] = field(default_factory=list)
    clock_drift_s: float = 0.0


@dataclass
class Setting:
    """One run; `folder` holds warehouse, keys and logs."""

    case: Case
    file: Path
    folder: Path
    progress: Progress
    load: Offered = field(init=False)
    plan: Plan = field(init=False)
    services: Stack = field(init=False)
    contracts: Contracts = field(init=False)
    processes: Processes = field(init=False)
    burst: BurstPlan = field(init=False)

    def __post_init__(self) -> None:
        self.load = Offered.model_validate(self.case.load.model_dump())
        self.burst = self.load.plan(1)

    @property
    def numbers(self) -> range:
        """Numbers of the intervals that are pushed."""
        return self.load.numbers[OPENING:]

    @property
    def warehouse(self) -> str:
        """Its address."""
        return f"chdb://{self.folder / 'warehouse'}"

    @property
    def sink_log(self) -> Path:
        """Of the one sink that takes readings; raises Fatal when there is not one."""
        found = [name for name, sink in self.plan.sinks.items()
                 if any(topic.schema == "ReadingBatch" for topic in sink.topics)]  # fmt: skip
        if len(found) != 1:
            raise Fatal("BENCH_TOPOLOGY", where=self.plan.file, what=f"{len(found)} sinks take readings",
                        do="give a topology in which one does")  # fmt: skip
        return self.processes.logs / f"sink.{found[0]}.log"

    @contextmanager
    def open(self) -> Iterator[None]:
        """Services and processes; ended on the way out."""
        check_room(octets_of(self.load.meters * self.load.intervals), "--frames")
        with ExitStack() as stack:
            self.progress("Kafka and mosquitto", 0, 1)
            self.services = stack.enter_context(temporary(("kafka", "mosquitto")))
            self._listen, *self._ports = free_ports(8)
            environment = {
                "KAFKA_BOOTSTRAP": self.services.kafka, "MQTT_URL": self.services.mosquitto, "SCHEMA_REGISTRY_URL": "",
                "DLMS_LISTEN": f"127.0.0.1:{self._listen}", "CLICKHOUSE_DSN": self.warehouse,
                KEY_FOLDER: str(self.folder / "keys"), MASTER_KEY_ENV: MASTER_KEY.hex(), **self.case.environment,
            }  # fmt: skip
            stack.enter_context(variables_set(environment))
            self.plan = read_plan(self.file)
            self.contracts = prepare(self.plan)
            self.processes = stack.enter_context(Processes(self.folder / "logs", environment))
            yield

    def go(self) -> Ran:
        """Start everything, push, and wait until nothing is left to do; the parts are ended then."""
        commands, ports = commands_of(self.plan, self.file, self._ports)
        chain = reader_of_frames(self.plan)
        feed = Feed(self.plan.kafka.bootstrap, chain.source, self.contracts, self.load)
        feed.open(self.folder / "keys", MASTER_KEY)
        for name, command in commands.items():
            if not name.startswith("connect."):
                self.processes.start(name, command, DEBUG if name.startswith("sink.") else None)
        with closing(self._watch()) as watch:
            self._until_idle(watch, "a first interval", least=1)
            for name, command in commands.items():
                if name.startswith("connect."):
                    self.processes.start(name, command)
            pages = self._connected(ports)
            ran = self._push(pages, Clock(self.plan.kafka.bootstrap, chain.source, self.contracts))
            self._until_idle(watch, "what is left", least=1)
        for name in reversed(list(self.processes.running)):
            if code := self.processes.stop(name):
                raise Fatal("BENCH_PART", where=name, what=f"exit code {code}: {self.processes.tail(name)}",
                            do="see its log")  # fmt: skip
        return ran

    def _connected(self, ports: dict[str, int]) -> Pages:
        """Status pages of the connectors, once they take frames."""
        pages = Pages(ports, frozenset(name for name in ports if self.plan.connectors[name].type in PUSHED))

        def ready() -> bool:
            found = [page for name, page in pages.look().items() if name in pages.pushed]
            return all(page.get("ready") and page.get("settled_version") for page in found)

        wait_until(ready, "connectors, for the registry", self.processes, READY_SECS)
        return pages

    def _push(self, pages: Pages, clock: Clock) -> Ran:
        bootstrap, chain = self.plan.kafka.bootstrap, reader_of_frames(self.plan)
        schedule = Schedule(self.load.rate, self.load.meters * len(self.numbers))
        pusher = Pusher(self.burst, self.numbers, schedule, ("127.0.0.1", self._listen), self.services.mosquitto)
        topics = (chain.source, topic_of(self.plan, "ReadingBatch"), topic_of(self.plan, "Reject"))
        ran = Ran(pusher, schedule, {topic.name: ends_of(bootstrap, topic) for topic in topics})
        drift = time.time() - time.monotonic()
        pusher.start()
        try:
            pusher.begun.wait(READY_SECS)
            self._attend(ran, clock, pages)
            self._until_taken(pusher, pages)
        finally:
            pusher.close()
        # Everything has come: close all of it, at a time that is not that of the last tick.
        clock.write(Tick(self.burst.end_of(self.numbers[-1] + 1), self.burst.interval_secs))
        ran.clock_drift_s = round(time.time() - time.monotonic() - drift, 6)
        return ran

    def _attend(self, ran: Ran, clock: Clock, pages: Pages) -> None:
        """While it is pushed: a tick an interval, and CPU when the measured span begins and ends."""
        pusher, schedule, ticked = ran.pusher, ran.schedule, self.numbers.start - 1
        begin, interval_secs = time.monotonic(), self.load.meters / schedule.rate
        after = min(TICK_SECS, interval_secs / 2)
        while pusher.is_alive():
            self.processes.check()
            now, under_way = time.monotonic(), pusher.interval
            if under_way > ticked and now - pusher.since >= after and pages.accepted() >= pusher.before:
                # What is closed is the interval before it, of which Kafka has everything.
                clock.write(Tick(self.burst.end_of(under_way), self.burst.interval_secs))
                ticked = under_way
            if not ran.busy and now - begin >= schedule.warm_secs:
                ran.busy.append(self._busy(now - begin))
            self.progress("pushed, seconds", int(now - begin), int(schedule.seconds))
            time.sleep(TURN_SECS)
        ran.busy.append(self._busy(time.monotonic() - begin))
        if pusher.error is not None:
            if isinstance(pusher.error, KvarnError):
                raise pusher.error
            raise Fatal("BENCH_FAILED", where="generator", what=repr(pusher.error), do="see the connectors' logs")

    def _busy(self, at: float) -> Busy:
        cpu = {name: _secs(pid) for name, pid in self._pids().items()}
        return Busy(at, cpu, machine_secs())

    def _pids(self) -> dict[str, int]:
        services = {"kafka": BROKER}
        others = {services.get(row.name, row.name): row.pid for row in self.services.status() if row.pid is not None}
        return {name: process.pid for name, process in self.processes.running.items()} | others | {
            GENERATOR: os.getpid()
        }  # fmt: skip

    def _until_taken(self, pusher: Pusher, pages: Pages) -> None:
        """Every frame that was sent stands in the log."""

        def taken() -> bool:
            return pages.accepted() >= pusher.sent.count

        wait_until(taken, "the last frames, in Kafka", self.processes, DRAIN_SECS)

    def _watch(self) -> Watch:
        pids = {name: process.pid for name, process in self.processes.running.items()}
        return Watch(self.plan.kafka.bootstrap, self.plan, pids, self.services.settings.folder("kafka") / "logs")

    def _until_idle(self, watch: Watch, what: str, least: int) -> None:
        """Nothing is left to do, and something was done."""
        self.progress(what, 0, 1)

        def idle() -> bool:
            moment = watch.look()
            return moment.idle and moment.written >= least

        wait_until(idle, what, self.processes, DRAIN_SECS, 0.3)


def topic_of(plan: Plan, schema: str) -> TopicPlan:
    """The topic that its chain of frames writes records of a schema to."""
    return next(topic for topic in reader_of_frames(plan).written if topic.schema == schema)


def _secs(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
