"""The pump and the DLMS listener over real loopback sockets, with an outlet in memory."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import uvloop

from connectors.dlms import connector as dlms
from connectors.dlms.config import DlmsConfig
from connectors.gather.config import GatherOptions
from connectors.gather.gatherer import Aside, Gathered
from connectors.gather.pump import Pump
from connectors.mqtt.topics import device_of_topic
from pipeline.reference import FOREVER
from tests.unit.connectors.test_gather import TITLE, glo, registry, wrapped


class MemoryOutlet:
    """Keeps frames; acknowledges when told to."""

    def __init__(self) -> None:
        self.waiting_octets = 0
        self.frames: list[bytes] = []
        self.aside: list[Aside] = []
        self.hold = False
        self._held: list[tuple[int, Callable[[], None]]] = []

    def send(self, gathered: Gathered, done: Callable[[], None]) -> None:
        size = 0
        for batch in gathered.batches.values():
            ends = np.cumsum(batch.length.astype(np.int64))
            self.frames += [bytes(batch.payload[e - n : e]) for e, n in zip(ends, batch.length, strict=True)]
            size += len(batch.payload)
        self.aside += gathered.aside
        self.waiting_octets += size
        self._held.append((size, done))

    def poll(self) -> None:
        if self.hold:
            return
        for size, done in self._held:
            self.waiting_octets -= size
            done()
        self._held = []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def listening(
    options: GatherOptions | None = None, held: Callable[[], bool] = lambda: False,
    page: dict[str, Callable[[], dict[str, Any]]] | None = None, **more: Any,
) -> AsyncIterator[tuple[int, Pump, MemoryOutlet]]:  # fmt: skip
    """A listener; `more` are its options, and its counts are put into `page`."""
    port = free_port()
    options = options or GatherOptions(batch_age_ms=5)
    outlet = MemoryOutlet()
    pump = Pump(registry([(TITLE, 7, 0, int(FOREVER))]), 4, outlet, options, lambda: 1_000, held=held)
    stop, ready = asyncio.Event(), asyncio.Event()
    config = DlmsConfig(listen=f"127.0.0.1:{port}", gather=options, **more)

    def tell(counts: Callable[[], dict[str, Any]]) -> None:
        if page is not None:
            page["counts"] = counts

    pumping_stop = asyncio.Event()
    pumping = asyncio.ensure_future(pump.run(pumping_stop))
    taking = asyncio.ensure_future(dlms.run(config, pump, stop, ready, tell))
    await ready.wait()
    try:
        yield port, pump, outlet
    finally:
        stop.set()
        await taking
        pumping_stop.set()
        await pumping


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(12_000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("not reached in a minute")


async def test_frames_split_and_joined_by_tcp_arrive_whole_and_in_order() -> None:
    frames = [wrapped(glo(TITLE, number.to_bytes(4, "big") + bytes(number % 50))) for number in range(300)]
    stream = b"".join(frames)
    async with listening() as (port, _pump, outlet):
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for start in range(0, len(stream), 777):
            writer.write(stream[start : start + 777])
            await writer.drain()
        await until(lambda: len(outlet.frames) == 300)
        writer.close()
        await writer.wait_closed()
    assert outlet.frames == frames
    assert outlet.aside == []


def test_the_same_on_uvloop_whose_transports_are_others() -> None:
    uvloop.run(test_frames_split_and_joined_by_tcp_arrive_whole_and_in_order())


async def test_a_broken_stream_is_put_aside_and_others_go_on() -> None:
    async with listening() as (port, _pump, outlet):
        _, good = await asyncio.open_connection("127.0.0.1", port)
        reader, bad = await asyncio.open_connection("127.0.0.1", port)
        bad.write(wrapped(glo(TITLE), version=9))
        good.write(wrapped(glo(TITLE)))
        assert await reader.read() == b""
        good.write(wrapped(glo(TITLE)))
        await until(lambda: len(outlet.frames) == 2 and len(outlet.aside) == 1)
        good.close()
        bad.close()
    assert outlet.aside[0].raw == wrapped(glo(TITLE), version=9)


async def test_a_frame_cut_off_by_the_end_of_its_connection_is_kept() -> None:
    frame = wrapped(glo(TITLE))
    async with listening() as (port, _pump, outlet):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(frame + frame[:-4])
        writer.close()
        await until(lambda: len(outlet.frames) == 2)
    assert outlet.frames == [frame, frame[:-4]]


async def test_a_datagram_is_taken() -> None:
    async with listening() as (port, _pump, outlet):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(wrapped(glo(TITLE)) + wrapped(glo(TITLE, b"\x30" + bytes(30))), ("127.0.0.1", port))
            sender.sendto(glo(TITLE), ("127.0.0.1", port))
        await until(lambda: len(outlet.frames) == 3)


async def test_a_datagram_that_comes_while_nothing_is_read_is_dropped_and_counted() -> None:
    async with listening(held=lambda: True) as (port, pump, outlet):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(3):
                sender.sendto(wrapped(glo(TITLE)), ("127.0.0.1", port))
        await until(lambda: pump.counts.dropped == 3)
        assert outlet.frames == []


async def test_reading_stops_while_kafka_is_behind_and_nothing_is_lost() -> None:
    options = GatherOptions(batch_age_ms=5, buffer_bytes=100_000, batch_bytes=20_000)
    frame = wrapped(glo(TITLE, b"\x30" + bytes(100)))
    number = 200_000
    async with listening(options) as (port, pump, outlet):
        outlet.hold = True
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        sending = asyncio.ensure_future(_send(writer, frame, number))
        await until(lambda: pump.full)
        await asyncio.sleep(0.2)
        held = pump.counts.received
        await asyncio.sleep(0.2)
        assert pump.counts.received == held < number
        assert outlet.waiting_octets < 100_000 + 4 * 262_144
        assert not sending.done()
        outlet.hold = False
        await sending
        await until(lambda: pump.counts.acknowledged == number)
        writer.close()
    assert len(outlet.frames) == number


async def _send(writer: asyncio.StreamWriter, frame: bytes, number: int) -> None:
    for _ in range(0, number, 1000):
        writer.write(frame * 1000)
        await writer.drain()


async def test_done_is_called_only_after_the_outlet_has_acknowledged() -> None:
    async with listening() as (_port, pump, outlet):
        outlet.hold = True
        called: list[int] = []
        frame = np.frombuffer(glo(TITLE), np.uint8)
        pump.offer(frame, np.zeros(1, np.int64), np.array([len(frame)], np.uint32), 0, lambda: called.append(1))
        await until(lambda: len(outlet.frames) == 1)
        await asyncio.sleep(0.05)
        assert called == []
        outlet.hold = False
        await until(lambda: called == [1])


def test_a_topic_level_of_sixteen_digits_names_the_device() -> None:
    assert device_of_topic("meters/4B564E0000000001/push") == TITLE
    assert device_of_topic("meters/abc/push") == 0
