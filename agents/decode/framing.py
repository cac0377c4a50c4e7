"""Frames to APDUs in plain Python: WRAPPER, HDLC, LLC, general-block-transfer. For people and tests, one at a time.

HDLC: IEC 62056-46 (frame format type 3, CRC-16/X-25); no octet stuffing, the length counts. WRAPPER: IEC 62056-47.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

FLAG = 0x7E
SEGMENTED = 0x0800
LLC_HEADS = (b"\xe6\xe6\x00", b"\xe6\xe7\x00")
UI_CONTROLS = (0x13, 0x03)
BLOCK_TRANSFER = 0xE0
LAST_BLOCK = 0x80
WRAPPER_LENGTH = 8


class FrameError(Exception):
    """A frame that is not read on: `code` of pipeline.codes.REJECT_CODES, and what was found."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


@dataclass(frozen=True)
class HdlcFrame:
    """One HDLC frame with both check sequences verified; `information` is empty for link frames."""

    control: int
    segmented: bool
    information: bytes


def crc16(octets: bytes) -> int:
    """CRC-16/X-25: initial FFFF, reflected polynomial 8408, inverted. check("123456789") = 906E."""
    crc = 0xFFFF
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = (crc >> 1) ^ (0x8408 if crc & 1 else 0)
    return crc ^ 0xFFFF


def _address_length(octets: bytes, place: int) -> int:
    for length in (1, 2, 4):
        if place + length <= len(octets) and octets[place + length - 1] & 1:
            return length
    raise FrameError("DATA_MALFORMED", "HDLC address without an end")


def hdlc_frames(octets: bytes) -> list[HdlcFrame]:
    """The HDLC frames that lie one after the other, with one or two flags between them; raises FrameError."""
    frames = []
    place = 0
    while place < len(octets) and octets[place] == FLAG:
        place += 1
        if place == len(octets) or octets[place] == FLAG:
            continue
        if place + 2 > len(octets) or octets[place] & 0xF0 != 0xA0:
            raise FrameError("DATA_MALFORMED", "HDLC frame format is not of type 3")
        form = int.from_bytes(octets[place : place + 2], "big")
        end = place + (form & 0x07FF)
        if end >= len(octets) or octets[end] != FLAG:
            raise FrameError("FRAME_TRUNCATED", "no flag where the HDLC frame should end")
        frames.append(_hdlc_frame(octets[place:end], bool(form & SEGMENTED)))
        place = end
    if place != len(octets):
        raise FrameError("DATA_MALFORMED", "octets between HDLC frames")
    return frames


def _hdlc_frame(frame: bytes, segmented: bool) -> HdlcFrame:
    place = 2
    place += _address_length(frame[:-2], place)
    place += _address_length(frame[:-2], place)
    if place + 3 > len(frame):
        raise FrameError("FRAME_TRUNCATED", "HDLC frame too short")
    if crc16(frame[:-2]) != int.from_bytes(frame[-2:], "little"):
        raise FrameError("DATA_MALFORMED", "HDLC frame check sequence")
    control = frame[place]
    place += 1
    if place + 2 >= len(frame):
        return HdlcFrame(control, segmented, b"")
    if crc16(frame[:place]) != int.from_bytes(frame[place : place + 2], "little"):
        raise FrameError("DATA_MALFORMED", "HDLC header check sequence")
    return HdlcFrame(control, segmented, frame[place + 2 : -2])


def without_llc(octets: bytes) -> bytes:
    """The APDU behind an LLC head, if there is one."""
    return octets[3:] if octets[:3] in LLC_HEADS else octets


def _from_hdlc(octets: bytes) -> Iterator[bytes]:
    joined = b""
    for frame in hdlc_frames(octets):
        if not frame.information:
            raise FrameError("APDU_UNKNOWN", f"HDLC link frame, control {frame.control:02X}")
        joined += frame.information
        if not frame.segmented:
            yield without_llc(joined)
            joined = b""
    if joined:
        raise FrameError("FRAME_TRUNCATED", "the last HDLC segment is missing")


def _from_wrapper(octets: bytes) -> Iterator[bytes]:
    while octets:
        if octets[1:2] != b"\x01":
            raise FrameError("WRAPPER_VERSION", "the WRAPPER version is not 1")
        if len(octets) < WRAPPER_LENGTH:
            raise FrameError("FRAME_TRUNCATED", "WRAPPER header cut short")
        end = WRAPPER_LENGTH + int.from_bytes(octets[6:8], "big")
        if end > len(octets):
            raise FrameError("FRAME_TRUNCATED", f"{len(octets) - WRAPPER_LENGTH} of {end - WRAPPER_LENGTH} octets")
        yield octets[WRAPPER_LENGTH:end]
        octets = octets[end:]
        if octets and octets[0] != 0:
            raise FrameError("DATA_MALFORMED", "octets behind the WRAPPER's length")


def unframe(octets: bytes) -> tuple[str, Iterator[bytes]]:
    """(framing, APDUs): hdlc, wrapper, llc or raw, by the first octets. Iterating raises FrameError."""
    if len(octets) < 2:
        raise FrameError("FRAME_TRUNCATED", "fewer than two octets")
    if octets[0] == FLAG:
        return "hdlc", _from_hdlc(octets)
    if octets[0] == 0:
        return "wrapper", _from_wrapper(octets)
    if octets[:3] in LLC_HEADS:
        return "llc", iter([octets[3:]])
    return "raw", iter([octets])


class BlockJoiner:
    """Joins general-block-transfer APDUs: E0, control (80 last), number u16, acknowledged u16, length, block."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []

    @property
    def pending(self) -> bool:
        """Blocks have come, and the last one has not."""
        return bool(self._blocks)

    def join(self, apdu: bytes) -> bytes | None:
        """The whole APDU when `apdu` is no block, or the last one; None while more are due; raises FrameError."""
        if apdu[:1] != bytes([BLOCK_TRANSFER]):
            return apdu
        if len(apdu) < 7:
            raise FrameError("FRAME_TRUNCATED", "general-block-transfer header cut short")
        number = int.from_bytes(apdu[2:4], "big")
        if number != len(self._blocks) + 1:
            self._blocks.clear()
            raise FrameError("DATA_MALFORMED", f"block {number} out of order")
        length, place = read_length(apdu, 6)
        if length != len(apdu) - place:
            raise FrameError("FRAME_TRUNCATED", f"block {number} is not of its length")
        self._blocks.append(apdu[place:])
        if not apdu[1] & LAST_BLOCK:
            return None
        joined = b"".join(self._blocks)
        self._blocks.clear()
        return joined


def read_length(octets: bytes, place: int) -> tuple[int, int]:
    """(length, place behind it); raises FrameError."""
    if place >= len(octets):
        raise FrameError("DATA_MALFORMED", "length cut short")
    first = octets[place]
    place += 1
    if first < 0x80:
        return first, place
    size = first - 0x80
    if not 1 <= size <= 4 or place + size > len(octets):
        raise FrameError("DATA_MALFORMED", f"length octet {first:02X}")
    return int.from_bytes(octets[place : place + size], "big"), place + size
