"""Octets read one after the other: what does not fit ends in a FrameError, what was read can be explained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.octets import FrameError, malformed, read_length, truncated

__all__ = [
    "HIDDEN", "MOST_APDU", "FrameError", "Names", "Part", "Reader", "Section", "dotted", "malformed", "read_length",
    "truncated",
]  # fmt: skip

MOST_APDU = 64 << 10
"""Octets of an APDU, also when it was joined from blocks or segments."""

HIDDEN = "kept secret"


Names = Mapping[int, str] | Callable[[int], str]
"""What numbers stand for: a table, or bits in words."""


def damaged(reason: str) -> FrameError:
    """A check sequence of the framing does not fit."""
    return FrameError("FRAME_DAMAGED", reason)


def missing(reason: str) -> FrameError:
    """Segments or blocks are missing, or stand out of order."""
    return FrameError("SEGMENT_MISSING", reason)


@dataclass(frozen=True)
class Part:
    """What some octets of a section are; `value` as JSON takes it."""

    offset: int
    length: int
    what: str
    value: Any = None


@dataclass
class Section:
    """A run of octets with its explanation: a frame as it came, or what joining or deciphering made of it.

    `kept`: explanations are wanted; making them takes longer than reading.
    """

    name: str
    octets: bytes
    kept: bool = False
    parts: list[Part] = field(default_factory=list)

    def note(self, start: int, end: int, what: str, value: Any = None) -> None:
        """Octets start..end are `what`."""
        if self.kept and end > start:
            self.parts.append(Part(start, end - start, what, value))

    def absorb(self, other: Section, place: int) -> None:
        """What was said of a run that begins at `place` of this one."""
        self.parts += [Part(part.offset + place, part.length, part.what, part.value) for part in other.parts]

    def as_dict(self) -> dict[str, Any]:
        """For JSON; octets that nothing was said of are told as such."""
        rows = []
        place = 0
        for part in sorted(self.parts, key=lambda part: part.offset):
            if part.offset > place:
                rows.append(self._row(Part(place, part.offset - place, "not explained")))
            rows.append(self._row(part))
            place = max(place, part.offset + part.length)
        if place < len(self.octets):
            rows.append(self._row(Part(place, len(self.octets) - place, "not explained")))
        return {"of": self.name, "length": len(self.octets), "parts": rows}

    def _row(self, part: Part) -> dict[str, Any]:
        hidden = part.value == HIDDEN
        octets = None if hidden else self.octets[part.offset : part.offset + part.length].hex().upper()
        return {
            "offset": part.offset, "length": part.length, "octets": octets, "what": part.what, "value": part.value,
        }  # fmt: skip


class Reader:
    """Takes octets in order and notes in `section` what they are; raises FrameError where there are too few.

    `code` is the code of that error: an APDU that ends early is malformed, a frame truncated.
    """

    def __init__(self, section: Section, place: int = 0, end: int | None = None, code: str = "DATA_MALFORMED") -> None:
        self.section = section
        self.octets = section.octets
        self.place = place
        self.end = len(self.octets) if end is None else end
        self.code = code

    @property
    def left(self) -> int:
        """Octets not yet taken."""
        return self.end - self.place

    def peek(self, count: int = 1) -> bytes:
        """The next octets, as many as there are, without taking them."""
        return self.octets[self.place : min(self.place + count, self.end)]

    def take(self, count: int, what: str, value: Any = None, *, secret: bool = False) -> bytes:
        """`count` octets; said of them: `value`, or themselves in hex."""
        octets = self._take(count, what)
        if self.section.kept:
            shown = HIDDEN if secret else octets.hex().upper()
            self.section.note(self.place - count, self.place, what, shown if value is None else value)
        return octets

    def number(self, count: int, what: str, names: Names | None = None, *, signed: bool = False) -> int:
        """A big-endian number of `count` octets; `names` says what it stands for."""
        value = int.from_bytes(self._take(count, what), "big", signed=signed)
        if self.section.kept:
            shown: Any = value
            if names is not None:
                shown = names(value) if callable(names) else f"{value} {names.get(value, 'unknown')}"
            self.section.note(self.place - count, self.place, what, shown)
        return value

    def length(self, what: str) -> int:
        """An A-XDR length or count."""
        start = self.place
        try:
            value, self.place = read_length(self.octets[: self.end], start)
        except FrameError as error:
            raise FrameError(self.code, f"{what}: {error.reason}") from error
        self.section.note(start, self.place, what, value)
        return value

    def octet_string(self, what: str, *, secret: bool = False) -> bytes:
        """A length and as many octets."""
        count = self.length(f"length of {what}")
        return self.take(count, what, secret=secret)

    def name(self, what: str = "logical name") -> str:
        """Six octets of a logical name."""
        value = dotted(self._take(6, what))
        self.section.note(self.place - 6, self.place, what, value)
        return value

    def finish(self) -> None:
        """Nothing may be left."""
        if self.left:
            raise malformed(f"{self.left} octets behind the APDU")

    def _take(self, count: int, what: str) -> bytes:
        if count > self.left:
            raise FrameError(self.code, f"{what}: {self.left} of {count} octets")
        self.place += count
        return self.octets[self.place - count : self.place]


def dotted(name: bytes) -> str:
    """A logical name, A.B.C.D.E.F."""
    return ".".join(str(octet) for octet in name)
