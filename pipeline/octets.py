"""Octets of DLMS that do not fit what they say, and the lengths before values (A-XDR, IEC 61334-6)."""

from __future__ import annotations


class FrameError(ValueError):
    """A frame, or data, that is not read on: `code` of pipeline.codes.REJECT_CODES, and what was found."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


def malformed(reason: str) -> FrameError:
    """What is there cannot be so."""
    return FrameError("DATA_MALFORMED", reason)


def truncated(reason: str) -> FrameError:
    """There should be more."""
    return FrameError("FRAME_TRUNCATED", reason)


def read_length(octets: bytes, place: int) -> tuple[int, int]:
    """(length, place behind it); raises FrameError."""
    if place >= len(octets):
        raise malformed("length cut short")
    first = octets[place]
    place += 1
    if first < 0x80:
        return first, place
    size = first - 0x80
    if not 1 <= size <= 4 or place + size > len(octets):
        raise malformed(f"length octet {first:02X}")
    return int.from_bytes(octets[place : place + size], "big"), place + size


def length_octets(count: int) -> bytes:
    """The octets of a length or count."""
    if count < 0x80:
        return bytes([count])
    size = (count.bit_length() + 7) // 8
    return bytes([0x80 + size]) + count.to_bytes(size, "big")
