"""Asks meters for what is missing: the agenda says what is due, this runs it, a task a meter."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import structlog

from connectors.dlms_pull.backoff import Chance, Window
from connectors.dlms_pull.client import Refused
from connectors.dlms_pull.commands import Range
from connectors.dlms_pull.gaps import Agenda, Gap, Tried, choose
from connectors.dlms_pull.journal import Journal
from connectors.dlms_pull.meters import Meter
from connectors.dlms_pull.profiles import ProfileReader
from connectors.dlms_pull.sessions import Door, Talk
from connectors.dlms_pull.transport import NoAnswer
from pipeline.errors import Transient
from pipeline.templates import Template

LOOK_SECS, SOON_SECS = 1.0, 0.1
"""How often the list is looked at, and how soon the place of a meter that is done with is given to the next."""
BEHIND_SECS, GROWTH = 0.1, 5
"""While this process is so far behind no meter is begun, not even for one that is done with; else in a turn so many
more than are done with. Commands share its CPU, and each of their answers would wait for one of every meter that is
read."""

log = structlog.get_logger()


@dataclass
class FillCounts:
    """Since the start: days asked for, rows that came, days that could not be read; and how many are given up now."""

    asked: int = 0
    rows: int = 0
    failed: int = 0
    given_up: int = 0


@dataclass(frozen=True)
class Surroundings:
    """What the filler works with."""

    door: Door
    journal: Journal
    reader: ProfileReader
    meters: Callable[[], dict[int, Meter]]
    template: Callable[[int], Template]
    deliver: Callable[[int, tuple[bytes, ...]], Awaitable[None]]
    listed: Callable[[], list[Gap] | None]
    """The list of what is missing when it has changed, else None."""
    now: Callable[[], float]
    chance: Chance


class Filler:
    """Runs the agenda until it is stopped."""

    def __init__(self, around: Surroundings, agenda: Agenda, window: Window, total: int, each: int) -> None:
        self._around, self._agenda, self._window = around, agenda, window
        self._total, self._each = total, each
        self._running: dict[int, asyncio.Task[None]] = {}
        self._failure: BaseException | None = None
        self._behind, self._waiting, self._ended = False, False, 0
        """Whether the loop is late, whether a meter might be begun before the list is looked at again, and how many
        have ended since some were begun."""
        self.counts = FillCounts()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; what is being read then is broken off, and asked for again by the next process."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        try:
            while not stop.is_set():
                if loop.time() >= due:
                    await self.look()
                    due = loop.time() + LOOK_SECS
                elif self._waiting:
                    self._begin()
                wakes = loop.time() + SOON_SECS
                try:
                    await asyncio.wait_for(stop.wait(), SOON_SECS)
                except TimeoutError:
                    self._behind = loop.time() - wakes > BEHIND_SECS
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def look(self) -> None:
        """Take the list over if it has changed, and begin what is due and has room; raises what ends the process."""
        # Off the event loop: the list of a bad day is long.
        listed = await asyncio.to_thread(self._around.listed)
        if listed is not None:
            await self._take(listed)
        self._begin()

    def _begin(self) -> None:
        if self._failure is not None:
            raise self._failure
        most, self._ended = self._ended + GROWTH, 0
        if self._behind:
            return
        self._waiting = False
        now = self._around.now()
        if self._window.delay(now) > 0 or len(self._running) >= self._total:
            return
        meters = self._around.meters()
        addresses = {device: meters[device].address for device in self._agenda.gaps if device in meters}
        due = self._agenda.due(now)
        total = min(self._total, len(self._running) + most)
        chosen = choose(due, addresses, self._running.keys(), total, self._each)
        self._waiting = len(chosen) == most
        for device in chosen:
            task = asyncio.ensure_future(self._fill(meters[device], self._agenda.due_of(device, now)))
            self._running[device] = task
            task.add_done_callback(partial(self._over, device))

    async def _take(self, listed: list[Gap]) -> None:
        tried = {key: Tried(int(record["attempts"]), float(record["due"]))
                 for key, record in self._around.journal.under("gap/").items()}  # fmt: skip
        self._agenda.take(listed, tried)
        self.counts.given_up = self._agenda.given_up
        wanted = {gap.key for gap in listed}
        forgotten = [key for key in tried if key not in wanted]
        await asyncio.gather(*(self._around.journal.put(key, None) for key in forgotten))

    def _over(self, device: int, task: asyncio.Task[None]) -> None:
        del self._running[device]
        self._waiting = True
        self._ended += 1
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()

    async def idle(self) -> None:
        """Wait until nothing is being read; for tests."""
        while self._running:
            await asyncio.wait(list(self._running.values()))

    async def _fill(self, meter: Meter, gaps: list[Gap]) -> None:
        """All days of one meter in one association. Each counts as asked for once, whatever comes of it."""
        left = list(gaps)
        try:
            template = self._around.template(meter.device)
            async with self._around.door.session(meter) as talk:
                while left:
                    await self._read(talk, meter, template, left[0])
                    await self._asked(left.pop(0))
        except (NoAnswer, Refused, Transient, ValueError, ArithmeticError, OSError) as error:
            # NoShape, DeviceUnknown and FrameError are ValueErrors; one meter's answer does not end the others' work.
            self.counts.failed += len(left)
            log.info(
                "missing intervals not read", device=f"{meter.device:016X}", days=len(left), reason=str(error)[:200]
            )
            for gap in left:
                await self._asked(gap)

    async def _read(self, talk: Talk, meter: Meter, template: Template, gap: Gap) -> None:
        asked = Range(self._agenda.options.profile, gap.first, gap.last, by_time=True)
        pulled = await self._around.reader.read(talk, meter, template, asked)
        await self._around.deliver(meter.device, pulled.frames)
        self.counts.rows += pulled.rows

    async def _asked(self, gap: Gap) -> None:
        self.counts.asked += 1
        tried = self._agenda.asked(gap, self._around.now(), self._around.chance)
        self.counts.given_up += tried.attempts == self._agenda.options.attempts
        await self._around.journal.put(gap.key, {"attempts": tried.attempts, "due": tried.due})
