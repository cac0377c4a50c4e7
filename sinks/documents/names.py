"""Names of the formats and what each can say; apart from their code, so that options and lint need none of it."""

from __future__ import annotations

from typing import Literal

FormatName = Literal["jsonl", "csv", "cim-xml", "cim-json", "espi", "ies", "mscons"]

EVERY = frozenset(
    {
        "ReadingBatch",
        "ColdRequest",
        "Determinant",
        "Edit",
        "EstimateScore",
        "Event",
        "ExceptionWork",
        "Fact",
        "Loss",
        "ProfileRow",
        "ReadingException",
        "Reject",
    }
)
READINGS = frozenset({"ReadingBatch"})

FORMAT_SCHEMAS: dict[str, frozenset[str]] = {
    "jsonl": EVERY,
    "csv": EVERY,
    "cim-xml": READINGS,
    "cim-json": READINGS,
    "espi": READINGS,
    "ies": READINGS,
    "mscons": READINGS,
}
"""Format -> schemas of the records that it has a place for."""
