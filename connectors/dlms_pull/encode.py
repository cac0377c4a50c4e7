"""What was read becomes frames of the shape of the model's push (docs/profiles.md), so that it goes the same way.

A frame is a Data-Notification in a WRAPPER. Nothing of it is ciphered: the association was. What tells it from a push
is the WRAPPER's destination, the client that pulled (a push goes to client 64), and the notification's own time, which
is when it was read. It has no invocation counter; a second copy of a row ends at VEE, as a duplicate.

Columns are put into the order of the template by the meter's own capture list (attribute 3), and values to the
template's power of ten by the meter's own scalers: both beat what the template takes for usual.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from connectors.dlms_pull import obis
from pipeline import axdr
from pipeline.axdr import Datum
from pipeline.channels import CHANNELS, SNAPSHOT
from pipeline.codes import Kind
from pipeline.cosem_time import date_time, epoch_of
from pipeline.octets import length_octets, malformed
from pipeline.reading_frames import MOST_ROWS
from pipeline.templates import PUSH_NAMES, TIMES, Push, PushColumn, Template

KINDS = {obis.BLOCK_PROFILE: Kind.BLOCK, obis.DAILY_PROFILE: Kind.DAILY, obis.INSTANT_PROFILE: Kind.INSTANT}
"""Profiles whose rows are of the shape of a push."""


SCALES = {channel.name: channel.scale for channel in CHANNELS} | {field.name: field.scale for field in SNAPSHOT}
"""Target -> power of ten from the physical unit to the stored one."""


@dataclass(frozen=True)
class Capture:
    """One element of a profile's capture list."""

    class_id: int
    name: str
    attribute: int
    index: int = 0


@dataclass(frozen=True)
class Layout:
    """A profile as the meter says it is: its columns, its period, and by place in the list (power of ten, unit)."""

    captures: tuple[Capture, ...]
    period_secs: int = 0
    scalers: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    def scaler(self, place: int) -> tuple[int, int] | None:
        """Power of ten and unit of a column, where the meter told them."""
        return self.scalers.get(place)


class NoShape(ValueError):
    """The rows do not have the columns that the model's push must have."""


@dataclass(frozen=True)
class Heading:
    """What all frames of one read have in common."""

    device: int
    server: int
    client: int
    read_at: int
    frame_octets: int


def captures_of(datum: Datum) -> tuple[Capture, ...]:
    """Attribute 3 of a profile; raises FrameError."""
    found = []
    for item in datum.items:
        if item.tag != axdr.STRUCTURE or len(item.items) < 4:
            raise malformed("an element of the capture list")
        class_id, name, attribute, index = (part.number if part.number is not None else part.body
                                            for part in item.items[:4])  # fmt: skip
        if not isinstance(class_id, int) or not isinstance(attribute, int) or not isinstance(name, bytes):
            raise malformed("an element of the capture list")
        found.append(Capture(class_id, obis.name_of(name), attribute, index if isinstance(index, int) else 0))
    return tuple(found)


def scaler_of(datum: Datum) -> tuple[int, int] | None:
    """(power of ten, unit) of a scaler_unit; None when it is none."""
    if datum.tag != axdr.STRUCTURE or len(datum.items) != 2:
        return None
    power, unit = (item.number for item in datum.items)
    if not isinstance(power, int) or not isinstance(unit, int) or not is_power(power):
        return None
    return int(power), int(unit)


def is_power(power: int) -> bool:
    """Whether a power of ten is one of a scaler (int8, IEC 62056-6-2)."""
    return -128 <= power <= 127


def whole_rows(buffer: Datum, period_secs: int, offset_secs: int) -> list[tuple[Datum, ...]]:
    """Rows of a buffer with what null-data left out written out again; raises FrameError."""
    rows: list[tuple[Datum, ...]] = []
    for item in buffer.items:
        if item.tag != axdr.STRUCTURE or not item.items:
            raise malformed("a row of the profile is no structure")
        cells = list(item.items)
        above = rows[-1] if rows else ()
        for place, cell in enumerate(cells):
            if cell.tag != axdr.NULL or place >= len(above):
                continue
            cells[place] = above[place]
            if place == 0:
                at = epoch_of(_clock_octets(above[0]), offset_secs)
                if at is None or not period_secs:
                    raise malformed("a row without a clock behind one whose clock says nothing")
                cells[0] = axdr.octet_string(date_time(at + period_secs, offset_secs))
        rows.append(tuple(cells))
    return rows


def _clock_octets(datum: Datum) -> bytes:
    return datum.body if datum.tag in (axdr.OCTETS, axdr.DATE_TIME) else b""


def clock_at(row: Sequence[Datum], offset_secs: int) -> int | None:
    """Stamp of a row, epoch seconds UTC; None when it is unusable."""
    return epoch_of(_clock_octets(row[0]), offset_secs) if row else None


def places_of(push: Push, captures: Sequence[Capture]) -> tuple[int, list[int | None]]:
    """(place of the clock, place of each column of the push); None where the meter does not capture it.

    Columns at the end that may be absent are left off; raises NoShape when there is no clock, or nothing but one.
    """
    clocks = [place for place, capture in enumerate(captures) if capture.class_id == obis.CLOCK]
    if not clocks:
        raise NoShape("the profile captures no clock")
    places = [_place_of(column, captures) for column in push.columns]
    while places and places[-1] is None and len(places) > push.required:
        places.pop()
    if all(place is None for place, column in zip(places, push.columns, strict=False) if column.target):
        raise NoShape("the profile captures none of the columns of the model's push")
    return clocks[0], places


def _place_of(column: PushColumn, captures: Sequence[Capture]) -> int | None:
    """A quantity and the time when it occurred have one name: attribute 5 is the time."""
    timed = column.target in TIMES and column.target != "billing_time"
    for place, capture in enumerate(captures):
        if capture.name == column.obis and (capture.attribute == 5) == timed:
            return place
    return None


def fitted(cell: Datum, column: PushColumn, scaler: tuple[int, int] | None) -> Datum:
    """The cell as the template's column takes it: unchanged, unless the meter's scaler says another power of ten."""
    value = cell.number
    if value is None or scaler is None or not column.target or column.target in TIMES:
        return cell
    usual = column.floating if cell.tag in axdr.FLOATS else column.integer
    shift = scaler[0] + SCALES.get(column.target, 0) - usual
    if shift == 0:
        return cell
    if cell.tag in axdr.FLOATS:
        return Datum(axdr.FLOAT64, float(value) * 10.0**shift)
    exact = Fraction(value) * Fraction(10) ** shift
    if exact.denominator == 1 and -(2**63) <= exact < 2**63:
        return Datum(axdr.INT64, int(exact))
    # A float's own power of ten is another one than an integer's.
    stored = Fraction(value) * Fraction(10) ** (scaler[0] + SCALES.get(column.target, 0))
    return Datum(axdr.FLOAT64, float(stored / Fraction(10) ** column.floating))


def frames(
    rows: Iterable[Sequence[Datum]], layout: Layout, template: Template, kind: Kind, heading: Heading, offset_secs: int
) -> list[bytes]:
    """Frames of whole rows, one device each, bounded in rows and octets; raises NoShape.

    A row whose clock cannot be used has a frame of its own: a frame is taken or refused as a whole.
    """
    push = template.push(kind)
    if push is None:
        raise NoShape(f"template {template.number} has no push of this kind")
    clock_place, places = places_of(push, layout.captures)
    made: list[bytes] = []
    pending: list[bytes] = []
    size = 0
    room = heading.frame_octets - FRAME_HEAD
    for row in rows:
        if len(row) <= max(place for place in (clock_place, *(place or 0 for place in places))):
            raise NoShape(f"a row has {len(row)} columns, the capture list {len(layout.captures)}")
        cells = [row[clock_place], *(_cell(row, place, column, layout)
                                     for place, column in zip(places, push.columns, strict=False))]  # fmt: skip
        if kind is not Kind.BLOCK:
            made.append(_notification(kind, cells, heading, len(made)))
            continue
        octets = axdr.structure(*cells).encoded()
        alone = clock_at([row[clock_place]], offset_secs) is None
        if pending and (alone or size + len(octets) > room or len(pending) == MOST_ROWS):
            made.append(_buffer(pending, heading, len(made)))
            pending, size = [], 0
        pending.append(octets)
        size += len(octets)
        if alone:
            made.append(_buffer(pending, heading, len(made)))
            pending, size = [], 0
    if pending:
        made.append(_buffer(pending, heading, len(made)))
    return made


FRAME_HEAD = 64
"""Octets of a frame beside its rows, at most."""


def _cell(row: Sequence[Datum], place: int | None, column: PushColumn, layout: Layout) -> Datum:
    if place is None:
        return Datum(axdr.DONT_CARE)
    cell = fitted(row[place], column, layout.scaler(place))
    # Null would say "as above"; here it says that the meter has no value.
    return Datum(axdr.DONT_CARE) if cell.tag == axdr.NULL else cell


def _buffer(rows: Sequence[bytes], heading: Heading, number: int) -> bytes:
    head = axdr.octet_string(f"{heading.device:016X}".encode()).encoded() + _name(Kind.BLOCK)
    body = b"\x02\x03" + head + b"\x01" + length_octets(len(rows)) + b"".join(rows)
    return wrapped(heading, number, body)


def _notification(kind: Kind, cells: Sequence[Datum], heading: Heading, number: int) -> bytes:
    head = axdr.octet_string(f"{heading.device:016X}".encode()).encoded() + _name(kind)
    count = length_octets(2 + len(cells))
    return wrapped(heading, number, b"\x02" + count + head + b"".join(cell.encoded() for cell in cells))


def _name(kind: Kind) -> bytes:
    return axdr.octet_string(bytes(PUSH_NAMES[kind])).encoded()


def wrapped(heading: Heading, number: int, body: bytes) -> bytes:
    """A Data-Notification with its time, in a WRAPPER from the server to the client that pulled."""
    apdu = b"\x0f" + (number & 0xFFFFFF).to_bytes(4, "big") + b"\x0c" + date_time(heading.read_at, 0) + body
    return struct.pack(">HHHH", 1, heading.server & 0xFFFF, heading.client, len(apdu)) + apdu
