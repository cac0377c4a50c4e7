"""Wired M-Bus long frames (EN 13757-2: 68 L L 68 C A CI ... checksum 16) that carry DLMS APDUs (EN 13757-1).

CI 00-1F: bits 3-0 number the segments, bit 4 marks the last one; source and destination SAP follow, then the segment.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.decode.single.octets import FrameError, Section, damaged, malformed, missing, truncated

START, STOP = 0x68, 0x16
HEAD = 4
LAST_SEGMENT = 0x10
MOST_DLMS_CI = 0x1F
_BEFORE_PAYLOAD = HEAD + 5


@dataclass(frozen=True)
class MbusFrame:
    """A long frame whose checksum fits; `payload` is what stands behind the SAPs (place..end of what was read)."""

    control: int
    address: int
    information: int
    payload: bytes
    place: int
    end: int

    @property
    def segment(self) -> int:
        """Its number, modulo 16."""
        return self.information & 0x0F

    @property
    def last(self) -> bool:
        """The APDU ends here."""
        return bool(self.information & LAST_SEGMENT)


def is_mbus(octets: bytes) -> bool:
    """The octets begin as a long frame does."""
    return len(octets) >= HEAD and octets[0] == START == octets[3] and octets[1] == octets[2]


def mbus_frames(octets: bytes, section: Section | None = None) -> tuple[list[MbusFrame], int]:
    """(long frames one after the other, place behind the last); raises FrameError."""
    section = Section("frame", octets) if section is None else section
    frames = []
    place = 0
    while is_mbus(octets[place:]):
        frames.append(_frame(octets, place, section))
        place = frames[-1].end + 2
    return frames, place


def _frame(octets: bytes, start: int, section: Section) -> MbusFrame:
    length = octets[start + 1]
    first = start + HEAD
    end = first + length
    if length < 3:
        raise malformed("M-Bus frame too short")
    if end + 2 > len(octets):
        raise truncated(f"{len(octets) - first} of {length + 2} octets of an M-Bus frame")
    if octets[end + 1] != STOP:
        raise malformed("no stop octet where the M-Bus frame should end")
    if sum(octets[first:end]) & 0xFF != octets[end]:
        raise damaged("M-Bus checksum")
    control, address, information = octets[first : first + 3]
    section.note(start, first, "start, length twice, start", length)
    section.note(first, first + 1, "control", f"{control:02X}")
    section.note(first + 1, first + 2, "address", address)
    section.note(end, end + 1, "checksum", "fits")
    section.note(end + 1, end + 2, "stop")
    if information > MOST_DLMS_CI:
        section.note(first + 2, first + 3, "control information", f"{information:02X}")
        section.note(first + 3, end, "data that is no DLMS")
        raise FrameError("APDU_UNKNOWN", f"M-Bus control information {information:02X} carries no DLMS")
    if length < 5:
        raise truncated("M-Bus frame without its SAPs")
    last = "the last" if information & LAST_SEGMENT else "more follow"
    section.note(first + 2, first + 3, "control information", f"segment {information & 0x0F}, {last}")
    section.note(first + 3, first + 4, "source SAP", octets[first + 3])
    section.note(first + 4, first + 5, "destination SAP", octets[first + 4])
    return MbusFrame(control, address, information, octets[first + 5 : end], first + 5, end)


def joined(frames: list[MbusFrame]) -> tuple[list[bytes], int]:
    """(APDUs of segments in order, place where frames begin that wait for their last one, or -1); raises FrameError."""
    apdus = []
    parts: list[MbusFrame] = []
    for frame in frames:
        if frame.segment != len(parts) & 0x0F:
            raise missing(f"M-Bus segment {frame.segment} out of order")
        parts.append(frame)
        if frame.last:
            apdus.append(b"".join(part.payload for part in parts))
            parts = []
    return apdus, parts[0].place - _BEFORE_PAYLOAD if parts else -1
