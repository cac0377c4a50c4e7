"""Narrow columns: of each column the least value, and what each row stands above it in as few octets as that takes.

Most of a reading's octets are zeros, or the same in every row of a record: in records of thousands of rows a sixth of
them is left (`python -m bench.narrow`), in one pass over them, where a compressor would take many. A
column is one lane after the other (one lane for each of its `width` items), each a head (HEAD) and `rows` items; a
column without rows is empty:

    octets  u1   of an item: 0 (all rows are `base`), 1, 2, 4 or 8
    rows    u4   items that follow
    base    i8   a row's value is base + item, modulo 2^64; of unsigned 64-bit columns the same 64 bits
    items   unsigned, little-endian
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from pipeline.columns import Array, Column, Packed, add_missing, check_sections
from pipeline.errors import ContractError
from pipeline.jit import inlined, kernel, peek1, peek2, peek4, peek8, poke1, poke2, poke4, poke8

HEAD = struct.Struct("<B3xIq")

SIGNED_4 = -4
FORMS = {"<u1": 1, "<u2": 2, "<u4": 4, "<u8": 8, "<i4": SIGNED_4, "<i8": 8}
"""Octets of an item by numpy code; SIGNED_4: with a sign that must be carried to 64 bits."""

HALF_OCTETS = 4
"""Of a value of 32 bits."""

MOST_ROWS = 1 << 21
"""Twice as many as a revision can number in a record: a lane of items without octets could claim any number."""

P = TypeVar("P", bound=Packed)


@inlined
def load(raw, place, form):  # type: ignore[no-untyped-def]
    """The item at `place` as i64."""
    if form == 1:
        return peek1(raw, place)
    if form == 2:
        return peek2(raw, place)
    if form == 4:
        return peek4(raw, place)
    return np.int64(np.int32(peek4(raw, place))) if form == SIGNED_4 else peek8(raw, place)


@inlined
def store(out, place, octets, value):  # type: ignore[no-untyped-def]
    """The lowest `octets` of i64 `value` to `place`."""
    if octets == 1:
        poke1(out, place, value)
    elif octets == 2:
        poke2(out, place, value)
    elif octets == 4:
        poke4(out, place, value)
    else:
        poke8(out, place, value)


@inlined
def bounds(raw, place, stride, form, rows):  # type: ignore[no-untyped-def]
    """(least, most) of a lane."""
    least = most = load(raw, place, form)
    for row in range(1, rows):
        value = load(raw, place + row * stride, form)
        least, most = min(least, value), max(most, value)
    return least, most


@inlined
def items(raw, place, stride, form, rows, base, octets, out, end):  # type: ignore[no-untyped-def]
    """A lane less `base` as items of `octets` octets."""
    for row in range(rows):
        store(out, end + row * octets, octets, load(raw, place + row * stride, form) - base)


@inlined
def items_of(raw, place, stride, form, rows, base, octets, out, end):  # type: ignore[no-untyped-def]
    """`items`, with the octets known to the compiler in each loop."""
    if octets == 1:
        items(raw, place, stride, form, rows, base, 1, out, end)
    elif octets == 2:
        items(raw, place, stride, form, rows, base, 2, out, end)
    elif octets == 4:
        items(raw, place, stride, form, rows, base, 4, out, end)
    else:
        items(raw, place, stride, form, rows, base, 8, out, end)


@inlined
def lane(raw, place, stride, form, rows, out, end):  # type: ignore[no-untyped-def]
    """See `narrow`; the form and the stride are known to the compiler."""
    least, most = bounds(raw, place, stride, form, rows)
    span = np.uint64(most) - np.uint64(least)
    octets = 0
    if span > 0:
        octets = 1 if span < 1 << 8 else 2 if span < 1 << 16 else 4 if span < 1 << 32 else 8
    poke8(out, end, octets | rows << 32)
    poke8(out, end + 8, least)
    end += 16
    if octets:
        items_of(raw, place, stride, form, rows, least, octets, out, end)
    return end + octets * rows


@kernel
def narrow(raw, place, stride, form, rows, out, end):  # type: ignore[no-untyped-def]
    """A lane to `out`, head and items, from `end` on; returns the place behind it.

    Args:
        raw: u8, where the column lies.
        place, stride: the first row's item, and octets from one row to the next.
        form: FORMS.
        rows: at least 1.
        out: u8, with room for HEAD and `rows` whole items.
        end: where the lane begins.
    """
    if form == 8:
        if stride == 8:
            return lane(raw, place, 8, 8, rows, out, end)
        return lane(raw, place, stride, 8, rows, out, end)
    if form == 4:
        return lane(raw, place, stride, 4, rows, out, end)
    if form == SIGNED_4:
        return lane(raw, place, stride, SIGNED_4, rows, out, end)
    if form == 2:
        return lane(raw, place, stride, 2, rows, out, end)
    return lane(raw, place, stride, 1, rows, out, end)


@kernel
def narrow_lanes(raw, width, size, form, rows, out, end):  # type: ignore[no-untyped-def]
    """All lanes of a column of `width` items of `size` octets a row: a call takes longer than a short lane."""
    for item in range(width):
        end = narrow(raw, item * size, width * size, form, rows, out, end)
    return end


@inlined
def wide(raw, place, octets, base, rows, out, end, size):  # type: ignore[no-untyped-def]
    """Items as whole values of `size` octets."""
    for row in range(rows):
        store(out, end + row * size, size, base + load(raw, place + row * octets, octets))


@inlined
def wide_of(raw, place, octets, base, rows, out, end, size):  # type: ignore[no-untyped-def]
    """`wide`, with the octets known to the compiler in each loop."""
    if octets == 1:
        wide(raw, place, 1, base, rows, out, end, size)
    elif octets == 2:
        wide(raw, place, 2, base, rows, out, end, size)
    elif octets == 4:
        wide(raw, place, 4, base, rows, out, end, size)
    else:
        wide(raw, place, 8, base, rows, out, end, size)


@kernel
def widen(raw, place, octets, base, rows, out, end, size):  # type: ignore[no-untyped-def]
    """`rows` items of `octets` (1, 2, 4 or 8) octets from `place` of `raw` on, plus `base`, to `out` u8 from `end` on.

    size: octets of a whole value, 1, 2, 4 or 8.
    """
    if size == 8:
        wide_of(raw, place, octets, base, rows, out, end, 8)
    elif size == 4:
        wide_of(raw, place, octets, base, rows, out, end, 4)
    elif size == 2:
        wide_of(raw, place, octets, base, rows, out, end, 2)
    else:
        wide_of(raw, place, octets, base, rows, out, end, 1)


def pack_narrow(batch: Packed) -> dict[str, memoryview]:
    """Column name -> bytes, in the order of the table; raises KeyError for a column of a type that FORMS has not."""
    filled = {}
    for column in batch.COLUMNS:
        array = getattr(batch, column.name)
        if len(array):
            filled[column.name] = np.ascontiguousarray(array, dtype=column.dtype)
    widths = (column.width for column in batch.COLUMNS if column.name in filled)
    room = sum(array.nbytes + HEAD.size * width for array, width in zip(filled.values(), widths, strict=True))
    out, end = np.empty(room, np.uint8), 0
    whole, made = memoryview(out.data), {}
    for column in batch.COLUMNS:
        start = end
        if column.name in filled:
            array = filled[column.name]
            raw = array.reshape(-1).view(np.uint8)
            if not raw.flags.writeable:  # one signature for the kernel
                raw = raw.copy()
            end = narrow_lanes(raw, column.width, array.itemsize, FORMS[column.dtype], len(array), out, start)
        made[column.name] = whole[start:end]
    return made


def unpack_narrow(batch_type: type[P], record: Mapping[str, Any], *, aligned: bool = True) -> P:
    """The batch whose columns are `record`'s bytes; raises ContractError when they are no such columns.

    aligned: arrays as kernels are compiled for. Else a column whose rows are all the same takes no memory, those of
    several items lie item by item, none is to be written to, and one of small values is of a smaller unsigned type.
    """
    # What a former release did not write is not there, and has no rows.
    arrays = {column.name: _column(column, record.get(column.name, b""), aligned) for column in batch_type.COLUMNS}
    if aligned:
        arrays = {name: np.require(array, requirements=["C", "W"]) for name, array in arrays.items()}
    add_missing(batch_type.COLUMNS, arrays)
    check_sections(batch_type.COLUMNS, arrays)
    return batch_type(**arrays)


def _column(column: Column, raw: bytes | memoryview, aligned: bool) -> Array:
    if not len(raw):
        return column.empty()
    octets = np.frombuffer(raw, np.uint8)
    lanes, place = [], 0
    for _ in range(column.width):
        if place + HEAD.size > len(raw):
            raise _misfit(column, f"{len(raw)} bytes end within the head of a lane at {place}")
        width, rows, base = HEAD.unpack_from(raw, place)
        place += HEAD.size
        if width not in (0, 1, 2, 4, 8) or rows > MOST_ROWS or place + width * rows > len(raw):
            raise _misfit(column, f"{rows} items of {width} bytes at {place} of {len(raw)}")
        lanes.append((place, width, rows, base))
        place += width * rows
    if place != len(raw) or len({rows for _, _, rows, _ in lanes}) > 1:
        raise _misfit(column, f"{len(raw)} bytes, of which {place} are lanes of {[lane[2] for lane in lanes]} rows")
    kind = np.dtype(column.dtype) if aligned else _smallest(np.dtype(column.dtype), octets, lanes)
    return _whole(column, kind, octets, lanes)


def _smallest(kind: np.dtype[Any], octets: Array, lanes: list[tuple[int, int, int, int]]) -> np.dtype[Any]:
    """The smallest unsigned type that holds the values of all lanes; `kind`, the column's own, when none is smaller."""
    most = 0
    for place, width, rows, base in lanes:
        if base < 0 or base >= 1 << 32:
            return kind
        span = (1 << (8 * width)) - 1
        if width == HALF_OCTETS and base + span >= 1 << 32:  # seldom so far above the least: worth a look
            span = int(octets[place : place + HALF_OCTETS * rows].view("<u4").max(initial=0))
        most = max(most, base + span)
    smallest = next((size for size in (1, 2, 4) if most < 1 << (8 * size)), kind.itemsize)
    return np.dtype(f"<u{smallest}") if smallest < kind.itemsize else kind


def _whole(column: Column, kind: np.dtype[Any], octets: Array, lanes: list[tuple[int, int, int, int]]) -> Array:
    """The lanes as one array of `kind` (rows,) or (rows, width)."""
    rows = lanes[0][2]
    bases = np.array([base for *_, base in lanes], "<i8").view("<u8").astype(f"<u{kind.itemsize}").view(kind)
    if not any(width for _, width, *_ in lanes):
        shape = (rows,) if column.width == 1 else (rows, column.width)
        return np.broadcast_to(bases[0] if column.width == 1 else bases, shape)
    # Lane by lane in memory: readers take one at a time.
    out = np.empty((column.width, rows), kind)
    flat, size = out.reshape(-1).view(np.uint8), kind.itemsize
    for number, (place, width, _, base) in enumerate(lanes):
        if width:
            widen(octets, place, width, base, rows, flat, number * rows * size, size)
        else:
            out[number] = bases[number]
    return out[0] if column.width == 1 else out.T


def _misfit(column: Column, what: str) -> ContractError:
    return ContractError(
        "COLUMN_LENGTH", where=column.name, what=what, do="check the producer of this topic against the schema's doc"
    )
