"""Take messages, hand their readings on, and commit offsets once Kafka has all that was made of them.

A message that was not committed is read again after a restart: the same message gives the same rows, and VEE drops
copies.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator, Mapping
from typing import Any

import structlog

from connectors.gather.ending import commit, commit_last
from connectors.gather.intake import Intake, Source
from connectors.gather.progress import Progress
from connectors.gather.pump import HAND_ON_SECS, Pump
from connectors.readings_in.devices import read_names
from connectors.readings_in.reader import Portion, portions
from connectors.readings_topic.config import ReadingsTopicConfig

log = structlog.get_logger()


async def run(
    config: ReadingsTopicConfig, bootstrap: str, pump: Pump, stop: asyncio.Event, ready: asyncio.Event | None = None
) -> None:
    """Read the topic until `stop`; raises ConfigError for names that cannot be used."""
    names, progress = read_names(config.names), Progress()
    intake = Intake(Source(bootstrap, config.source, config.group), progress)
    log.info("reading", connector="readings_topic", topic=config.source, group=config.group)
    if ready is not None:
        ready.set()
    try:
        while not stop.is_set() and await pump.room(stop):
            for message in await asyncio.to_thread(intake.read):
                if not await _take(message, config, names, progress, pump, stop):
                    break
            await commit(intake)
        await commit_last(intake, progress, pump, HAND_ON_SECS)
    finally:
        await asyncio.to_thread(intake.close)


async def _take(
    message: Any, config: ReadingsTopicConfig, names: Mapping[str, int], progress: Progress, pump: Pump,
    stop: asyncio.Event,
) -> bool:  # fmt: skip
    """Offer what a message gives; False when `stop` came first, and nothing behind it may be taken."""
    value: bytes = message.value() or b""
    begun = progress.begin(message.partition(), message.offset())
    source = (message.topic(), message.partition(), message.offset())
    parts = portions(io.BytesIO(value), config, names, pump.registry, value) if value else iter(())
    while (portion := await asyncio.to_thread(_following, parts)) is not None:
        if not await pump.room(stop):
            begun.leave()
            return False
        built = portion.built
        pump.offer(built.payload, built.offsets, built.lengths, 0, begun.part(), portion.asides(pump.now, source))
    begun.end()
    return True


def _following(parts: Iterator[Portion]) -> Portion | None:
    return next(parts, None)
