"""What a format's reader gives, and how it says that it cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from connectors.readings_in.config import Columns, ReadingsOptions
from connectors.readings_in.quantities import Quantity
from connectors.readings_in.records import Records, of_mappings


class UnreadableError(ValueError):
    """A message or file is not of its format, from some place on."""


@dataclass(frozen=True)
class Part:
    """Records of a message, or of a part of a file; columns, quantities and options where the format has its own."""

    records: Records
    columns: Columns | None = None
    quantities: Mapping[str, Quantity] | None = None
    options: ReadingsOptions | None = None


def whole(stream: BinaryIO, options: ReadingsOptions) -> bytes:
    """All octets; raises UnreadableError when they are more than the options allow."""
    octets = stream.read(options.message_bytes + 1)
    if len(octets) > options.message_bytes:
        raise UnreadableError(f"it is larger than message_bytes, {options.message_bytes}")
    return octets


def of_rows(rows: Sequence[Mapping[str, Any]], options: ReadingsOptions, raw: Sequence[bytes] | None = None) -> Part:
    """Rows of JSON or Avro, the n-th being `reading n`; raw: their octets, where a row has its own."""
    from json import dumps

    own = options.columns
    wanted = [own.device, own.time, own.kind, own.quality, own.id, *options.quantities]

    def octets(row: int) -> bytes:
        return dumps(rows[row], default=str).encode() if raw is None else raw[row]

    return Part(of_mappings(rows, wanted, lambda row: f"reading {row + 1}", octets))
