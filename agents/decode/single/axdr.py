"""A-XDR data (IEC 62056-6-2, Data): values with their tags, to a depth and a count that hostile input cannot pass."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

from agents.decode.single.octets import malformed, read_length

NESTING = 16
MOST_ELEMENTS, ELEMENTS_AN_OCTET = 65_535, 4
"""Of a compact array, whose elements may take no room at all."""

FORMATS: dict[int, str] = {
    3: ">?", 5: ">i", 6: ">I", 13: ">B", 15: ">b", 16: ">h", 17: ">B", 18: ">H", 20: ">q", 21: ">Q", 22: ">B", 23: ">f",
    24: ">d", 25: "12s", 26: "5s", 27: "4s",
}  # fmt: skip
"""Bodies of fixed size, by tag."""

NOTHING = (0, 255)
ARRAY, STRUCTURE = 1, 2
BIT_STRING, OCTETS, COMPACT = 4, 9, 19
STRINGS = (9, 10, 12)
CONTAINERS = (ARRAY, STRUCTURE)
NUMBERS = (3, 5, 6, 15, 16, 17, 18, 20, 21, 22)
FLOATS = (23, 24)
DESCRIPTOR = -1
"""Not a tag: an attribute descriptor without tags, class u16, logical name, attribute i8, as its nine octets."""

TAG_NAMES = {
    0: "null-data", 1: "array", 2: "structure", 3: "boolean", 4: "bit-string", 5: "double-long",
    6: "double-long-unsigned", 9: "octet-string", 10: "visible-string", 12: "utf8-string", 13: "bcd", 15: "integer",
    16: "long", 17: "unsigned", 18: "long-unsigned", 19: "compact-array", 20: "long64", 21: "long64-unsigned",
    22: "enum", 23: "float32", 24: "float64", 25: "date-time", 26: "date", 27: "time", 255: "dont-care",
    DESCRIPTOR: "attribute-descriptor",
}  # fmt: skip


@dataclass(frozen=True)
class Datum:
    """A value with its tag: a list for containers, bytes for strings, (bits, bytes) for bit strings, else a number.

    Of a compact array (type description, values). `start` and `end`: where it stood in what was read.
    """

    tag: int
    value: Any
    start: int = field(default=0, compare=False, repr=False)
    end: int = field(default=0, compare=False, repr=False)


def read_datum(octets: bytes, place: int, level: int = 0, *, descriptors: bool = False) -> tuple[Datum, int]:
    """(datum, place behind it); raises FrameError. `level`: containers around it.

    `descriptors`: structures of two may begin with an attribute descriptor without tags.
    """
    start = place
    if place >= len(octets):
        raise malformed("a value is missing")
    tag = octets[place]
    place += 1
    if tag in NOTHING:
        return Datum(tag, None, start, place), place
    if tag in FORMATS:
        size = struct.calcsize(FORMATS[tag])
        if place + size > len(octets):
            raise malformed("a value is cut short")
        return Datum(tag, struct.unpack_from(FORMATS[tag], octets, place)[0], start, place + size), place + size
    if tag == COMPACT:
        return _read_compact(octets, place)
    if tag not in (BIT_STRING, *STRINGS, *CONTAINERS):
        raise malformed(f"tag {tag}")
    count, place = read_length(octets, place)
    size = (count + 7) // 8 if tag == BIT_STRING else count
    if size > len(octets) - place:
        raise malformed(f"{size} declared, {len(octets) - place} left")
    if tag not in CONTAINERS:
        body = octets[place : place + size]
        return Datum(tag, (count, body) if tag == BIT_STRING else body, start, place + size), place + size
    if level == NESTING:
        raise malformed("nested too deep")
    items: list[Datum] = []
    if descriptors and tag == STRUCTURE and count == 2 and _is_descriptor(octets, place):
        items.append(Datum(DESCRIPTOR, octets[place : place + 9], place, place + 9))
        place += 9
    while len(items) < count:
        item, place = read_datum(octets, place, level + 1, descriptors=descriptors)
        items.append(item)
    return Datum(tag, items, start, place), place


def _is_descriptor(octets: bytes, place: int) -> bool:
    """Class below 256, a logical name that ends with 255, a small attribute number."""
    found = octets[place : place + 9]
    return len(found) == 9 and found[0] == 0 and found[1] > 0 and found[7] == 0xFF and 0 < found[8] < 32


def _read_compact(octets: bytes, place: int) -> tuple[Datum, int]:
    """A compact array, its values left as they are: (type description, values)."""
    start, pending = place, 1
    while pending:
        if place >= len(octets):
            raise malformed("type description cut short")
        tag = octets[place]
        place, pending = place + 1, pending - 1
        if tag == STRUCTURE:
            count, place = read_length(octets, place)
            if count > len(octets) - place:
                raise malformed("type description too long")
            pending += count
        elif tag == ARRAY:
            place, pending = place + 2, pending + 1
        elif tag not in FORMATS and tag not in (*NOTHING, BIT_STRING, *STRINGS):
            raise malformed(f"tag {tag} in a type description")
    description = octets[start:place]
    size, place = read_length(octets, place)
    if size > len(octets) - place:
        raise malformed("compact array cut short")
    return Datum(COMPACT, (description, octets[place : place + size]), start - 1, place + size), place + size


@dataclass(frozen=True)
class _Type:
    """A type description: a structure's `parts`, or the one part of an array of `count`."""

    tag: int
    parts: tuple[_Type, ...] = ()
    count: int = 0


def unpacked(datum: Datum) -> Datum:
    """The array that a compact array stands for; raises FrameError. Places are those of the compact array."""
    description, octets = datum.value
    kind, _ = _read_type(description, 0, 0)
    unpacking = _Unpacking(octets, datum)
    items: list[Datum] = []
    while unpacking.place < len(octets):
        before = unpacking.place
        items.append(unpacking.value(kind))
        if unpacking.place == before:
            raise malformed("elements of a compact array take no room")
    return Datum(ARRAY, items, datum.start, datum.end)


def _read_type(octets: bytes, place: int, level: int) -> tuple[_Type, int]:
    if level > NESTING:
        raise malformed("type description nested too deep")
    if place >= len(octets):
        raise malformed("type description cut short")
    tag = octets[place]
    place += 1
    if tag == ARRAY:
        count = int.from_bytes(octets[place : place + 2], "big")
        part, place = _read_type(octets, place + 2, level + 1)
        return _Type(tag, (part,), count), place
    if tag != STRUCTURE:
        return _Type(tag), place
    count, place = read_length(octets, place)
    parts = []
    for _ in range(count):
        part, place = _read_type(octets, place, level + 1)
        parts.append(part)
    return _Type(tag, tuple(parts), count), place


class _Unpacking:
    """Values of a compact array, one after the other, in proportion to its octets: null-data takes none."""

    def __init__(self, octets: bytes, datum: Datum) -> None:
        self._octets, self._datum = octets, datum
        self.place = 0
        self._budget = min(MOST_ELEMENTS, ELEMENTS_AN_OCTET * (datum.end - datum.start))

    def value(self, kind: _Type) -> Datum:
        """The next value of this type."""
        self._budget -= 1
        if self._budget < 0:
            raise malformed("too many elements in a compact array")
        if kind.tag == STRUCTURE:
            return self._datum_of(STRUCTURE, [self.value(part) for part in kind.parts])
        if kind.tag == ARRAY:
            return self._datum_of(ARRAY, [self.value(kind.parts[0]) for _ in range(kind.count)])
        # As it would stand with its tag.
        found, end = read_datum(bytes([kind.tag]) + self._octets[self.place : self.place + self._room(kind)], 0)
        self.place += end - 1
        return self._datum_of(found.tag, found.value)

    def _room(self, kind: _Type) -> int:
        if kind.tag in FORMATS or kind.tag in NOTHING:
            return struct.calcsize(FORMATS.get(kind.tag, "0s"))
        count, place = read_length(self._octets, self.place)
        return place - self.place + ((count + 7) // 8 if kind.tag == BIT_STRING else count)

    def _datum_of(self, tag: int, value: Any) -> Datum:
        return Datum(tag, value, self._datum.start, self._datum.end)
