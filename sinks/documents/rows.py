"""How many rows of a block a document would have: what is not in documents (settled days, momentary values) is none."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.batch import ReadingBatch
from sinks.plain import PlainRows
from sinks.records import Record


def document_rows(records: Sequence[Record]) -> int:
    """Intervals and plain records."""
    values = [record.value for record in records]
    intervals = sum(len(value.service_point) for value in values if isinstance(value, ReadingBatch))
    return intervals + sum(len(value) for value in values if isinstance(value, PlainRows))
