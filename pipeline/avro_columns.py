"""Many Avro records from columns, without Python per record.

The fields become a table of steps; one kernel carries it out for all records and lays them end to end. Tests hold the
result to that of the general writer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.columns import Array
from pipeline.jit import inlined, kernel, peek1, peek8, poke1, poke8
from pipeline.records import Piece, piece_of

LITERAL, NUMBER, NULLABLE, TEXT = range(4)
"""What a step writes. Second and third number: place and length in `raw`; a column of numbers; those of the value and
of whether it is there; those of place and length in `raw`."""

LONGEST_NUMBER = 10
"""Octets of a 64-bit zigzag number at most."""
SLACK = 8
"""Octets behind the last record that a kernel may write: it copies eight at once."""


@dataclass(frozen=True)
class Nullable:
    """Unions of null and a number: value i64 (n,), and there bool (n,)."""

    value: Array
    there: Array


@dataclass(frozen=True)
class Texts:
    """Strings or bytes: text i is `length[i]` octets of raw u8 (octets,) from `start[i]`; start, length i64 (n,)."""

    raw: Array
    start: Array
    length: Array

    def take(self, places: Array) -> Texts:
        """Those at places i64 (n,)."""
        return Texts(self.raw, self.start[places], self.length[places])


Column = Array | Nullable | Texts | bytes
"""A field of all records: i64 (n,) is a number, or the place of an enum's symbol; bytes are Avro, the same in each."""


def texts_of(values: Sequence[str]) -> Texts:
    """Some texts."""
    pieces = [value.encode() for value in values]
    length = np.array([len(piece) for piece in pieces], np.int64)
    return Texts(np.frombuffer(b"".join(pieces), np.uint8), np.cumsum(length) - length, length)


def texts_of_array(values: Array) -> Texts:
    """Texts of an array S (n,): none of them ends with an octet 0."""
    width = values.dtype.itemsize
    raw = np.ascontiguousarray(values).view(np.uint8)
    return Texts(raw, np.arange(len(values), dtype=np.int64) * width, np.strings.str_len(values).astype(np.int64))


def flags(values: Array) -> Array:
    """Booleans as a column: the octets 0 and 1 are also what the numbers 0 and -1 become."""
    return -values.astype(np.int64)


def encode_columns(header: bytes, columns: Sequence[Column], count: int) -> Piece:
    """`count` records of the columns, in order, each behind the header."""
    steps: list[tuple[int, int, int]] = []
    numbers: list[Array] = []
    raws: list[Array] = []
    octets = bound = 0
    literal = header
    for column in [*columns, None]:
        if isinstance(column, bytes):
            literal += column
            continue
        if literal:
            steps.append((LITERAL, octets, len(literal)))
            raws.append(np.frombuffer(literal, np.uint8))
            octets += len(literal)
            bound += count * len(literal)
            literal = b""
        if column is None:
            break
        at = len(numbers)
        if isinstance(column, Texts):
            steps.append((TEXT, at, at + 1))
            numbers += [column.start + octets, column.length]
            raws.append(column.raw)
            octets += len(column.raw)
            bound += int(column.length.sum())
        elif isinstance(column, Nullable):
            steps.append((NULLABLE, at, at + 1))
            numbers += [column.value, column.there.astype(np.int64)]
            bound += count
        else:
            steps.append((NUMBER, at, 0))
            numbers.append(column)
        bound += LONGEST_NUMBER * count
    table = np.stack(numbers) if numbers else np.zeros((0, count), np.int64)
    out, ends = np.empty(bound + SLACK, np.uint8), np.empty(count, np.int64)
    _lay(np.array(steps, np.int64).reshape(-1, 3), table, np.concatenate(raws or [np.zeros(0, np.uint8)]), out, ends)
    return piece_of(out, ends)


@inlined
def put_number(out, at, value):  # type: ignore[no-untyped-def]
    """Write a zigzag number; returns the next place."""
    rest = np.uint64((value << 1) ^ (value >> 63))
    while rest > np.uint64(127):
        poke1(out, at, np.int64(rest & np.uint64(127)) | 128)
        rest >>= np.uint64(7)
        at += 1
    poke1(out, at, np.int64(rest))
    return at + 1


@inlined
def put_octets(out, at, raw, place, length):  # type: ignore[no-untyped-def]
    """Copy octets, eight at once: up to seven behind them are written too, which are not meant. Returns the next
    place."""
    done = np.int64(0)
    while done < length and place + done + 8 <= raw.shape[0]:
        poke8(out, at + done, peek8(raw, place + done))
        done += 8
    while done < length:
        poke1(out, at + done, peek1(raw, place + done))
        done += 1
    return at + length


@kernel
def _lay(steps, numbers, raw, out, ends):  # type: ignore[no-untyped-def]
    """Records by steps i64 (steps, 3) from numbers i64 (columns, n) and raw u8 into out u8; ends i64 (n,) of each."""
    at = np.int64(0)
    for row in range(ends.shape[0]):
        for step in range(steps.shape[0]):
            kind, first, second = steps[step, 0], steps[step, 1], steps[step, 2]
            if kind == NUMBER:
                at = put_number(out, at, numbers[first, row])
            elif kind == LITERAL:
                at = put_octets(out, at, raw, first, second)
            elif kind == TEXT:
                length = numbers[second, row]
                at = put_number(out, at, length)
                at = put_octets(out, at, raw, numbers[first, row], length)
            elif numbers[second, row]:
                poke1(out, at, 2)
                at = put_number(out, at + 1, numbers[first, row])
            else:
                poke1(out, at, 0)
                at += 1
        ends[row] = at
