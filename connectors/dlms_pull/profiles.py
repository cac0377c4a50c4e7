"""Reading rows of a profile in an association, and making frames of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from connectors.dlms_pull import encode, obis
from connectors.dlms_pull.commands import Range
from connectors.dlms_pull.encode import Heading, Layout, NoShape
from connectors.dlms_pull.layouts import Layouts
from connectors.dlms_pull.meters import Meter
from connectors.dlms_pull.sessions import Talk
from pipeline import axdr
from pipeline.axdr import Datum
from pipeline.cosem_time import date_time
from pipeline.lookup import find
from pipeline.reference import Registry
from pipeline.templates import TEMPLATE_BY_NUMBER, Template

BY_TIME, BY_ENTRY = 1, 2
"""Selectors of the buffer of class 7 (IEC 62056-6-2)."""
PERIOD_SECS = 900
MOST_ENTRIES = 400


class DeviceUnknown(ValueError):
    """The registry does not know the device, or not its model: nobody knows what its rows mean."""


@dataclass(frozen=True)
class Pulled:
    """What a read gave: rows, the first and last stamp that can be used, and frames."""

    rows: int
    first: int | None
    last: int | None
    frames: tuple[bytes, ...]


def selection(piece: Range, offset_secs: int) -> bytes:
    """Selector octet and parameters of a range of rows."""
    if piece.by_time:
        clock = axdr.structure(
            Datum(axdr.UINT16, obis.CLOCK), axdr.octet_string(obis.octets_of(obis.CLOCK_NAME)),
            Datum(axdr.INT8, 2), Datum(axdr.UINT16, 0),
        )  # fmt: skip
        ends = [axdr.octet_string(date_time(at, offset_secs)) for at in (piece.first, piece.last)]
        return bytes([BY_TIME]) + axdr.structure(clock, *ends, axdr.array()).encoded()
    rows = [Datum(axdr.UINT32, entry) for entry in (piece.first, piece.last)]
    columns = [Datum(axdr.UINT16, 1), Datum(axdr.UINT16, 0)]
    return bytes([BY_ENTRY]) + axdr.structure(*rows, *columns).encoded()


def pieces(asked: Range, period_secs: int) -> Iterator[Range]:
    """A range in parts of at most MOST_ENTRIES rows, in order, none twice."""
    step = MOST_ENTRIES * (period_secs or PERIOD_SECS) if asked.by_time else MOST_ENTRIES
    first = asked.first
    while first <= asked.last:
        last = min(asked.last, first + step - 1)
        yield Range(asked.profile, first, last, asked.by_time)
        first = last + 1


def template_of(registry: Registry, device: int, at: int) -> Template:
    """Template of the meter at a time, or of its first link; raises DeviceUnknown."""
    index, keys = registry.by_device
    row = int(find(index, keys, np.uint64(device)))
    if row < 0:
        raise DeviceUnknown(f"the registry does not know {device:016X}")
    chosen = row
    while row < len(registry.device) and int(registry.device[row]) == device:
        if int(registry.valid_from[row]) <= at:
            chosen = row
        row += 1
    number = int(registry.template[chosen])
    template = TEMPLATE_BY_NUMBER.get(number)
    if template is None:
        raise DeviceUnknown(f"the registry's template {number} of {device:016X} is not known here")
    return template


class ProfileReader:
    """Reads profiles; `now` is the time that frames are stamped with."""

    def __init__(self, layouts: Layouts, offset_secs: int, frame_octets: int, now: Callable[[], float]) -> None:
        self._layouts, self._offset_secs, self._frame_octets, self._now = layouts, offset_secs, frame_octets, now

    async def read(self, talk: Talk, meter: Meter, template: Template, asked: Range) -> Pulled:
        """Rows of a range as frames; raises NoAnswer, Refused, FrameError or NoShape."""
        kind = encode.KINDS.get(asked.profile)
        if kind is None:
            raise NoShape(f"rows of {asked.profile} are not of the shape of a push")
        layout = await self._layouts.of(talk, meter.device, asked.profile)
        rows: list[tuple[Datum, ...]] = []
        for piece in pieces(asked, layout.period_secs):
            buffer = await talk.get(obis.PROFILE, asked.profile, 2, selection(piece, self._offset_secs))
            rows += encode.whole_rows(buffer, layout.period_secs, self._offset_secs)
        if any(len(row) != len(layout.captures) for row in rows):
            layout = await self._layouts.of(talk, meter.device, asked.profile, anew=True)
        heading = Heading(meter.device, meter.server, meter.client, int(self._now()), self._frame_octets)
        made = encode.frames(rows, layout, template, kind, heading, self._offset_secs) if rows else []
        stamps = self._stamps(rows, layout)
        return Pulled(len(rows), min(stamps, default=None), max(stamps, default=None), tuple(made))

    def _stamps(self, rows: list[tuple[Datum, ...]], layout: Layout) -> list[int]:
        place = next((place for place, item in enumerate(layout.captures) if item.class_id == obis.CLOCK), 0)
        found = [encode.clock_at(row[place : place + 1], self._offset_secs) for row in rows]
        return [at for at in found if at is not None]
