"""Meters and gateways push; each read of a socket is cut into frames by a kernel, never frame by frame.

A stream that cannot be cut (wrong version, length beyond the limit) is put aside whole and its connection closed:
after the first wrong octet nothing in it can be trusted.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import structlog

from connectors.dlms.config import DlmsConfig
from connectors.gather.kernels import cut_wrapper
from connectors.gather.pump import Pump

CUT_FRAMES = 4096
BROKEN_OCTETS = 65_536
"""Of a stream that cannot be cut, so much is kept for `rejects`."""

log = structlog.get_logger()


@dataclass
class Listener:
    """What the connections share."""

    pump: Pump
    config: DlmsConfig
    open: set[PushConnection] = field(default_factory=set)
    refused: int = 0
    _offsets: np.ndarray = field(default_factory=lambda: np.empty(CUT_FRAMES, np.int64))
    _lengths: np.ndarray = field(default_factory=lambda: np.empty(CUT_FRAMES, np.uint32))

    def take(self, stream: bytes) -> tuple[int, int]:
        """Offer all whole frames of `stream`; returns (octets used, code that stopped it or 0)."""
        view = np.frombuffer(stream, np.uint8)
        used, code = 0, 0
        limit = self.config.gather.frame_bytes
        while True:
            frames, used, code = cut_wrapper(view, used, len(view), limit, self._offsets, self._lengths)
            if frames:
                self.pump.offer(view, self._offsets[:frames], self._lengths[:frames])
            if frames < CUT_FRAMES:
                return used, code

    def take_whole(self, frame: bytes) -> None:
        """Offer octets that are one frame, whatever they are."""
        self.pump.offer(np.frombuffer(frame, np.uint8), np.zeros(1, np.int64), np.array([len(frame)], np.uint32))


class PushConnection(asyncio.Protocol):
    """One TCP connection."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._rest = b""
        self._broken = False
        self._transport: asyncio.Transport | None = None
        self.held = False
        self.last_read = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it, or refuse it when there are too many."""
        # uvloop's transports are no subclass of asyncio's.
        connection = cast(asyncio.Transport, transport)
        if len(self._listener.open) >= self._listener.config.connections:
            self._listener.refused += 1
            connection.abort()
            return
        self._transport = connection
        self._listener.open.add(self)
        loop = asyncio.get_running_loop()
        self.last_read = loop.time()
        if self._listener.pump.full:
            # Not at once: uvloop begins to read when this call has returned.
            loop.call_soon(self._hold)

    def data_received(self, data: bytes) -> None:
        """Cut; keep what is not whole; stop reading while Kafka or its readers are behind."""
        self.last_read = asyncio.get_running_loop().time()
        stream = self._rest + data if self._rest else data
        if self._broken:
            self._rest = stream[:BROKEN_OCTETS]
            return
        used, code = self._listener.take(stream)
        self._rest = stream[used:]
        if code:
            self._broken = True
            # What follows in the next moment belongs to the same damage; then the connection is closed.
            asyncio.get_running_loop().call_later(0.5, self.close)
        elif self._listener.pump.full:
            self._hold()

    def _hold(self) -> None:
        if self._transport is None or self._transport.is_closing() or self.held:
            return
        self._transport.pause_reading()
        self.held = True
        self._listener.pump.when_room(self._resume)

    def _resume(self) -> None:
        self.held = False
        self.last_read = asyncio.get_running_loop().time()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        """Close from this side."""
        if self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """What is left is a frame that never became whole: it is put aside with a reason."""
        self._listener.open.discard(self)
        self._transport = None
        if self._rest:
            self._listener.take_whole(self._rest)
            self._rest = b""


class PushDatagrams(asyncio.DatagramProtocol):
    """UDP: a datagram holds whole frames; there is nothing to hold back, so a full buffer drops and counts."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Cut it like a stream; what is left over is put aside."""
        if self._listener.pump.full:
            self._listener.pump.counts.dropped += 1
            return
        used, _code = self._listener.take(data) if data[:2] == b"\x00\x01" else (0, 0)
        if used < len(data):
            self._listener.take_whole(data[used:])


async def run(config: DlmsConfig, pump: Pump, stop: asyncio.Event, ready: asyncio.Event | None = None) -> None:
    """Listen until `stop`; connections are then closed and what they hold is put aside."""
    listener = Listener(pump, config)
    host, port = config.listen.rsplit(":", 1)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: PushConnection(listener), host, int(port), backlog=4096)
    datagrams = None
    if config.udp:
        datagrams, _ = await loop.create_datagram_endpoint(
            lambda: PushDatagrams(listener), local_addr=(host, int(port))
        )
    log.info("listening", connector="dlms", listen=config.listen, udp=config.udp)
    if ready is not None:
        ready.set()
    try:
        while not stop.is_set():
            await _until(stop, min(1.0, config.idle_secs / 2))
            for connection in list(listener.open):
                # Who is not read from is not silent: what it has sent waits in the socket.
                if not connection.held and loop.time() - connection.last_read > config.idle_secs:
                    connection.close()
    finally:
        server.close()
        if datagrams is not None:
            datagrams.close()
        for connection in list(listener.open):
            connection.close()
        await server.wait_closed()
        await asyncio.sleep(0)


async def _until(event: asyncio.Event, secs: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), secs)
    except TimeoutError:
        return
