"""Read edits, answer what people ask for, hand on what holds, and commit offsets once Kafka has it.

An answer is written before anything follows from it: what it says of the service point is handed on when it is read
back. So a crash at any place leads to the same statements with the same numbers, at most once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import structlog

from connectors.edits.config import EditsConfig
from connectors.edits.event import event_of
from connectors.edits.judge import judged
from connectors.edits.log import EditLog
from connectors.edits.statements import statements
from connectors.gather.ending import commit, commit_last
from connectors.gather.gatherer import Aside
from connectors.gather.progress import Progress
from connectors.gather.pump import HAND_ON_SECS, Pump
from connectors.gather.statements import Outcome, hand_on
from pipeline.codes import REJECT_NUMBER
from pipeline.edits import EditEvent
from pipeline.wire import UNREADABLE, Contracts

MOST_AT_ONCE = 500
"""Answers that are written together."""

Tell = Callable[[Callable[[], dict[str, Any]]], None]

log = structlog.get_logger()


async def run(
    config: EditsConfig, name: str, place: tuple[str, Contracts], pump: Pump, stop: asyncio.Event,
    ready: asyncio.Event | None = None, tell: Tell | None = None,
) -> None:  # fmt: skip
    """Be the authority over the topic of edits until `stop`. `place`: brokers and contracts."""
    bootstrap, contracts = place
    progress = Progress()
    edits = EditLog(bootstrap, config.source, config.group, progress)
    authority = _Authority(config, name, contracts, edits, progress, pump)
    log.info("reading", connector="edits", topic=config.source, group=config.group, approval=config.approval)
    if tell is not None:
        tell(authority.counts)
    if ready is not None:
        ready.set()
    try:
        while not stop.is_set() and await pump.room(stop):
            for message in await asyncio.to_thread(edits.read):
                if not await pump.room(stop):
                    break
                authority.take(message)
            else:
                await authority.answer(stop)
            await commit(edits)
        await commit_last(edits, progress, pump, HAND_ON_SECS)
    finally:
        await asyncio.to_thread(edits.close)


class _Authority:
    def __init__(
        self, config: EditsConfig, name: str, contracts: Contracts, edits: EditLog, progress: Progress, pump: Pump
    ) -> None:
        self._config, self._name, self._contracts = config, name, contracts
        self._edits, self._progress, self._pump = edits, progress, pump

    def take(self, message: Any) -> None:
        """Read on by one message, and hand on what follows from it."""
        partition, offset = message.partition(), message.offset()
        book = self._edits.books.get(partition)
        if book is None:
            return
        told = self._edits.told(partition, offset)
        value: bytes | None = message.value()
        begun = None if told else self._progress.begin(partition, offset)
        try:
            effect = book.take(event_of(self._contracts.decode(value, "Edit"), offset)) if value else None
        except UNREADABLE as error:
            if begun is not None:
                source = (message.topic(), partition, offset)
                code = REJECT_NUMBER["MESSAGE_UNREADABLE"]
                aside = Aside(code, 0, self._pump.now, value or b"", str(error)[:200], source)
                none = np.zeros(0, np.int64)
                self._pump.offer(np.zeros(0, np.uint8), none, none.astype(np.uint32), 0, begun.part(), [aside])
                begun.end()
            return
        if begun is None:
            return
        if effect is not None:
            frames = list(statements(effect, book.at_point(effect.edit.proposal.service_point)))
            for outcome in set(hand_on(self._pump, frames, begun.part())) - {Outcome.HANDED_ON}:
                log.warning("an edit finds no service point", edit=effect.edit.proposal.id, what=outcome.value)
        begun.end()

    async def answer(self, stop: asyncio.Event) -> None:
        """Answer what people have asked for, as far as all before it is answered."""
        answers = []
        for partition, book in self._edits.answerable():
            for event in book.due():
                verdict = judged(event, book, self._pump.registry, self._config)
                record = event.answer(verdict.event, self._name, self._pump.now, verdict.code, verdict.detail)
                key = event.service_point.to_bytes(8, "big", signed=True)
                answers.append((partition, key, self._contracts.encode("Edit", record)))
        for place in range(0, len(answers), MOST_AT_ONCE):
            part = answers[place : place + MOST_AT_ONCE]
            if not await asyncio.to_thread(self._edits.answer, part, stop.is_set):
                return

    def counts(self) -> dict[str, Any]:
        """For the status page."""
        books = list(self._edits.books.values())
        return {
            "edits": sum(len(book.edits) for book in books),
            "edits_waiting": sum(book.count(EditEvent.WAITING) for book in books),
            "edits_in_force": sum(book.count(EditEvent.IN_FORCE) for book in books),
            "events_rejected": sum(book.rejected for book in books),
        }
