"""A message or file of a head-end to frames, part by part, with everything that was refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

import pyarrow as pa

from connectors.gather.gatherer import Aside
from connectors.readings_in.config import ReadingsOptions
from connectors.readings_in.formats import FORMATS
from connectors.readings_in.frames import Built, build
from connectors.readings_in.records import Fault
from connectors.readings_in.rows import read_rows
from pipeline.codes import REJECT_NUMBER
from pipeline.reference import Registry

Source = tuple[str, int, int]
"""Topic, partition and offset; or a file's name, -1 and -1."""


@dataclass
class Portion:
    """A part of a message: its frames, and what was refused; `broken`: the message cannot be read any further."""

    built: Built = field(default_factory=Built)
    faults: list[Fault] = field(default_factory=list)
    rows: int = 0
    missing: int = 0
    broken: bool = False

    def asides(self, received_at: int, source: Source) -> list[Aside]:
        """What was refused, as a pump takes it."""
        return [
            Aside(REJECT_NUMBER[fault.code], fault.device, received_at, fault.raw, fault.detail, source)
            for fault in self.faults
        ]


def portions(
    stream: BinaryIO, options: ReadingsOptions, names: Mapping[str, int], registry: Registry, raw: bytes = b""
) -> Iterator[Portion]:
    """The parts of a message in order. `raw`: its octets, kept when it cannot be read at all.

    The same octets and registry give the same portions.
    """
    number = 0
    try:
        for part in FORMATS[options.format](stream, options):
            number += 1
            read = read_rows(part.records, part.options or options, names, part.columns, part.quantities)
            built = build(read.rows, part.records, registry, options.head_end)
            faults = [*read.faults, *built.faults]
            yield Portion(built, faults, built.rows, read.missing)
    except (ValueError, OverflowError, RecursionError, pa.ArrowException) as error:
        # UnreadableError is what formats say; the others are what libraries say of octets that nobody thought of.
        place = "message" if not number else f"behind part {number}"
        yield Portion(faults=[Fault(place, "", "MESSAGE_UNREADABLE", str(error)[:200], raw)], broken=True)
