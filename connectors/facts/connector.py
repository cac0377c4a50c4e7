"""Facts to statements: an outage is told to each service point that it is of, what a check meter measured to its own;
all others go to the warehouse alone.

At its start it reads the topic from the beginning, to know what was said before; statements are made of what was not
committed. A fact that is read again gives the same statements, which change nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain, islice
from typing import Any, Protocol

import structlog

from connectors.facts.checks import check_statement
from connectors.facts.config import FactsConfig
from connectors.facts.network import knows
from connectors.facts.outages import Outages
from connectors.gather.progress import Progress
from connectors.gather.pump import HAND_ON_SECS, Pump
from connectors.gather.statements import Outcome, hand_on
from pipeline.errors import Transient
from pipeline.statement_frames import StatementFrame
from pipeline.wire import UNREADABLE, Contracts

PORTION = 1000
"""Statements that are offered at once; an outage of a feeder has thousands."""
TOLD_PORTIONS = 10
MOST_NAMED = 1000
"""Service points that are not known and are named in the log, each once."""
COMMIT_SECS = 0.5
STEP_SECS = 0.01

log = structlog.get_logger()
Tell = Callable[[Callable[[], dict[str, Any]]], None]


class Facts(Protocol):
    """A topic of facts, see connectors.facts.topic."""

    committed: int

    def begin(self) -> None:
        """Find out what was committed."""

    def read(self) -> list[tuple[int, bytes]]:
        """Some further facts: offset and value."""

    def commit(self, offset: int) -> None:
        """All before `offset` has been handed on."""

    def close(self) -> None:
        """Give the connection back."""


@dataclass
class Counts:
    """Since the start. `points_unknown`: statements of service points that the registry does not know, or without
    meter; `facts_refused`: records that are no fact, or one that cannot be; `checks_unused`: of a check meter, and not
    compared: of another channel than wh_imp, or not on quarters of an hour within a local day."""

    facts: int = 0
    outages: int = 0
    checks: int = 0
    checks_unused: int = 0
    statements: int = 0
    points_unknown: int = 0
    nodes_unknown: int = 0
    facts_refused: int = 0


async def run(
    config: FactsConfig, topic: Facts, contracts: Contracts, pump: Pump, stop: asyncio.Event,
    tell: Tell | None = None,
) -> None:  # fmt: skip
    """Hand facts on until `stop`; raises ConfigError for a topic that cannot be read in order."""
    work = _Work(config, contracts, pump, stop)
    if tell is not None:
        tell(lambda: asdict(work.counts))
    try:
        if not await _begin(topic, stop):
            return
        log.info("reading", connector="facts", topic=config.source, group=config.group, handed_on=topic.committed)
        pump.ready.set()
        await _follow(topic, work, pump, stop)
        pump.cut()
        await _commit_last(topic, work)
    finally:
        await asyncio.to_thread(topic.close)


async def _begin(topic: Facts, stop: asyncio.Event) -> bool:
    while not stop.is_set():
        try:
            await asyncio.to_thread(topic.begin)
            return True
        except Transient as error:
            log.warning("not read", code=error.code, what=error.what)
            await asyncio.sleep(1.0)
    return False


async def _follow(topic: Facts, work: _Work, pump: Pump, stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    committed = loop.time()
    while not stop.is_set() and await pump.room(stop):
        try:
            found = await asyncio.to_thread(topic.read)
        except Transient as error:
            log.warning("not read", code=error.code, what=error.what)
            continue
        for offset, value in found:
            if not await work.take(offset, value, again=offset < topic.committed):
                break
        if loop.time() - committed >= COMMIT_SECS:
            await _commit(topic, work.progress)
            committed = loop.time()


async def _commit(topic: Facts, progress: Progress) -> None:
    done = progress.take()
    try:
        for offset in done.values():
            await asyncio.to_thread(topic.commit, offset)
    except Transient as error:
        progress.restore(done)
        log.warning("not committed", code=error.code, what=error.what)


async def _commit_last(topic: Facts, work: _Work) -> None:
    """What is under way gets a while, so that a clean stop leaves nothing to say again."""
    for _ in range(round(HAND_ON_SECS / STEP_SECS)):
        await _commit(topic, work.progress)
        if not work.progress.under_way:
            return
        await asyncio.sleep(STEP_SECS)


class _Work:
    """What was said so far, and facts to statements."""

    def __init__(self, config: FactsConfig, contracts: Contracts, pump: Pump, stop: asyncio.Event) -> None:
        self.counts, self.progress = Counts(), Progress()
        self._outages = Outages(config.open_hours * 3600)
        self._contracts, self._pump, self._stop = contracts, pump, stop
        self._config, self._named = config, set[int]()

    async def take(self, offset: int, value: bytes, *, again: bool) -> bool:
        """Take a fact; `again`: it has been handed on, and is noted alone. False when `stop` came first."""
        begun = None if again else self.progress.begin(0, offset)
        self.counts.facts += not again
        record: dict[str, Any] = {}
        try:
            record = self._contracts.decode(value, "Fact")
            noted = self._outages.note(record)
            check = None if again else self._check(record)
        except UNREADABLE as error:
            self.counts.facts_refused += not again
            log.warning("fact refused", offset=offset, error=str(error))
            noted = check = None
        if begun is None:
            return True
        if check is not None and not await self._hand_on(iter([check]), 1, record["id"], begun.part):
            begun.leave()
            return False
        if noted is not None:
            self.counts.outages += 1
            self._warn(noted[1].node, record["id"])
            said = self._outages.said(*noted, self._pump.registry)
            count = sum(len(one.points) for one in said)
            frames = chain.from_iterable(one.frames(offset + 1, record) for one in said)
            if not await self._hand_on(frames, count, record["id"], begun.part):
                begun.leave()
                return False
        begun.end()
        return True

    def _check(self, record: dict[str, Any]) -> StatementFrame | None:
        """The statement of a check meter's energy; None of other facts, and of what is not compared."""
        if not self._config.checks or record["kind"] != "CHECK":
            return None
        frame = check_statement(record, self._config.offset_secs)
        self.counts.checks += 1
        self.counts.checks_unused += frame is None
        if frame is None and self.counts.checks_unused == 1:
            log.warning(
                "check meter not compared", fact=record["id"], channel=record["channel"],
                do="say wh_imp of quarters of an hour within a local day; further ones are counted alone",
            )  # fmt: skip
        return frame

    def _warn(self, node: int, id: str) -> None:
        if node and not knows(self._pump.registry, node):
            self.counts.nodes_unknown += 1
            log.warning("outage of a node that the registry does not know", node=node, fact=id)

    async def _hand_on(
        self, frames: Iterator[StatementFrame], count: int, id: str, part: Callable[[], Callable[[], None]]
    ) -> bool:
        """Offer statements in portions, each when there is room."""
        offered = portions = 0
        while portion := list(islice(frames, PORTION)):
            if not await self._pump.room(self._stop):
                return False
            outcomes = hand_on(self._pump, portion, part())
            offered, portions = offered + len(portion), portions + 1
            taken = outcomes.count(Outcome.HANDED_ON)
            self.counts.statements += taken
            self.counts.points_unknown += len(portion) - taken
            for frame, outcome in zip(portion, outcomes, strict=True):
                if outcome is not Outcome.HANDED_ON and count == 1:
                    self._name(frame, id, outcome)
            if portions % TOLD_PORTIONS == 0 or (offered == count and portions > TOLD_PORTIONS):
                log.info("outage told", fact=id, service_points=offered, of=count)
        return True

    def _name(self, frame: StatementFrame, id: str, outcome: Outcome) -> None:
        """A check meter tells many facts of a service point; the log names it once."""
        if frame.service_point not in self._named and len(self._named) < MOST_NAMED:
            self._named.add(frame.service_point)
            log.warning("fact not told", kind=frame.kind.name, fact=id, service_point=frame.service_point,
                        why=outcome.value)  # fmt: skip
