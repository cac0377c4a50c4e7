"""Plain records of what a step emits, whether it emits them one by one or as a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.step import Advance, Emission


def emitted(advance: Advance, output: str | None = None) -> list[dict[str, Any]]:
    """Records of an advance in order, those of one output or all; batches of packed columns are left out."""
    return [record for one in advance.emissions if output in (None, one.output) for record in records_of(one)]


def records_of(emission: Emission) -> list[dict[str, Any]]:
    """The plain records of an emission."""
    value = emission.value
    if isinstance(value, Mapping):
        return [dict(value)]
    return list(value.records()) if hasattr(value, "records") else []
