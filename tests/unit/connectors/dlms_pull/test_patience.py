"""A limit of time, and a process that is behind."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import pytest

from connectors.dlms_pull.patience import MOST_TIMES, within
from connectors.dlms_pull.transport import NoAnswer, TcpConnection
from tests.unit.connectors.dlms_pull.test_client import AARE, wrapped


async def test_an_answer_that_came_in_time_counts_though_this_process_was_busy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            meter, _ = listening.accept()
            with meter:
                meter.recv(8)
                # The limit is 0.3 s; the other side's loop is busy from 0.1 s to 0.5 s.
                time.sleep(0.2)
                meter.sendall(wrapped(AARE))
                meter.recv(8)

        meter = threading.Thread(target=answer)
        meter.start()
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        connection = await TcpConnection.open(address, "wrapper", 5.0, 0.3)
        asyncio.get_running_loop().call_later(0.1, time.sleep, 0.4)
        assert await connection.exchange(b"\0\1\0\1\0\1\0\0") == wrapped(AARE)
        with pytest.raises(NoAnswer, match="SILENT"):
            await connection.receive()
        await connection.close()
        await asyncio.to_thread(meter.join)


async def test_a_block_that_takes_too_long_ends_in_time() -> None:
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        async with within(0.05):
            await asyncio.sleep(5)
    assert 0.04 < time.monotonic() - begin < 1


async def test_a_process_that_is_always_behind_does_not_wait_for_ever() -> None:
    loop, begin = asyncio.get_running_loop(), time.monotonic()
    busy = True

    def work() -> None:
        time.sleep(0.08)
        if busy:
            loop.call_soon(work)

    work()
    with pytest.raises(TimeoutError):
        async with within(0.1):
            await asyncio.Event().wait()
    busy = False
    assert time.monotonic() - begin < 0.1 + (MOST_TIMES + 2) * 0.5


async def test_what_is_cancelled_is_no_time_limit() -> None:
    async def wait() -> None:
        async with within(5.0):
            await asyncio.Event().wait()

    task = asyncio.ensure_future(wait())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
