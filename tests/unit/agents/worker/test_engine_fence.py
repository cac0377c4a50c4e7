"""Why Faust's inside is overridden: each test shows what it does by itself, and what the fence makes of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from faust.tables import TableManager
from faust.transport.drivers import aiokafka as driver

from agents.worker.app import make_app, source_of
from agents.worker.engine_fence import (
    FETCH_WAIT_MS,
    FULL_WAIT_SECS,
    FencedConsumer,
    FencedTables,
    FencedThread,
)
from agents.worker.settings import WorkerSettings
from tests.faults.toy import toy_plan


class Consumer:
    """Enough of a consumer for `_wait_next_records`; notes how long it would wait."""

    def __init__(self, active: set[str], full: set[str]) -> None:
        self.flow_active = True
        self.app = SimpleNamespace(client_only=False)
        self.not_waiting_next_records = SimpleNamespace(set=lambda: None)
        self._active, self._buffered_partitions = active, full
        self.waited: list[float] = []

    def _get_active_partitions(self) -> set[str]:
        return self._active

    async def sleep(self, secs: float) -> None:
        self.waited.append(secs)

    async def _getmany(self, active_partitions: set[str], **wait: float) -> dict[str, Any]:
        self.waited.append(wait["timeout"])
        return {}


async def waits(consumer_type: type, active: set[str], full: set[str]) -> float:
    consumer = Consumer(active, full)
    await consumer_type._wait_next_records(consumer, 1.0)
    return consumer.waited[0]


async def test_with_all_buffers_full_faust_sleeps_a_second_while_the_steps_run_dry() -> None:
    assert await waits(driver.Consumer, set(), {"p"}) == 1
    assert await waits(FencedConsumer, set(), {"p"}) == FULL_WAIT_SECS


async def test_with_one_full_buffer_faust_waits_a_second_for_the_partitions_that_are_empty() -> None:
    assert await waits(driver.Consumer, {"q"}, {"p"}) == 1
    assert await waits(FencedConsumer, {"q"}, {"p"}) == FULL_WAIT_SECS


async def test_with_nothing_full_it_waits_for_the_broker_as_faust_does() -> None:
    assert await waits(FencedConsumer, {"q"}, set()) == await waits(driver.Consumer, {"q"}, set()) == 1


async def test_faust_lets_the_broker_hold_an_empty_fetch_for_a_second_and_a_half(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Any] = []

    def consumer(**options: Any) -> Any:
        made.append(SimpleNamespace(_fetch_max_wait_ms=options["fetch_max_wait_ms"]))
        return made[-1]

    # The attribute is what aiokafka reads when the consumer starts.
    assert "_fetch_max_wait_ms" in driver.aiokafka.AIOKafkaConsumer.start.__code__.co_names
    monkeypatch.setattr(driver.aiokafka, "AIOKafkaConsumer", consumer)
    app = make_app(toy_plan("fence", "source", 4), WorkerSettings())
    for thread_type in (driver.AIOKafkaConsumerThread, FencedThread):
        thread = object.__new__(thread_type)
        thread.app, thread.consumer = app, SimpleNamespace(in_transaction=False)
        thread._create_worker_consumer(app.transport)
    assert [one._fetch_max_wait_ms for one in made] == [1500, FETCH_WAIT_MS]


class Start:
    """Enough of a table manager for `on_start`; notes what it does."""

    def __init__(self) -> None:
        self.did: list[object] = []
        self.should_stop = False
        self.recovery = SimpleNamespace(start=self.recover)

    async def sleep(self, secs: float) -> None:
        self.did.append(secs)

    async def _update_channels(self) -> None:
        self.did.append("channels")

    async def recover(self) -> None:
        self.did.append("recovery")


async def test_faust_sleeps_for_a_second_at_each_start_in_case_tables_are_made() -> None:
    theirs, mine = Start(), Start()
    await TableManager.on_start(theirs)  # type: ignore[arg-type]
    await FencedTables.on_start(mine)  # type: ignore[arg-type]
    assert theirs.did == [1.0, "channels", "recovery"]
    assert mine.did == ["channels", "recovery"]
    assert isinstance(make_app(toy_plan("fence", "source", 4), WorkerSettings()).tables, FencedTables)


async def test_the_app_acknowledges_nothing_and_commits_nothing_by_itself() -> None:
    app = make_app(toy_plan("fence", "source", 4), WorkerSettings())
    source = source_of(app, toy_plan("fence", "source", 4))
    assert source.acks is False
    assert app.conf.broker_commit_interval > 10**7
    assert app.conf.stream_wait_empty is False
    assert not app.tables


async def test_records_that_wait_are_bounded_by_bytes() -> None:
    settings = WorkerSettings(buffer_bytes=64 << 20, record_bytes=4 << 20)
    app = make_app(toy_plan("fence", "source", 4), settings)
    assert app.conf.stream_buffer_maxsize * settings.record_bytes <= settings.buffer_bytes


def test_metadata_in_which_the_topic_is_missing_is_not_believed_for_five_minutes() -> None:
    """A member that joins while its broker comes up is told that its topic is missing, and gets no partitions until it
    asks again (`kvarn bench faults`, broker killed: a worker that did nothing for 327 s)."""
    mine = make_app(toy_plan("app", "source", 1), WorkerSettings())
    assert faust.App("plain").conf.consumer_metadata_max_age_ms == 5 * 60 * 1000
    assert mine.conf.consumer_metadata_max_age_ms <= 10_000


class Log:
    """Enough of aiokafka's consumer for `seek_to_committed`: committed positions, and where it was told to go."""

    def __init__(self, committed: dict[str, int | None]) -> None:
        self._committed, self.sought = committed, {}
        self._subscription = SimpleNamespace(assigned_partitions=lambda: set(committed))
        self._fetcher = SimpleNamespace(seek_to=self.seek)

    async def committed(self, place: str) -> int | None:
        return self._committed[place]

    def seek(self, place: str, offset: int) -> None:
        self.sought[place] = offset

    async def seek_to_committed(self) -> dict[str, int | None]:
        return await driver.aiokafka.AIOKafkaConsumer.seek_to_committed(self)


@pytest.mark.parametrize(("thread_type", "sought"), [
    (driver.AIOKafkaConsumerThread, {"q": 7}),
    (FencedThread, {"p": 0, "q": 7}),
])  # fmt: skip
async def test_a_committed_position_of_0_is_gone_to_as_any_other(thread_type: type, sought: dict[str, int]) -> None:
    log, thread = Log({"p": 0, "q": 7, "r": None}), object.__new__(thread_type)

    async def call(function: Any, *arguments: Any) -> Any:
        found = function(*arguments)
        return await found if hasattr(found, "__await__") else found

    thread.call_thread, thread._ensure_consumer = call, lambda: log
    assert await thread.seek_to_committed() == {"p": 0, "q": 7, "r": None}
    assert log.sought == sought


def test_faust_makes_folders_where_it_is_started_and_a_worker_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    asyncio.run(faust.App("bare", store="memory://").on_first_start())
    assert [folder.name for folder in tmp_path.iterdir()] == ["bare-data"]
    asyncio.run(make_app(toy_plan("fence", "source", 4), WorkerSettings()).on_first_start())
    assert [folder.name for folder in tmp_path.iterdir()] == ["bare-data"]
