"""Puts the parts together: commands from a topic, missing intervals from a list, frames into the pump."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import structlog

from connectors.dlms_pull import gaps as gap_list
from connectors.dlms_pull.backoff import window
from connectors.dlms_pull.commander import Around, Commander
from connectors.dlms_pull.commands import Command, Known, Result, forgotten
from connectors.dlms_pull.config import DlmsPullConfig
from connectors.dlms_pull.counters import Counters
from connectors.dlms_pull.files import WatchedFile
from connectors.dlms_pull.filler import Filler, Surroundings
from connectors.dlms_pull.gateways import Gateways
from connectors.dlms_pull.journal import Journal
from connectors.dlms_pull.keys import KeySource
from connectors.dlms_pull.layouts import Layouts
from connectors.dlms_pull.meters import Meter, read_meters, read_passwords
from connectors.dlms_pull.offsets import Offsets
from connectors.dlms_pull.profiles import ProfileReader, template_of
from connectors.dlms_pull.sessions import Limits, Sessions
from connectors.dlms_pull.transport import failed
from connectors.gather.open_files import let_open
from connectors.gather.pump import Pump
from pipeline.runtime.moments import Moments
from pipeline.templates import Template
from pipeline.wire import Contracts

REFRESH_SECS = 2.0
FORGET_SECS = 60.0
COMMIT_SECS = 1.0
FULL_SECS = 0.05

log = structlog.get_logger()


class Inbox(Protocol):
    """Commands, in the order of their partitions."""

    offsets: Offsets

    async def read(self, most: int) -> list[tuple[int, int, Command]]:
        """(partition, offset, command) of some that have come; waits a little for the first."""

    async def commit(self) -> None:
        """Everything before the first that is not finished is never read again."""


@dataclass(frozen=True)
class Topics:
    """What the connector has of a broker; in tests all of it is in memory."""

    inbox: Inbox
    journal: Journal
    answer: Callable[[Result], Awaitable[None]]


@dataclass(frozen=True)
class Place:
    """Where this process runs."""

    name: str
    bootstrap: str
    contracts: Contracts
    key_folder: Path
    master_key: bytes | None
    moments: Moments


class Puller:
    """One connector process."""

    def __init__(
        self, config: DlmsPullConfig, pump: Pump, topics: Topics, keys: KeySource, stop: asyncio.Event,
        now: Callable[[], float] = time.time, chance: Callable[[], float] = random.random,
        reach: Callable[[str], None] = lambda _moment: None,
    ) -> None:  # fmt: skip
        self._config, self._pump, self._topics, self._keys, self._stop = config, pump, topics, keys, stop
        self._now = now
        self._meter_file = WatchedFile(config.meters, read_meters)
        self._password_file = WatchedFile(config.passwords, read_passwords, secret=True) if config.passwords else None
        self._gap_file = WatchedFile(
            config.gaps.file, lambda text: gap_list.read_gaps(text, config.clock_offset_secs)
        ) if config.gaps.file else None  # fmt: skip
        self._meters: dict[int, Meter] = {}
        self._passwords: dict[int, bytes] = {}
        self.gateways = Gateways(config.connections, config.connections_per_gateway)
        sessions = Sessions(
            self.gateways, Counters(topics.journal, config.counter_jump), keys.of,
            lambda device: self._passwords.get(device, b""), bytes.fromhex(config.client_title),
            Limits(config.connect_secs, config.answer_secs, config.association_secs),
        )  # fmt: skip
        self.layouts = Layouts(topics.journal, now)
        reader = ProfileReader(self.layouts, config.clock_offset_secs, config.gather.frame_bytes, now)
        self.commander = Commander(
            Around(sessions, topics.journal, reader, lambda device: self._meters.get(device), self._template,
                   self._deliver, topics.answer, now, chance, asyncio.sleep, reach),
            config.retry, config.clock_offset_secs,
        )  # fmt: skip
        # A place is left to commands, in all and at each gateway: nobody waits for a switch until a day has been read.
        self.filler = Filler(
            Surroundings(sessions, topics.journal, reader, lambda: self._meters, self._template, self._deliver,
                         self._listed, now, chance),
            gap_list.Agenda(config.gaps), window(config.gaps.window, config.clock_offset_secs),
            *(max(1, places - 1) for places in (config.connections, config.connections_per_gateway)),
        )  # fmt: skip
        self._running: dict[asyncio.Task[None], Command] = {}
        self.finished = 0

    def counts(self) -> dict[str, Any]:
        """For the status page."""
        return {
            "meters": len(self._meters), "meters_dirty": len(self._meter_file.dirty),
            "associations": self.gateways.open, "layouts_learned": self.layouts.learned,
            "commands_waiting": self._topics.inbox.offsets.waiting, "commands_finished": self.finished,
            "gap_days_asked": self.filler.counts.asked, "gap_rows": self.filler.counts.rows,
            "gap_days_failed": self.filler.counts.failed, "gap_days_given_up": self.filler.counts.given_up,
        }  # fmt: skip

    async def run(self, ready: asyncio.Event | None = None) -> None:
        """Until `stop`; commands whose intent is recorded are brought to their end, within their time limits."""
        self._meters = self._meter_file.needed()
        if self._password_file is not None:
            self._passwords = self._password_file.needed()
        self._keys.refresh()
        works = (self._commands(), self._commits(), self._refreshes(), self._forgets(), self.filler.run(self._stop))
        tasks = [asyncio.ensure_future(work) for work in works]
        if ready is not None:
            ready.set()
        log.info("pulling", connector="dlms_pull", meters=len(self._meters))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in (*tasks, *self._running):
                task.cancel()
            await asyncio.gather(*tasks, *self._running, return_exceptions=True)

    # ---------------------------------------------------------------------------------------------- commands

    async def _commands(self) -> None:
        inbox = self._topics.inbox
        while not self._stop.is_set():
            self._raise_failed()
            room = self._config.commands_at_once - inbox.offsets.waiting
            if room <= 0:
                await asyncio.sleep(FULL_SECS)
                continue
            for partition, offset, command in await inbox.read(room):
                self._begin(partition, offset, command)
        # What acts on a meter is not left in the middle; everything else is begun again by the next process.
        for task, command in self._running.items():
            if command.id not in self.commander.acting:
                task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await inbox.commit()

    def _begin(self, partition: int, offset: int, command: Command) -> None:
        async def handle() -> None:
            await self.commander.handle(command)
            self._topics.inbox.offsets.finish(partition, offset)
            self.finished += 1

        self._running[asyncio.ensure_future(handle())] = command

    def _raise_failed(self) -> None:
        """Take the tasks that have ended out; raises what one of them failed with."""
        for task in [task for task in self._running if task.done()]:
            del self._running[task]
            if not task.cancelled():
                task.result()

    async def _commits(self) -> None:
        while await self._pause(COMMIT_SECS):
            await self._topics.inbox.commit()

    async def _forgets(self) -> None:
        while await self._pause(FORGET_SECS):
            for key, record in self._topics.journal.under("command/").items():
                if forgotten(Known.of(record), int(self._now()), self._config.keep_secs):
                    await self._topics.journal.put(key, None)

    async def _refreshes(self) -> None:
        while await self._pause(REFRESH_SECS):
            # A list without a usable row is an accident, not the end of the fleet.
            meters = await asyncio.to_thread(self._meter_file.changed)
            self._meters = meters or self._meters
            if self._password_file is not None:
                passwords = await asyncio.to_thread(self._password_file.changed)
                self._passwords = passwords or self._passwords
            await asyncio.to_thread(self._keys.refresh)

    async def _pause(self, secs: float) -> bool:
        """False when it is time to stop."""
        try:
            await asyncio.wait_for(self._stop.wait(), secs)
        except TimeoutError:
            return True
        return False

    # ------------------------------------------------------------------------------------------------ outside

    def _template(self, device: int) -> Template:
        return template_of(self._pump.registry, device, int(self._now()))

    def _listed(self) -> list[gap_list.Gap] | None:
        return self._gap_file.changed() if self._gap_file is not None else None

    async def _deliver(self, device: int, frames: tuple[bytes, ...]) -> None:
        """Frames into the pump; returns when Kafka has them."""
        if not frames:
            return
        if not await self._pump.room(self._stop):
            raise failed("STOPPING", "connector", "it stops, and Kafka takes nothing")
        safe: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lengths = np.array([len(frame) for frame in frames], np.uint32)
        ends = np.cumsum(lengths, dtype=np.int64)
        self._pump.offer(
            np.frombuffer(b"".join(frames), np.uint8), ends - lengths, lengths, device,
            lambda: None if safe.done() else safe.set_result(None),
        )  # fmt: skip
        await safe


async def run(
    config: DlmsPullConfig, pump: Pump, place: Place, stop: asyncio.Event, ready: asyncio.Event | None = None,
    told: Callable[[Callable[[], dict[str, Any]]], None] = lambda _counts: None,
) -> None:  # fmt: skip
    """Run on Kafka until `stop`; `told` is given what counts."""
    from connectors.dlms_pull.kafka import CommandTopic, KafkaJournal, ResultTopic, polled

    let_open(config.connections)
    journal = KafkaJournal(place.bootstrap, config.journal, place.name)
    await journal.open()
    inbox = CommandTopic(place.bootstrap, config.commands, place.contracts, f"kvarn-pull-{place.name}")
    await inbox.open()
    results = ResultTopic(place.bootstrap, config.results, place.contracts, place.name)
    puller = Puller(config, pump, Topics(inbox, journal, results.answer), KeySource(place.key_folder, place.master_key),
                    stop, reach=place.moments.reach)  # fmt: skip
    told(puller.counts)
    ended = asyncio.Event()
    work = asyncio.ensure_future(puller.run(ready))
    others = [asyncio.ensure_future(journal.run()), asyncio.ensure_future(polled(results.poll, ended))]
    try:
        await asyncio.wait({work, *others}, return_when=asyncio.FIRST_COMPLETED)
        for task in (*others, work):
            if task.done():
                task.result()
        await work
    finally:
        ended.set()
        for task in (work, *others):
            task.cancel()
        await asyncio.gather(work, *others, return_exceptions=True)
        await inbox.close()
