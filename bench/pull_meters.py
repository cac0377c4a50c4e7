"""`python -m bench.pull_meters`: thousands of meters asked for a day of intervals each, how many at once, at what cost.

The meters are light and in a process of their own (`bench.pull_server`): they answer each request after a wait, from a
table, without ciphering. The connector is the shipped one, with its journal, inbox and outlet in memory. While days are
read, some meters are asked by command too.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from bench.pull_server import FIRST_TIME, PERIOD_SECS
from connectors.dlms_pull.commands import Command, Result, State
from connectors.dlms_pull.config import DlmsPullConfig
from connectors.dlms_pull.connector import Puller, Topics
from connectors.dlms_pull.journal import MemoryJournal
from connectors.dlms_pull.keys import KeySource
from connectors.dlms_pull.offsets import Offsets
from connectors.gather.config import GatherOptions
from connectors.gather.gatherer import Gathered
from connectors.gather.open_files import let_open
from connectors.gather.pump import Pump
from pipeline.errors import Fatal
from pipeline.reference import FOREVER, Registry

FIRST_DEVICE = 0x4B56_4900_0000_0001
ROWS = 96
INTEGERS = 2
"""Template of meters that send integers."""
LOOK_SECS, RUN_SECS, START_SECS = 0.1, 1800.0, 60.0
COMMANDS, COMMAND_SECS = 20, 1.0
"""Commands while days are read, and the wait between two."""


@dataclass
class Outlet:
    """Takes frames and says at once that they are safe."""

    waiting_octets: int = 0
    frames: int = 0
    _done: list[Callable[[], None]] = field(default_factory=list)

    def send(self, gathered: Gathered, done: Callable[[], None]) -> None:
        """See connectors.gather.outlet."""
        self.frames += sum(len(batch.length) for batch in gathered.batches.values())
        self._done.append(done)

    def poll(self) -> None:
        """See connectors.gather.outlet."""
        done, self._done = self._done, []
        for one in done:
            one()


class Inbox:
    """Commands in memory; `put` adds one."""

    def __init__(self) -> None:
        self.offsets = Offsets()
        self._waiting: list[Command] = []
        self._next = 0

    def put(self, command: Command) -> None:
        """One more command."""
        self._waiting.append(command)

    async def read(self, most: int) -> list[tuple[int, int, Command]]:
        """See connectors.dlms_pull.connector.Inbox."""
        await asyncio.sleep(0.05)
        taken, self._waiting = self._waiting[:most], self._waiting[most:]
        found = []
        for command in taken:
            self.offsets.take(0, self._next)
            found.append((0, self._next, command))
            self._next += 1
        return found

    async def commit(self) -> None:
        """Nothing is kept."""


@dataclass(frozen=True)
class Figures:
    """What was seen. CPU is the connector's, a meter: an association with a day's rows; octets what its process
    has more at the most."""

    meters: int
    gateways: int
    bound_at_a_gateway: int
    delay_ms: int
    seconds: float
    days_per_s: float
    rows: int
    frames: int
    failed: int
    most_open: int
    most_at_a_gateway: int
    answers: int
    cpu_ms_per_meter: float
    octets_per_meter: int
    command_secs_median: float
    command_secs_worst: float
    commands_done: int

    @property
    def right(self) -> bool:
        """Every day came whole, once, and no gateway had more than its bound."""
        whole = (self.rows, self.failed, self.commands_done) == (ROWS * self.meters, 0, COMMANDS)
        return whole and self.most_at_a_gateway <= self.bound_at_a_gateway


def registry(meters: int) -> Registry:
    """All meters, each at a service point of its own."""
    columns = {column.name: column.empty(meters if column.section == "link" else 0) for column in Registry.COLUMNS}
    for place in range(meters):
        columns["device"][place], columns["service_point"][place] = FIRST_DEVICE + place, 1 + place
    columns["valid_to"][:], columns["template"][:] = FOREVER, INTEGERS
    columns["interval_secs"][:] = PERIOD_SECS
    columns["factor_numerator"][:] = columns["factor_denominator"][:] = 1
    return Registry(**columns)


@contextmanager
def light_meters(gateways: int, delay_secs: float) -> Iterator[tuple[list[int], Callable[[], dict[str, int]]]]:
    """Ports of gateways, and what ends them and says what they saw."""
    order = json.dumps({"gateways": gateways, "delay_secs": delay_secs, "rows": ROWS})
    child = subprocess.Popen(
        [sys.executable, "-m", "bench.pull_server", order], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    assert child.stdout is not None

    def line() -> dict[str, Any]:
        assert child.stdout is not None
        said = child.stdout.readline()
        if not said:
            raise Fatal("BENCH_FAILED", where="meters", what="their process ended", do="see its output")
        found: dict[str, Any] = json.loads(said)
        return found

    def end() -> dict[str, int]:
        assert child.stdin is not None
        child.stdin.close()
        return line()

    try:
        yield line()["ports"], end
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


async def asked(folder: Path, meters: int, ports: list[int], bound: int) -> dict[str, Any]:
    """A day of each meter by the filler, commands meanwhile; what the connector's process took."""
    process, stop, pumping_stop = psutil.Process(), asyncio.Event(), asyncio.Event()
    await asyncio.sleep(0)
    bare = process.memory_info().rss
    (folder / "meters.csv").write_text("device,address,authentication,protection\n" + "".join(
        f"{FIRST_DEVICE + place:016X},127.0.0.1:{ports[place % len(ports)]},none,none\n" for place in range(meters)
    ))  # fmt: skip
    (folder / "gaps.csv").write_text("device,from,to\n" + "".join(
        f"{FIRST_DEVICE + place:016X},{FIRST_TIME},{FIRST_TIME + 86_400}\n" for place in range(meters)
    ))  # fmt: skip
    config = DlmsPullConfig.model_validate({
        "meters": str(folder / "meters.csv"), "connections": meters, "connections_per_gateway": bound,
        "gaps": {"file": str(folder / "gaps.csv"), "attempts": 1}, "gather": GatherOptions(batch_age_ms=100),
    })  # fmt: skip
    outlet, inbox, results = Outlet(), Inbox(), dict[str, tuple[float, Result]]()
    pump = Pump(registry(meters), 4, outlet, config.gather, lambda: int(time.time()))

    async def answer(result: Result) -> None:
        if result.state not in (State.ACCEPTED, State.RUNNING):
            results[result.id] = (time.monotonic(), result)

    puller = Puller(config, pump, Topics(inbox, MemoryJournal(), answer), KeySource(folder, bytes(32)), stop)
    pumping = asyncio.ensure_future(pump.run(pumping_stop))
    begin, spent = time.monotonic(), _cpu(process)
    work, given = asyncio.ensure_future(puller.run()), dict[str, float]()
    most_rss = 0
    async with asyncio.timeout(RUN_SECS):
        while puller.filler.counts.asked < meters or len(results) < COMMANDS:
            await asyncio.sleep(LOOK_SECS)
            if work.done():
                work.result()
            most_rss = max(most_rss, process.memory_info().rss)
            now = time.monotonic()
            if len(given) < COMMANDS and now - begin > COMMAND_SECS * (1 + len(given)):
                number = len(given)
                device = FIRST_DEVICE + number * meters // COMMANDS
                given[f"c{number}"] = now
                until = int(time.time()) + 3600
                inbox.put(Command(f"c{number}", f"{device:016X}", "ping", {}, until - 3600, until, ""))
    seconds, spent = time.monotonic() - begin, _cpu(process) - spent
    stop.set()
    await work
    pumping_stop.set()
    await pumping
    waits = [results[name][0] - at for name, at in given.items()]
    return {
        "seconds": round(seconds, 1), "days_per_s": round(meters / seconds, 1), "rows": puller.filler.counts.rows,
        "frames": outlet.frames, "failed": puller.filler.counts.failed,
        "cpu_ms_per_meter": round(1e3 * spent / meters, 1),
        "octets_per_meter": max(0, most_rss - bare) // meters,
        "command_secs_median": round(statistics.median(waits), 2), "command_secs_worst": round(max(waits), 2),
        "commands_done": sum(result.state is State.DONE for _, result in results.values()),
    }  # fmt: skip


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def measure(meters: int, gateways: int, bound: int, delay_ms: int) -> Figures:
    """Raises ConfigError when this process may not open as many, Fatal when the meters' process ends."""
    let_open(meters)
    with light_meters(gateways, delay_ms / 1e3) as (ports, end), tempfile.TemporaryDirectory(prefix="kvarn-") as folder:
        found = asyncio.run(asked(Path(folder), meters, ports, bound))
        seen = end()
    return Figures(
        meters, gateways, bound, delay_ms, most_open=seen["most_open"], most_at_a_gateway=seen["most_at_a_gateway"],
        answers=seen["answers"], **found,
    )  # fmt: skip


def main(
    meters: Annotated[int, typer.Option(min=COMMANDS, max=15_000, help="Meters.")] = 2000,
    gateways: Annotated[int, typer.Option(min=1, max=1000, help="Gateways that they stand behind.")] = 40,
    bound: Annotated[int, typer.Option(min=2, help="Associations at a gateway at most.")] = 8,
    delay_ms: Annotated[int, typer.Option(min=0, help="Wait of a meter before each answer.")] = 200,
) -> None:
    """Measure, and print a line of JSON; ends with 1 when a day did not come whole, or a gateway had too many."""
    found = measure(meters, gateways, bound, delay_ms)
    typer.echo(json.dumps(asdict(found)))
    if not found.right:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
