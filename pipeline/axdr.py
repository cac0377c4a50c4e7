"""A-XDR data (IEC 62056-6-2, Data): values with their tags, to a depth and a count that hostile input cannot pass.

What was read is written again as it was said.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

from pipeline.octets import length_octets, malformed, read_length

NESTING = 16

FORMATS: dict[int, str] = {
    3: ">?", 5: ">i", 6: ">I", 13: ">B", 15: ">b", 16: ">h", 17: ">B", 18: ">H", 20: ">q", 21: ">Q", 22: ">B", 23: ">f",
    24: ">d", 25: "12s", 26: "5s", 27: "4s",
}  # fmt: skip
"""Bodies of fixed size, by tag."""

NULL, ARRAY, STRUCTURE, BIT_STRING, INT32, UINT32, OCTETS, UTF8 = 0, 1, 2, 4, 5, 6, 9, 12
BCD, INT8, INT16, UINT8, UINT16, COMPACT, INT64, UINT64 = 13, 15, 16, 17, 18, 19, 20, 21
ENUM, FLOAT32, FLOAT64, DATE_TIME, DONT_CARE = 22, 23, 24, 25, 255
NOTHING = (NULL, DONT_CARE)
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
    value: Any = None
    start: int = field(default=0, compare=False, repr=False)
    end: int = field(default=0, compare=False, repr=False)

    @property
    def items(self) -> list[Datum]:
        """What a container holds; nothing of other values."""
        return self.value if self.tag in CONTAINERS else []

    @property
    def body(self) -> bytes:
        """The octets of a string or a time; none of other values."""
        octets = self.value[1] if self.tag == BIT_STRING else self.value
        return octets if isinstance(octets, bytes) else b""

    @property
    def number(self) -> int | float | None:
        """Its value when it is a number."""
        if self.tag not in (*NUMBERS, *FLOATS, BCD):
            return None
        return int(self.value) if isinstance(self.value, bool) else self.value

    def encoded(self) -> bytes:
        """With its tag; raises struct.error for a number that its tag cannot hold."""
        if self.tag == DESCRIPTOR:
            return bytes(self.value)
        return bytes([self.tag]) + self._content()

    def _content(self) -> bytes:
        if self.tag in CONTAINERS:
            return length_octets(len(self.value)) + b"".join([item.encoded() for item in self.value])
        if self.tag in NOTHING:
            return b""
        if self.tag in FORMATS:
            return struct.pack(FORMATS[self.tag], self.value)
        if self.tag == COMPACT:
            description, octets = self.value
            return bytes(description) + length_octets(len(octets)) + bytes(octets)
        count, octets = self.value if self.tag == BIT_STRING else (len(self.value), self.value)
        return length_octets(count) + bytes(octets)


def octet_string(value: bytes) -> Datum:
    """An octet string."""
    return Datum(OCTETS, value)


def structure(*items: Datum) -> Datum:
    """A structure."""
    return Datum(STRUCTURE, list(items))


def array(*items: Datum) -> Datum:
    """An array."""
    return Datum(ARRAY, list(items))


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
