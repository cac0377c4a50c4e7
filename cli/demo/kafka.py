"""The demo on the real parts: fleet -> TCP and MQTT -> connectors -> Kafka -> Faust -> Kafka -> sink -> chDB.

Every part is the command that `kvarn run` would start. The simulator's clock writes the ticks, each after the frames of
its interval have been acknowledged; so the log holds what the embedded run's log holds, cut into other batches.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.demo.embedded import MASTER_KEY
from cli.deployment import KEY_FOLDER, MASTER_KEY_ENV, prepare
from cli.fleet_log import FleetLog
from cli.processes.children import Processes, wait_until
from cli.processes.lag import Lag
from cli.run import parts
from cli.services.ports import free_ports
from cli.services.stack import temporary
from cli.topology import read_plan
from connectors.kept.topic import read_all
from connectors.simulator import Frames, Simulation
from connectors.simulator.senders.base import parse_address
from connectors.simulator.senders.pace import Pace
from connectors.simulator.senders.play import Route, items_of, play, route_to
from pipeline.runtime.references import KeyFolder
from pipeline.step import Tick
from pipeline.topology.plan import Plan, TopicPlan
from pipeline.wire import Contracts

SERVICES = ("kafka", "mosquitto")
SETTLE_SECS = 300.0
CLOCK_CONNECTORS = {"ticker"}
"""Not started: here the simulator has the clock."""
PUSHED = {"dlms", "mqtt"}
"""Connectors that meters push to."""


@dataclass
class KafkaDemo:
    """One run. `folder` holds warehouse, keys and logs; `report` is told what happens."""

    simulation: Simulation
    file: Path
    folder: Path
    report: Callable[[str], None]
    seen: Callable[[Frames], None]
    progress: Callable[[int, int], None]
    parked_frames: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def go(self) -> None:
        """Start what is needed, run all slots, wait until everything is in the warehouse, end what was started."""
        with ExitStack() as stack:
            services = stack.enter_context(temporary(SERVICES, self.report))
            listen, *pages = free_ports(8)
            environment = {
                "KAFKA_BOOTSTRAP": services.kafka, "MQTT_URL": services.mosquitto, "SCHEMA_REGISTRY_URL": "",
                "DLMS_LISTEN": f"127.0.0.1:{listen}", "CLICKHOUSE_DSN": f"chdb://{self.folder / 'warehouse'}",
                KEY_FOLDER: str(self.folder / "keys"), MASTER_KEY_ENV: MASTER_KEY.hex(), "KVARN_CHECKPOINT_SECS": "2",
            }  # fmt: skip
            os.environ.update(environment)
            plan = read_plan(self.file)
            contracts = prepare(plan)
            processes = stack.enter_context(Processes(self.folder / "logs", environment))
            connectors = self._start(plan, processes, pages)
            self.report("all parts run; sending")
            began = time.perf_counter()
            asyncio.run(self._play(plan, contracts, connectors, processes, listen, services.mosquitto))
            self._drain(plan, processes)
            self.seconds = time.perf_counter() - began
            self._read_parked(plan, contracts)

    def _start(self, plan: Plan, processes: Processes, pages: list[int]) -> dict[str, int]:
        commands = parts(plan, self.file)
        wanted = [name for name, row in plan.connectors.items() if row.type not in CLOCK_CONNECTORS]
        connectors = dict(zip(wanted, pages, strict=False))
        for name, command in commands.items():
            kind, _, part = name.partition(".")
            if kind != "connect":
                processes.start(name, command)
            elif part in connectors:
                place = command.index("--status-port")
                command[place + 1] = str(connectors[part])
                processes.start(name, command)
        return connectors

    def _log(self, plan: Plan, contracts: Contracts, connectors: dict[str, int], processes: Processes) -> FleetLog:
        def adopted(version: str) -> None:
            """Every connector listens and resolves with the version, and parked frames have flowed on."""

            def everywhere() -> bool:
                pages = [status(port) for port in connectors.values()]
                return all(
                    page is not None
                    and page["ready"]
                    and page["settled_version"] == version
                    and page["acknowledged"] == page["received"]
                    for page in pages
                )

            wait_until(everywhere, "connectors, for the registry", processes, SETTLE_SECS)

        keys = KeyFolder(self.folder / "keys")
        return FleetLog(plan, contracts, self.simulation.fleet, keys, MASTER_KEY, adopted)

    async def _play(
        self, plan: Plan, contracts: Contracts, connectors: dict[str, int], processes: Processes, listen: int, mqtt: str
    ) -> None:
        total, done, sent = self.simulation.slot_count, 0, 0

        def seen(items: Any) -> Any:
            nonlocal sent
            for item in items:
                if isinstance(item, Frames):
                    sent += len(item)
                    self.seen(item)
                yield item

        async def barrier(_tick: Tick) -> None:
            nonlocal done
            await asyncio.to_thread(
                wait_until, lambda: _taken(connectors) >= sent, f"{sent} frames acknowledged", processes, SETTLE_SECS
            )
            done += 1
            self.progress(done, total)

        log = Route(self._log(plan, contracts, connectors, processes), 0)
        routes = [log, route_to(parse_address(f"tcp://127.0.0.1:{listen}")), route_to(parse_address(mqtt))]
        slots = items_of(self.simulation.slots())
        await play(seen(slots), routes, Pace(0, 0), barrier=barrier)

    def _drain(self, plan: Plan, processes: Processes) -> None:
        """Stop part by part, each when it has done what the parts before it have written."""
        lag = Lag(plan.kafka.bootstrap)
        for name in [name for name in processes.running if name.startswith("connect.")]:
            processes.stop(name)
        for chain in plan.chains:
            self._finish(f"worker.{chain.name}", lag, chain.group, [chain.source], processes)
        for sink in plan.sinks.values():
            self._finish(f"sink.{sink.name}", lag, sink.group, list(sink.topics), processes)
        lag.close()

    def _finish(self, part: str, lag: Lag, group: str, topics: list[TopicPlan], processes: Processes) -> None:
        self.report(f"waiting for {part}")

        def done() -> bool:
            return all(lag.of(group, topic.name, topic.partitions) == 0 for topic in topics)

        wait_until(done, part, processes, SETTLE_SECS, 0.2)
        processes.stop(part)

    def _read_parked(self, plan: Plan, contracts: Contracts) -> None:
        for topic in {row.parked.name for row in plan.connectors.values() if row.parked is not None}:
            for found in read_all(plan.kafka.bootstrap, topic, contracts):
                self.parked_frames.update(rejected.raw.hex() for rejected in found)


def _taken(connectors: dict[str, int]) -> int:
    pages = [status(port) for port in connectors.values()]
    return sum(page["acknowledged"] for page in pages if page is not None and page["type"] in PUSHED)


def status(port: int) -> dict[str, Any] | None:
    """A connector's page, or None while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=5) as page:
            found: dict[str, Any] = json.load(page)
            return found
    except OSError:
        return None
