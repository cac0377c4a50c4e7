"""A deployment with a pull connector on the real broker: topology file, list of meters, keys, and `kvarn connect`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from confluent_kafka import Consumer, Producer, TopicPartition

from cli.deployment import prepare
from cli.services.ports import free_ports
from cli.topology import read_plan
from pipeline.batch import FrameBatch
from pipeline.keystore import key_ring, seal
from pipeline.reference_codec import registry_to_bytes
from pipeline.runtime.kafka_references import publish
from pipeline.runtime.moments import VARIABLE
from pipeline.step import Origin
from pipeline.wire import read_frames
from schemas.load import load_contracts
from tests.builders_frames import Link, references
from tests.integration.dlms_pull.process import ROOT, MeterProcess
from tests.integration.dlms_pull.scene import AUTHENTICATION, ENCRYPTION, INTEGERS, MASTER, POINT

CONTRACTS = load_contracts()
PARTITIONS = 3
WAIT_SECS = 25.0
NOT_FINAL = ("ACCEPTED", "RUNNING")
TOPOLOGY = """
version: 1
kafka: {{bootstrap: "{kafka}"}}
topics:
  frames-{mark}: {{schema: FrameBatch, partitions: 3, retention: 7d}}
  readings-{mark}: {{schema: ReadingBatch, partitions: 3, retention: 7d}}
  events-{mark}: {{schema: Event, partitions: 3, retention: 7d}}
  rejects-{mark}: {{schema: Reject, partitions: 3, retention: 7d}}
  parked-{mark}: {{schema: Reject, partitions: 3, retention: 7d}}
  commands-{mark}: {{schema: Command, partitions: 3, retention: 7d}}
  command-results-{mark}: {{schema: CommandResult, partitions: 3, retention: 7d}}
  pull-journal-{mark}: {{partitions: 1, retention: forever, cleanup: compact}}
  registry: {{partitions: 1, retention: forever, cleanup: compact}}
topologies:
  metering-{mark}:
    source: frames-{mark}
    agents: [{{decode: {{}}}}, {{vee: {{}}}}]
    to: {{readings: readings-{mark}, events: events-{mark}, profile_rows: null, rejects: rejects-{mark}}}
connectors:
  pull:
    type: dlms_pull
    meters: "{folder}/meters.csv"
    commands: commands-{mark}
    results: command-results-{mark}
    journal: pull-journal-{mark}
    connect_secs: 5
    answer_secs: 5
    retry: {{attempts: 3, first_secs: 0.1, most_secs: 0.1}}
    gaps: {{file: "{gaps}", first_secs: 3600}}
    rejects: rejects-{mark}
    parked: parked-{mark}
    to: frames-{mark}
"""


class Deployment:
    """Topics of its own, one registry version with the meters, their keys, and what came out."""

    def __init__(self, kafka: str, folder: Path, *meters: MeterProcess, gaps: bool = False) -> None:
        self.kafka, self.folder, self.mark = kafka, folder, uuid4().hex[:8]
        self.devices = sorted(int(meter.options.title, 16) for meter in meters)
        self.gaps = folder / "missing.csv"
        self.file = folder / "topologies.yaml"
        self.file.write_text(
            TOPOLOGY.format(kafka=kafka, mark=self.mark, folder=folder, gaps=self.gaps if gaps else "")
        )
        rows = [f"{meter.options.title},{meter.address},{meter.options.authentication},"
                f"{'both' if meter.options.authentication == 'gmac' else 'none'}" for meter in meters]  # fmt: skip
        (folder / "meters.csv").write_text("device,address,authentication,protection\n" + "\n".join(rows) + "\n")
        ring = key_ring(np.array(self.devices, np.uint64), *(
            np.frombuffer(key * len(self.devices), np.uint8).reshape(-1, 16) for key in (ENCRYPTION, AUTHENTICATION)
        ))  # fmt: skip
        (folder / "a.keys").write_bytes(seal(ring, MASTER))
        self.references = references([Link(device, POINT + place, INTEGERS)
                                      for place, device in enumerate(self.devices)])  # fmt: skip
        prepare(read_plan(self.file))
        # `kvarn connect` reads versions from the topic of this name; it goes on with the newest.
        publish(kafka, "registry", registry_to_bytes(self.references.registry))

    @contextmanager
    def connector(self, kill: str = "") -> Iterator[Running]:
        """`kvarn connect pull`, ended by SIGTERM when the block is left, if it still runs."""
        running = Running(self, kill)
        try:
            yield running
            if running.process.poll() is None and not kill:
                running.process.send_signal(signal.SIGTERM)
                assert running.process.wait(WAIT_SECS) == 0, running.tail()
        finally:
            if running.process.poll() is None:
                running.process.kill()
                running.process.wait()

    def command(
        self, id: str, kind: str, device: int | None = None, secs: int = 3600, **arguments: str
    ) -> dict[str, Any]:
        now = int(time.time())
        return {"id": id, "device": f"{self.devices[0] if device is None else device:016X}", "kind": kind,
                "arguments": arguments, "issued": now, "expires": now + secs, "source": "tests"}  # fmt: skip

    def send(self, *commands: dict[str, Any]) -> None:
        producer = Producer({"bootstrap.servers": self.kafka})
        for command in commands:
            producer.produce(f"commands-{self.mark}", key=command["device"].encode(),
                             value=CONTRACTS.encode("Command", command))  # fmt: skip
        assert producer.flush(10) == 0

    def read(self, topic: str, partitions: int = PARTITIONS) -> list[tuple[int, bytes, bytes]]:
        """(partition, key, value) of everything that counts in a topic of ours."""
        consumer = Consumer({"bootstrap.servers": self.kafka, "group.id": uuid4().hex, "enable.partition.eof": True,
                             "isolation.level": "read_committed"})  # fmt: skip
        consumer.assign([TopicPartition(f"{topic}-{self.mark}", number, 0) for number in range(partitions)])
        found: list[tuple[int, bytes, bytes]] = []
        ended = 0
        try:
            while ended < partitions:
                message: Any = consumer.poll(10)
                assert message is not None
                if message.error() is None:
                    found.append((message.partition(), message.key() or b"", message.value()))
                else:
                    ended += 1
        finally:
            consumer.close()
        return found

    def results(self, id: str | None = None) -> list[dict[str, Any]]:
        found = []
        for _, key, value in self.read("command-results"):
            result = CONTRACTS.decode(value, "CommandResult")
            assert result["device"].encode() == key
            found.append(result)
        return [result for result in found if id is None or result["id"] == id]

    def finals(self) -> list[dict[str, Any]]:
        return [result for result in self.results() if result["state"] not in NOT_FINAL]

    def final(self, id: str) -> dict[str, Any]:
        """The one final result of a command; copies must be the same to the letter."""
        found = [result for result in self.finals() if result["id"] == id]
        assert found
        assert all(result == found[0] for result in found), found
        return found[0]

    def answered(self, running: Running, *ids: str) -> None:
        """Wait until each of these has a final result."""
        wait(lambda: set(ids) <= {result["id"] for result in self.finals()}, running)

    def journal(self) -> dict[str, Any]:
        return {key.decode(): json.loads(value) for _, key, value in self.read("pull-journal", 1)}

    def frames(self) -> list[FrameBatch]:
        found = []
        for partition, _, value in self.read("frames"):
            batch = read_frames(CONTRACTS, value, Origin("t", partition, 0)).batch
            if batch is not None:
                found.append(batch)
        return found


class Running:
    """A process of the connector."""

    def __init__(self, deployment: Deployment, kill: str) -> None:
        (self.port,) = free_ports(1)
        self.log = deployment.folder / f"connect-{uuid4().hex[:6]}.log"
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "KVARN_KEYS": str(deployment.folder),
                       "KVARN_MASTER_KEY": MASTER.hex(), "KVARN_LOG_FORMAT": "json"}  # fmt: skip
        environment.pop(VARIABLE, None)
        if kill:
            environment[VARIABLE] = f"{kill}:1"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "connect", "pull", "--status-port", str(self.port),
                 "--file", str(deployment.file)], cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def status(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/status", timeout=5) as page:
            found: dict[str, Any] = json.load(page)
            return found

    def until(self, true: Callable[[dict[str, Any]], bool]) -> None:
        """Wait for what the status page says."""

        def seen() -> bool:
            try:
                return true(self.status())
            except OSError:
                return False

        wait(seen, self)

    def killed(self) -> None:
        """Wait until it has killed itself."""
        assert self.process.wait(WAIT_SECS) == -signal.SIGKILL, self.tail()

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])


def wait(true: Callable[[], bool], running: Running) -> None:
    """Wait; fails when the connector ends, or after WAIT_SECS."""
    deadline = time.monotonic() + WAIT_SECS
    while not true():
        assert running.process.poll() is None, running.tail()
        assert time.monotonic() < deadline, running.tail()
        time.sleep(0.1)
