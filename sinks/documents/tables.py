"""JSON lines and CSV: every field of every record, named as in the schemas."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import fastavro

from schemas.load import load_contracts
from sinks.documents.intervals import as_mapping, intervals_of
from sinks.plain import PlainRows
from sinks.records import Record


def mappings_of(records: Sequence[Record]) -> Iterator[dict[str, Any]]:
    """The rows of the records as mappings by field."""
    for record in records:
        if isinstance(record.value, PlainRows):
            yield from _plain(record.value)
        elif record.value is not None:
            yield from map(as_mapping, intervals_of([record]))


def _plain(rows: PlainRows) -> Iterator[dict[str, Any]]:
    schema: Any = load_contracts().schemas[rows.schema]
    for start, end in zip(rows.starts.tolist(), rows.ends.tolist(), strict=True):
        found: Any = fastavro.schemaless_reader(io.BytesIO(rows.data[start:end].tobytes()), schema, None)
        yield found


def _said(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)


def to_json(value: Any) -> str:
    """Short JSON; octets as hexadecimal digits."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_said)


def json_lines(records: Sequence[Record], name: str, zone: str) -> bytes:
    """See FORMATS. Times are epoch seconds, energies whole watt-hours, money paise."""
    return "".join(to_json(row) + "\n" for row in mappings_of(records)).encode()


def csv_table(records: Sequence[Record], name: str, zone: str) -> bytes:
    """See FORMATS. A cell of null is empty; lists and mappings are JSON."""
    text = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for row in mappings_of(records):
        if writer is None:
            writer = csv.DictWriter(text, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow({field: _cell(value) for field, value in row.items()})
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, list | dict):
        return to_json(value)
    if isinstance(value, bytes):
        return value.hex()
    return value
