"""One TCP connection to a meter: whole frames out and in, each exchange within its time.

WRAPPER (IEC 62056-47): version u16 = 1, source u16, destination u16, length u16. HDLC over TCP (IEC 62056-46): flag 7E,
format A000 | segmentation 0800 | length, addresses, control, HCS, information, FCS, flag. Frames are checked here
before the library sees them, so that it meets no octets that are not a frame.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from connectors.dlms_pull.patience import within
from pipeline.errors import Transient

WRAPPER_OCTETS = 8
MOST_APDU = 65_535
FLAG = 0x7E
MOST_NOISE = 64
"""Octets in front of a frame's flag that are read over: none is right, a modem may send some."""


class NoAnswer(Transient):
    """The meter did not answer, or what came was no answer."""


def failed(code: str, where: str, what: str, do: str = "nothing: it is asked again") -> NoAnswer:
    """A NoAnswer."""
    return NoAnswer(code, where=where, what=what, do=do)


class Connection(Protocol):
    """What an association needs of a connection."""

    address: str
    answer_secs: float
    """For one answer, whatever else comes before it."""

    async def exchange(self, request: bytes) -> bytes:
        """Send a frame and wait for one; raises NoAnswer."""

    async def receive(self) -> bytes:
        """Wait for one more frame; raises NoAnswer."""

    async def send(self, frame: bytes) -> None:
        """Send a frame."""


class TcpConnection:
    """A connection of streams."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str, framing: str, answer_secs: float
    ) -> None:
        self.address = address
        self._reader, self._writer = reader, writer
        self._read = self._read_hdlc if framing == "hdlc" else self._read_wrapper
        self.answer_secs = answer_secs

    @classmethod
    async def open(cls, address: str, framing: str, connect_secs: float, answer_secs: float) -> TcpConnection:
        """Connect; raises NoAnswer."""
        host, port = address.rsplit(":", 1)
        try:
            async with within(connect_secs):
                reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        except (OSError, TimeoutError) as error:
            raise failed("NOT_REACHED", address, str(error) or f"no connection within {connect_secs} s") from error
        return cls(reader, writer, address, framing, answer_secs)

    async def exchange(self, request: bytes) -> bytes:
        """See Connection."""
        await self.send(request)
        return await self.receive()

    async def send(self, frame: bytes) -> None:
        """See Connection."""
        try:
            async with within(self.answer_secs):
                self._writer.write(frame)
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            raise failed("CONNECTION_LOST", self.address, str(error) or "it takes nothing") from error

    async def receive(self) -> bytes:
        """See Connection."""
        try:
            async with within(self.answer_secs):
                return await self._read()
        except TimeoutError as error:
            raise failed("SILENT", self.address, f"no answer within {self.answer_secs} s") from error
        except (OSError, asyncio.IncompleteReadError) as error:
            raise failed("CONNECTION_LOST", self.address, str(error)) from error

    async def close(self) -> None:
        """Close it, without waiting for the other side."""
        self._writer.transport.abort()

    async def _read_wrapper(self) -> bytes:
        head = await self._reader.readexactly(WRAPPER_OCTETS)
        if head[:2] != b"\0\1":
            raise failed("NO_FRAME", self.address, f"octets {head[:2].hex()} where a WRAPPER begins")
        size = int.from_bytes(head[6:8], "big")
        return head + await self._reader.readexactly(size)

    async def _read_hdlc(self) -> bytes:
        first = 0
        for _ in range(MOST_NOISE):
            first = (await self._reader.readexactly(1))[0]
            if first == FLAG:
                break
        if first != FLAG:
            raise failed("NO_FRAME", self.address, "octets that no HDLC frame begins with")
        # Two flags may stand between two frames.
        high = (await self._reader.readexactly(1))[0]
        while high == FLAG:
            high = (await self._reader.readexactly(1))[0]
        low = (await self._reader.readexactly(1))[0]
        size = (high & 0x07) << 8 | low
        if high >> 4 != 0x0A or size < 7:
            raise failed("NO_FRAME", self.address, f"octets {high:02x}{low:02x} where an HDLC frame begins")
        rest = await self._reader.readexactly(size - 1)
        frame = bytes([high, low]) + rest
        if rest[-1] != FLAG or check_sequence(frame[:-3]) != frame[-3:-1]:
            raise failed("NO_FRAME", self.address, "an HDLC frame with a wrong check sequence")
        return bytes([FLAG]) + frame


def check_sequence(octets: bytes) -> bytes:
    """FCS of HDLC: CRC-16/X-25, low octet first."""
    crc = 0xFFFF
    for octet in octets:
        crc = crc >> 8 ^ _TABLE[(crc ^ octet) & 0xFF]
    return (crc ^ 0xFFFF).to_bytes(2, "little")


def _table() -> tuple[int, ...]:
    made = []
    for octet in range(256):
        crc = octet
        for _ in range(8):
            crc = crc >> 1 ^ 0x8408 if crc & 1 else crc >> 1
        made.append(crc)
    return tuple(made)


_TABLE = _table()
