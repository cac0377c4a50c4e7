"""What plain records are written down with: fields with a doc, enums, nested records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Type = str | dict[str, Any] | list[Any]

_ABSENT = object()


@dataclass(frozen=True)
class Field:
    """One field of a plain record; `default` as in Avro, needed for what is added after a release."""

    name: str
    type: Type
    doc: str
    default: object = _ABSENT

    def avro(self) -> dict[str, Any]:
        """The field as Avro's JSON."""
        made: dict[str, Any] = {"name": self.name, "type": self.type, "doc": self.doc}
        return made if self.default is _ABSENT else {**made, "default": self.default}


@dataclass(frozen=True)
class Record:
    """One plain record."""

    name: str
    doc: str
    fields: tuple[Field, ...]


def nullable(kind: Type) -> list[Any]:
    """`kind` or null, null first, so that null can be a default."""
    return ["null", kind]


def enum(name: str, doc: str, symbols: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """An Avro enum; its doc explains each symbol, since Avro has no place for that."""
    listed = list(symbols)
    meanings = "; ".join(f"{symbol}: {meaning}" for symbol, meaning in listed)
    return {"type": "enum", "name": name, "doc": f"{doc} {meanings}.", "symbols": [symbol for symbol, _ in listed]}


def record(name: str, doc: str, fields: Iterable[Field]) -> dict[str, Any]:
    """A nested Avro record."""
    return {"type": "record", "name": name, "doc": doc, "fields": [field.avro() for field in fields]}


def array(items: Type) -> dict[str, Any]:
    """An Avro array."""
    return {"type": "array", "items": items}
