"""Names of the formats and what each can say; apart from their code, so that options and lint need none of it."""

from __future__ import annotations

from typing import Literal

from schemas.records import STORED_SCHEMAS

FormatName = Literal[
    "jsonl", "csv", "cim-xml", "cim-json", "espi", "ies", "mscons", "nem12", "determinants-csv"
]  # fmt: skip

READINGS = frozenset({"ReadingBatch"})

FORMAT_SCHEMAS: dict[str, frozenset[str]] = {
    "jsonl": STORED_SCHEMAS,
    "csv": STORED_SCHEMAS,
    "cim-xml": READINGS,
    "cim-json": READINGS,
    "espi": READINGS,
    "ies": READINGS,
    "mscons": READINGS,
    "nem12": READINGS,
    "determinants-csv": frozenset({"Determinant"}),
}
"""Format -> schemas of the records that it has a place for."""
