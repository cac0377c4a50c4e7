"""Backward compatibility: what is read with the new schema may have been written with an old one.

The rules are Avro's schema resolution: a field may go, a new field needs a default, numbers may widen, symbols stay.
"""

from __future__ import annotations

import avro.schema
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType


def breaks(*, reader: str, writer: str) -> list[str]:
    """What keeps a reader with schema text `reader` from data written with `writer`; empty when nothing does."""
    checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]
    result = checker.get_compatibility(avro.schema.parse(reader), avro.schema.parse(writer))
    if result.compatibility is SchemaCompatibilityType.compatible:
        return []
    places = ", ".join(sorted(result.locations))
    return [f"{message} ({places})" for message in sorted(result.messages)] or [f"the schemas differ at {places}"]
