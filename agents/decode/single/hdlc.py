"""HDLC frames (IEC 62056-46: frame format type 3, CRC-16/X-25) with addresses of one, two or four octets.

No octet stuffing: the length counts, and 7E may stand inside. Some adapters stuff nevertheless (7D, then the octet
xor 20); a frame that cannot be read as it came is tried so.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from agents.decode.single.octets import FrameError, Section, damaged, malformed, truncated

FLAG = 0x7E
ESCAPE, TURN = 0x7D, 0x20
SEGMENTED = 0x0800
ADDRESS_LENGTHS = (1, 2, 4)
MOST_STARTS, MOST_LOOKED_AT = 8, 64
"""Places that are tried as the first frame of a read that began inside another one, and frames that must be sound."""

_CONTROLS = {0x83: "SNRM", 0x63: "UA", 0x43: "DISC", 0x0F: "DM", 0x87: "FRMR", 0x03: "UI"}


@dataclass(frozen=True)
class HdlcFrame:
    """One HDLC frame with both check sequences verified; `information` is empty for link frames.

    Addresses as sent. Places in what was read: `place` and `end` of the information, `start` of the first flag,
    `behind` the last one.
    """

    control: int
    segmented: bool
    information: bytes
    destination: bytes = b""
    source: bytes = b""
    place: int = 0
    end: int = 0
    behind: int = 0
    start: int = 0

    @property
    def kind(self) -> str:
        """SNRM, UA, DISC, DM, FRMR, UI, I, RR or RNR."""
        return control_name(self.control)


def control_name(control: int) -> str:
    """What a control octet stands for."""
    if not control & 1:
        return "I"
    known = _CONTROLS.get(control & ~0x10)
    return known or {0x01: "RR", 0x05: "RNR"}.get(control & 0x0F, f"control {control:02X}")


def crc16(octets: bytes) -> int:
    """CRC-16/X-25: initial FFFF, reflected polynomial 8408, inverted. check("123456789") = 906E."""
    crc = 0xFFFF
    for octet in octets:
        crc = (crc >> 8) ^ _TABLE[(crc ^ octet) & 0xFF]
    return crc ^ 0xFFFF


def _crc_table() -> tuple[int, ...]:
    table = []
    for crc in range(256):
        for _ in range(8):
            crc = (crc >> 1) ^ (0x8408 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_TABLE = _crc_table()


def address_text(octets: bytes) -> str:
    """An address as people write it: one number, or upper/lower of two or four octets, without the end bits."""
    if len(octets) < 2:
        return str(int.from_bytes(octets, "big") >> 1)
    half = len(octets) // 2
    return "/".join(str(_seven(part)) for part in (octets[:half], octets[half:]))


def _seven(octets: bytes) -> int:
    value = 0
    for octet in octets:
        value = value << 7 | octet >> 1
    return value


def hdlc_frames(octets: bytes) -> list[HdlcFrame]:
    """The HDLC frames that lie one after the other, with one or two flags between them; raises FrameError.

    What was read may begin inside a frame: octets before the first flag from which all is sound are left out.
    """
    frames = []
    for frame in each_frame(octets):
        if isinstance(frame, FrameError):
            raise frame
        frames.append(frame)
    return frames


def each_frame(octets: bytes, section: Section | None = None) -> Iterator[HdlcFrame | FrameError]:
    """The same, with an error in the place of each frame that is broken while the ones behind it can be found."""
    section = Section("frame", octets) if section is None else section
    place = begin(octets)
    section.note(0, place, "end of a frame that began before")
    while place < len(octets) and octets[place] == FLAG:
        start = place
        while octets[place + 1 : place + 2] == b"\x7e":
            place += 1
        section.note(start, place, "flags")
        start = place
        place += 1
        if place == len(octets):
            section.note(start, place, "flag")
            break
        try:
            end = _end_of(octets, place)
        except FrameError as error:
            found = _unstuffed(octets, place, section)
            if found is None:
                yield error
                return
            frame, place = found
            yield frame
            continue
        section.note(start, place, "flag")
        try:
            yield _frame(octets, place, end, section)
        except FrameError as error:
            found = _unstuffed(octets, place, section)
            if found is not None:
                frame, end = found
                yield frame
            else:
                section.note(place, end, "a broken frame", f"{error}")
                yield error
        place = end
    if place != len(octets):
        yield malformed("octets between HDLC frames")


def begin(octets: bytes) -> int:
    """Where the first frame begins: 0, or behind the end of another one when what stands there is sound."""
    if octets[:1] == b"\x7e":
        return 0
    place, tried = 0, 0
    while tried < MOST_STARTS:
        place = octets.find(FLAG, place + 1)
        if place < 0:
            break
        if place + 1 < len(octets) and octets[place + 1] & 0xF0 == 0xA0:
            tried += 1
            frames = itertools.islice(each_frame(octets[place:]), MOST_LOOKED_AT)
            if all(isinstance(frame, HdlcFrame) for frame in frames):
                return place
    return 0


def _end_of(octets: bytes, place: int) -> int:
    """Place of the closing flag of the frame whose format field is at `place`."""
    if place + 2 > len(octets) or octets[place] & 0xF0 != 0xA0:
        raise malformed("HDLC frame format is not of type 3")
    end = place + (int.from_bytes(octets[place : place + 2], "big") & 0x07FF)
    if end >= len(octets) or octets[end] != FLAG:
        raise truncated("no flag where the HDLC frame should end")
    return end


def _unstuffed(octets: bytes, place: int, section: Section) -> tuple[HdlcFrame, int] | None:
    """The frame at `place` with stuffed octets undone, and the place of its closing flag."""
    end = octets.find(FLAG, place)
    if end < 0 or ESCAPE not in octets[place:end]:
        return None
    plain, escaped = bytearray(), False
    for octet in octets[place:end]:
        if octet == ESCAPE and not escaped:
            escaped = True
            continue
        plain.append(octet ^ TURN if escaped else octet)
        escaped = False
    body = bytes(plain)
    try:
        if place + _end_of(body + b"\x7e", 0) != place + len(body):
            return None
        frame = _frame(body, 0, len(body), Section("unstuffed", body))
    except FrameError:
        return None
    section.note(place - 1, place, "flag")
    section.note(place, end, "frame with octet stuffing", body.hex().upper())
    # Its places are not those of what was read.
    return replace(frame, place=0, end=0, behind=end + 1, start=place - 1), end


def _address(octets: bytes, place: int, end: int) -> bytes:
    for length in ADDRESS_LENGTHS:
        if place + length <= end and octets[place + length - 1] & 1:
            return octets[place : place + length]
    raise malformed("HDLC address without an end")


def _frame(octets: bytes, start: int, end: int, section: Section) -> HdlcFrame:
    checked = end - 2
    if start + 2 > checked:
        raise truncated("HDLC frame too short")
    destination = _address(octets, start + 2, checked)
    source = _address(octets, start + 2 + len(destination), checked)
    place = start + 2 + len(destination) + len(source)
    if place + 1 > checked:
        raise truncated("HDLC frame too short")
    if crc16(octets[start:checked]) != int.from_bytes(octets[checked:end], "little"):
        raise damaged("HDLC frame check sequence")
    control = octets[place]
    header = place + 1
    if header < checked and (
        header + 2 > checked or crc16(octets[start:header]) != int.from_bytes(octets[header : header + 2], "little")
    ):
        raise damaged("HDLC header check sequence")
    segmented = bool(octets[start] << 8 & SEGMENTED)
    section.note(start, start + 2, "frame format, length", f"{'segmented, ' if segmented else ''}{end - start}")
    section.note(start + 2, start + 2 + len(destination), "destination address", address_text(destination))
    section.note(place - len(source), place, "source address", address_text(source))
    section.note(place, header, "control", control_name(control))
    section.note(checked, end, "frame check sequence", "fits")
    if header >= checked:
        return HdlcFrame(control, segmented, b"", destination, source, behind=end + 1, start=start - 1)
    section.note(header, header + 2, "header check sequence", "fits")
    inside = slice(header + 2, checked)
    return HdlcFrame(control, segmented, octets[inside], destination, source, header + 2, checked, end + 1, start - 1)
