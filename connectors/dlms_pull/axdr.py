"""A-XDR data with its tags kept (IEC 62056-6-2, Data): what a meter answered is written on as it was said.

Bounded like the decoder behind Kafka: nesting, and what is declared must fit the octets that are there.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

NULL, ARRAY, STRUCTURE, BOOLEAN, BIT_STRING, INT32, UINT32, OCTETS = 0, 1, 2, 3, 4, 5, 6, 9
VISIBLE, UTF8, BCD, INT8, INT16, UINT8, UINT16, COMPACT_ARRAY = 10, 12, 13, 15, 16, 17, 18, 19
INT64, UINT64, ENUM, FLOAT32, FLOAT64, DATE_TIME, DATE, TIME, DONT_CARE = 20, 21, 22, 23, 24, 25, 26, 27, 255

FIXED = {NULL: 0, BOOLEAN: 1, INT32: 4, UINT32: 4, BCD: 1, INT8: 1, INT16: 2, UINT8: 1, UINT16: 2, INT64: 8,
         UINT64: 8, ENUM: 1, FLOAT32: 4, FLOAT64: 8, DATE_TIME: 12, DATE: 5, TIME: 4, DONT_CARE: 0}  # fmt: skip
INTEGERS = {INT8: ">b", INT16: ">h", INT32: ">i", INT64: ">q", UINT8: ">B", UINT16: ">H", UINT32: ">I", UINT64: ">Q",
            ENUM: ">B", BOOLEAN: ">?", BCD: ">B"}  # fmt: skip
FLOATS = {FLOAT32: ">f", FLOAT64: ">d"}
MOST_NESTING = 16
MOST_ITEMS = 65_535


class Malformed(ValueError):
    """Octets that are no A-XDR data."""


@dataclass(frozen=True)
class Datum:
    """One value: `body` are its octets behind tag (and length), `items` what a container holds."""

    tag: int
    body: bytes = b""
    items: tuple[Datum, ...] = ()

    @property
    def number(self) -> int | float | None:
        """Its value when it is a number."""
        form = INTEGERS.get(self.tag) or FLOATS.get(self.tag)
        if form is None:
            return None
        value = struct.unpack(form, self.body)[0]
        return int(value) if isinstance(value, bool) else value

    @property
    def text(self) -> str:
        """For people: a number, readable text, or hexadecimal digits; containers in brackets."""
        if self.tag in (ARRAY, STRUCTURE):
            return "[" + ", ".join(item.text for item in self.items) + "]"
        if self.number is not None:
            return str(self.number)
        if self.tag in (NULL, DONT_CARE):
            return ""
        shown = self.body.decode("ascii", "replace")
        return shown if shown.isascii() and shown.isprintable() else self.body.hex()

    def encoded(self) -> bytes:
        """With its tag."""
        if self.tag in (ARRAY, STRUCTURE):
            return bytes([self.tag]) + length(len(self.items)) + b"".join(item.encoded() for item in self.items)
        if self.tag in FIXED:
            return bytes([self.tag]) + self.body
        bits = int.from_bytes(self.body[:4], "big") if self.tag == BIT_STRING else len(self.body)
        return bytes([self.tag]) + length(bits) + (self.body[4:] if self.tag == BIT_STRING else self.body)


def octets(value: bytes) -> Datum:
    """An octet string."""
    return Datum(OCTETS, value)


def unsigned(tag: int, value: int) -> Datum:
    """A number of this integer tag."""
    return Datum(tag, struct.pack(INTEGERS[tag], value))


def structure(*items: Datum) -> Datum:
    """A structure."""
    return Datum(STRUCTURE, items=items)


def array(*items: Datum) -> Datum:
    """An array."""
    return Datum(ARRAY, items=items)


def length(count: int) -> bytes:
    """The octets of a length or count."""
    if count < 0x80:
        return bytes([count])
    size = (count.bit_length() + 7) // 8
    return bytes([0x80 + size]) + count.to_bytes(size, "big")


def parse(raw: bytes) -> Datum:
    """The one datum that `raw` is; raises Malformed."""
    datum, place = _datum(raw, 0, 0)
    if place != len(raw):
        raise Malformed(f"{len(raw) - place} octets behind the data")
    return datum


def length_at(raw: bytes, place: int) -> tuple[int, int]:
    """(length, place behind it); raises Malformed."""
    first = _take(raw, place, 1)[0]
    if first < 0x80:
        return first, place + 1
    size = first - 0x80
    if not 1 <= size <= 4:
        raise Malformed("length of a length")
    return int.from_bytes(_take(raw, place + 1, size), "big"), place + 1 + size


def _take(raw: bytes, place: int, count: int) -> bytes:
    if count > len(raw) - place:
        raise Malformed("data end before what they declare")
    return raw[place : place + count]


def _datum(raw: bytes, place: int, depth: int) -> tuple[Datum, int]:
    tag = _take(raw, place, 1)[0]
    place += 1
    if tag == COMPACT_ARRAY:
        return _compact(raw, place, depth)
    if tag not in (ARRAY, STRUCTURE):
        return _body(raw, place, tag)
    count, place = length_at(raw, place)
    if depth >= MOST_NESTING or count > min(MOST_ITEMS, len(raw) - place):
        raise Malformed("nested too deeply, or more elements than octets")
    items = []
    for _ in range(count):
        item, place = _datum(raw, place, depth + 1)
        items.append(item)
    return Datum(tag, items=tuple(items)), place


def _body(raw: bytes, place: int, tag: int) -> tuple[Datum, int]:
    if tag in FIXED:
        return Datum(tag, _take(raw, place, FIXED[tag])), place + FIXED[tag]
    if tag not in (OCTETS, VISIBLE, UTF8, BIT_STRING):
        raise Malformed(f"tag {tag}")
    count, place = length_at(raw, place)
    if tag == BIT_STRING:
        body = _take(raw, place, (count + 7) // 8)
        return Datum(tag, count.to_bytes(4, "big") + body), place + len(body)
    return Datum(tag, _take(raw, place, count)), place + count


@dataclass(frozen=True)
class _Form:
    """Type description of a compact array: a tag, with the forms of a structure's elements or of an array's items."""

    tag: int
    parts: tuple[_Form, ...] = ()
    count: int = 0


def _form(raw: bytes, place: int, depth: int) -> tuple[_Form, int]:
    tag = _take(raw, place, 1)[0]
    place += 1
    if depth >= MOST_NESTING:
        raise Malformed("nested too deeply")
    if tag == STRUCTURE:
        count, place = length_at(raw, place)
        if count > len(raw) - place:
            raise Malformed("more elements than octets")
        parts = []
        for _ in range(count):
            part, place = _form(raw, place, depth + 1)
            parts.append(part)
        return _Form(tag, tuple(parts)), place
    if tag == ARRAY:
        count = int.from_bytes(_take(raw, place, 2), "big")
        part, place = _form(raw, place + 2, depth + 1)
        return _Form(tag, (part,), count), place
    return _Form(tag), place


def _compact(raw: bytes, place: int, depth: int) -> tuple[Datum, int]:
    """Written out as the array that it stands for."""
    form, place = _form(raw, place, depth + 1)
    size, place = length_at(raw, place)
    values, at = _take(raw, place, size), 0
    items = []
    while at < len(values):
        before = at
        item, at = _of_form(values, at, form)
        items.append(item)
        if at == before or len(items) > MOST_ITEMS:
            raise Malformed("a compact array of values without octets")
    return Datum(ARRAY, items=tuple(items)), place + size


def _of_form(raw: bytes, place: int, form: _Form) -> tuple[Datum, int]:
    if form.tag not in (ARRAY, STRUCTURE):
        return _body(raw, place, form.tag)
    parts = form.parts if form.tag == STRUCTURE else form.parts * form.count
    items = []
    for part in parts:
        before = place
        item, place = _of_form(raw, place, part)
        items.append(item)
        if len(items) > len(raw) and place == before:
            raise Malformed("values without octets")
    return Datum(form.tag, items=tuple(items)), place
