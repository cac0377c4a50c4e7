"""Commit what Kafka has, while a topic is read and when that ends."""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog

from connectors.gather.progress import Progress
from connectors.gather.pump import HAND_ON_SECS, Pump
from pipeline.errors import Transient

log = structlog.get_logger()


class Intake(Protocol):
    """What reads a topic whose offsets are committed."""

    def commit(self) -> None:
        """Commit what is done; raises Transient."""


async def commit(intake: Intake) -> None:
    """Commit; what cannot be committed now is committed with the next."""
    try:
        await asyncio.to_thread(intake.commit)
    except Transient as error:
        log.warning("not committed", code=error.code, what=error.what)


async def commit_last(intake: Intake, progress: Progress, pump: Pump, secs: float = HAND_ON_SECS) -> None:
    """Give what is under way a while, so that a clean stop leaves nothing to read again."""
    pump.cut()
    for _ in range(round(secs / 0.01)):
        await commit(intake)
        if not progress.under_way:
            return
        await asyncio.sleep(0.01)
