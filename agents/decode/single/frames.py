"""Frames to APDUs: WRAPPER, HDLC, wired M-Bus, LLC and bare APDUs, several of them one after the other in one read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from agents.decode.single import hdlc, mbus
from agents.decode.single.axdr import read_datum
from agents.decode.single.ciphering import GENERAL_CIPHERING, GENERAL_DED, GENERAL_GLO, is_ciphered
from agents.decode.single.names import APDU_NAMES
from agents.decode.single.octets import MOST_APDU, FrameError, Section, malformed, read_length, truncated
from agents.decode.single.wrappings import BLOCK_TRANSFER

LLC_HEADS = (b"\xe6\xe6\x00", b"\xe6\xe7\x00")
WRAPPER_LENGTH = 8
TELEGRAM = b"/"
DATA_NOTIFICATION = 0x0F
_WITH_INFORMATION = ("I", "UI")
MOST_PIECES = 1024


@dataclass(frozen=True)
class Piece:
    """An APDU out of its framing (or a link frame without one, or an error), and what the framing said."""

    framing: str
    apdu: bytes = b""
    link: dict[str, Any] = field(default_factory=dict)
    error: FrameError | None = None


def pieces(octets: bytes, section: Section | None = None) -> Iterator[Piece]:
    """What `octets` hold; errors stand in the place of what is broken. Never raises."""
    section = Section("frame", octets) if section is None else section
    if len(octets) < 2:
        yield Piece("raw", error=truncated("fewer than two octets"))
        return
    place = count = 0
    while place < len(octets):
        part = Section("frame", octets[place:])
        end = 0
        for piece, end in _next(part):  # noqa: B007
            count += 1
            if count > MOST_PIECES:
                piece = Piece(piece.framing, error=FrameError("FRAME_TOO_LONG", f"more than {MOST_PIECES} APDUs"))
            yield piece
            if count > MOST_PIECES:
                return
        section.absorb(part, place)
        if end == 0:
            break
        place += end
    if not count:
        yield Piece("hdlc", error=truncated("no frame between the flags"))


def _next(section: Section) -> Iterator[tuple[Piece, int]]:
    """Pieces of the framing that stands first, each with the place behind it; 0 when nothing behind can be found."""
    octets = section.octets
    if octets[0] == hdlc.FLAG:
        yield from _from_hdlc(section)
    elif octets[0] == 0:
        yield _from_wrapper(section)
    elif mbus.is_mbus(octets):
        yield from _from_mbus(section)
    elif octets[:3] in LLC_HEADS:
        section.note(0, 3, "LLC head", "to the server" if octets[1] == 0xE6 else "from the server")
        end = _apdu_end(octets, 3)
        section.note(3, end, "APDU", "see below")
        yield Piece("llc", octets[3:end]), end
    elif octets[:1] == TELEGRAM:
        section.note(0, len(octets), "telegram", "see below")
        yield Piece("text", octets), len(octets)
    elif octets[0] in (1, 2) and _is_data(octets):
        section.note(0, len(octets), "data", "see below")
        yield Piece("axdr", octets), len(octets)
    else:
        end = _apdu_end(octets, 0)
        if end == len(octets) and not _is_delimited(octets) and hdlc.begin(octets):
            yield from _from_hdlc(section)
        else:
            section.note(0, end, "APDU", "see below")
            yield Piece("raw", octets[:end]), end


def _is_data(octets: bytes) -> bool:
    """A Data without an APDU around it."""
    try:
        return read_datum(octets, 0)[1] == len(octets)
    except FrameError:
        return False


def _from_wrapper(section: Section) -> tuple[Piece, int]:
    octets = section.octets
    if octets[1:2] != b"\x01":
        return Piece("wrapper", error=FrameError("WRAPPER_VERSION", "the WRAPPER version is not 1")), 0
    if len(octets) < WRAPPER_LENGTH:
        return Piece("wrapper", error=truncated("WRAPPER header cut short")), 0
    source, destination, length = (int.from_bytes(octets[place : place + 2], "big") for place in (2, 4, 6))
    for place, what, value in ((0, "version", 1), (2, "source wPort", source), (4, "destination wPort", destination),
                               (6, "length", length)):  # fmt: skip
        section.note(place, place + 2, what, value)
    end = WRAPPER_LENGTH + length
    link = {"source": source, "destination": destination}
    if end > len(octets):
        error = truncated(f"{len(octets) - WRAPPER_LENGTH} of {length} octets")
        return Piece("wrapper", link=link, error=error), 0
    section.note(WRAPPER_LENGTH, end, "APDU", "see below")
    if end < len(octets) and octets[end] not in (0, hdlc.FLAG):
        error = malformed("octets behind the WRAPPER's length")
        return Piece("wrapper", octets[WRAPPER_LENGTH:end], link, error), 0
    return Piece("wrapper", octets[WRAPPER_LENGTH:end], link), end


def _from_hdlc(section: Section) -> Iterator[tuple[Piece, int]]:
    joined, broken = b"", False
    link: dict[str, Any] = {}
    end = len(section.octets)
    for frame in hdlc.each_frame(section.octets, section):
        if isinstance(frame, FrameError):
            joined, broken = b"", True
            yield Piece("hdlc", error=frame), end
            continue
        section.note(frame.place, frame.end, "information", "see below")
        link = {
            "type": frame.kind, "destination": hdlc.address_text(frame.destination),
            "source": hdlc.address_text(frame.source),
        }  # fmt: skip
        if frame.kind not in _WITH_INFORMATION or not frame.information:
            if frame.information:
                link["parameters"] = frame.information.hex().upper()
            yield Piece("hdlc", link=link), end
            continue
        joined += frame.information
        if len(joined) > MOST_APDU:
            joined = b""
            yield Piece("hdlc", link=link, error=FrameError("FRAME_TOO_LONG", "HDLC segments")), end
        elif not frame.segmented:
            if joined[:3] not in LLC_HEADS:
                link["llc"] = "absent"
            yield Piece("hdlc", without_llc(joined), link), end
            joined = b""
    if joined and not broken:
        yield Piece("hdlc", link=link, error=truncated("the last HDLC segment is missing")), end


def without_llc(octets: bytes) -> bytes:
    """The APDU behind an LLC head, if there is one."""
    return octets[3:] if octets[:3] in LLC_HEADS else octets


def _from_mbus(section: Section) -> Iterator[tuple[Piece, int]]:
    link: dict[str, Any] = {}
    try:
        frames, end = mbus.mbus_frames(section.octets, section)
        link = {"control": f"{frames[0].control:02X}", "address": frames[0].address}
        for apdu, places in mbus.joined(frames):
            for start, stop in places:
                section.note(start, stop, "segment of an APDU", "see below")
            yield Piece("mbus", apdu, link), end
    except FrameError as error:
        yield Piece("mbus", link=link, error=error), 0


def _apdu_end(octets: bytes, start: int) -> int:
    """Place behind the APDU at `start`: the end, unless it says where it ends and another frame begins there."""
    end = _said_end(octets, start)
    if end is None or end >= len(octets):
        return len(octets)
    rest = octets[end:]
    framed = rest[0] == hdlc.FLAG or rest[:2] == b"\0\1" or mbus.is_mbus(rest) or rest[:3] in LLC_HEADS
    known = len(rest) > 2 and ((rest[0] in APDU_NAMES and rest[0] > 0x0D) or is_ciphered(rest[0]))
    return end if framed or known else len(octets)


def _is_delimited(octets: bytes) -> bool:
    return _said_end(octets, 0) == len(octets)


def _said_end(octets: bytes, start: int) -> int | None:
    """Where the APDU says that it ends; None where it does not say, or not soundly."""
    tag, place = octets[start], start + 1
    try:
        if tag in (GENERAL_GLO, GENERAL_DED):
            place = _behind(octets, place)
        elif tag == GENERAL_CIPHERING:
            return None
        elif tag == BLOCK_TRANSFER:
            place += 5
        elif tag == DATA_NOTIFICATION:
            place += 4
            place += octets[place : place + 2] in (b"\x09\x0c", b"\x09\x00")
            return read_datum(octets, _behind(octets, place))[1]
        elif not is_ciphered(tag):
            return None
        return _behind(octets, place)
    except FrameError:
        return None


def _behind(octets: bytes, place: int) -> int:
    """Place behind an octet string."""
    length, place = read_length(octets, place)
    return place + length
