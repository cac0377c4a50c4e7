"""Many meters over a few TCP connections, as gateways do it; broken frames on connections of their own.

A frame whose WRAPPER does not say its true length or version would spoil what follows it in the stream. It comes from
one broken meter, so it gets one connection, closed behind it.
"""

from __future__ import annotations

import asyncio

import numpy as np

from connectors.simulator.frames import Frames
from connectors.simulator.kernels import WRAPPER_OCTETS
from connectors.simulator.senders.base import Address, FramesOnly
from pipeline.columns import Array
from pipeline.errors import Transient

CONNECTIONS = 32
BROKEN_AT_ONCE = 8


def whole(frames: Frames) -> Array:
    """bool (n,): WRAPPER version 1 and a declared length that is the true one."""
    offset = frames.offsets
    head = np.zeros((len(frames), WRAPPER_OCTETS), np.int64)
    long = frames.length >= WRAPPER_OCTETS
    head[long] = frames.payload[offset[long, None] + np.arange(WRAPPER_OCTETS)]
    version, declared = head[:, 0] * 256 + head[:, 1], head[:, 6] * 256 + head[:, 7]
    good: Array = long & (version == 1) & (declared == frames.length.astype(np.int64) - WRAPPER_OCTETS)
    return good


class TcpSender(FramesOnly):
    """A meter always takes the same connection, so that its frames stay in order."""

    def __init__(self, address: Address, connections: int = CONNECTIONS) -> None:
        self._address = address
        self._writers: list[asyncio.StreamWriter] = []
        self._connections = connections
        self._broken = asyncio.Semaphore(BROKEN_AT_ONCE)

    async def open(self) -> None:
        """Connect all connections."""
        self._writers = [await self._connect() for _ in range(self._connections)]

    async def send(self, frames: Frames) -> None:
        """See Sender: `drain` waits while the connector does not read."""
        good = whole(frames)
        line = (frames.sender % np.uint64(self._connections)).astype(np.int64)
        for number in np.unique(line[good]).tolist():
            self._writers[number].write(frames.take(np.flatnonzero(good & (line == number))).payload.tobytes())
        broken = np.flatnonzero(~good).tolist()
        try:
            await asyncio.gather(
                *(writer.drain() for writer in self._writers), *(self._alone(frames.frame(row)) for row in broken)
            )
        except OSError as error:
            raise Transient("CONNECTION_LOST", where=str(self._address), what=str(error),
                            do="look at the connector's log; start the run again") from error  # fmt: skip

    async def settle(self) -> None:
        """See Sender."""
        await asyncio.gather(*(_emptied(writer) for writer in self._writers))

    async def close(self) -> None:
        """See Sender."""
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)
        self._writers = []

    async def _alone(self, frame: bytes) -> None:
        async with self._broken:
            writer = await self._connect()
            writer.write(frame)
            await writer.drain()
            writer.close()
            # The connector may close first: it has read enough to know that this is no frame.
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)

    async def _connect(self) -> asyncio.StreamWriter:
        try:
            _reader, writer = await asyncio.open_connection(self._address.host, self._address.port)
        except OSError as error:
            raise Transient("NOBODY_LISTENS", where=str(self._address), what=str(error),
                            do="start the connector, or correct the address") from error  # fmt: skip
        return writer


async def _emptied(writer: asyncio.StreamWriter) -> None:
    while writer.transport.get_write_buffer_size() > 0 and not writer.is_closing():
        await writer.drain()
        await asyncio.sleep(0.001)
