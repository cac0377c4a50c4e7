"""Records of packed columns as bytes that are not copied once more: columns read as views, and written from where they
lie.

fastavro would make a bytes object of each column. A view may lie at any address, so it is for readers that copy
columns elsewhere; kernels are compiled for aligned arrays.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import fastavro
from fastavro.types import Schema

from pipeline.errors import ContractError


class ColumnViews:
    """Reads and writes records of one schema: an envelope of any fields, then columns of type bytes to the end."""

    def __init__(self, schema: Schema) -> None:
        assert isinstance(schema, dict)
        self._name = str(schema["name"])
        kinds = [field["type"] for field in schema["fields"]]
        first = kinds.index("bytes")
        if any(kind != "bytes" for kind in kinds[first:]):
            raise ValueError(f"{self._name}: fields that are no columns must stand before all columns")
        fields = schema["fields"][:first]
        self._envelope: Schema = fastavro.parse_schema({"type": "record", "name": "Envelope", "fields": fields})
        self._columns = tuple(field["name"] for field in schema["fields"][first:])

    def read(self, raw: bytes, at: int) -> dict[str, Any]:
        """The record whose body begins at `at`; raises ContractError when a column reaches behind the end."""
        body = io.BytesIO(raw)
        body.seek(at)
        record: Any = fastavro.schemaless_reader(body, self._envelope, None)
        place, whole = body.tell(), memoryview(raw)
        for name in self._columns:
            length, place = _length(raw, place)
            if length < 0 or place + length > len(raw):
                raise ContractError(
                    "COLUMN_LENGTH", where=f"{self._name}.{name}", what=f"{length} bytes at {place} of {len(raw)}",
                    do="check the producer of this topic",
                )  # fmt: skip
            record[name] = whole[place : place + length]
            place += length
        return dict(record)

    def write(self, head: bytes, envelope: Mapping[str, Any], columns: Mapping[str, bytes | memoryview]) -> bytes:
        """`head`, then the record of these fields."""
        body = io.BytesIO()
        fastavro.schemaless_writer(body, self._envelope, dict(envelope))
        parts: list[bytes | memoryview] = [head, body.getvalue()]
        for name in self._columns:
            column = columns[name]
            parts += (_varint(2 * len(column)), column) if len(column) else (b"\0",)
        return b"".join(parts)


def _varint(number: int) -> bytes:
    if number < 128:
        return bytes((number,))
    return bytes((number & 127 | 128,)) + _varint(number >> 7)


def _length(raw: bytes, place: int) -> tuple[int, int]:
    """(zigzag number at `place`, place behind it); -1 when it does not end."""
    found, shift = 0, 0
    while place < len(raw) and shift < 64:
        octet = raw[place]
        place += 1
        found |= (octet & 127) << shift
        if octet < 128:
            return (found >> 1) ^ -(found & 1), place
        shift += 7
    return -1, place
