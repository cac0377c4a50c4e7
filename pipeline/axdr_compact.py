"""Compact arrays (IEC 62056-6-2, compact-array): written out as the arrays that they stand for."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from pipeline.axdr import (
    ARRAY,
    BIT_STRING,
    COMPACT,
    CONTAINERS,
    FORMATS,
    NESTING,
    NOTHING,
    STRUCTURE,
    Datum,
    read_datum,
)
from pipeline.octets import malformed, read_length

MOST_ELEMENTS, ELEMENTS_AN_OCTET = 65_535, 4
"""Of a compact array, whose elements may take no room at all."""


def parse(octets: bytes) -> Datum:
    """The one datum that these octets are, compact arrays in it written out; raises FrameError."""
    datum, place = read_datum(octets, 0)
    if place != len(octets):
        raise malformed(f"{len(octets) - place} octets behind the data")
    return _plain(datum)


def _plain(datum: Datum) -> Datum:
    if datum.tag == COMPACT:
        return unpacked(datum)
    if datum.tag in CONTAINERS:
        return Datum(datum.tag, [_plain(item) for item in datum.value], datum.start, datum.end)
    return datum


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
