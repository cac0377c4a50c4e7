"""`python -m bench.connections`: how many connections a push listener holds, and what one of them takes.

The listener is a process of its own, with an outlet in memory behind it; this process is the meters. It opens all
connections, pushes a frame on each, pushes another one, and tries one connection more than there may be.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import psutil
import typer

from cli.services.ports import free_ports
from connectors.dlms.config import DlmsConfig
from connectors.gather.gatherer import Gathered
from connectors.gather.open_files import SPARE, let_open
from connectors.gather.pump import Pump
from connectors.runner import stop_on_signals
from connectors.status import serve
from pipeline.columns import Array
from pipeline.errors import Fatal
from pipeline.reference import FOREVER, Registry

TITLE = 0x4B56_4E00_0000_0001
HEAD = b"\x00\x01\x00\x01\x00\x40\x00\x5b\xdb\x08" + TITLE.to_bytes(8, "big") + b"\x50\x30"
"""WRAPPER, general-glo-ciphering, title, lengths, security control; counter and 75 octets follow."""
REST = bytes(75)
COUNTER = len(HEAD)
FRAME_OCTETS = COUNTER + 4 + len(REST)
ROUNDS = 2
WAIT_SECS = 60.0
HOLD_SECS = 3.0


def frame(number: int) -> bytes:
    """The frame of this invocation counter."""
    return HEAD + number.to_bytes(4, "big") + REST


def registry() -> Registry:
    """The one meter that all frames name."""
    columns = {column.name: column.empty(int(column.section == "link")) for column in Registry.COLUMNS}
    for name, value in (("device", TITLE), ("service_point", 7), ("valid_from", 0), ("valid_to", FOREVER)):
        columns[name][:] = value
    return Registry(**columns)


class Tally:
    """An outlet that counts what comes, each frame by its counter, and says at once that it is safe."""

    def __init__(self, frames: int) -> None:
        self.waiting_octets = 0
        self._seen: Array = np.zeros(frames, np.int64)
        self._done: list[Callable[[], None]] = []

    def send(self, gathered: Gathered, done: Callable[[], None]) -> None:
        """See Outlet."""
        for batch in gathered.batches.values():
            rows = batch.payload.reshape(-1, FRAME_OCTETS)[:, COUNTER : COUNTER + 4]
            np.add.at(self._seen, rows.copy().view(">u4")[:, 0].astype(np.int64), 1)
        self._done.append(done)

    def poll(self) -> None:
        """See Outlet."""
        done, self._done = self._done, []
        for one in done:
            one()

    def counts(self) -> dict[str, int]:
        """Frames that came once, and those that came more often."""
        return {"once": int((self._seen == 1).sum()), "more_often": int((self._seen > 1).sum())}


async def listen(config: DlmsConfig, status_port: int) -> None:
    """The listener, until SIGTERM."""
    from connectors.dlms.connector import run

    tally, stop, pumping_stop = Tally(ROUNDS * config.connections), asyncio.Event(), asyncio.Event()
    pump = Pump(registry(), 4, tally, config.gather, lambda: int(time.time()))
    stop_on_signals(stop)
    told: list[Callable[[], dict[str, Any]]] = []

    def page() -> dict[str, Any]:
        return {"ready": pump.ready.is_set(), **vars(pump.counts), **tally.counts(), **(told[0]() if told else {})}

    shown = await serve(status_port, page)
    pumping = asyncio.ensure_future(pump.run(pumping_stop))
    try:
        await run(config, pump, stop, pump.ready, told.append)
    finally:
        pumping_stop.set()
        await pumping
        await shown.cleanup()


@dataclass(frozen=True)
class Figures:
    """What was seen. Octets of a connection are the process's own memory, not the kernel's buffers."""

    connections: int
    tls: bool
    frames: int
    arrived_once: int
    arrived_more_often: int
    refused: int
    open_secs: float
    push_secs: tuple[float, ...]
    octets_per_connection: int
    octets_per_connection_after_pushes: int
    cpu_us_per_connection: float
    cpu_share_while_held: float

    @property
    def right(self) -> bool:
        """All frames arrived, each once, and the one connection too many was refused."""
        return (self.arrived_once, self.arrived_more_often, self.refused) == (self.frames, 0, 1)


def measure(connections: int, certificate: str = "", key: str = "") -> Figures:
    """Raises ConfigError when this process may not open as many, Fatal when the listener does not do its part."""
    let_open(connections)
    with _listener(connections, certificate, key) as (process, port, status_port), ExitStack() as stack:
        context = _trusting() if certificate else None
        before, cpu, begin = process.memory_info().rss, _cpu(process), time.monotonic()
        meters = [stack.enter_context(_dial(port, context)) for _ in range(connections)]
        _until(status_port, lambda page: page["connections"]["open"] == connections, "all connections open")
        opened, spent = time.monotonic() - begin, _cpu(process) - cpu
        resident = process.memory_info().rss
        secs = [_push(meters, number, status_port) for number in range(ROUNDS)]
        after = process.memory_info().rss
        _one_too_many(port)
        page = _until(status_port, lambda page: page["connections"]["refused"]["total"] == 1, "one refused")
        cpu, begin = _cpu(process), time.monotonic()
        time.sleep(HOLD_SECS)
        held = (_cpu(process) - cpu) / (time.monotonic() - begin)
    return Figures(
        connections, bool(certificate), ROUNDS * connections, page["once"], page["more_often"],
        page["connections"]["refused"]["total"], round(opened, 2), tuple(round(one, 2) for one in secs),
        (resident - before) // connections, (after - before) // connections, round(1e6 * spent / connections, 1),
        round(held, 4),
    )  # fmt: skip


@contextmanager
def _listener(connections: int, certificate: str, key: str) -> Iterator[tuple[psutil.Process, int, int]]:
    port, status_port = free_ports(2)
    command = [sys.executable, "-m", "bench.connections", "--listen", str(port), "--status-port", str(status_port),
               "--connections", str(connections), "--certificate", certificate, "--key", key]  # fmt: skip
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _until(status_port, lambda page: bool(page["ready"]), "a listener", child)
        # The kernels are loaded, so that they are no connection's.
        with _dial(port, _trusting() if certificate else None) as first:
            first.sendall(frame(0)[:4])
            _until(status_port, lambda page: page["connections"]["open"] == 1, "a first connection")
        _until(status_port, lambda page: page["aside"] == 1, "a first frame")
        yield psutil.Process(child.pid), port, status_port
    finally:
        child.terminate()
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _dial(port: int, context: ssl.SSLContext | None) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", port), WAIT_SECS)
    return plain if context is None else context.wrap_socket(plain)


def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _push(meters: list[socket.socket], number: int, status_port: int) -> float:
    begin = time.monotonic()
    for place, meter in enumerate(meters):
        meter.sendall(frame(number * len(meters) + place))
    _until(status_port, lambda page: page["once"] == (number + 1) * len(meters), "all frames")
    return time.monotonic() - begin


def _one_too_many(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), WAIT_SECS) as meter:
        try:
            if meter.recv(1):
                raise Fatal("BENCH_FAILED", where="connections", what="one too many was served", do="see accept.py")
        except ConnectionResetError:
            return


def _until(
    port: int, condition: Callable[[dict[str, Any]], bool], what: str, child: subprocess.Popen[bytes] | None = None
) -> dict[str, Any]:
    deadline, page = time.monotonic() + WAIT_SECS, None
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=WAIT_SECS) as answer:
                page = json.load(answer)
            if condition(page):
                return dict(page)
        except OSError:
            if child is not None and child.poll() is not None:
                break
        time.sleep(0.02)
    raise Fatal("BENCH_FAILED", where=what, what=f"not reached; the listener says {page}", do="see its output")


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def possible(connections: int) -> bool:
    """Whether this process may open so many."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return hard == resource.RLIM_INFINITY or hard >= connections + SPARE


def main(
    connections: Annotated[int, typer.Option(min=1, max=25_000, help="Connections, all from one address.")] = 10_000,
    certificate: Annotated[str, typer.Option(help="File of a certificate: over TLS.")] = "",
    key: Annotated[str, typer.Option(help="File of its key.")] = "",
    listen_port: Annotated[int, typer.Option("--listen", hidden=True)] = 0,
    status_port: Annotated[int, typer.Option(hidden=True)] = 0,
) -> None:
    """Measure, and print the figures as JSON; ends with 1 when a frame is missing or doubled."""
    if listen_port:
        import uvloop

        tls = {"certificate": certificate, "key": key}
        config = DlmsConfig.model_validate(
            {"listen": f"127.0.0.1:{listen_port}", "udp": False, "connections": connections, "tls": tls}
        )
        uvloop.run(listen(config, status_port))
        return
    figures = measure(connections, str(Path(certificate)) if certificate else "", key)
    typer.echo(json.dumps(asdict(figures), indent=1))
    if not figures.right:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
