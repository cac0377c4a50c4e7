"""A pull connector without a broker: its topics, its pump's outlet and its clock are here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from connectors.dlms_pull.commands import Command, Result
from connectors.dlms_pull.config import DlmsPullConfig
from connectors.dlms_pull.connector import Puller, Topics
from connectors.dlms_pull.journal import MemoryJournal
from connectors.dlms_pull.keys import KeySource
from connectors.dlms_pull.meters import PROTECTIONS, Meter
from connectors.dlms_pull.offsets import Offsets
from connectors.gather.config import GatherOptions
from connectors.gather.pump import Pump
from pipeline.keystore import key_ring, seal
from tests.builders_frames import Link, references
from tests.integration.dlms_pull.process import DEVICE
from tests.unit.connectors.test_push import MemoryOutlet

MASTER = bytes(range(32))
ENCRYPTION, AUTHENTICATION = bytes(range(16)), bytes(range(0xD0, 0xE0))
NOW = 1_751_400_000.0
POINT = 77
NAMES = {control: name for name, control in PROTECTIONS.items()}
INTEGERS = 2
"""Template of a meter that sends integers, as the meter of these tests does."""


async def until(true: Callable[[], bool]) -> None:
    """Wait; whoever calls bounds it."""
    while not true():  # noqa: ASYNC110  what is waited for has no event
        await asyncio.sleep(0.01)


class Inbox:
    """The topic of commands in memory; one partition."""

    def __init__(self, commands: list[Command] | None = None) -> None:
        self.offsets = Offsets()
        self.commands = commands or []
        self.committed = 0
        self._next = 0

    async def read(self, most: int) -> list[tuple[int, int, Command]]:
        await asyncio.sleep(0.005)
        found = []
        for offset in range(self._next, min(len(self.commands), self._next + most)):
            self.offsets.take(0, offset)
            found.append((0, offset, self.commands[offset]))
        self._next += len(found)
        return found

    async def commit(self) -> None:
        self.committed = self.offsets.done().get(0, 0)


class Scene:
    """Everything that outlives a process of the connector, and what it sent."""

    def __init__(self, folder: Path, *meters: Meter, password: str = "12345678", **options: Any) -> None:
        self.folder, self.log = folder, []
        self.inbox_commands: list[Command] = []
        self.results: list[Result] = []
        self.outlet = MemoryOutlet()
        self.now = NOW
        rows = [f"{m.device:016X},{m.address},{m.framing},{m.client},{m.server},{m.authentication},"
                f"{NAMES[m.protection]},{m.counter_object},{m.logical_device_name}"
                for m in meters]  # fmt: skip
        (folder / "meters.csv").write_text(
            "device,address,framing,client,server,authentication,protection,counter_object,logical_device_name\n"
            + "\n".join(rows) + "\n"
        )  # fmt: skip
        (folder / "passwords.csv").write_text("".join(f"{m.device:016X},{password}\n" for m in meters))
        (folder / "passwords.csv").chmod(0o600)
        self.devices = sorted({m.device for m in meters} or {DEVICE})
        ring = key_ring(np.array(self.devices, np.uint64), *(
            np.frombuffer(key * len(self.devices), np.uint8).reshape(-1, 16) for key in (ENCRYPTION, AUTHENTICATION)
        ))  # fmt: skip
        (folder / "a.keys").write_bytes(seal(ring, MASTER))
        quick: dict[str, Any] = {
            "connect_secs": 2.0, "answer_secs": 2.0, "association_secs": 10.0,
            "retry": {"attempts": 2, "first_secs": 0.01, "most_secs": 0.01},
        }  # fmt: skip
        self.config = DlmsPullConfig.model_validate({
            "meters": str(folder / "meters.csv"), "passwords": str(folder / "passwords.csv"),
            "gather": GatherOptions(batch_age_ms=5), **quick, **options,
        })  # fmt: skip

    @property
    def registry(self) -> Any:
        links = [Link(device, POINT + place, INTEGERS) for place, device in enumerate(self.devices)]
        return references(links).registry

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Puller]:
        """A process of the connector; what it leaves is in the log."""
        stop, pumping = asyncio.Event(), asyncio.Event()
        pump = Pump(self.registry, 4, self.outlet, self.config.gather, lambda: int(self.now))
        self.inbox = Inbox(self.inbox_commands)

        async def answer(result: Result) -> None:
            self.results.append(result)

        topics = Topics(self.inbox, MemoryJournal(self.log), answer)
        puller = Puller(self.config, pump, topics, KeySource(self.folder, MASTER), stop, lambda: self.now, lambda: 0.5)
        pumps, ready = asyncio.ensure_future(pump.run(pumping)), asyncio.Event()
        work = asyncio.ensure_future(puller.run(ready))
        await asyncio.wait({work, asyncio.ensure_future(ready.wait())}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
        try:
            yield puller
        finally:
            stop.set()
            await work
            pumping.set()
            await pumps

    def command(self, kind: str, number: int = 1, device: int = DEVICE, **arguments: str) -> Command:
        return Command(f"c{number}", f"{device:016X}", kind, arguments, int(NOW), int(NOW) + 3600, "tests")

    def finals(self) -> list[Result]:
        return [result for result in self.results if result.state not in ("ACCEPTED", "RUNNING")]

    async def run(self, *commands: Command, secs: float = 20.0) -> list[Result]:
        """A process that runs these commands and ends; their final results in the order of the commands."""
        self.inbox_commands += commands
        async with self.running() as puller, asyncio.timeout(secs):
            await until(lambda: puller.finished >= len(self.inbox_commands))
        found = {result.id: result for result in self.finals()}
        return [found[command.id] for command in commands]
