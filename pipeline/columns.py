"""Packed columns: numpy arrays <-> the `bytes` fields of an Avro record, without copies on the way in.

A batch class is a dataclass of arrays with a `COLUMNS` table beside it. The table is what the Avro schema, its docs and
the readers in other languages are made from: each column is a little-endian array, row-major, `width` items a row.
Columns of one `section` have the same number of rows. A column of no rows is an empty `bytes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from pipeline.errors import ContractError

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Column:
    """One packed column: `dtype` is a little-endian numpy code, `width` the items a row."""

    name: str
    dtype: str
    section: str
    unit: str
    doc: str
    width: int = 1
    added: bool = False
    """A former release did not write it: of what that wrote it is all zeros."""

    @property
    def shape_doc(self) -> str:
        """The sentence that a reader in another language needs."""
        items = "" if self.width == 1 else f"[{self.width}]"
        return f"packed little-endian {self.dtype[1:]}{items}, one a {self.section}; unit: {self.unit}. {self.doc}"

    def empty(self, rows: int = 0) -> Array:
        """Zeros for `rows` rows, shape (rows,) or (rows, width)."""
        return np.zeros(rows if self.width == 1 else (rows, self.width), self.dtype)

    def view(self, raw: bytes | memoryview) -> Array:
        """The column as a read-only array over `raw`; raises ContractError when the length does not fit."""
        size = np.dtype(self.dtype).itemsize * self.width
        if len(raw) % size:
            raise ContractError(
                "COLUMN_LENGTH",
                where=self.name,
                what=f"{len(raw)} bytes are no whole number of {size}-byte rows",
                do="check the producer of this topic against the schema's doc",
            )
        flat = np.frombuffer(raw, self.dtype)
        return flat if self.width == 1 else flat.reshape(-1, self.width)


class Packed(Protocol):
    """A batch of packed columns."""

    COLUMNS: ClassVar[tuple[Column, ...]]


P = TypeVar("P", bound=Packed)


def pack(batch: Packed) -> dict[str, bytes]:
    """Column name -> bytes, in the order of the table."""
    packed = {}
    for column in batch.COLUMNS:
        array = np.ascontiguousarray(getattr(batch, column.name), dtype=column.dtype)
        packed[column.name] = array.tobytes()
    return packed


def unpack(batch_type: type[P], record: Mapping[str, Any]) -> P:
    """The batch whose columns are `record`'s bytes; raises ContractError when sections differ in length."""
    # What a former release did not write is not there, or there as its default, a text: it has no rows.
    arrays = {column.name: column.view(record.get(column.name) or b"") for column in batch_type.COLUMNS}
    add_missing(batch_type.COLUMNS, arrays)
    check_sections(batch_type.COLUMNS, arrays)
    return batch_type(**arrays)


def add_missing(columns: tuple[Column, ...], arrays: dict[str, Array]) -> None:
    """Zeros for the columns that a former release did not write, as many as their section has rows."""
    for column in columns:
        if column.added and not len(arrays[column.name]):
            first = next(other for other in columns if other.section == column.section)
            if len(arrays[first.name]):
                arrays[column.name] = column.empty(len(arrays[first.name]))


def check_sections(columns: tuple[Column, ...], arrays: Mapping[str, Array]) -> None:
    """Raise ContractError unless all columns of a section have the same number of rows."""
    rows: dict[str, tuple[int, str]] = {}
    for column in columns:
        if column.section.startswith("byte"):
            continue
        count = len(arrays[column.name])
        known, first = rows.setdefault(column.section, (count, column.name))
        if known != count:
            raise ContractError(
                "COLUMN_ROWS",
                where=column.name,
                what=f"{count} rows, but {first} has {known}",
                do="check the producer of this topic against the schema's doc",
            )


@cache
def _none(batch_type: type[Packed]) -> dict[str, Array]:
    """Columns without rows: made once, since nothing can be written to them."""
    return {column.name: column.empty() for column in batch_type.COLUMNS}


def empty(batch_type: type[P]) -> P:
    """A batch without rows."""
    return batch_type(**_none(batch_type))


def concat(batch_type: type[P], parts: list[P]) -> P:
    """All rows of `parts`, in order."""
    if len(parts) == 1:
        return parts[0]
    return batch_type(
        **{
            column.name: np.concatenate([getattr(part, column.name) for part in parts]) if parts else column.empty()
            for column in batch_type.COLUMNS
        }
    )
