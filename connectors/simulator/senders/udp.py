"""One datagram a frame. UDP holds nobody back, so the sender holds itself back."""

from __future__ import annotations

import asyncio

from connectors.simulator.frames import Frames
from connectors.simulator.senders.base import Address, FramesOnly
from pipeline.errors import Transient

BURST_DATAGRAMS = 32
PAUSE_SECS = 0.002
"""At most some 16,000 datagrams a second: a receiver's socket buffer holds a few hundred."""


class UdpSender(FramesOnly):
    """Datagrams from one socket."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self) -> None:
        """Make the socket; whether anybody listens cannot be known."""
        loop = asyncio.get_running_loop()
        try:
            self._transport, _ = await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, remote_addr=(self._address.host, self._address.port)
            )
        except OSError as error:
            raise Transient("NO_SOCKET", where=str(self._address), what=str(error), do="correct the address") from error

    async def send(self, frames: Frames) -> None:
        """See Sender."""
        assert self._transport is not None
        raw, offsets = frames.payload.tobytes(), frames.offsets.tolist()
        for number, (offset, length) in enumerate(zip(offsets, frames.length.tolist(), strict=True), 1):
            self._transport.sendto(raw[offset : offset + length])
            if number % BURST_DATAGRAMS == 0:
                await asyncio.sleep(PAUSE_SECS)

    async def settle(self) -> None:
        """See Sender."""
        await asyncio.sleep(PAUSE_SECS)

    async def close(self) -> None:
        """See Sender."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None
            await asyncio.sleep(0)
