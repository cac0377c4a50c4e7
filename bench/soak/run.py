"""The case from begin to end: started, pushed at, looked at, drained, counted."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil

from bench.room import check_room
from bench.soak.book import Book
from bench.soak.case import SoakCase
from bench.soak.clock import Clock
from bench.soak.counts import Counts, count
from bench.soak.look import Look, Pages
from bench.soak.push import Pusher
from bench.soak.setting import (
    PUSHED,
    bound_topics,
    bytes_needed,
    commands_of,
    write_topology,
)
from bench.throughput.drain import BROKER, MASTER_KEY, Progress, variables_set
from bench.throughput.machine import machine
from bench.throughput.watch import Watch
from bench.topology import reader_of_frames
from cli.deployment import KEY_FOLDER, MASTER_KEY_ENV, REGISTRY_TOPIC, prepare
from cli.processes.children import Processes, wait_until
from cli.services.ports import free_ports
from cli.services.stack import Stack, temporary
from cli.topology import read_plan
from connectors.simulator.burst import burst_keys, burst_registry
from pipeline.errors import Fatal, KvarnError, Transient
from pipeline.keystore import seal
from pipeline.reference_codec import registry_to_bytes
from pipeline.runtime.kafka_references import publish
from pipeline.runtime.references import KEYS, REGISTRY, KeyFolder
from pipeline.step import Control, Tick
from pipeline.topology.plan import Plan
from pipeline.wire import Contracts

READY_SECS = 300.0
DRAIN_SECS = 1800.0
CAPACITY_SECS = 60.0
"""Positions are committed every few seconds: what was taken in less says little."""
COUNT_SECS = 20.0
"""How long the count of the log may take behind the parts."""
TURN_SECS = 0.5
MOST_BLIND = 5
T = TypeVar("T")
MQTT_BROKER = "mosquitto"
OTHERS = {"kafka": BROKER, MQTT_BROKER: MQTT_BROKER}
"""Service -> its part in the samples; they are not ours."""


@dataclass
class Outcome:
    """What happened.

    capacity: the most frames a second that were taken over a minute. faults: why parts ended that were not asked to.
    """

    case: SoakCase
    machine: dict[str, Any]
    needed_bytes: int
    samples: list[dict[str, Any]] = field(default_factory=list)
    capacity: float | None = None
    pushed_secs: float = 0.0
    drain_secs: float | None = None
    early: bool = False
    faults: list[str] = field(default_factory=list)
    counts: Counts | None = None


@dataclass
class Soak:
    """One run; `folder` holds warehouse, keys and logs, and is there until the caller removes it.

    `samples` gets a line of JSON a look. Once `stop` is set nothing more is pushed; the rest is as at the end.
    """

    case: SoakCase
    file: Path
    folder: Path
    progress: Progress
    stop: threading.Event
    samples: Path | None = None

    def go(self) -> Outcome:
        """Raises KvarnError only when the run could not begin."""
        outcome = self._measured()
        if outcome.drain_secs is not None:
            self.progress("rows", 0, 1)
            outcome.counts = count(self._warehouse, self.case.meters, outcome.samples[-1])
        return outcome

    @property
    def _warehouse(self) -> str:
        return f"chdb://{self.folder / 'warehouse'}"

    def _measured(self) -> Outcome:
        with ExitStack() as stack:
            self.progress("Kafka and mosquitto", 0, 1)
            services = stack.enter_context(temporary(tuple(OTHERS)))
            listen, *pages = free_ports(8)
            environment = {
                "KAFKA_BOOTSTRAP": services.kafka, "MQTT_URL": services.mosquitto, "SCHEMA_REGISTRY_URL": "",
                "DLMS_LISTEN": f"127.0.0.1:{listen}", "CLICKHOUSE_DSN": self._warehouse,
                KEY_FOLDER: str(self.folder / "keys"), MASTER_KEY_ENV: MASTER_KEY.hex(), **self.case.environment,
            }  # fmt: skip
            stack.enter_context(variables_set(environment))
            file = write_topology(self.file, self.folder, self.case.behind_bytes)
            plan = read_plan(file)
            outcome = Outcome(self.case, machine(services.settings.jars), bytes_needed(self.case, plan))
            check_room(outcome.needed_bytes, "--minutes")
            contracts = prepare(plan)
            bound_topics(plan, self.case.retention_bytes)
            commands, ports = commands_of(plan, file, pages)
            processes = stack.enter_context(Processes(self.folder / "logs", environment, apart=True))
            for name, command in commands.items():
                processes.start(name, command)
            begun = Begun(self, outcome, services, plan, contracts, processes, stack)
            begun.put_in_force(ports)
            try:
                begun.push((listen, services.mosquitto))
                begun.drain()
                begun.end()
            except KvarnError as error:
                outcome.faults.append(str(error))
        return outcome


@dataclass
class Begun:
    """A run whose parts have been started."""

    soak: Soak
    outcome: Outcome
    services: Stack
    plan: Plan
    contracts: Contracts
    processes: Processes
    stack: ExitStack
    blind: int = 0
    """Looks in a row that the broker did not answer."""

    def put_in_force(self, ports: dict[str, int]) -> None:
        """Keys, registry and the time; returns when every connector reads."""
        burst, bootstrap = self.soak.case.plan(), self.plan.kafka.bootstrap
        self.chain = reader_of_frames(self.plan)
        self.clock = Clock(bootstrap, self.chain.source, self.contracts)
        sealed = KeyFolder(self.soak.folder / "keys").put(seal(burst_keys(burst), MASTER_KEY))
        registry = publish(bootstrap, REGISTRY, registry_to_bytes(burst_registry(burst)), REGISTRY_TOPIC)
        self.clock.write(Tick(burst.start, 0), Control({REGISTRY: registry, KEYS: sealed}))
        pushed = frozenset(name for name in ports if self.plan.connectors[name].type in PUSHED)
        self.pages = Pages(ports, pushed)
        self.soak.progress("connectors, for the registry", 0, 1)

        def ready() -> bool:
            return all(page.get("ready") and page["settled_version"] == registry for page in self.pages.look().values())

        wait_until(ready, "connectors, for the registry", self.processes, READY_SECS)

    def push(self, addresses: tuple[int, str]) -> None:
        """Push for as long as the case says, or until it is stopped; then until everything sent is acknowledged."""
        case, listen = self.soak.case, ("127.0.0.1", addresses[0])
        self.book = Book(self.plan.kafka.bootstrap, self.chain.source, self.chain.group, self.contracts)
        self.stack.callback(self.book.close)
        self.pusher = Pusher(case, listen, addresses[1], self.clock, self.pages.accepted)
        self.look = self._look()
        self.book.start()
        self.pusher.start()
        self.began = time.monotonic()
        until = self._calibrate()
        while self._now < case.seconds and not self.soak.stop.is_set():
            until = self._turn("overload", until)
            self._raise_rate()
        self.outcome.early = self._now < case.seconds - TURN_SECS
        self.outcome.pushed_secs = self._now
        self.pusher.stop()
        while self.pusher.is_alive():
            until = self._turn("last frames", until)
        self._take("last frames")

    def drain(self) -> None:
        """Wait until nothing is left to do."""
        since, until, counted_by = time.monotonic(), 0.0, time.monotonic() + COUNT_SECS
        while True:
            last = self.outcome.samples[-1]
            if any(last["lag"].values()):
                counted_by = time.monotonic() + COUNT_SECS
            elif last["frames"]["logged"] == last["frames"]["accepted"] or time.monotonic() > counted_by:
                break
            if time.monotonic() - since > DRAIN_SECS:
                raise Fatal("BENCH_TOO_SLOW", where="drain", what=f"lag {last['lag']}", do="see the parts' logs")
            until = self._turn("drain", until, 1.0)
        self.outcome.drain_secs = round(time.monotonic() - since, 1)

    def end(self) -> None:
        """End all parts cleanly."""
        for name in reversed(list(self.processes.running)):
            self.soak.progress("parts end", 0, 1)
            code = self.processes.stop(name)
            if code:
                self.outcome.faults.append(f"{name}: exit code {code}: {self.processes.tail(name)}")

    @property
    def _now(self) -> float:
        """Seconds from the first push."""
        return time.monotonic() - self.began

    def _calibrate(self) -> float:
        """Push as hard as it goes; then at a multiple of what was taken. Returns when the next look is due."""
        case, half, until = self.soak.case, None, 0.0
        while (now := self._now) < case.calibration and not self.soak.stop.is_set():
            if half is None and now >= case.calibration / 2:
                half = now, self.book.committed()
            until = self._turn("calibration", until)
        if half is not None and (secs := self._now - half[0]) > 0:
            self.outcome.capacity = max(1.0, (self.book.committed() - half[1]) / secs)
            self.pusher.rate = case.overload * self.outcome.capacity
        return until

    def _raise_rate(self) -> None:
        """What is taken now may be more than what was taken at first: the machine had other things to do."""
        last = self.outcome.samples[-1]
        before = next((one for one in reversed(self.outcome.samples) if last["at"] - one["at"] >= CAPACITY_SECS), None)
        if before is None or self.outcome.capacity is None:
            return
        taken = (last["frames"]["committed"] - before["frames"]["committed"]) / (last["at"] - before["at"])
        self.outcome.capacity = max(self.outcome.capacity, taken)
        self.pusher.rate = self.soak.case.overload * self.outcome.capacity

    def _turn(self, phase: str, until: float, every: float | None = None) -> float:
        """A moment of waiting, and a look when it is due; returns when the next one is."""
        self.processes.check()
        for error in (self.pusher.error, self.book.error):
            if isinstance(error, KvarnError):
                raise error
            if error is not None:
                raise Fatal("BENCH_FAILED", where="generator", what=repr(error), do="see the connectors' logs")
        now = time.monotonic()
        if now >= until:
            self._take(phase)
            until = now + (every or self.soak.case.sample_secs)
        time.sleep(TURN_SECS)
        self._looked(self.look.weigh)
        return until

    def _looked(self, how: Callable[[], T]) -> T:
        try:
            return how()
        except psutil.Error as error:
            self.processes.check()
            raise Fatal("BENCH_FAILED", where="memory", what=repr(error), do="start it again") from error

    def _take(self, phase: str) -> None:
        try:
            sample = self._looked(lambda: self.look.take(self._now, phase))
        except Transient:
            # A broker that is busy for a moment ends no hour; one that stays so does.
            self.blind += 1
            if self.blind > MOST_BLIND:
                raise
            return
        self.blind = 0
        self.outcome.samples.append(sample)
        if self.soak.samples is not None:
            with self.soak.samples.open("a", encoding="utf-8") as out:
                out.write(json.dumps(sample) + "\n")
        self.soak.progress(phase, min(round(self._now), round(self.soak.case.seconds)), round(self.soak.case.seconds))

    def _look(self) -> Look:
        pids = {name: process.pid for name, process in self.processes.running.items()}
        pids |= {OTHERS[row.name]: row.pid for row in self.services.status() if row.pid is not None}
        logs = self.services.settings.folder("kafka") / "logs"
        watch = self.stack.enter_context(closing(Watch(self.plan.kafka.bootstrap, self.plan, pids, logs)))
        folders = {"kafka": logs, "warehouse": self.soak.folder / "warehouse"}
        return Look(pids, watch, self.pages, self.pusher, self.book, folders)
