"""Which Avro schemas can be read safely: those of which every record, and every item of an array, takes octets.

Avro writes how many records or items follow. Where one of them takes no octet, a message of a hundred octets may name
as many as it likes; where each takes one, the message's end is theirs too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.readings_in.formats.parts import UnreadableError

PRIMITIVE_TYPES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")


def check_octets(schema: Any) -> None:
    """Raises UnreadableError for a schema of which records or items may take no octets, or lie within themselves.

    `schema`: parsed, names in full.
    """
    if not _Least().of(schema):
        raise UnreadableError("no octets are written of a record of this schema")


class _Least:
    """The least octets of values, as far as it matters: none, or some."""

    def __init__(self) -> None:
        self._named: dict[str, int | None] = {}

    def of(self, schema: Any) -> int:
        if isinstance(schema, list):  # a union: its branch is written
            for branch in schema:
                self.of(branch)
            return 1
        if isinstance(schema, Mapping):
            return self._complex(schema)
        if schema in self._named:
            least = self._named[schema]
            if least is None:
                # Its depth is the message's to choose, and reading it would end the process.
                raise UnreadableError(f"a {schema} within itself"[:200])
            return least
        if schema not in PRIMITIVE_TYPES:
            raise UnreadableError(f"{schema} is no type"[:200])
        return int(schema != "null")

    def _complex(self, schema: Mapping[str, Any]) -> int:
        kind = schema["type"]
        if kind == "array":
            if not self.of(schema["items"]):
                raise UnreadableError("no octets are written of an array's items")
            return 1
        if kind == "map":
            self.of(schema["values"])
            return 1
        if kind in ("record", "error"):
            return self._record(schema)
        if kind in ("fixed", "enum"):
            self._named[schema["name"]] = least = int(kind == "enum" or schema["size"] > 0)
            return least
        return self.of(kind)

    def _record(self, schema: Mapping[str, Any]) -> int:
        self._named[schema["name"]] = None
        least = sum([self.of(field["type"]) for field in schema["fields"]])
        self._named[schema["name"]] = least
        return least
