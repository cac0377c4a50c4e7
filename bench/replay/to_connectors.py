"""Frames over TCP, UDP and MQTT, by the simulator's senders; ticks, controls and references stay where they are."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Generator, Iterator, Sequence

import numpy as np

from bench.replay.files import FileLoad
from bench.replay.frames import carried, frames_of
from bench.replay.spacing import Spacing
from bench.replay.tally import Tally
from bench.replay.topic import TopicLoad
from bench.throughput.drain import Progress
from connectors.simulator.frames import Frames
from connectors.simulator.kvf import Item
from connectors.simulator.senders.base import TRANSPORT_OF, Address
from connectors.simulator.senders.pace import Pace
from connectors.simulator.senders.play import Sent, play, route_to
from pipeline.errors import ConfigError
from schemas.load import load_contracts


class Replay:
    """`load` to `addresses`: for records of a topic, connectors' addresses; for a fleet's files, Kafka's as well."""

    def __init__(self, load: TopicLoad | FileLoad, addresses: Sequence[Address], speed: float) -> None:
        """Raises ConfigError when two addresses are of one kind."""
        self._schemes = [address.scheme for address in addresses]
        twice = {scheme for scheme in self._schemes if self._schemes.count(scheme) > 1}
        if twice:
            raise ConfigError("ADDRESSES_ALIKE", where="--to", what=f"two addresses of {', '.join(sorted(twice))}",
                              do="give one of each kind")  # fmt: skip
        self._load, self._addresses, self._speed = load, addresses, speed
        self._stop = threading.Event()
        self._spacing = Spacing(speed, self._wait)
        self._pace = Pace(speed=speed if self._of_fleet else 0.0)
        self._contracts = load_contracts()
        self._tally = Tally()
        self._done = 0

    @property
    def _of_fleet(self) -> bool:
        return isinstance(self._load, FileLoad) and not self._load.recorded

    def play(self, progress: Progress, limit: int = 0) -> Tally:
        """Send all frames, each when its time has come, until `limit` are sent (0: all); raises Transient when the
        other side goes away."""
        began, items = time.monotonic(), self._cut(limit)
        try:
            asyncio.run(self._go(items, progress))
        except KeyboardInterrupt:
            self._tally.stopped = True
        finally:
            items.close()
        self._tally.seconds = time.monotonic() - began
        if self._speed > 0:
            self._tally.behind_s = self._pace.behind if self._of_fleet else self._spacing.behind
        return self._tally

    def _wait(self, secs: float) -> None:
        """Until then, or until an interrupt."""
        self._stop.wait(secs)

    async def _go(self, items: Iterator[Item], progress: Progress) -> None:
        def watch(sent: Sent) -> None:
            self._tally.frames, self._tally.octets = sent.frames, sent.octets
            progress(f"frames to {', '.join(self._schemes)} ({self._load.unit} read)", self._done, self._load.total)

        try:
            await play(items, [route_to(address, self._contracts) for address in self._addresses], self._pace,
                       watch=watch)  # fmt: skip
        finally:
            self._stop.set()

    def _cut(self, limit: int) -> Generator[Item]:
        """What is to be sent; frames up to `limit`."""
        left = limit or None
        for item in self._fleet() if self._of_fleet else self._recorded():
            if left is not None and isinstance(item, Frames):
                cut = item.take(np.arange(min(left, len(item))))
                left -= len(cut)
                yield cut
                if not left:
                    return
            else:
                yield item

    def _recorded(self) -> Iterator[Item]:
        for done, record in self._load.records():
            self._done = done
            due = self._spacing.wait(record.time_ms)
            if self._stop.is_set():
                return
            self._spacing.done(due)
            self._tally.records += 1
            self._tally.first_ms = self._tally.first_ms or record.time_ms
            self._tally.last_ms = record.time_ms
            if record.frames:
                yield carried(frames_of(self._contracts, record), self._schemes)

    def _fleet(self) -> Iterator[Item]:
        assert isinstance(self._load, FileLoad)
        for done, item in self._load.items():
            self._done = done
            if isinstance(item, Frames):
                times = item.received_at
                if len(times):
                    first, last = 1000 * int(times.min()), 1000 * int(times.max())
                    self._tally.first_ms = first if self._tally.first_ms is None else min(first, self._tally.first_ms)
                    self._tally.last_ms = max(last, self._tally.last_ms or last)
                yield item if "kafka" in self._schemes else carried(item, self._schemes)
            else:
                yield item


def check_schemes(addresses: Sequence[Address]) -> None:
    """Raise ConfigError unless they are connectors' addresses, or one of Kafka alone."""
    schemes = [address.scheme for address in addresses]
    if not schemes or (schemes != ["kafka"] and set(schemes) - set(TRANSPORT_OF)):
        raise ConfigError("NO_ADDRESS", where="--to", what=f"nothing is replayed to {', '.join(schemes) or 'nowhere'}",
                          do="give kafka://host:port/topic alone, or one each of tcp://, udp://, mqtt://")  # fmt: skip
