"""The shell around the steps: records to their owners, checkpoints in order, rebalances, the end.

The event loop decides; the steps run on one thread, restores and transactions on others. Whatever goes wrong ends the
process: the next start goes on from the checkpoint.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from faust.types import TP

from agents.worker.owner import Owner, Work
from agents.worker.watchdog import Broker, Watchdog
from pipeline.errors import Fatal
from pipeline.runtime.memory import give_back
from pipeline.runtime.saved import ChainCopy

log = structlog.get_logger("kvarn.worker")

LOOK_SECS = 0.02
"""How often it looks whether a checkpoint is due, and whether outputs are acknowledged."""

VAULT_THREADS = 24

TIDY_SECS = 3.0
"""Between two times that freed memory is given back: ticks and checkpoints leave more behind than frames need."""

AHEAD = 8
"""Records that the thread of the steps is given before the first of them is done: on a busy machine it would otherwise
stand idle between two records until the event loop gets a CPU."""


class Shell:
    """What the Faust app calls. `end` ends the process with the reason; it does not return."""

    def __init__(self, app: Any, work: Work, end: Callable[[BaseException], None]) -> None:
        self.app = app
        self.owners: dict[int, Owner] = {}
        self._work = work
        self._end = end
        self._steps = ThreadPoolExecutor(1, "steps")
        # To fence is to wait; how many restore at a time is `restoring`'s business.
        self._vaults = ThreadPoolExecutor(VAULT_THREADS, "vault")
        self._checkpoints = asyncio.Lock()
        self._writing: asyncio.Future[None] | None = None
        self._handed: deque[asyncio.Future[None]] = deque()
        self._tidied = time.monotonic()
        self._stopping = False
        self._joined = False
        self._progress = time.monotonic()

    async def consume(self, stream: Any) -> None:
        """The agent: one record after the other to the thread of the steps."""
        try:
            async for event in stream.noack().events():
                message = event.message
                owner = self.owners.get(message.partition)
                # A record fetched before a rebalance may arrive after it.
                if owner is None or self._stopping or message.generation_id != self.app.consumer_generation_id:
                    continue
                if len(self._handed) >= AHEAD:
                    # Not to be cancelled: what it waits for is in order with what is behind it.
                    await asyncio.shield(self._handed[0])
                self._hand(owner, message)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  Faust would go on behind an error
            self._end(error)

    def _hand(self, owner: Owner, message: Any) -> None:
        future = asyncio.get_running_loop().run_in_executor(
            self._steps, owner.apply, message.offset, message.value, message.timestamp or 0.0
        )
        self._handed.append(future)
        future.add_done_callback(self._taken)

    def _taken(self, future: asyncio.Future[None]) -> None:
        self._handed.remove(future)
        error = None if future.cancelled() else future.exception()
        if error is not None:
            self._end(error)
        self._progress = time.monotonic()

    async def take_over(self, *_: Any, **__: Any) -> None:
        """Open what is assigned, commit the positions; Faust seeks there when this returns."""
        generation = self.app.consumer_generation_id
        source = self._work.plan.source.name
        try:
            mine = sorted(tp.partition for tp in self.app.consumer.assignment() if tp.topic == source)
            log.info("joined", chain=self._work.plan.name, partitions=mine)
            owners = await asyncio.gather(*(self._in_vault(self._open, partition) for partition in mine))
            if generation != self.app.consumer_generation_id:
                return  # another rebalance has begun, and will call again
            self._joined = True
            positions = {TP(source, owner.partition): owner.progress.applied + 1 for owner in owners}
            if positions and not await self.app.consumer._commit(positions):
                if generation == self.app.consumer_generation_id:
                    raise _refused(source)
                return
            self.owners = {owner.partition: owner for owner in owners}
            await self._in_vault(give_back)
            self._progress = time.monotonic()
            log.info(
                "ready", chain=self._work.plan.name, partitions=mine, cpu_secs=round(time.process_time(), 2)
            )  # fmt: skip
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  Faust only logs what fails here
            self._end(error)

    def _open(self, partition: int) -> Owner:
        owner = Owner(self._work, partition)
        owner.open()
        self._progress = time.monotonic()
        return owner

    async def give_up(self, *_: Any, **__: Any) -> None:
        """Partitions are taken away: drop their state, write nothing more; a transaction under way may end."""
        self.owners = {}
        self._joined = False
        self._work.phases.reach("in-rebalance")
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=self._work.settings.broker_secs)

    async def watch(self) -> None:
        """Make the checkpoints that are due."""
        try:
            while not self._stopping:
                await asyncio.sleep(LOOK_SECS)
                self._work.outlet.poll(0)
                owner = self._due()
                if owner is not None:
                    await self._checkpoint(owner)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  a worker without checkpoints must not go on
            self._end(error)

    async def guard(self) -> None:
        """End the process when nothing moves though records wait, or the group has other positions."""
        work = self._work
        broker = await self._in_vault(Broker, work.plan, work.settings)
        watchdog = Watchdog(
            work.plan, work.settings, broker, self._mine, lambda: self._progress, self._in_vault, self._shared_out
        )  # fmt: skip
        try:
            await watchdog.watch()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  whatever it is, nobody looks any more
            self._end(error)

    def _mine(self) -> dict[int, Owner]:
        return {} if self._stopping or self.app.rebalancing else self.owners

    def _shared_out(self) -> bool:
        return self._stopping or (self._joined and not self.app.rebalancing)

    def _due(self) -> Owner | None:
        """The partition whose checkpoint is most overdue: by the work that a restart would repeat, by time, or because
        there is nothing else to do."""
        settings, now = self._work.settings, time.monotonic()
        idle = now - self._progress >= settings.idle_secs
        share = settings.replay_secs / max(1, len(self.owners))
        changed = [owner for owner in self.owners.values() if owner.progress.applied > owner.progress.saved]
        due = [
            owner for owner in changed
            if idle or owner.busy_secs >= share or now - owner.saved_at >= settings.checkpoint_secs
        ]  # fmt: skip
        return max(due, key=lambda owner: (owner.busy_secs, -owner.partition), default=None)

    async def _checkpoint(self, owner: Owner) -> None:
        """One checkpoint at a time; given up when the partition is taken away before it is written."""
        async with self._checkpoints:
            if owner.progress.applied == owner.progress.saved:
                return
            try:
                await self._in_order(owner)
            finally:
                owner.at_rest.set()

    async def _in_order(self, owner: Owner) -> None:
        """Copy, flush, write, commit (pipeline.checkpoint)."""
        phases, progress = self._work.phases, owner.progress
        copy = await asyncio.get_running_loop().run_in_executor(self._steps, owner.copy)
        phases.reach("before-flush")
        while not progress.flushed(self._work.outlet.acknowledged()):  # noqa: ASYNC110  reports come when asked for
            await asyncio.sleep(LOOK_SECS)
        if self.owners.get(owner.partition) is not owner:
            return
        phases.reach("after-flush")
        await self._write(owner, copy)
        phases.reach("after-commit")
        next_offset = progress.written()
        if self.owners.get(owner.partition) is owner:
            await self._commit(owner, next_offset)
        progress.committed()
        phases.reach("after-position")
        if time.monotonic() - self._tidied >= TIDY_SECS:
            await self._in_vault(give_back)
            self._tidied = time.monotonic()

    async def _write(self, owner: Owner, copy: ChainCopy) -> None:
        self._writing = asyncio.ensure_future(self._in_vault(owner.write, copy))
        try:
            await self._writing
        finally:
            self._writing = None

    async def _commit(self, owner: Owner, next_offset: int) -> None:
        place = TP(self._work.plan.source.name, owner.partition)
        if place not in self.app.consumer.assignment():
            return
        done = await self.app.consumer._commit({place: next_offset})
        if not done and self.owners.get(owner.partition) is owner and not self.app.rebalancing:
            raise _refused(place.topic)

    async def finish(self, *_: Any, **__: Any) -> None:
        """A clean stop: what is applied is saved, so the next start repeats nothing."""
        self._stopping = True
        self._work.phases.reach("in-shutdown")
        try:
            await asyncio.gather(*self._handed)
            for owner in list(self.owners.values()):
                await self._checkpoint(owner)
            log.info("stopped", chain=self._work.plan.name)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  Faust only logs what fails here
            self._end(error)

    async def _in_vault(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._vaults, function, *arguments)


def _refused(topic: str) -> Fatal:
    return Fatal(
        "POSITION_REFUSED", where=topic, what="the group did not take the position",
        do="nothing: the next start goes on from the checkpoint",
    )  # fmt: skip
