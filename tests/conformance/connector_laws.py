"""The laws of every connector that reads readings or frames from somewhere that keeps them until they are acknowledged.

A connector passes when a class that derives from `ConnectorLaws` with its own `Source` passes. The broker is in memory.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from connectors.gather.config import GatherOptions
from connectors.gather.pump import Pump
from pipeline.reading_frames import read_reading_frame
from tests.unit.connectors.readings_in.made import known
from tests.unit.connectors.test_push import MemoryOutlet, until

DEVICES = (0x4B564E0000000001, 4711)
FAST = GatherOptions(batch_age_ms=5)


class Source(ABC):
    """Where a kind of connector reads; it outlives the connectors that read it. `decoded`: it has readings, `stated`:
    statements."""

    decoded = True
    stated = False

    @abstractmethod
    def write(self, device: int, numbers: list[int]) -> None:
        """One message or file: a reading a number (wh_imp, and each is an hour of its own), or a frame a number."""

    def numbers(self, outlet: MemoryOutlet, device: int) -> list[int]:
        """The numbers of a device, in the order in which Kafka got them."""
        frames = [read_reading_frame(frame) for frame in outlet.frames]
        return [reading.values[0] for frame in frames if frame.device == device for reading in frame.readings]

    @abstractmethod
    def spoil(self) -> None:
        """One message or file that is not of the format."""

    @abstractmethod
    async def run(self, gather: GatherOptions, pump: Pump, stop: asyncio.Event) -> None:
        """The connector, until `stop`."""

    @property
    @abstractmethod
    def left(self) -> int:
        """Messages or files that would be read again by the next connector."""


@asynccontextmanager
async def running(source: Source, outlet: MemoryOutlet, gather: GatherOptions = FAST) -> AsyncIterator[Pump]:
    """A connector on a source; left cleanly."""
    pump = Pump(known(interval=3600), 4, outlet, gather, lambda: 1_000, decoded=source.decoded, stated=source.stated)
    stop, pumping_stop = asyncio.Event(), asyncio.Event()
    pumping = asyncio.ensure_future(pump.run(pumping_stop))
    reading = asyncio.ensure_future(source.run(gather, pump, stop))
    try:
        yield pump
    finally:
        stop.set()
        await asyncio.wait_for(reading, 20)
        pumping_stop.set()
        await asyncio.wait_for(pumping, 20)


class ConnectorLaws:
    """Derive, and give `source`."""

    @pytest.fixture
    def source(self) -> Source:
        raise NotImplementedError

    async def test_everything_arrives_once_and_in_order_by_meter(self, source: Source) -> None:
        outlet = MemoryOutlet()
        async with running(source, outlet):
            for first in range(1, 200, 20):
                for device in DEVICES:
                    source.write(device, list(range(first, first + 20)))
            await until(lambda: not source.left)
        assert [source.numbers(outlet, device) for device in DEVICES] == [list(range(1, 201))] * 2
        assert outlet.aside == []

    async def test_what_is_broken_is_put_aside_and_the_rest_arrives(self, source: Source) -> None:
        outlet = MemoryOutlet()
        source.write(DEVICES[0], [1, 2])
        source.spoil()
        source.write(DEVICES[0], [3, 4])
        async with running(source, outlet):
            await until(lambda: not source.left)
        assert source.numbers(outlet, DEVICES[0]) == [1, 2, 3, 4]
        assert len(outlet.aside) == 1

    async def test_nothing_counts_as_read_before_kafka_has_it(self, source: Source) -> None:
        outlet = MemoryOutlet()
        outlet.hold = True
        source.write(DEVICES[0], [1, 2, 3])
        async with running(source, outlet):
            await until(lambda: bool(outlet.frames))
            await asyncio.sleep(0.1)
            assert source.left == 1
            outlet.hold = False
            await until(lambda: not source.left)

    async def test_what_a_lost_connector_had_under_way_comes_again_the_same(self, source: Source) -> None:
        lost, next_one = MemoryOutlet(), MemoryOutlet()
        lost.hold = True
        source.write(DEVICES[0], [1, 2, 3])
        pump = Pump(known(interval=3600), 4, lost, FAST, lambda: 1_000, decoded=source.decoded, stated=source.stated)
        tasks = [
            asyncio.ensure_future(pump.run(asyncio.Event())),
            asyncio.ensure_future(source.run(FAST, pump, asyncio.Event())),
        ]
        await until(lambda: bool(lost.frames))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert source.left == 1
        async with running(source, next_one):
            await until(lambda: not source.left)
        assert next_one.frames == lost.frames

    async def test_memory_is_bounded_while_kafka_takes_nothing(self, source: Source) -> None:
        outlet = MemoryOutlet()
        outlet.hold = True
        gather = GatherOptions(batch_age_ms=5, buffer_bytes=100_000, batch_bytes=10_000)
        for first in range(1, 4001, 20):
            source.write(DEVICES[0], list(range(first, first + 20)))
        async with running(source, outlet, gather) as pump:
            await until(lambda: pump.stopped or outlet.waiting_octets > 0)
            await asyncio.sleep(0.2)
            assert outlet.waiting_octets < 150_000
            outlet.hold = False
            await until(lambda: not source.left)
        assert source.numbers(outlet, DEVICES[0]) == list(range(1, 4001))

    async def test_a_clean_stop_leaves_nothing_to_read_again(self, source: Source) -> None:
        outlet = MemoryOutlet()
        source.write(DEVICES[0], [1, 2, 3])
        async with running(source, outlet):
            await until(lambda: bool(outlet.frames))
        assert source.left == 0
        assert source.numbers(outlet, DEVICES[0]) == [1, 2, 3]
