"""ClickHouse's Native format from numpy arrays: columns as they lie in memory, with a name and a type before each.

Measured against Arrow and against inserting column lists: the same engine time, and next to none in Python.
Layout: ClickHouse documentation, formats/Native; each block is (columns, rows), then each column (name, type, data).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.columns import Array

DTYPES = {
    "UInt8": "<u1",
    "UInt16": "<u2",
    "UInt32": "<u4",
    "UInt64": "<u8",
    "Int8": "<i1",
    "Int32": "<i4",
    "Int64": "<i8",
    "DateTime('UTC')": "<u4",
    "Bool": "<u1",
}

INTEGERS = ("UInt8", "Int8", "UInt16", "UInt32", "Int32", "UInt64", "Int64")
"""Of them numbers, the smallest first."""

LAST_SECOND = 2**32 - 1
"""DateTime ends in February 2106; a wilder stamp of a meter stands at this bound, never in another year."""

# LowCardinality: one dictionary a block ("additional keys"), 8-bit places in it.
_LOW_CARDINALITY = np.array([1, 1 << 9], "<u8").tobytes()


def dtype_of(kind: str) -> str:
    """Numpy code of a fixed-width column type."""
    inner = kind.removeprefix("Nullable(").removesuffix(")") if kind.startswith("Nullable(") else kind
    return "<i1" if inner.startswith("Enum8(") else DTYPES[inner]


def fitted(values: Array, kind: str) -> Array:
    """`values` in the memory layout of `kind`."""
    if "DateTime" in kind:
        values = np.clip(values, 0, LAST_SECOND)
    return np.ascontiguousarray(values, dtype_of(kind))


def narrowed(kind: str, least: int, most: int) -> str:
    """The smallest integer type with these values, which the engine turns into `kind` on its way in; else `kind`."""
    if kind not in INTEGERS:
        return kind
    fit = (name for name in INTEGERS if holds(name, least, most))
    return next((name for name in fit if np.dtype(DTYPES[name]).itemsize < np.dtype(DTYPES[kind]).itemsize), kind)


def holds(kind: str, least: int, most: int) -> bool:
    """Whether values from `least` to `most` are all in the range of a fixed-width type."""
    bounds = np.iinfo(dtype_of(kind))
    return int(bounds.min) <= least and most <= int(bounds.max)


def zero_is_default(kind: str) -> bool:
    """Whether a column of `kind` that a block leaves out is filled with zeros (an enum with its first value)."""
    return kind in DTYPES


def varint(number: int) -> bytes:
    """LEB128, as ClickHouse writes lengths."""
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def text(value: str) -> bytes:
    """A length and UTF-8."""
    raw = value.encode()
    return varint(len(raw)) + raw


@dataclass(frozen=True)
class NativeColumn:
    """A column of a block: its data as pieces that follow each other."""

    name: str
    type: str
    pieces: Sequence[bytes | memoryview]


def arrays(name: str, kind: str, parts: Iterable[Array]) -> NativeColumn:
    """A fixed-width column from the arrays of several batches, in order."""
    return NativeColumn(name, kind, [fitted(part, kind).data.cast("B") for part in parts if len(part)])


def whole(name: str, kind: str, values: Array) -> NativeColumn:
    """A fixed-width column from one array in the memory layout of `kind`."""
    return NativeColumn(name, kind, [values.data.cast("B")])


def nullable(name: str, kind: str, parts: Sequence[Array], present: Sequence[Array]) -> NativeColumn:
    """The same, null where `present` is 0: first all the null marks, then all the values."""
    marks = [(np.asarray(there) == 0).astype("<u1").tobytes() for there in present]
    values = [np.where(there, fitted(part, kind), 0).astype(dtype_of(kind)).tobytes()
              for part, there in zip(parts, present, strict=True)]  # fmt: skip
    return NativeColumn(name, kind, [*marks, *values])


def texts(name: str, values: Iterable[bytes]) -> NativeColumn:
    """A String column."""
    return NativeColumn(name, "String", [varint(len(value)) + value for value in values])


def constants(name: str, runs: Sequence[tuple[str, int]]) -> NativeColumn:
    """A LowCardinality(String) column of at most 256 values, each repeated a number of rows."""
    values = list(dict.fromkeys(value for value, _ in runs))
    places = np.repeat(
        np.array([values.index(value) for value, _ in runs], "<u1"), np.array([rows for _, rows in runs], np.int64)
    )
    return low_cardinality(name, values, places)


def low_cardinality(name: str, values: Sequence[str], places: Array) -> NativeColumn:
    """A LowCardinality(String) column of at most 256 values; places u8 (rows,) in them."""
    head = _LOW_CARDINALITY + np.array([len(values)], "<u8").tobytes() + b"".join(text(value) for value in values)
    return NativeColumn(
        name, "LowCardinality(String)", [head, np.array([len(places)], "<u8").tobytes(), places.tobytes()]
    )


@dataclass
class NativeBlock:
    """A block as pieces that follow each other, so that a hundred megabytes need not be put together first."""

    pieces: list[bytes | memoryview]
    rows: int
    _next: int = 0

    def read(self, _size: int = -1) -> bytes | memoryview:
        """The next piece, whatever its size; empty at the end. What the client takes for a file is only this."""
        while self._next < len(self.pieces):
            piece = self.pieces[self._next]
            self._next += 1
            if len(piece):
                return piece
        return b""

    def chunks(self, size: int = 1 << 18) -> Iterator[bytes]:
        """The whole in parts of `size` bytes: a request's time-out is for each of them, not for all that it sends."""
        gathered: list[bytes | memoryview] = []
        held = 0
        for piece in self.pieces:
            for start in range(0, len(piece), size):
                part = piece[start : start + size]
                gathered.append(part)
                held += len(part)
                if held >= size:
                    yield b"".join(gathered)
                    gathered, held = [], 0
        if gathered:
            yield b"".join(gathered)


def block(columns: Sequence[NativeColumn], rows: int) -> NativeBlock:
    """One block."""
    pieces: list[bytes | memoryview] = [varint(len(columns)), varint(rows)]
    for column in columns:
        pieces += (text(column.name), text(column.type), *column.pieces)
    return NativeBlock(pieces, rows)
