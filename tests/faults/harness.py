"""Ends worker processes at planned moments, starts them again, and compares what they wrote with an undisturbed run.

Knows no chain: a `Command` says how to start the process and what it writes. The worker counts phases of its own
(`agents.worker.phases`), so a kill strikes where it was meant to.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from agents.worker.outlet import ID_HEADER
from bench.faults.audit import everything
from pipeline.runtime.moments import VARIABLE
from schemas.load import load_contracts

CONTRACTS = load_contracts()
ROOT = Path(__file__).resolve().parents[2]
STOP_AFTER_SECS = 5.0
"""A clean stop that is killed comes after this time: by then it has something to save."""

PREPARED = ("after-flush", "in-pages", "before-commit")
"""Between the outputs' flush and the acknowledgement of the input."""

OTHERS = ("in-batch", "in-outputs", "before-flush", "after-commit", "after-position", "in-restore")
STOPS = ("in-shutdown",)
"""Comes once in a process, when it is asked to stop."""


@dataclass(frozen=True)
class Command:
    """A worker: arguments of the process, its environment, its consumer group, source and outputs."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    group: str
    source: str
    partitions: int
    outputs: Sequence[str]


@dataclass
class Process:
    """A running worker."""

    popen: subprocess.Popen[bytes]
    log: Path

    def wait(self, secs: float) -> int:
        """Its exit code; fails with the end of its log when it does not end in time."""
        try:
            return self.popen.wait(secs)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the worker did not end in {secs} s:\n{self.tail()}") from None

    def tail(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])

    def end(self) -> None:
        """Kill it, if it runs."""
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()


@dataclass(frozen=True)
class Written:
    """What is in the output topics: id -> (topic, partition, key, value), and how many copies there were."""

    records: dict[str, tuple[str, int, bytes, bytes]]
    copies: int
    different: list[str] = field(default_factory=list)
    """Ids under which there are two different records: the worst that can happen."""


@contextmanager
def started(command: Command, folder: Path, kill: str | None = None) -> Iterator[Process]:
    """A worker process; it is killed when the block is left and it still runs."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{command.group}-{len(list(folder.glob('*.log')))}.log"
    environment = {**os.environ, **command.environment}
    environment.pop(VARIABLE, None)
    if kill is not None:
        environment[VARIABLE] = kill
    with log.open("wb") as out:
        popen = subprocess.Popen(
            [sys.executable, *command.arguments], cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT
        )
    process = Process(popen, log)
    try:
        yield process
    finally:
        process.end()


def kill_plans(seed: int, count: int, prepared: int) -> list[str]:
    """`count` moments, at least `prepared` of them between flush and acknowledgement; the same for a seed."""
    random = np.random.default_rng(seed)
    phases = [PREPARED[index % len(PREPARED)] for index in range(prepared)]
    others = OTHERS + STOPS
    phases += [others[index % len(others)] for index in range(count - prepared)]
    random.shuffle(phases)
    # Pages and outputs come by the hundred, batches by the dozen, checkpoints one at a time.
    spans = {"in-pages": 60, "in-outputs": 150, "in-batch": 100, "in-shutdown": 1}
    return [f"{phase}:{1 + int(random.integers(spans.get(phase, 3)))}" for phase in phases]


def run_with_kills(
    bootstrap: str, command: Command, plans: Sequence[str], folder: Path, feed: Callable[[], None], secs: float = 90.0
) -> int:
    """Start the worker with each plan in turn until it has killed itself; then let it finish. Returns the kills.

    `feed` appends to the source whenever a plan was not reached before the source was read to its end.
    """
    kills = 0
    for plan in plans:
        with started(command, folder, plan) as process:
            begin = time.monotonic()
            while process.popen.poll() is None:
                if plan.startswith("in-shutdown") and time.monotonic() > begin + STOP_AFTER_SECS:
                    process.popen.send_signal(signal.SIGTERM)
                if time.monotonic() > begin + secs:
                    raise AssertionError(f"{plan} was not reached in {secs} s:\n{process.tail()}")
                if lag(bootstrap, command) == 0:
                    feed()
                time.sleep(0.2)
            if process.popen.returncode != -signal.SIGKILL:
                raise AssertionError(f"{plan}: exit code {process.popen.returncode}\n{process.tail()}")
            kills += 1
    run_to_end(bootstrap, command, folder)
    return kills


def run_to_end(bootstrap: str, command: Command, folder: Path, secs: float = 120.0) -> None:
    """Run the worker until it has committed all of the source, then stop it; fails when it does not end well."""
    with started(command, folder) as process:
        deadline = time.monotonic() + secs
        while lag(bootstrap, command) != 0:
            if process.popen.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the worker did not reach the end:\n{process.tail()}")
            time.sleep(0.2)
        process.popen.send_signal(signal.SIGTERM)
        code = process.wait(30)
        if code != 0:
            raise AssertionError(f"exit code {code} at a clean stop\n{process.tail()}")


def lag(bootstrap: str, command: Command) -> int:
    """Records of the source behind the group's position; -1 when it is not known."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": command.group, "log_level": 0})
    try:
        places = [TopicPartition(command.source, number) for number in range(command.partitions)]
        committed = [place.offset for place in consumer.committed(places, timeout=10)]
        highs = [consumer.get_watermark_offsets(place, timeout=10)[1] for place in places]
    except KafkaException:
        return -1
    finally:
        consumer.close()
    return -1 if min(committed) < 0 else sum(highs) - sum(committed)


def written(bootstrap: str, command: Command, prefix: str = "") -> Written:
    """All that is in the outputs, read uncommitted; `prefix` is cut from the topics' names."""
    records: dict[str, tuple[str, int, bytes, bytes]] = {}
    copies, different = 0, []
    for message in everything(bootstrap, _partitions(bootstrap, command.outputs)):
        name = _name(message)
        record = (message.topic().removeprefix(prefix), message.partition(), message.key(), message.value())
        if name not in records:
            records[name] = record
            continue
        copies += 1
        if records[name] != record:
            different.append(name)
    return Written(records, copies, different)


def _partitions(bootstrap: str, topics: Sequence[str]) -> dict[str, int]:
    metadata = AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=10).topics
    return {topic: len(metadata[topic].partitions) for topic in topics}


def _name(message: Any) -> str:
    """Its id: in a header, or of a record among thousands in its own fields."""
    for key, value in message.headers() or ():
        if key == ID_HEADER:
            return str(value.decode())
    record = CONTRACTS.decode(message.value())
    places = [record[f"source_{name}"] for name in ("topic_id", "partition", "offset", "index")]
    return "/".join(map(str, [message.topic(), *places]))
