"""The real topology, killed at twenty moments: warehouse and determinants are those of a run that nobody disturbed.

The undisturbed run is the embedded one, over the very same log: another runtime, no broker, no checkpoint.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import Producer

from cli.demo.embedded import MASTER_KEY
from cli.deployment import prepare
from cli.processes.lag import Lag
from cli.topology import read_plan
from pipeline.runtime.kafka_references import publish
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics
from tests.faults.harness import OTHERS, PREPARED, ROOT, Command, run_to_end, run_with_kills, written

METERS, DAYS, SEED = 60, 3, 5
PARTITIONS = 4
KILLS, PREPARED_KILLS = 20, 8
SLOTS_A_FEED = 3

TOPOLOGY = """
version: 1
application: {name}
kafka: {{bootstrap: "{kafka}"}}
topics:
  {name}-frames: {{schema: FrameBatch, partitions: 4, retention: forever}}
  {name}-readings: {{schema: ReadingBatch, partitions: 4, retention: forever}}
  {name}-events: {{schema: Event, partitions: 2, retention: forever}}
  {name}-determinants: {{schema: Determinant, partitions: 3, retention: forever}}
  {name}-node-energy: {{schema: NodeEnergy, partitions: 2, retention: forever}}
  {name}-losses: {{schema: Loss, partitions: 2, retention: forever}}
  {name}-rejects: {{schema: Reject, partitions: 2, retention: forever}}
  {name}-parked: {{schema: Reject, partitions: 1, retention: forever}}
  registry: {{partitions: 1, retention: forever, cleanup: compact}}
topologies:
  metering:
    source: {name}-frames
    agents: [decode: {{}}, vee: {{}}, rating: {{}}, nodes: {{}}]
    to:
      readings: {name}-readings
      events: {name}-events
      profile_rows: null
      determinants: {name}-determinants
      node_energy: {name}-node-energy
      rejects: {name}-rejects
  losses:
    source: {name}-node-energy
    agents: [losses: {{}}]
    to: {{losses: {name}-losses}}
connectors:
  push:
    {{type: dlms, listen: "127.0.0.1:4059", to: {name}-frames, rejects: {name}-rejects, parked: {name}-parked}}
sinks:
  warehouse:
    type: clickhouse
    dsn: "chdb://{folder}/killed/warehouse"
    from: [{name}-readings, {name}-events, {name}-determinants, {name}-losses, {name}-rejects]
"""


def plans() -> list[str]:
    """Twenty moments, eight of them between the outputs' flush and the acknowledgement; always the same."""
    random = np.random.default_rng(SEED)
    phases = [PREPARED[index % len(PREPARED)] for index in range(PREPARED_KILLS)]
    phases += [OTHERS[index % len(OTHERS)] for index in range(KILLS - PREPARED_KILLS)]
    random.shuffle(phases)
    most = {"in-pages": 20, "in-outputs": 20, "in-batch": 12}
    return [f"{phase}:{1 + int(random.integers(most.get(phase, 2)))}" for phase in phases]


class Log:
    """Writes the recorded log into Kafka, some slots at a time."""

    def __init__(self, bootstrap: str, topic: str, slots: list[list[tuple[int, bytes]]]) -> None:
        self._bootstrap, self._topic, self._slots = bootstrap, topic, slots

    def feed(self) -> None:
        """The next slots."""
        assert self._slots, "the log was read to its end before all kills had struck"
        self._write(SLOTS_A_FEED)

    def rest(self) -> None:
        """All that is left."""
        self._write(len(self._slots))

    def _write(self, slots: int) -> None:
        producer = Producer({"bootstrap.servers": self._bootstrap, "enable.idempotence": True})
        for slot in self._slots[:slots]:
            for partition, value in slot:
                producer.produce(self._topic, value=value, partition=partition)
                producer.poll(0)
        assert producer.flush(30) == 0
        del self._slots[:slots]


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twenty_kills_leave_the_rows_of_an_undisturbed_run(kafka: str, unique: str, tmp_path: Path) -> None:
    name = f"k{unique}".lower().replace("_", "-")
    file = tmp_path / "topologies.yaml"
    file.write_text(TOPOLOGY.format(name=name, kafka=kafka, folder=tmp_path))
    calm = tmp_path / "calm"
    run("embedded", str(calm), str(file), str(METERS), str(DAYS), str(SEED))
    publish_versions(kafka, calm)
    environment = {"KVARN_KEYS": str(calm / "keys"), "KVARN_MASTER_KEY": MASTER_KEY.hex(),
                   "KVARN_CHECKPOINT_SECS": "0.3", "KVARN_SESSION_SECS": "6"}  # fmt: skip
    metering = worker(name, "metering", f"{name}-frames", PARTITIONS, file, environment)
    losses = worker(name, "losses", f"{name}-node-energy", 2, file, environment)
    prepare(read_plan(file))
    log = Log(kafka, f"{name}-frames", pickle.loads((calm / "log.pickle").read_bytes()))
    log.feed()
    moments = plans()
    assert sum(moment.startswith(PREPARED) for moment in moments) >= 5
    assert run_with_kills(kafka, metering, moments, tmp_path / "logs", log.feed) == KILLS
    log.rest()
    run_to_end(kafka, metering, tmp_path / "logs")
    run_to_end(kafka, losses, tmp_path / "logs")
    seen = written(kafka, metering)
    assert seen.copies > 0
    assert seen.different == []
    drain_sink(kafka, name, file, environment, tmp_path)
    killed, undisturbed = rows(tmp_path / "killed"), rows(calm)
    for table, lines in undisturbed.items():
        assert killed[table] == lines, table
    assert sum(undisturbed["determinants"].values()) > METERS * DAYS
    assert sum(undisturbed["readings"].values()) > METERS * DAYS * 48


def run(*arguments: str) -> str:
    """A part in a process of its own; its standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.topology_runs", *arguments], cwd=ROOT, capture_output=True, text=True,
        timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def rows(folder: Path) -> dict[str, dict[str, int]]:
    """Every row of a run's warehouse."""
    found: dict[str, dict[str, int]] = json.loads(run("rows", f"chdb://{folder / 'warehouse'}"))
    return found


def publish_versions(kafka: str, calm: Path) -> None:
    """Registry versions for the workers; keys they find in the folder."""
    ensure_topics(kafka, [WantedTopic("registry", 1, {"cleanup.policy": "compact", "retention.ms": "-1"})])
    for path in sorted((calm / "versions").iterdir()):
        publish(kafka, path.name.partition("-")[0], path.read_bytes())


def worker(name: str, chain: str, source: str, partitions: int, file: Path, environment: dict[str, str]) -> Command:
    """`kvarn worker` as the harness starts it."""
    outputs = ("readings", "events", "determinants", "node-energy") if chain == "metering" else ("losses",)
    return Command(
        ("-m", "cli.main", "worker", chain, "--file", str(file)), environment, f"{name}-{chain}", source, partitions,
        tuple(f"{name}-{output}" for output in outputs),
    )  # fmt: skip


def drain_sink(kafka: str, name: str, file: Path, environment: dict[str, str], folder: Path) -> None:
    """Run the sink until it has committed everything, then end it."""
    group = f"{name}-sink-warehouse"
    with (folder / "sink.log").open("wb") as out, ended(subprocess.Popen(
        [sys.executable, "-m", "cli.main", "sink", "warehouse", "--file", str(file)], cwd=ROOT,
        env={**os.environ, **environment}, stdout=out, stderr=out,
    )) as process:  # fmt: skip
        topics = {"readings": 4, "events": 2, "determinants": 3, "losses": 2, "rejects": 2}
        commands = [Command((), {}, group, f"{name}-{topic}", number, ()) for topic, number in topics.items()]
        deadline = time.monotonic() + 120
        while any(behind(kafka, command) for command in commands):
            assert process.poll() is None, (folder / "sink.log").read_text()[-3000:]
            assert time.monotonic() < deadline, (folder / "sink.log").read_text()[-3000:]
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does not outlive the block."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def behind(kafka: str, command: Command) -> bool:
    """Whether the group has not committed all of a topic; a partition without records has no position."""
    asked = Lag(kafka)
    try:
        return asked.of(command.group, command.source, command.partitions) != 0
    finally:
        asked.close()
