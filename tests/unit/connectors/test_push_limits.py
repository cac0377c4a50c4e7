"""The push listener's bounds: connections in all and of one address, silence, frames that are never finished."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from connectors.dlms.config import DlmsConfig
from connectors.dlms.connector import run
from connectors.gather.config import GatherOptions
from connectors.gather.open_files import SPARE, let_open
from connectors.gather.pump import Pump
from pipeline.codes import REJECT_NUMBER
from pipeline.errors import ConfigError
from tests.unit.connectors.test_cutting import hdlc, mbus
from tests.unit.connectors.test_gather import TITLE, glo, registry, wrapped
from tests.unit.connectors.test_push import MemoryOutlet, free_port, listening, until

Dial = Callable[..., Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
Page = dict[str, Callable[[], dict[str, Any]]]
FRAME = wrapped(glo(TITLE))


def connections(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page["counts"]()["connections"]
    return found


@asynccontextmanager
async def meters() -> AsyncIterator[Dial]:
    """Opens connections, and ends those that are left."""
    opened: list[asyncio.StreamWriter] = []

    async def dial(port: int, **more: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, **more)
        opened.append(writer)
        return reader, writer

    try:
        yield dial
    finally:
        for writer in opened:
            writer.transport.abort()
        await asyncio.sleep(0.01)


async def gone(reader: asyncio.StreamReader) -> bool:
    """The other side has ended the connection."""
    try:
        return await asyncio.wait_for(reader.read(), 5) == b""
    except ConnectionError:
        return True


def taken(outlet: MemoryOutlet) -> list[bytes]:
    """Everything that was offered, identified or not."""
    return sorted([*outlet.frames, *(aside.raw for aside in outlet.aside)])


async def test_one_connection_too_many_is_refused_and_a_place_that_is_free_is_given_again() -> None:
    page: Page = {}
    async with listening(page=page, connections=2) as (port, _pump, outlet), meters() as dial:
        opened = [await dial(port) for _ in range(2)]
        await until(lambda: connections(page)["open"] == 2)
        reader, _ = await dial(port)
        assert await gone(reader)
        assert connections(page)["refused"] == {"total": 1, "peer": 0, "tls": 0}
        opened[0][1].close()
        await until(lambda: connections(page)["open"] == 1)
        assert connections(page)["closed"]["peer"] == 1
        _, writer = await dial(port)
        writer.write(FRAME)
        await until(lambda: outlet.frames == [FRAME])
        assert connections(page)["accepted"] == 3


async def test_an_address_has_no_more_connections_than_it_may() -> None:
    page: Page = {}
    async with listening(page=page, connections_per_peer=1) as (port, _pump, outlet), meters() as dial:
        _, first = await dial(port)
        await until(lambda: connections(page)["open"] == 1)
        reader, _ = await dial(port)
        assert await gone(reader)
        assert connections(page)["refused"]["peer"] == 1
        _, other = await dial(port, local_addr=("127.0.0.2", 0))
        other.write(FRAME)
        await until(lambda: outlet.frames == [FRAME])
        first.close()
        await until(lambda: connections(page)["open"] == 1)
        _, again = await dial(port)
        again.write(FRAME)
        await until(lambda: len(outlet.frames) == 2)


async def test_a_frame_that_is_begun_and_not_finished_ends_its_connection_and_is_kept_with_a_reason() -> None:
    page: Page = {}
    async with listening(page=page, frame_secs=0.3) as (port, _pump, outlet), meters() as dial:
        reader, slow = await dial(port)
        _, steady = await dial(port)
        for place in range(len(FRAME) - 4):
            slow.write(FRAME[place : place + 1])
            steady.write(FRAME)
            await asyncio.sleep(0.02)
        assert await gone(reader)
        assert connections(page)["closed"]["slow"] == 1
        await until(lambda: bool(outlet.aside))
        assert connections(page)["open"] == 1
    (aside,) = outlet.aside
    assert aside.number == REJECT_NUMBER["FRAME_TRUNCATED"]
    assert FRAME.startswith(aside.raw)
    assert len(aside.raw) > 5
    assert "within 0.3 s" in aside.detail
    assert "127.0.0.1" in aside.detail


async def test_who_waits_between_whole_frames_is_silent_not_slow() -> None:
    page: Page = {}
    whole = b"\x7e" + hdlc(b"whole") + b"\x7e"
    async with listening(page=page, frame_secs=0.1, idle_secs=1.0) as (port, _pump, outlet), meters() as dial:
        sides = [await dial(port) for _ in range(2)]
        sides[0][1].write(FRAME)
        # Its closing flag may open the next one, and is no frame that was begun.
        sides[1][1].write(whole)
        await asyncio.sleep(0.5)
        assert connections(page)["open"] == 2
        assert await gone(sides[0][0])
        assert await gone(sides[1][0])
        assert connections(page)["closed"] == {"peer": 0, "idle": 2, "slow": 0, "broken": 0, "error": 0, "stop": 0}
    assert taken(outlet) == sorted([FRAME, whole])


async def test_while_nothing_is_read_nobody_is_slow() -> None:
    page: Page = {}
    held = True
    async with listening(page=page, frame_secs=0.1, held=lambda: held) as (port, _pump, outlet), meters() as dial:
        _, writer = await dial(port)
        writer.write(FRAME[:9])
        await asyncio.sleep(0.5)
        assert connections(page)["open"] == 1
        writer.write(FRAME[9:])
        held = False
        await until(lambda: outlet.frames == [FRAME])


async def test_hdlc_of_a_stream_goes_on_with_all_segments_of_an_apdu_together() -> None:
    first = hdlc(b"\xe6\xe7\x00one", segmented=True) + b"\x7e" + hdlc(b"two")
    second = hdlc(b"\xe6\xe7\x00" + bytes(50))
    stream = b"\x7e" + first + b"\x7e" + second + b"\x7e\x7e" + second + b"\x7e"
    async with listening() as (port, _pump, outlet), meters() as dial:
        _, writer = await dial(port)
        for place in range(0, len(stream), 7):
            writer.write(stream[place : place + 7])
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()
        await until(lambda: len(taken(outlet)) == 3)
    assert taken(outlet) == sorted(b"\x7e" + one + b"\x7e" for one in (first, second, second))


async def test_mbus_of_a_stream_goes_on_with_all_segments_of_an_apdu_together() -> None:
    apdu = mbus(b"one", 0x00) + mbus(b"two", 0x11)
    async with listening() as (port, _pump, outlet), meters() as dial:
        _, writer = await dial(port)
        writer.write(apdu[:11])
        await asyncio.sleep(0.05)
        writer.write(apdu[11:] + mbus(b"alone"))
        await until(lambda: len(taken(outlet)) == 2)
        writer.close()
    assert taken(outlet) == sorted([apdu, mbus(b"alone")])


@pytest.mark.parametrize(
    ("stream", "code", "framing"),
    [
        (b"\x7e" + hdlc(b"") + b"\x00\x01\x02", "FRAME_UNREADABLE", "HDLC"),
        (b"\x7e" + hdlc(bytes(1500), segmented=True) + b"\x7e" + hdlc(bytes(1500)), "FRAME_TOO_LONG", "HDLC"),
        (mbus(b"x")[:-1] + b"\x00", "FRAME_UNREADABLE", "M-Bus"),
    ],
)
async def test_a_stream_that_cannot_be_cut_is_put_aside_whole_and_its_connection_closed(
    stream: bytes, code: str, framing: str
) -> None:
    page: Page = {}
    options = GatherOptions(batch_age_ms=5, frame_bytes=2000)
    async with listening(options, page=page) as (port, _pump, outlet), meters() as dial:
        reader, writer = await dial(port)
        writer.write(stream)
        assert await gone(reader)
        await until(lambda: bool(outlet.aside))
        assert connections(page)["closed"]["broken"] == 1
    (aside,) = outlet.aside
    assert (aside.raw, aside.number) == (stream, REJECT_NUMBER[code])
    assert aside.detail.startswith(f"{framing}: a stream from 127.0.0.1")


async def test_datagrams_are_cut_by_the_framing_that_they_begin_with() -> None:
    flags = b"\x7e" + hdlc(b"one") + b"\x7e" + hdlc(b"two") + b"\x7e"
    long_frames = mbus(b"one") + mbus(b"two")
    loop = asyncio.get_running_loop()
    async with listening() as (port, _pump, outlet):
        sender, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=("127.0.0.1", port))
        for datagram in (flags, long_frames, b"\x68ciphered", FRAME + b"rest"):
            sender.sendto(datagram)
        await until(lambda: len(taken(outlet)) == 7)
        sender.close()
    expected = [b"\x7e" + hdlc(b"one") + b"\x7e", b"\x7e" + hdlc(b"two") + b"\x7e", mbus(b"one"), mbus(b"two"),
                b"\x68ciphered", FRAME, b"rest"]  # fmt: skip
    assert taken(outlet) == sorted(expected)


def test_the_limit_of_open_files_is_raised_as_far_as_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = (1024, 4096)
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: told.append(pair))
    let_open(1024 - SPARE)
    assert told == []
    let_open(2000)
    assert told == [(2000 + SPARE, 4096)]
    with pytest.raises(ConfigError, match=rf"FILES_TOO_FEW.*{10_000 + SPARE} open files.*4096"):
        let_open(10_000)


async def test_a_port_that_somebody_has_is_a_reason_not_to_start() -> None:
    port = free_port()
    options = GatherOptions()
    pump = Pump(registry([]), 4, MemoryOutlet(), options, lambda: 1_000)
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
    async with server:
        with pytest.raises(ConfigError, match=f"LISTEN_REFUSED at 127.0.0.1:{port}"):
            await run(DlmsConfig(listen=f"127.0.0.1:{port}", gather=options), pump, asyncio.Event())
