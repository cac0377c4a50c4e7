"""Narrow columns: the kernels against plain Python, every value back, and no octets that are taken for something."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.columns import Array, Column
from pipeline.errors import ContractError
from pipeline.narrow import MOST_ROWS, pack_narrow, unpack_narrow

CODES = ("<u1", "<u2", "<u4", "<u8", "<i4", "<i8")
TWO = 2


@dataclass
class Sample:
    """A column of each type, one and two items wide; a second section with one column."""

    u1: Array
    u2: Array
    u4: Array
    u8: Array
    i4: Array
    i8: Array
    pair_u1: Array
    pair_u2: Array
    pair_u4: Array
    pair_u8: Array
    pair_i4: Array
    pair_i8: Array
    other: Array

    COLUMNS: ClassVar[tuple[Column, ...]] = (
        *(Column(code[1:], code, "row", "", "one") for code in CODES),
        *(Column(f"pair_{code[1:]}", code, "row", "", "two", TWO) for code in CODES),
        Column("other", "<u2", "other", "", "of another section"),
    )


def lane(values: list[int]) -> bytes:
    """What one lane must be, by the words of pipeline.narrow."""
    least = min(values)
    span = max(values) - least
    octets = next(octets for octets in (0, 1, 2, 4, 8) if span < 1 << (8 * octets))
    items = b"".join((value - least).to_bytes(octets, "little") for value in values)
    return struct.pack("<B3xIq", octets, len(values), least) + items


def as_signed(array: Array) -> Array:
    """The 64 bits of unsigned ones as they are compared."""
    return array.view("<i8") if array.dtype == "<u8" else array


def expected(array: Array) -> bytes:
    lanes = as_signed(array).reshape(len(array), -1).T.tolist() if len(array) else []
    return b"".join(lane([int(value) for value in one]) for one in lanes)


def read(columns: dict[str, bytes], name: str) -> tuple[str, int]:
    """(code of the refusal, "" without one; rows of column `name`)."""
    try:
        return "", len(getattr(unpack_narrow(Sample, columns, aligned=False), name))
    except ContractError as error:
        return error.code, 0


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    rows, others = draw(st.integers(0, 12)), draw(st.integers(0, 3))
    arrays = {}
    for column in Sample.COLUMNS:
        count = (others if column.section == "other" else rows) * column.width
        info = np.iinfo(column.dtype)
        least = draw(st.integers(int(info.min), int(info.max)))
        most = min(int(info.max), least + draw(st.sampled_from([0, 1, 255, 256, 65_535, 65_536, 1 << 32, 1 << 64])))
        values = draw(st.lists(st.integers(least, most), min_size=count, max_size=count))
        flat = np.array(values, column.dtype)
        arrays[column.name] = flat if column.width == 1 else flat.reshape(-1, column.width)
    return Sample(**arrays)


@given(samples())
def test_lanes_are_what_plain_python_makes_of_them(sample: Sample) -> None:
    packed = pack_narrow(sample)
    assert list(packed) == [column.name for column in Sample.COLUMNS]
    for name, raw in packed.items():
        assert bytes(raw) == expected(getattr(sample, name)), name


@given(samples(), st.booleans())
def test_every_value_comes_back(sample: Sample, aligned: bool) -> None:
    raw = {name: b"x" + bytes(value) for name, value in pack_narrow(sample).items()}
    back = unpack_narrow(Sample, {name: memoryview(value)[1:] for name, value in raw.items()}, aligned=aligned)
    for column in Sample.COLUMNS:
        mine, theirs = getattr(sample, column.name), getattr(back, column.name)
        assert mine.dtype == theirs.dtype if aligned else theirs.dtype.itemsize <= mine.dtype.itemsize
        assert mine.tolist() == theirs.tolist(), column.name
        assert (theirs.flags.c_contiguous and theirs.flags.writeable) or not aligned


@given(samples(), st.data())
def test_a_cut_or_changed_head_is_refused_or_read_but_never_more(sample: Sample, data: st.DataObject) -> None:
    packed = {name: bytes(value) for name, value in pack_narrow(sample).items()}
    name = data.draw(st.sampled_from([column.name for column in Sample.COLUMNS]))
    octets = bytearray(packed[name])
    if octets:
        octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    packed[name] = bytes(octets[: data.draw(st.integers(0, len(octets)))])
    code, rows = read(packed, name)
    assert code in ("COLUMN_LENGTH", "COLUMN_ROWS") or rows == len(getattr(sample, name)) or name == "other"


@given(st.binary(max_size=100))
def test_any_octets_are_a_column_or_refused(octets: bytes) -> None:
    empty = {column.name: b"" for column in Sample.COLUMNS}
    code, rows = read({**empty, "other": octets}, "other")
    assert code == "COLUMN_LENGTH" or rows <= MOST_ROWS


def test_more_rows_than_a_record_can_hold_are_refused() -> None:
    empty = {column.name: b"" for column in Sample.COLUMNS}
    with pytest.raises(ContractError, match="COLUMN_LENGTH"):
        unpack_narrow(Sample, {**empty, "other": struct.pack("<B3xIq", 0, 2**32 - 1, 7)})


def test_an_array_that_is_not_to_be_written_to_is_packed_too() -> None:
    sample = Sample(**{column.name: column.empty(3) for column in Sample.COLUMNS})
    sample.other = np.frombuffer(b"\1\0\2\0\3\0", "<u2")
    assert np.array_equal(unpack_narrow(Sample, pack_narrow(sample)).other, [1, 2, 3])


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=5), st.integers(0, 2**40))
def test_a_view_of_small_values_is_of_the_smallest_type_that_holds_them(values: list[int], base: int) -> None:
    sample = {column.name: np.zeros(0 if column.section == "other" else len(values), column.dtype)
              for column in Sample.COLUMNS if column.width == 1}  # fmt: skip
    sample |= {column.name: np.zeros((len(values), TWO), column.dtype) for column in Sample.COLUMNS if column.width > 1}
    sample["u8"] = np.array(values, np.uint64) + np.uint64(base)
    raw = {name: bytes(value) for name, value in pack_narrow(Sample(**sample)).items()}
    back = unpack_narrow(Sample, raw, aligned=False).u8
    most = max(values) + base
    assert most < 1 << (8 * back.itemsize)
    assert back.itemsize in (1, 2, 4) or most >= 1 << 32 or max(values) - min(values) >= 1 << 32
