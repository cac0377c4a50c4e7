"""Many Avro records from columns, without Python per record.

Each record is laid into a row as wide as the widest, with a mask of the octets that are used; what the mask lets
through, row by row, is the records end to end. A test holds the result to that of the general writer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from agents.rating.encode import avro_string
from pipeline.columns import Array

SEVEN = 7
"""Bits of a number in an octet; the eighth says that another octet follows."""


@dataclass(frozen=True)
class Nullable:
    """Unions of null and a number: value i64 (n,), and there bool (n,)."""

    value: Array
    there: Array


@dataclass(frozen=True)
class Texts:
    """Avro strings: the first length[i] octets of row i of raw u8 (n, widest). One row stands for all records."""

    raw: Array
    length: Array

    def take(self, places: Array) -> Texts:
        """Those at places i64 (n,)."""
        return Texts(self.raw[places], self.length[places])


Column = Array | Nullable | Texts
"""A field of all records; an array i64 (n,) is a number or the place of an enum's symbol."""


def texts_of(values: Sequence[str]) -> Texts:
    """Avro strings of some texts."""
    pieces = [avro_string(value) for value in values]
    widest = max(map(len, pieces), default=1)
    raw = np.frombuffer(b"".join(piece.ljust(widest, b"\0") for piece in pieces), np.uint8)
    return Texts(raw.reshape(-1, widest), np.array([len(piece) for piece in pieces], np.int64))


def encode_rows(header: bytes, columns: Sequence[Column], count: int) -> list[bytes]:
    """`count` records of the columns, in order, each behind the header. At least one column is a number."""
    numbers: list[Array] = []
    unions: list[tuple[int, Array]] = []
    breaks: list[tuple[int, Texts]] = []
    for column in columns:
        if isinstance(column, Texts):
            breaks.append((len(numbers), column))
        elif isinstance(column, Nullable):
            numbers += [column.there.astype(np.int64), column.value]
            unions.append((len(numbers) - 1, column.there))
        else:
            numbers.append(column)
    octets, used = _numbers(np.stack(numbers, axis=1))
    for place, there in unions:
        used[:, place] &= there[:, np.newaxis]
    parts = [_text(Texts(np.frombuffer(header, np.uint8)[np.newaxis], np.array([len(header)])), count)]
    begin = 0
    for end, text in [*breaks, (len(numbers), None)]:
        parts.append((octets[:, begin:end].reshape(count, -1), used[:, begin:end].reshape(count, -1)))
        begin = end
        if text is not None:
            parts.append(_text(text, count))
    mask = np.concatenate([part[1] for part in parts], axis=1)
    raw = np.concatenate([part[0] for part in parts], axis=1)[mask].tobytes()
    return [raw[begin:end] for begin, end in pairwise([0, *np.cumsum(mask.sum(axis=1)).tolist()])]


def _numbers(values: Array) -> tuple[Array, Array]:
    """Zigzag numbers of values i64 (n, fields): octets u8 and which of them are used, (n, fields, longest) each."""
    zigzag = ((values << 1) ^ (values >> 63)).view(np.uint64)
    longest = max(1, -(-int(zigzag.max(initial=0)).bit_length() // SEVEN))
    rest = zigzag[..., np.newaxis] >> (np.arange(longest, dtype=np.uint64) * np.uint64(SEVEN))
    used = rest != 0
    used[..., 0] = True
    octets = (rest & np.uint64(127)).astype(np.uint8)
    octets[..., :-1] |= used[..., 1:].view(np.uint8) << np.uint8(SEVEN)
    return octets, used


def _text(text: Texts, count: int) -> tuple[Array, Array]:
    used = np.arange(text.raw.shape[1]) < text.length[:, np.newaxis]
    shape = count, text.raw.shape[1]
    return np.broadcast_to(text.raw, shape), np.broadcast_to(used, shape)
