"""UN/EDIFACT (ISO 9735): octets to segments, whose service characters UNA may name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from connectors.readings_in.formats.parts import UnreadableError

USUAL = ":+.? '"
"""Separator of components, of elements, decimal sign, release character, reserved, terminator of segments."""
STAND_INS = "\x01\x02\x03\x04"
"""For characters behind a release character, until a segment is cut: no text of EDIFACT has them."""


@dataclass(frozen=True)
class Syntax:
    """The service characters of an interchange."""

    component: str
    element: str
    decimal: str
    release: str
    terminator: str

    def hidden(self, text: str) -> str:
        """The text without release characters: what they release is not cut at."""
        if self.release == " " or self.release not in text:
            return text
        for character, stand_in in zip(self._released(), STAND_INS, strict=True):
            text = text.replace(self.release + character, stand_in)
        return text.replace(self.release, "")

    def shown(self, text: str) -> str:
        """A component as it is meant."""
        return text.translate(self._meant)

    @cached_property
    def _meant(self) -> dict[int, str]:
        return {ord(stand_in): character for character, stand_in in zip(self._released(), STAND_INS, strict=True)}

    def _released(self) -> tuple[str, str, str, str]:
        return self.release, self.component, self.element, self.terminator


class Segment:
    """A segment of an interchange; `elements` begin with its tag and are not cut into components yet."""

    __slots__ = ("elements", "syntax", "tag")

    def __init__(self, elements: list[str], syntax: Syntax) -> None:
        self.elements, self.syntax = elements, syntax
        self.tag = elements[0]

    def part(self, element: int, component: int = 0) -> str:
        """A component, both counted from 0, the tag being element 0; empty when it is not there."""
        parts = self.parts(element)
        return parts[component] if component < len(parts) else ""

    def parts(self, element: int) -> list[str]:
        """All components of an element; none when it is not there."""
        if element >= len(self.elements):
            return []
        syntax, text = self.syntax, self.elements[element]
        if text.isprintable():  # as nearly all are: no stand-in is
            return [part.strip() for part in text.split(syntax.component)]
        return [syntax.shown(part).strip() for part in text.split(syntax.component)]

    @property
    def text(self) -> str:
        """All of it for a person, without release characters and terminator."""
        return self.syntax.shown(self.syntax.element.join(self.elements))


def segments(octets: bytes) -> tuple[Syntax, Iterator[Segment]]:
    """The syntax, and the segments in order; both raise UnreadableError.

    Lines may be broken between segments and within: ends of lines mean nothing.
    """
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = octets.decode("latin-1")
    text = text.lstrip()
    if any(stand_in in text for stand_in in STAND_INS):
        raise UnreadableError("characters that EDIFACT does not have")
    named = text.startswith("UNA")
    syntax = _syntax(text[3:9] if named else USUAL)
    return syntax, _cut(text[9:] if named else text, syntax)


def _syntax(said: str) -> Syntax:
    if len(said) < 6:
        raise UnreadableError("UNA is cut short")
    component, element, decimal, release, _, terminator = list(said)
    apart = [component, element, terminator, *([release] if release != " " else [])]
    if len(set(apart)) < len(apart) or any(one.isalnum() or one == " " for one in apart) or decimal not in ".,":
        raise UnreadableError(f"UNA{said}: these cannot be the service characters")
    return Syntax(component, element, decimal, release, terminator)


def _cut(text: str, syntax: Syntax) -> Iterator[Segment]:
    for end in "\r\n":
        if end != syntax.terminator:
            text = text.replace(end, "")
    pieces = syntax.hidden(text).split(syntax.terminator)
    for piece in pieces[:-1]:
        if piece := piece.strip():
            yield Segment(piece.split(syntax.element), syntax)
    if rest := syntax.shown(pieces[-1]).strip():
        raise UnreadableError(f"it ends within a segment: {rest[:40]!r}")
