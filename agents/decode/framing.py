"""Frames to APDUs in plain Python, one at a time. The work is done in `agents.decode.single`."""

from __future__ import annotations

from collections.abc import Iterator

from agents.decode.single.frames import pieces
from agents.decode.single.hdlc import HdlcFrame, crc16, hdlc_frames
from agents.decode.single.octets import FrameError, read_length

__all__ = ["FrameError", "HdlcFrame", "crc16", "hdlc_frames", "read_length", "unframe"]


def unframe(octets: bytes) -> tuple[str, Iterator[bytes]]:
    """(framing of the first APDU, APDUs). Iterating raises FrameError where a frame is broken."""
    found = pieces(octets)

    def apdus() -> Iterator[bytes]:
        for piece in found:
            if piece.apdu:
                yield piece.apdu
            if piece.error is not None:
                raise piece.error

    return found[0].framing, apdus()
