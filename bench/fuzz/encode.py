"""A-XDR data (IEC 62056-6-2, Data) and pushes (IS 15959 part 2) for the corpus."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime

from pipeline.codes import Kind
from pipeline.templates import (
    ARRAY,
    BIT_STRING,
    OCTETS,
    PUSH_NAMES,
    STRUCTURE,
    TEMPLATE_BY_NUMBER,
    Push,
    PushColumn,
)

IST_SECS = 19_800
COMPACT_ARRAY = 19
CLOCK_OCTETS, WORD_BITS = 12, 128
FORMATS = {3: ">?", 5: ">i", 6: ">I", 13: ">B", 15: ">b", 16: ">h", 17: ">B", 18: ">H", 20: ">q", 21: ">Q", 22: ">B",
           23: ">f", 24: ">d"}  # fmt: skip


def length(count: int) -> bytes:
    """A length or a count."""
    if count < 0x80:
        return bytes([count])
    size = (count.bit_length() + 7) // 8
    return bytes([0x80 + size]) + count.to_bytes(size, "big")


def number(tag: int, value: float) -> bytes:
    """A number with its tag."""
    return bytes([tag]) + struct.pack(FORMATS[tag], value if tag in (23, 24) else int(value))


def octets(raw: bytes) -> bytes:
    """An octet string with its tag."""
    return bytes([OCTETS]) + length(len(raw)) + raw


def container(tag: int, items: Sequence[bytes]) -> bytes:
    """An array or a structure of data that are encoded."""
    return bytes([tag]) + length(len(items)) + b"".join(items)


def date_time(time: int, deviation: int = -330, status: int = 0) -> bytes:
    """COSEM date-time of a meter in Indian time, 12 octets."""
    wall = datetime.fromtimestamp(time + IST_SECS, UTC)
    return struct.pack(">HBBBBBBBhB", wall.year, wall.month, wall.day, 0xFF, wall.hour, wall.minute, wall.second, 0,
                       deviation, status)  # fmt: skip


def column(column: PushColumn, value: int) -> bytes:
    """A column as its model sends it."""
    if column.tag == OCTETS:
        return octets(date_time(1_751_300_000 + 60 * value))
    if column.tag == BIT_STRING:
        return bytes([BIT_STRING]) + length(WORD_BITS) + (1 << (value % WORD_BITS)).to_bytes(16, "big")
    return number(column.tag, value % 100)


def columns_of(push: Push, value: int, count: int | None = None) -> list[bytes]:
    """The first `count` columns of a push, all by default."""
    return [column(one, value + place) for place, one in enumerate(push.columns[:count])]


def notification(body: bytes, time: bytes = b"\0") -> bytes:
    """A Data-Notification; `time`: a length and a date-time, or nothing."""
    return b"\x0f\0\0\0\1" + time + body


def push_of(kind: Kind, third: Sequence[bytes]) -> bytes:
    """A push: device, logical name, then a clock and columns, or the buffer of a profile."""
    head = [octets(b"METER0001"), octets(bytes(PUSH_NAMES[kind]))]
    return notification(container(STRUCTURE, [*head, *third]))


def single(model: int, kind: Kind, time: int, value: int, count: int | None = None) -> bytes | None:
    """The push of a model, if it has one of the kind."""
    push = TEMPLATE_BY_NUMBER[model].push(kind)
    if push is None:
        return None
    return push_of(kind, [octets(date_time(time)), *columns_of(push, value, count)])


def profile(push: Push, time: int, rows: int, value: int, *, compressed: bool) -> bytes:
    """A push with the buffer of its profile; compressed: null-data for what follows from the row above."""
    made = []
    for row in range(rows):
        clock = b"\0" if compressed and row else octets(date_time(time + 1800 * row))
        columns = columns_of(push, value if compressed else value + row)
        if compressed and row:
            columns = [b"\0" if place % 3 else one for place, one in enumerate(columns)]
        made.append(container(STRUCTURE, [clock, *columns]))
    return push_of(push.kind, [container(ARRAY, made)])


def nulls(model: int, time: int, rows: int) -> bytes:
    """A profile of very many rows in few octets: each is as the one above."""
    push = TEMPLATE_BY_NUMBER[model].push(Kind.BLOCK)
    assert push is not None
    first = container(STRUCTURE, [octets(date_time(time)), *columns_of(push, 1)])
    other = container(STRUCTURE, [b"\0"] * (1 + len(push.columns)))
    return push_of(Kind.BLOCK, [container(ARRAY, [first, *[other] * (rows - 1)])])


def compact(push: Push, time: int, rows: int, value: int) -> bytes:
    """The same rows, not compressed, as a compact array."""
    types = bytes([STRUCTURE, 1 + len(push.columns), OCTETS, *(one.tag for one in push.columns)])
    values = b"".join(
        length(CLOCK_OCTETS) + date_time(time + 1800 * row)
        + b"".join(encoded[1:] for encoded in columns_of(push, value + row))
        for row in range(rows)
    )  # fmt: skip
    return push_of(push.kind, [bytes([COMPACT_ARRAY]) + types + length(len(values)) + values])
