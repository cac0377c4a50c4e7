"""What every format is read to first: columns of texts, a row a reading, and what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

MOST_RAW = 4096
"""Octets of a refused row that are kept; of a message that is refused as a whole a reject's own limit holds."""


@dataclass(frozen=True)
class Fault:
    """A row, or a whole message, that is refused: where, which column, why, its bytes; `code` of REJECT_CODES."""

    place: str
    column: str
    code: str
    reason: str
    raw: bytes
    device: int = 0

    @property
    def detail(self) -> str:
        """For a person."""
        where = f"{self.place}, {self.column}" if self.column else self.place
        return f"{where}: {self.reason}"


@dataclass
class Records:
    """Columns by name, texts (pyarrow strings, null: not there) of n rows; where each row is, and its bytes."""

    count: int
    columns: dict[str, Any]
    place: Callable[[int], str]
    raw: Callable[[int], bytes]
    faults: list[Fault] = field(default_factory=list)

    def texts(self, name: str) -> Any:
        """A column; null where the records do not have it."""
        found = self.columns.get(name)
        return pa.nulls(self.count, pa.string()) if found is None else found


def of_mappings(
    rows: Sequence[Mapping[str, Any]], wanted: Sequence[str], place: Callable[[int], str], raw: Callable[[int], bytes]
) -> Records:
    """Records of mappings by name; `wanted`: the columns that are looked for."""
    here = {name for row in rows for name in row}
    columns = {name: pa.array([text_of(row.get(name)) for row in rows], pa.string()) for name in wanted if name in here}
    return Records(len(rows), columns, place, raw)


def text_of(value: Any) -> str | None:
    """A value of JSON or Avro as it would be written: floats as the shortest decimal that means them."""
    if value is None:
        return None
    if isinstance(value, str):
        # Half of a surrogate pair, which JSON can write, is no character.
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return repr(value) if isinstance(value, float) else value.isoformat() if hasattr(value, "isoformat") else str(value)


def flattened(row: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Objects within objects as columns `a.b`; lists are left as they are."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            found.update(flattened(value, f"{above}{name}."))
        else:
            found[f"{above}{name}"] = value
    return found


def nested_rows(value: Any, records: str) -> list[dict[str, Any]]:
    """Rows of a list, or of an object that holds a list of them under `records` and says what they share beside it.

    Raises ValueError for anything else.
    """
    if isinstance(value, list):
        return [row for item in value for row in nested_rows(item, records)]
    if not isinstance(value, Mapping):
        raise ValueError(f"a {type(value).__name__} where a reading should be")
    row = flattened(value)
    inner = row.pop(records, None)
    if inner is None:
        return [row]
    if not isinstance(inner, list):
        raise ValueError(f"{records!r} is no list")
    return [row | own for item in inner for own in nested_rows(item, records)]
