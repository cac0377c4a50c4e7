"""What the tests of decoded readings share: octets in, what came of them out."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from connectors.readings_in.config import ReadingsOptions
from connectors.readings_in.reader import Portion, portions
from pipeline.reading_frames import TARGET, Reading, ReadingFrame, read_reading_frame
from pipeline.reference import FOREVER, Registry
from tests.unit.connectors.test_gather import registry

DEVICE, OTHER, UNKNOWN = 0x4B564E0000000001, 4711, 99
TITLE = "4B564E0000000001"
MIDNIGHT = 1_751_308_200
"""2025-07-01 00:00 in India."""


def known(interval: int = 1800, **links: list[tuple[int, int, int]]) -> Registry:
    """DEVICE at point 7 and OTHER at 8; `DEVICE=[(point, from, until)]` for other links."""
    of = links.get("DEVICE") or [(7, 0, int(FOREVER))]
    made = registry([*((DEVICE, *link) for link in of), (OTHER, 8, 0, int(FOREVER))])
    made.interval_secs[:] = interval
    return made


def read(
    octets: bytes | str, names: Mapping[str, int] | None = None, own: Registry | None = None, **options: Any
) -> list[Portion]:
    """The portions of a message."""
    raw = octets.encode() if isinstance(octets, str) else octets
    chosen = ReadingsOptions(**options)
    return list(portions(io.BytesIO(raw), chosen, names or {}, own or known(), raw))


def frames(found: list[Portion]) -> list[ReadingFrame]:
    """The frames of portions, in order."""
    made = []
    for portion in found:
        built = portion.built
        for start, length in zip(built.offsets.tolist(), built.lengths.tolist(), strict=True):
            made.append(read_reading_frame(bytes(built.payload[start : start + length])))
    return made


def rows(found: list[Portion]) -> list[tuple[int, Reading]]:
    """(device, reading) of all frames, in order."""
    return [(frame.device, reading) for frame in frames(found) for reading in frame.readings]


def values(found: list[Portion]) -> list[dict[str, int]]:
    """Values by name of all readings, in order."""
    by_target = {target: name for name, target in TARGET.items()}
    return [{by_target[target]: value for target, value in reading.values.items()} for _, reading in rows(found)]


def faults(found: list[Portion]) -> list[tuple[str, str]]:
    """(code, detail) of all that was refused."""
    return [(fault.code, fault.detail) for portion in found for fault in portion.faults]


def payload(found: list[Portion]) -> bytes:
    """All octets of the frames."""
    return bytes(np.concatenate([portion.built.payload for portion in found]))
