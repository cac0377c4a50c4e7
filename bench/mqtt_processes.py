"""`python -m bench.mqtt_processes`: what more processes of one MQTT subscription take.

Kafka, mosquitto and the connectors are the processes that `kvarn run` starts; this process publishes with QoS 1 as fast
as the connectors acknowledge, so that the broker always has messages and never many. All of them share the CPUs of one
machine: what counts beside the rate is the CPU that each takes a frame.
"""

from __future__ import annotations

import json
import os
import select
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import numpy as np
import psutil
import typer
from confluent_kafka import Consumer, TopicPartition

from cli.demo.kafka import status
from cli.deployment import REGISTRY_TOPIC, prepare
from cli.processes.children import Processes, wait_until
from cli.run import parts
from cli.services.ports import free_ports
from cli.services.stack import temporary
from cli.topology import read_plan
from pipeline.batch import FrameBatch
from pipeline.columns import Array
from pipeline.errors import Fatal
from pipeline.reference import FOREVER, Registry
from pipeline.reference_codec import registry_to_bytes
from pipeline.runtime.kafka_references import publish
from pipeline.step import Origin
from pipeline.topology.plan import Plan
from pipeline.wire import read_frames

TOPOLOGY = Path(__file__).resolve().parent.parent / "topologies.yaml"
CONNECTOR = "mesh"
METERS = 1000
FIRST_TITLE = 0x4B56_4E00_0000_0001
BODY = bytes(75)
COUNTER = 12
"""Place of the invocation counter in a frame."""
FRAME_OCTETS = COUNTER + 4 + len(BODY)

CHUNK, WINDOW, MOST_WAITING = 100, 2000, 20_000
"""Messages that are sent at once; that the broker has not acknowledged; that the connectors have not."""
LOOK_SECS = 0.1
READY_SECS, RUN_SECS = 120.0, 300.0


def frame(meter: int, counter: int) -> bytes:
    """A general-glo-ciphering of nothing that could be read: connectors look at the title only."""
    head = b"\xdb\x08" + (FIRST_TITLE + meter).to_bytes(8, "big") + bytes([5 + len(BODY), 0x30])
    return head + counter.to_bytes(4, "big") + BODY


def message(number: int, counter: int) -> bytes:
    """PUBLISH of QoS 1 (MQTT 3.1.1, section 3.3)."""
    meter = number % METERS
    topic = f"meters/{FIRST_TITLE + meter:016X}/push".encode()
    content = len(topic).to_bytes(2, "big") + topic + (number % 65_535 + 1).to_bytes(2, "big") + frame(meter, counter)
    length = len(content)
    return b"\x32" + bytes([length & 0x7F | 0x80, length >> 7] if length > 0x7F else [length]) + content


def registry() -> Registry:
    """The meters that are named."""
    columns = {column.name: column.empty(METERS if column.section == "link" else 0) for column in Registry.COLUMNS}
    numbers = np.arange(METERS, dtype=np.uint64)
    columns["device"][:], columns["service_point"][:] = FIRST_TITLE + numbers, 1 + numbers
    columns["valid_to"][:] = FOREVER
    return Registry(**columns)


@dataclass(frozen=True)
class Run:
    """What one run took. CPU in microseconds a frame; shares of the connectors' processes add up to 1."""

    processes: int
    frames: int
    seconds: float
    frames_per_s: int
    connectors_us: float
    broker_us: float
    kafka_us: float
    sender_us: float
    shares: tuple[float, ...]
    frames_per_cpu_s: int
    """Of a connector's CPU."""
    machine_idle: float
    """Share of the CPU time of all CPUs that nobody used."""
    lost: int = 0
    copies: int = 0


class Sender:
    """Publishes messages, no faster than they are taken."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self._socket = socket.create_connection((str(where.hostname), int(where.port or 1883)), 10.0)
        # CONNECT, MQTT 3.1.1, clean session, keep alive for ever, client id "sender" (section 3.1).
        self._socket.sendall(bytes.fromhex("1012 00044d515454 04 02 0000 0006") + b"sender")
        if self._socket.recv(4)[3:] != b"\0":
            raise Fatal("BENCH_FAILED", where=url, what="mosquitto let nobody in", do="see its log")
        self._octets = 0

    @property
    def _acknowledged(self) -> int:
        # Only PUBACK comes, four octets each.
        return self._octets // 4

    def close(self) -> None:
        """Go."""
        self._socket.close()

    def send(self, messages: list[bytes], taken: Any) -> None:
        """Send all; `taken()` is how many of them the connectors have acknowledged."""
        sent, begin = 0, self._acknowledged
        looked, known = 0.0, 0
        while sent < len(messages) or self._acknowledged - begin < len(messages):
            now = time.monotonic()
            if now - looked > LOOK_SECS:
                looked, known = now, taken()
            if sent < len(messages) and sent - (self._acknowledged - begin) < WINDOW and sent - known < MOST_WAITING:
                self._socket.sendall(b"".join(messages[sent : sent + CHUNK]))
                sent = min(len(messages), sent + CHUNK)
                self._read(0.0)
            else:
                self._read(0.005)

    def _read(self, secs: float) -> None:
        if select.select([self._socket], [], [], secs)[0]:
            octets = self._socket.recv(1 << 16)
            if not octets:
                raise Fatal("BENCH_FAILED", where="sender", what="mosquitto ended the connection", do="see its log")
            self._octets += len(octets)


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in more}
    os.environ.update(more)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def one_run(kafka_pid: int, bootstrap: str, processes: int, frames: int, first: int, folder: Path) -> Run:
    """Frames with the counters from `first` on, through so many processes."""
    messages = [message(number, first + number) for number in range(frames)]
    with ExitStack() as stack:
        broker = stack.enter_context(temporary(("mosquitto",)))
        environment = {"KAFKA_BOOTSTRAP": bootstrap, "MQTT_URL": broker.mosquitto, "SCHEMA_REGISTRY_URL": ""}
        stack.enter_context(_environment(environment))
        plan = read_plan(TOPOLOGY)
        prepare(plan)
        publish(bootstrap, "registry", registry_to_bytes(registry()), REGISTRY_TOPIC)
        running = stack.enter_context(Processes(folder / f"{processes}-{first}", environment))
        ports = free_ports(processes)
        for number, port in enumerate(ports, 1):
            command = parts(plan, TOPOLOGY)[f"connect.{CONNECTOR}"]
            command[command.index("--status-port") + 1] = str(port)
            running.start(f"{CONNECTOR}-{number}", command, {"MQTT_CLIENT": f"bench-{number}"})

        def pages() -> list[dict[str, Any]]:
            return [status(port) or {} for port in ports]

        def taken() -> int:
            return sum(int(page.get("acknowledged", 0)) for page in pages())

        wait_until(lambda: all(page.get("ready") for page in pages()), "connectors", running, READY_SECS)
        sender = stack.enter_context(closing(Sender(broker.mosquitto)))
        pids = [process.pid for process in running.running.values()]
        (mosquitto,) = [row.pid for row in broker.status() if row.pid is not None]
        begin, idle = time.monotonic(), psutil.cpu_times().idle
        cpu = [_cpu(pids), _cpu([mosquitto]), _cpu([kafka_pid]), _cpu([os.getpid()])]
        sender.send(messages, taken)
        wait_until(lambda: taken() >= frames, "all frames", running, RUN_SECS)
        secs = time.monotonic() - begin
        now = [_cpu(pids), _cpu([mosquitto]), _cpu([kafka_pid]), _cpu([os.getpid()])]
        idle = psutil.cpu_times().idle - idle
        shares = [page["received"] for page in pages()]
        for name in list(running.running):
            if code := running.stop(name):
                raise Fatal("BENCH_PART", where=name, what=f"exit code {code}: {running.tail(name)}", do="see its log")
        seen = _arrived(plan, first, frames)
    spent = [after - before for after, before in zip(now, cpu, strict=True)]
    each = [round(1e6 * one / frames, 1) for one in spent]
    return Run(
        processes, frames, round(secs, 2), round(frames / secs), each[0], each[1], each[2], each[3],
        tuple(round(one / sum(shares), 3) for one in shares), round(frames / spent[0]),
        round(idle / (secs * (os.cpu_count() or 1)), 3), int((seen == 0).sum()), int((seen > 1).sum()),
    )  # fmt: skip


def _cpu(pids: list[int]) -> float:
    found = [psutil.Process(pid).cpu_times() for pid in pids]
    return float(sum(one.user + one.system for one in found))


def _arrived(plan: Plan, first: int, frames: int) -> Array:
    """How often each counter from `first` on stands in the topic."""
    connector = plan.connector(CONNECTOR)
    contracts = prepare(plan)
    seen = np.zeros(frames, np.int64)
    client = Consumer(
        {"bootstrap.servers": plan.kafka.bootstrap, "group.id": "bench-look", "enable.partition.eof": True}
    )
    client.assign([TopicPartition(connector.to.name, number, 0) for number in range(connector.to.partitions)])
    ended = 0
    while ended < connector.to.partitions:
        record: Any = client.poll(30.0)
        if record is None:
            raise Fatal("BENCH_FAILED", where=connector.to.name, what="no answer", do="look at the broker")
        if record.error() is not None:
            ended += 1
            continue
        batch = read_frames(contracts, record.value(), Origin("bench", record.partition(), record.offset())).batch
        if isinstance(batch, FrameBatch):
            rows = np.asarray(batch.payload).reshape(-1, FRAME_OCTETS)[:, COUNTER : COUNTER + 4]
            counters = rows.copy().view(">u4")[:, 0].astype(np.int64) - first
            np.add.at(seen, counters[(counters >= 0) & (counters < frames)], 1)
    client.close()
    return seen


def main(
    frames: Annotated[int, typer.Option(min=1000, help="Messages of a run.")] = 100_000,
    runs: Annotated[int, typer.Option(min=1, help="Runs of each number of processes; the median of them counts.")] = 3,
    processes: Annotated[list[int] | None, typer.Option(help="Numbers of processes.")] = None,
) -> None:
    """Measure, and print a line of JSON a run, then the medians; ends with 1 when a frame is missing."""
    first, done = 1, []
    with tempfile.TemporaryDirectory(prefix="kvarn-bench-") as folder, temporary(("kafka",)) as kafka:
        (pid,) = [row.pid for row in kafka.status() if row.pid is not None]
        warm = [(1, frames // 5)]
        for number, count in [*warm, *((number, frames) for _ in range(runs) for number in processes or (1, 2, 4))]:
            run = one_run(pid, kafka.kafka, number, count, first, Path(folder))
            first += count
            if count == frames:
                done.append(run)
                typer.echo(json.dumps(asdict(run)))
    for number in sorted({run.processes for run in done}):
        of = [run for run in done if run.processes == number]
        rate, cpu = (statistics.median(getattr(run, name) for run in of) for name in ("frames_per_s", "connectors_us"))
        typer.echo(f"{number} processes: {rate:.0f} frames/s, {cpu:.1f} us of connectors' CPU a frame")
    if any(run.lost for run in done):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
