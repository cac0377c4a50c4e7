"""What every format is read to first: columns of texts, a row a reading, and what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

MOST_RAW = 4096
"""Octets of a refused row that are kept; of a message that is refused as a whole a reject's own limit holds."""

SHARED_OCTETS, SHARED_TIMES = 128_000_000, 16
"""What readings share may come to so many octets when it is copied into each, and so many times the message's size."""
CELL_OCTETS = 32
"""What a cell takes beside its name and text."""


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


class SharedError(ValueError):
    """What readings share would be copied more often than a message of this size has a reason for."""


class Room:
    """How many octets the readings of one message may have of what they share, in all."""

    def __init__(self, octets: int) -> None:
        self._left = SHARED_OCTETS + SHARED_TIMES * octets

    def take(self, octets: int) -> None:
        """A copy is made; raises SharedError when there is no room for it."""
        self._left -= octets
        if self._left < 0:
            raise SharedError("the readings share too much: it would be copied into each of them")


def nested_rows(value: Any, records: str, room: Room) -> list[dict[str, Any]]:
    """Rows of a list, or of an object that holds a list of them under `records` and says what they share beside it.

    Raises ValueError for anything else, SharedError when `room` does not suffice for what they share.
    """
    rows: list[dict[str, Any]] = []
    _gather(value, records, {}, 0, room, rows)
    return rows


def _gather(
    value: Any, records: str, above: dict[str, Any], octets: int, room: Room, rows: list[dict[str, Any]]
) -> None:
    """Append the rows of a value; `above`: what they share with others, of so many octets."""
    if isinstance(value, list):
        for item in value:
            _gather(item, records, above, octets, room, rows)
        return
    if not isinstance(value, Mapping):
        raise ValueError(f"a {type(value).__name__} where a reading should be")
    room.take(octets)
    own = flattened(value)
    inner = own.pop(records, None)
    if inner is None:
        rows.append(above | own)
        return
    if not isinstance(inner, list):
        raise ValueError(f"{records!r} is no list")
    _gather(inner, records, above | own, octets + _octets(own), room, rows)


def _octets(shared: Mapping[str, Any]) -> int:
    return sum(CELL_OCTETS + len(name) + len(text_of(value) or "") for name, value in shared.items())
