"""Frames to APDUs: WRAPPER, HDLC, wired M-Bus, LLC and bare APDUs, several of them one after the other in one read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from agents.decode.single import hdlc, mbus
from agents.decode.single.ciphering import GENERAL_CIPHERING, GENERAL_DED, GENERAL_GLO, is_ciphered
from agents.decode.single.octets import MOST_APDU, FrameError, Section, malformed, missing, read_length, truncated
from agents.decode.single.wrappings import BLOCK_TRANSFER
from pipeline.axdr import read_datum

LLC_HEADS = (b"\xe6\xe6\x00", b"\xe6\xe7\x00")
WRAPPER_LENGTH = 8
TELEGRAM = b"/"
DATA_NOTIFICATION = 0x0F
_WITH_INFORMATION = ("I", "UI")
MOST_PIECES = 1024


@dataclass(frozen=True)
class Piece:
    """An APDU out of its framing (or a link frame without one, or an error), and what the framing said.

    `waits`: the error is that segments are missing, the first one of which begins at this place of the read; else -1.
    """

    framing: str
    apdu: bytes = b""
    link: dict[str, Any] = field(default_factory=dict)
    error: FrameError | None = None
    waits: int = -1


def pieces(octets: bytes, section: Section | None = None) -> list[Piece]:
    """What `octets` hold; errors stand in the place of what is broken. Never raises."""
    section = Section("frame", octets) if section is None else section
    if len(octets) < 2:
        return [Piece("raw", error=truncated("fewer than two octets"))]
    found: list[Piece] = []
    place = 0
    while place < len(octets):
        part = Section("frame", octets[place:], section.kept)
        more, end = _next(part)
        section.absorb(part, place)
        found += [replace(piece, waits=piece.waits + place) if piece.waits >= 0 else piece for piece in more]
        if len(found) > MOST_PIECES:
            too_many = FrameError("FRAME_TOO_LONG", f"more than {MOST_PIECES} APDUs in one read")
            return [*found[:MOST_PIECES], Piece(found[-1].framing, error=too_many)]
        place += end
    return found or [Piece("hdlc", error=truncated("no frame between the flags"))]


def _next(section: Section) -> tuple[list[Piece], int]:
    """(pieces of the framing that stands first, place behind them)."""
    octets = section.octets
    if octets[0] == hdlc.FLAG:
        return _from_hdlc(section)
    trial = Section("frame", octets, section.kept)
    found, end, sound = _other(trial)
    # A read may begin inside an HDLC frame, with octets that look like anything.
    if not sound and hdlc.begin(octets):
        return _from_hdlc(section)
    section.absorb(trial, 0)
    return found, end


def _other(section: Section) -> tuple[list[Piece], int, bool]:
    """Pieces of any framing but HDLC, the place behind them, and whether it was sound that far."""
    octets = section.octets
    if octets[0] == 0:
        found = [_from_wrapper(section)]
        end = WRAPPER_LENGTH + int.from_bytes(octets[6:8], "big")
        sound = found[0].error is None
        return found, end if sound else len(octets), sound
    if mbus.is_mbus(octets):
        return _from_mbus(section)
    if octets[:1] == TELEGRAM:
        section.note(0, len(octets), "telegram", "see below")
        return [Piece("text", octets)], len(octets), True
    if octets[0] in (1, 2) and _is_data(octets):
        section.note(0, len(octets), "data", "see below")
        return [Piece("axdr", octets)], len(octets), True
    start = 3 if octets[:3] in LLC_HEADS else 0
    section.note(0, start, "LLC head", "to the server" if octets[1:2] == b"\xe6" else "from the server")
    end = _apdu_end(octets, start)
    section.note(start, end, "APDU", "see below")
    return [Piece("llc" if start else "raw", octets[start:end])], end, _said_end(octets, start) == end


def _is_data(octets: bytes) -> bool:
    """A Data without an APDU around it."""
    try:
        return read_datum(octets, 0)[1] == len(octets)
    except FrameError:
        return False


def _from_wrapper(section: Section) -> Piece:
    octets = section.octets
    if octets[1:2] != b"\x01":
        return Piece("wrapper", error=FrameError("WRAPPER_VERSION", "the WRAPPER version is not 1"))
    if len(octets) < WRAPPER_LENGTH:
        return Piece("wrapper", error=truncated("WRAPPER header cut short"))
    source, destination, length = (int.from_bytes(octets[place : place + 2], "big") for place in (2, 4, 6))
    for place, what, value in ((0, "version", 1), (2, "source wPort", source), (4, "destination wPort", destination),
                               (6, "length", length)):  # fmt: skip
        section.note(place, place + 2, what, value)
    end = WRAPPER_LENGTH + length
    link = {"source": source, "destination": destination}
    if end > len(octets):
        error = truncated(f"{len(octets) - WRAPPER_LENGTH} of {length} octets")
        return Piece("wrapper", link=link, error=error)
    section.note(WRAPPER_LENGTH, end, "APDU", "see below")
    if end < len(octets) and not _begins(octets[end:]):
        return Piece("wrapper", octets[WRAPPER_LENGTH:end], link, malformed("octets behind the WRAPPER's length"))
    return Piece("wrapper", octets[WRAPPER_LENGTH:end], link)


def _from_hdlc(section: Section) -> tuple[list[Piece], int]:
    found: list[Piece] = []
    joined, behind, broken, first = b"", 0, False, 0
    link: dict[str, Any] = {}
    for frame in hdlc.each_frame(section.octets, section):
        if len(found) > MOST_PIECES:
            break
        if isinstance(frame, FrameError):
            if behind and section.octets[behind] != hdlc.FLAG and _begins(section.octets[behind:]):
                break
            joined, broken = b"", True
            found.append(Piece("hdlc", error=frame))
            behind = 0
            continue
        behind = frame.behind
        link = {
            "type": frame.kind, "destination": hdlc.address_text(frame.destination),
            "source": hdlc.address_text(frame.source),
        }  # fmt: skip
        if frame.kind not in _WITH_INFORMATION or not frame.information:
            if frame.information:
                link["parameters"] = frame.information.hex().upper()
                section.note(frame.place, frame.end, "parameters of the link")
            found.append(Piece("hdlc", link=link))
            continue
        section.note(frame.place, frame.end, "information", "see below")
        first = first if joined else frame.start
        joined += frame.information
        if len(joined) > MOST_APDU:
            found.append(Piece("hdlc", link=link, error=FrameError("FRAME_TOO_LONG", "HDLC segments")))
            joined = b""
        elif not frame.segmented:
            if joined[:3] not in LLC_HEADS:
                link["llc"] = "absent"
            found.append(Piece("hdlc", without_llc(joined), link))
            joined = b""
    else:
        behind = len(section.octets)
    behind = behind or len(section.octets)
    if joined and not broken:
        found.append(Piece("hdlc", link=link, error=missing("the last HDLC segment is missing"), waits=first))
    return found, behind


def without_llc(octets: bytes) -> bytes:
    """The APDU behind an LLC head, if there is one."""
    return octets[3:] if octets[:3] in LLC_HEADS else octets


def _from_mbus(section: Section) -> tuple[list[Piece], int, bool]:
    link: dict[str, Any] = {}
    try:
        frames, end = mbus.mbus_frames(section.octets, section)
        link = {"control": f"{frames[0].control:02X}", "address": frames[0].address}
        for frame in frames:
            section.note(frame.place, frame.end, "segment of an APDU", "see below")
        apdus, waits = mbus.joined(frames)
        found = [Piece("mbus", apdu, link) for apdu in apdus]
        if waits >= 0:
            found.append(Piece("mbus", link=link, error=missing("the last M-Bus segment is missing"), waits=waits))
        return found, end, True
    except FrameError as error:
        return [Piece("mbus", link=link, error=error)], len(section.octets), False


def _begins(octets: bytes) -> bool:
    """A frame of a known framing seems to begin here."""
    return octets[0] == hdlc.FLAG or octets[:2] == b"\0\1" or mbus.is_mbus(octets) or octets[:3] in LLC_HEADS


def _apdu_end(octets: bytes, start: int) -> int:
    """Place behind the APDU at `start`: the end, unless it says where it ends and another frame begins there."""
    end = _said_end(octets, start)
    if end is None or end >= len(octets):
        return len(octets)
    rest = octets[end:]
    another = _said_end(rest, 0)
    return end if _begins(rest) or (another is not None and another <= len(rest)) else len(octets)


def _said_end(octets: bytes, start: int) -> int | None:
    """Where the APDU says that it ends; None where it does not say, or not soundly."""
    if start >= len(octets):
        return None
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
            place = _behind(octets, place)
            end = read_datum(octets, place)[1]
            return end if end == len(octets) else _end_with_descriptors(octets, place) or end
        elif not is_ciphered(tag):
            return None
        return _behind(octets, place)
    except FrameError:
        return None


def _end_with_descriptors(octets: bytes, place: int) -> int | None:
    """The end, where the data reach it with attribute descriptors that have no tags."""
    try:
        end = read_datum(octets, place, descriptors=True)[1]
    except FrameError:
        return None
    return end if end == len(octets) else None


def _behind(octets: bytes, place: int) -> int:
    """Place behind an octet string."""
    length, place = read_length(octets, place)
    return place + length
