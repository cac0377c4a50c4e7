"""Connections and datagrams: each read of a socket is cut into frames by a kernel, never frame by frame.

A stream that cannot be cut (wrong version, length beyond the limit) is put aside whole and its connection closed:
after the first wrong octet nothing in it can be trusted.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from connectors.dlms import framing
from connectors.dlms.config import DlmsConfig
from connectors.dlms.framing import WRAPPER, Framing
from connectors.gather.gatherer import Aside
from connectors.gather.kernels import TRUNCATED
from connectors.gather.pump import Pump

CUT_FRAMES = 4096
BROKEN_OCTETS = 65_536
"""Of a stream that cannot be cut, so much is kept for `rejects`."""
BROKEN_SECS = 0.5
"""What follows a wrong octet so soon belongs to the same damage."""

NO_FRAME = 0.0
"""Of `begun`: nothing is begun. The event loop's clock stands far above."""

REFUSED = ("total", "peer", "tls")
"""Why a connection was not let in: too many, too many of one address, or its handshake failed."""
CLOSED = ("peer", "idle", "slow", "broken", "error", "stop")
"""Why one ended: its other side, silence, a frame that was not finished, a stream that cannot be cut, the network, or
our own end."""


@dataclass
class Listener:
    """What the connections share."""

    pump: Pump
    config: DlmsConfig
    open: set[PushConnection] = field(default_factory=set)
    refused: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(REFUSED, 0)))
    closed: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(CLOSED, 0)))
    accepted: int = 0
    admitted: int = 0
    """Connections that are open, or shaking hands."""
    _peers: Counter[str] = field(default_factory=Counter)
    _offsets: np.ndarray = field(default_factory=lambda: np.empty(CUT_FRAMES, np.int64))
    _lengths: np.ndarray = field(default_factory=lambda: np.empty(CUT_FRAMES, np.uint32))

    def counts(self) -> dict[str, Any]:
        """For the status page."""
        return {
            "connections": {
                "open": len(self.open), "accepted": self.accepted, "refused": dict(self.refused),
                "closed": dict(self.closed),
            }
        }  # fmt: skip

    def admit(self, peer: str) -> bool:
        """Whether another connection of an address may come; who is let in is released again."""
        config = self.config
        if self.admitted >= config.connections:
            self.refused["total"] += 1
            return False
        if 0 < config.connections_per_peer <= self._peers[peer]:
            self.refused["peer"] += 1
            return False
        self.admitted += 1
        self._peers[peer] += 1
        return True

    def release(self, peer: str) -> None:
        """A connection that was let in is no more."""
        self.admitted -= 1
        self._peers[peer] -= 1
        if not self._peers[peer]:
            del self._peers[peer]

    def take(self, stream: bytes, how: Framing) -> tuple[int, int]:
        """Offer all whole frames of `stream`; returns (octets used, code that stopped it or 0)."""
        view = np.frombuffer(stream, np.uint8)
        used, code = 0, 0
        limit = self.config.gather.frame_bytes
        while True:
            frames, used, code = how.cut(view, used, len(view), limit, self._offsets, self._lengths)
            if frames:
                self.pump.offer(view, self._offsets[:frames], self._lengths[:frames])
            if frames < CUT_FRAMES:
                return used, code

    def take_whole(self, frame: bytes) -> None:
        """Offer octets that are one frame, whatever they are."""
        self.pump.offer(np.frombuffer(frame, np.uint8), np.zeros(1, np.int64), np.array([len(frame)], np.uint32))

    def put_aside(self, code: int, octets: bytes, why: str) -> None:
        """Octets that are no frame, with the reason."""
        nothing = np.empty(0, np.int64)
        aside = Aside(code, 0, self.pump.now, octets[:BROKEN_OCTETS], why)
        self.pump.offer(np.empty(0, np.uint8), nothing, nothing.astype(np.uint32), refused=[aside])


class PushConnection(asyncio.Protocol):
    """One TCP connection."""

    __slots__ = ("_code", "_framing", "_listener", "_peer", "_rest", "_transport", "_why", "begun", "held", "last_read")

    def __init__(self, listener: Listener, peer: str) -> None:
        self._listener, self._peer = listener, peer
        self._rest = b""
        self._framing: Framing | None = None
        self._code = 0
        self._why = ""
        self._transport: asyncio.Transport | None = None
        self.held = False
        self.last_read = 0.0
        self.begun = NO_FRAME
        """When the first octet of a frame came that is not whole."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It was admitted before."""
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        listener = self._listener
        listener.open.add(self)
        listener.accepted += 1
        loop = asyncio.get_running_loop()
        self.last_read = loop.time()
        if listener.pump.full:
            # Not at once: uvloop begins to read when this call has returned.
            loop.call_soon(self._hold)

    def data_received(self, data: bytes) -> None:
        """Cut; keep what is not whole; stop reading while Kafka or its readers are behind."""
        self.last_read = now = asyncio.get_running_loop().time()
        stream = self._rest + data if self._rest else data
        if self._code:
            self._rest = stream[:BROKEN_OCTETS]
            return
        if self._framing is None:
            self._framing = framing.of_stream(stream)
        used, self._code = self._listener.take(stream, self._framing)
        self._rest = stream[used:]
        if self._rest == self._framing.idle or not self._rest:
            self.begun = NO_FRAME
        elif used or self.begun == NO_FRAME:
            self.begun = now
        if self._code:
            asyncio.get_running_loop().call_later(BROKEN_SECS, self.close, "broken")
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
        self.last_read = now = asyncio.get_running_loop().time()
        if self.begun != NO_FRAME:
            # What it had sent meanwhile waited for us.
            self.begun = now
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def look(self, now: float) -> None:
        """Close what is silent or slow. Who is not read from is neither: what it has sent waits in the socket."""
        if self.held:
            return
        config = self._listener.config
        if now - self.last_read > config.idle_secs:
            self.close("idle")
        elif self.begun != NO_FRAME and now - self.begun > config.frame_secs:
            self.close("slow")

    def close(self, why: str) -> None:
        """Close from this side; `why` is one of CLOSED."""
        if self._transport is None or self._transport.is_closing():
            return
        self._why = why
        if why == "slow":
            # It is not waited for that it takes leave, as TLS would.
            self._transport.abort()
        else:
            self._transport.close()

    def abort(self) -> None:
        """End it without a word; what it holds is put aside all the same."""
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """What is left is a frame that never became whole: it is put aside with a reason."""
        listener, why = self._listener, self._why or ("peer" if exc is None else "error")
        listener.open.discard(self)
        listener.closed[why] += 1
        listener.release(self._peer)
        self._transport = None
        rest, self._rest = self._rest, b""
        if not rest or self._framing is None or rest == self._framing.idle:
            return
        if why == "slow":
            begun = f"{self._framing.name}: {len(rest)} octets from {self._peer} and no whole frame"
            listener.put_aside(TRUNCATED, rest, f"{begun} within {listener.config.frame_secs:g} s")
        elif self._code and self._framing is not WRAPPER:
            what = f"{self._framing.name}: a stream from {self._peer} that cannot be cut into frames"
            listener.put_aside(self._code, rest, what)
        else:
            listener.take_whole(rest)


class PushDatagrams(asyncio.DatagramProtocol):
    """UDP: a datagram holds whole frames; there is nothing to hold back, so a full buffer drops and counts."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Cut it like a stream; what is left over is put aside."""
        if self._listener.pump.full:
            self._listener.pump.counts.dropped += 1
            return
        how = framing.of_datagram(data)
        used, idle = 0, b""
        if how is not None:
            used, idle = self._listener.take(data, how)[0], how.idle
        rest = data[used:]
        if rest and rest != idle:
            self._listener.take_whole(rest)
