"""Meters and gateways push, over TCP (plain, or with TLS) and UDP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from connectors.dlms.accept import SHUTDOWN_SECS, Door, listen
from connectors.dlms.config import DlmsConfig
from connectors.dlms.connections import Listener, PushDatagrams
from connectors.gather.open_files import let_open
from connectors.gather.pump import Pump
from connectors.tls.renewal import Renewal

Tell = Callable[[Callable[[], dict[str, Any]]], None]

LOOK_SECS = 1.0
"""How often silent and slow connections are looked for, at least."""
TURN_SECS = 0.01

log = structlog.get_logger()


async def run(
    config: DlmsConfig, pump: Pump, stop: asyncio.Event, ready: asyncio.Event | None = None, tell: Tell | None = None
) -> None:
    """Listen until `stop`; connections are then closed and what they hold is put aside.

    Raises ConfigError before anything listens: for files of TLS, the limit of open files, or the address.
    """
    renewal = Renewal(config.tls)
    let_open(config.connections)
    listener = Listener(pump, config)
    if tell is not None:
        tell(listener.counts)
    host, port = config.listen.rsplit(":", 1)
    host = host.strip("[]")
    loop = asyncio.get_running_loop()
    sockets = await listen(host, int(port))
    datagrams = None
    door = Door(listener, renewal.context)
    doors = [asyncio.ensure_future(door.keep(one)) for one in sockets]
    try:
        if config.udp:
            datagrams, _ = await loop.create_datagram_endpoint(
                lambda: PushDatagrams(listener), local_addr=(host, int(port))
            )
        log.info("listening", connector="dlms", listen=config.listen, udp=config.udp, tls=config.tls.on)
        if ready is not None:
            ready.set()
        while not stop.is_set():
            await _until(stop, min(LOOK_SECS, config.idle_secs / 2, config.frame_secs / 2))
            for one in doors:
                if one.done():
                    one.result()
            if config.tls.on:
                door.context = await asyncio.to_thread(renewal.look)
            now = loop.time()
            for connection in list(listener.open):
                connection.look(now)
    finally:
        if datagrams is not None:
            datagrams.close()
        await _close(listener, door, doors)
        for one_socket in sockets:
            one_socket.close()


async def _close(listener: Listener, door: Door, doors: Sequence[asyncio.Future[None]]) -> None:
    for one in doors:
        one.cancel()
    await asyncio.gather(*doors, return_exceptions=True)
    await door.close()
    for connection in list(listener.open):
        connection.close("stop")
    # A close takes a turn of the event loop; over TLS it waits for the other side.
    for _ in range(round(2 * SHUTDOWN_SECS / TURN_SECS)):
        if not listener.open:
            return
        await asyncio.sleep(TURN_SECS)
    for connection in list(listener.open):
        connection.abort()
    await asyncio.sleep(TURN_SECS)


async def _until(event: asyncio.Event, secs: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), secs)
    except TimeoutError:
        return
