"""Take messages, hand their frames on, and commit offsets once Kafka has all that was made of them.

A message that was not committed is read again after a restart: the copy of a frame is dropped behind Kafka by the
invocation counter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import structlog

from connectors.frames_topic.cluster import check_topic, source_of
from connectors.frames_topic.config import FramesTopicConfig
from connectors.gather.ending import commit, commit_last
from connectors.gather.intake import Intake
from connectors.gather.progress import Progress
from connectors.gather.pump import HAND_ON_SECS, Pump
from connectors.payloads.envelopes import Fields
from connectors.payloads.naming import Naming
from connectors.payloads.reader import Bundle, Reader
from connectors.readings_in.devices import read_names

COMMIT_SECS = 0.2
"""Between two commits, at least; what a lost process had committed nothing of comes again."""
TITLE_OCTETS = 8

Tell = Callable[[Callable[[], dict[str, Any]]], None]

log = structlog.get_logger()


async def run(
    config: FramesTopicConfig, bootstrap: str, pump: Pump, stop: asyncio.Event, ready: asyncio.Event | None = None,
    tell: Tell | None = None,
) -> None:  # fmt: skip
    """Read the topic until `stop`; raises ConfigError for files, names or a topic that cannot be used."""
    naming = Naming(config.device, read_names(config.names))
    messages = _Messages(config, naming)
    source, progress = source_of(config, bootstrap), Progress()
    await asyncio.to_thread(check_topic, source)
    intake = Intake(source, progress)
    if tell is not None:
        tell(lambda: {"names_unknown": naming.unknown})
    log.info("reading", connector="frames_topic", topic=config.topic, bootstrap=source.bootstrap, group=config.group)
    if ready is not None:
        ready.set()
    loop = asyncio.get_running_loop()
    committed = loop.time()
    try:
        while not stop.is_set() and await pump.room(stop):
            await _take(await asyncio.to_thread(intake.read), messages, progress, pump, stop)
            if loop.time() - committed >= COMMIT_SECS:
                await commit(intake)
                committed = loop.time()
        await commit_last(intake, progress, pump, HAND_ON_SECS)
    finally:
        await asyncio.to_thread(intake.close)


async def _take(found: list[Any], messages: _Messages, progress: Progress, pump: Pump, stop: asyncio.Event) -> None:
    """Offer what was read, in parts of at most a batch; when `stop` comes first the rest is read by who comes next."""
    for part in _parts(found, messages.config.gather.batch_bytes):
        if not await pump.room(stop):
            return
        bundle = Bundle()
        last: dict[int, int] = {}
        for message in part:
            messages.read(message, pump.now, bundle)
            last[message.partition()] = message.offset()
        # Of a partition the last message stands for those before it: all of the part are done at once.
        begun = [progress.begin(partition, offset) for partition, offset in last.items()]

        def done(ends: Sequence[Callable[[], None]] = tuple(one.end for one in begun)) -> None:
            for end in ends:
                end()

        bundle.offer(pump, done)


def _parts(found: list[Any], most: int) -> Iterator[list[Any]]:
    """Messages in pieces of about `most` octets, so that there is room for each."""
    part: list[Any] = []
    octets = 0
    for message in found:
        part.append(message)
        octets += len(message.value() or b"")
        if octets >= most:
            yield part
            part, octets = [], 0
    if part:
        yield part


class _Messages:
    """What a message holds, and whose it is."""

    def __init__(self, config: FramesTopicConfig, naming: Naming) -> None:
        self.config, self._naming = config, naming
        self._reader = Reader(config.payload, Fields(config.envelope), naming)
        self._by_key = config.named_by == "key"
        self._header = config.header if config.named_by == "header" else None

    def read(self, message: Any, now: int, bundle: Bundle) -> None:
        """Put its frames into `bundle`. A message without a value says that something is no more: it has no frame."""
        value: bytes | None = message.value()
        if value is None:
            return
        device = 0
        if self._by_key:
            device = self._named(message.key())
        elif self._header is not None:
            device = self._named(dict(message.headers() or ()).get(self._header))
        self._reader.read(value, device, (message.topic(), message.partition(), message.offset()), now, bundle)

    def _named(self, octets: bytes | None) -> int:
        if not octets:
            return 0
        try:
            name = octets.decode("utf-8")
        except UnicodeDecodeError:
            name = ""
        if name.isprintable() and name:
            return self._naming.device(name)
        return int.from_bytes(octets, "big") if len(octets) == TITLE_OCTETS else 0
