"""Two looks from outside: whether anything moves, and whether the group has the positions that were committed.

Faust can stop fetching without a word, and its own idea of the log's end is then that of the last fetch. It can also
count a commit as done that the broker has not taken. So both are asked of the broker, by a client that is no member of
the group, on a thread. A broker that does not answer says nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition

from agents.worker.owner import Owner
from agents.worker.settings import WorkerSettings
from pipeline.checkpoint import Stage
from pipeline.errors import Fatal
from pipeline.topology.plan import ChainPlan

ASK_SECS = 10.0

MOMENT_SECS = 2.0
"""A difference that is gone after so long is none."""

STEP_SECS = 1.0

Offsets = Mapping[int, int]
"""By partition of the source."""


class Broker:
    """What the broker says of the source's partitions; None when it does not answer. Blocks: for a thread."""

    def __init__(self, plan: ChainPlan, settings: WorkerSettings) -> None:
        self._topic = plan.source.name
        # To ask under a group's name does not make a member of it.
        self._consumer = Consumer(
            {"bootstrap.servers": settings.bootstrap, "group.id": plan.group, "enable.auto.commit": False}
        )

    def ends(self, partitions: Iterable[int]) -> Offsets | None:
        """Next offset of each partition's log."""
        return self._asked(self._consumer.offsets_for_times, partitions)

    def committed(self, partitions: Iterable[int]) -> Offsets | None:
        """What the group has committed; below 0: nothing."""
        return self._asked(self._consumer.committed, partitions)

    def _asked(self, ask: Callable[..., list[TopicPartition]], partitions: Iterable[int]) -> Offsets | None:
        places = [TopicPartition(self._topic, partition, OFFSET_END) for partition in partitions]
        try:
            found = ask(places, timeout=ASK_SECS)
        except KafkaException:
            return None
        return None if any(place.error for place in found) else {place.partition: place.offset for place in found}


class Difference(NamedTuple):
    """A partition of which the group has another position than this process committed last."""

    owner: Owner
    mine: int
    group: int


class Watchdog:
    """`owners` are the partitions that are this process's beyond doubt, `moved` when it last did something, monotonic.

    `on_thread` runs a function that blocks. `shared_out` is whether the process knows which partitions are its,
    and has their state: False before the group has taken it up, and while partitions are shared out anew.
    """

    def __init__(
        self,
        plan: ChainPlan,
        settings: WorkerSettings,
        broker: Broker,
        owners: Callable[[], Mapping[int, Owner]],
        moved: Callable[[], float],
        on_thread: Callable[..., Any],
        shared_out: Callable[[], bool] = lambda: True,
    ) -> None:
        self._plan = plan
        self._settings = settings
        self._broker = broker
        self._owners = owners
        self._moved = moved
        self._on_thread = on_thread
        self._shared_out = shared_out
        self._shared_out_at = time.monotonic()
        self._looked = 0.0

    async def watch(self) -> None:
        """Look again and again; raises Fatal when something is wrong."""
        settings, compared = self._settings, time.monotonic()
        while True:
            await asyncio.sleep(min(STEP_SECS, settings.watchdog_secs / 4, settings.position_secs / 4))
            await self.check_progress()
            await self.check_membership()
            if time.monotonic() - compared >= settings.position_secs:
                await self.compare_positions()
                compared = time.monotonic()

    async def check_progress(self) -> None:
        """Raise Fatal when nothing was done for too long though the log has more."""
        if self._still_secs() < self._settings.watchdog_secs:
            return
        ends = await self._on_thread(self._broker.ends, sorted(self._owners()))
        secs = self._still_secs()
        if secs < self._settings.watchdog_secs:
            return
        # After an outage the clock begins anew: nobody could do anything.
        self._looked = time.monotonic()
        if ends is None:
            return
        for partition, owner in self._owners().items():
            if ends.get(partition, 0) > owner.progress.applied + 1:
                raise Fatal(
                    "NO_PROGRESS", where=f"{self._plan.name}/{partition}",
                    what=f"nothing was done for {secs:.0f} s, though records up to {ends[partition] - 1} wait",
                    do="nothing: the next start goes on from the checkpoint; report it when it comes again",
                )  # fmt: skip

    async def check_membership(self) -> None:
        """Raise Fatal when the process waits for its partitions for too long though the broker answers.

        Faust gives up sharing out for ever when an answer of the broker takes longer than it waits, and says nothing;
        the group goes on to count this process among its members.
        """
        now = time.monotonic()
        if self._shared_out():
            self._shared_out_at = now
        # To restore a partition is progress too.
        elif now - max(self._shared_out_at, self._moved()) >= self._settings.watchdog_secs:
            waited = now - self._shared_out_at
            self._shared_out_at = now
            if await self._on_thread(self._broker.ends, range(self._plan.source.partitions)) is None:
                return
            raise Fatal(
                "NOT_SHARED_OUT", where=f"group {self._plan.group}",
                what=f"for {waited:.0f} s the process has not been told its partitions, or was not given their state",
                do="nothing: the next start joins the group again; report it when it comes again",
            )  # fmt: skip

    def _still_secs(self) -> float:
        alive = (owner.alive_at for owner in self._owners().values())
        return time.monotonic() - max([self._moved(), self._looked, *alive])

    async def compare_positions(self) -> None:
        """Raise Fatal when the group has another position than the one committed last, and keeps it."""
        before = await self._differences()
        if not before:
            return
        await asyncio.sleep(MOMENT_SECS)
        for partition, found in (await self._differences()).items():
            if partition in before and before[partition].owner is found.owner:
                raise Fatal(
                    "POSITION_OTHER", where=f"{self._plan.source.name}/{partition}",
                    what=f"the group has the position {found.group}, but {found.mine} was committed",
                    do="nothing: the next start goes on from the checkpoint; find out who else commits for the group "
                    f"{self._plan.group} when it comes again",
                )  # fmt: skip

    async def _differences(self) -> dict[int, Difference]:
        asked = {partition: (owner, owner.progress.saved + 1) for partition, owner in self._settled()}
        group = await self._on_thread(self._broker.committed, sorted(asked))
        if group is None:
            return {}
        now = {partition: (owner, owner.progress.saved + 1) for partition, owner in self._settled()}
        return {
            partition: Difference(*now[partition], group[partition])
            for partition, known in asked.items()
            # What was committed meanwhile may or may not be in the answer.
            if now.get(partition) == known and group[partition] != known[1]
        }

    def _settled(self) -> list[tuple[int, Owner]]:
        """Partitions of which no commit is under way."""
        return [item for item in self._owners().items() if item[1].progress.stage is not Stage.COMMIT]
