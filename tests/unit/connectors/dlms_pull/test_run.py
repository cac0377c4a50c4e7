"""The pull connector as a whole, run like any other: its broker in memory, and no meter in reach."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from connectors import runner
from connectors.dlms_pull import kafka
from connectors.dlms_pull.commands import Command, Result
from connectors.dlms_pull.config import DlmsPullConfig
from connectors.dlms_pull.journal import MemoryJournal
from connectors.gather.brake import Written
from connectors.gather.config import GatherOptions
from connectors.runner import Environment, run_connector
from pipeline.errors import ConfigError, Fatal
from schemas.load import load_contracts
from tests.integration.dlms_pull.scene import Inbox
from tests.unit.connectors.test_gather import TITLE
from tests.unit.connectors.test_push import MemoryOutlet, until
from tests.unit.connectors.test_runner import Versions

DEVICE = f"{TITLE + 1:016X}"


class Outlet(MemoryOutlet):
    """As the runner wants it."""

    written = Written()

    def flush(self) -> int:
        return 0


class Memory:
    """Topics of one connector; `broken`: the journal cannot be written any more."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.results: list[Result] = []
        self.inbox: Any = None
        self.broken = asyncio.Event()
        memory = self

        class Commands(Inbox):
            def __init__(self, *_more: Any) -> None:
                super().__init__(memory.commands)
                memory.inbox = self

            async def open(self) -> None: ...

            async def close(self) -> None: ...

        class Journal(MemoryJournal):
            def __init__(self, *_more: Any) -> None:
                super().__init__()

            async def open(self) -> None: ...

            async def run(self) -> None:
                await memory.broken.wait()
                raise Fatal("JOURNAL_NOT_WRITTEN", where="pull-journal", what="fenced", do="look")

        class Results:
            def __init__(self, *_more: Any) -> None: ...

            async def answer(self, result: Result) -> None:
                memory.results.append(result)

            def poll(self) -> None: ...

        self.parts = {"CommandTopic": Commands, "KafkaJournal": Journal, "ResultTopic": Results}


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    made, versions = Memory(), Versions()
    versions.know(TITLE + 1)
    for name, part in made.parts.items():
        monkeypatch.setattr(kafka, name, part)
    monkeypatch.setattr(runner, "KafkaOutlet", lambda *_more: Outlet())
    monkeypatch.setattr(runner, "KafkaReferences", lambda *_more: versions)
    monkeypatch.setattr(runner, "REGISTRY_POLL_SECS", 0.01)
    return made


def options(folder: Path, address: str) -> DlmsPullConfig:
    (folder / "meters.csv").write_text(f"device,address,authentication,protection\n{DEVICE},{address},none,none\n")
    return DlmsPullConfig.model_validate({
        "meters": str(folder / "meters.csv"), "retry": {"attempts": 1}, "gather": GatherOptions(batch_age_ms=5),
    })  # fmt: skip


def started(folder: Path, stop: asyncio.Event, address: str = "127.0.0.1:1") -> asyncio.Future[None]:
    environment = Environment("nowhere:1", load_contracts(), 4, key_folder=folder)
    return asyncio.ensure_future(run_connector("pull", options(folder, address), environment, stop))


async def test_it_answers_what_it_finds_and_ends_when_it_is_told_to(memory: Memory, tmp_path: Path) -> None:
    memory.commands += [
        Command("old", DEVICE, "ping", {}, 1, 2, "tests"),
        Command("new", DEVICE, "disconnect", {}, 1, 2**33, "tests"),
        Command("far", DEVICE, "ping", {}, 1, int(runner.time.time()) + 60, "tests"),
    ]
    stop = asyncio.Event()
    running = started(tmp_path, stop)
    await until(lambda: sum(result.state not in ("ACCEPTED", "RUNNING") for result in memory.results) == 3)
    stop.set()
    await asyncio.wait_for(running, 10)
    assert [(result.id, result.code) for result in memory.results if result.code] == [
        ("old", "EXPIRED"), ("new", "EXPIRES_FORM"), ("far", "NOT_REACHED"),
    ]  # fmt: skip
    assert memory.inbox.committed == 3


async def test_a_meter_that_is_being_asked_does_not_hold_up_the_end_and_its_command_is_begun_again(
    memory: Memory, tmp_path: Path
) -> None:
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        asked.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port, stop = server.sockets[0].getsockname()[1], asyncio.Event()
    memory.commands.append(Command("c1", DEVICE, "disconnect", {}, 1, int(runner.time.time()) + 60, "tests"))
    running = started(tmp_path, stop, f"127.0.0.1:{port}")
    await asyncio.wait_for(asked.wait(), 10)
    stop.set()
    await asyncio.wait_for(running, 10)
    server.close()
    assert [str(result.state) for result in memory.results] == ["ACCEPTED"]
    assert memory.inbox.committed == 0


async def test_it_ends_when_its_journal_cannot_be_written(memory: Memory, tmp_path: Path) -> None:
    running = started(tmp_path, asyncio.Event())
    await until(lambda: memory.inbox is not None)
    memory.broken.set()
    with pytest.raises(Fatal, match="JOURNAL_NOT_WRITTEN"):
        await asyncio.wait_for(running, 10)


async def test_without_its_list_of_meters_it_does_not_start(memory: Memory, tmp_path: Path) -> None:
    config = DlmsPullConfig(meters=str(tmp_path / "nothing.csv"))
    environment = Environment("nowhere:1", load_contracts(), 4, key_folder=tmp_path)
    with pytest.raises(ConfigError, match="FILE_UNREADABLE"):
        await asyncio.wait_for(run_connector("pull", config, environment, asyncio.Event()), 10)


async def test_without_its_library_it_does_not_start(
    memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "connectors.dlms_pull.connector", None)
    with pytest.raises(ConfigError, match="PULL_EXTRA_MISSING"):
        await asyncio.wait_for(started(tmp_path, asyncio.Event()), 10)
