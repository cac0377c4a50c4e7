"""CIM: MeterReadings of IEC 61968-9, alone or as the payload of a message.

A message gives each value by itself, with its type; values of one meter, one stamp and one kind become a row. Of
several qualities of a row the worst counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.etree.ElementTree import Element, tostring
from zoneinfo import ZoneInfo

import pyarrow as pa

from connectors.readings_in.config import Columns, ReadingsOptions
from connectors.readings_in.formats.parts import Part, UnreadableError, whole
from connectors.readings_in.formats.xml import parse, reference, text_at
from connectors.readings_in.quantities import Quantity
from connectors.readings_in.reading_types import ReadingType, reading_type
from connectors.readings_in.records import MOST_RAW, Fault, Records
from connectors.readings_in.rows import INTERVAL
from connectors.readings_in.times import stamp_of
from pipeline.codes import Kind

COLUMNS = Columns(device="Meter", time="timeStamp", kind=" kind", quality="ReadingQualities", id="MessageID")
KIND_NAMES = {Kind.BLOCK: "block", Kind.DAILY: "daily", Kind.INSTANT: "instant"}
DAY_SECS = 86_400


@dataclass
class _Row:
    """Values of one meter and stamp; `first`: the element of the first one."""

    device: str
    stamp: str
    kind: Kind
    interval: int
    first: Element
    number: int
    values: dict[str, str] = field(default_factory=dict)
    qualities: dict[str, None] = field(default_factory=dict)


@dataclass
class _Message:
    """What is gathered from one message."""

    options: ReadingsOptions
    id: str
    rows: dict[tuple[str, str, Kind, int], _Row] = field(default_factory=dict)
    quantities: dict[str, Quantity] = field(default_factory=dict)
    types: dict[str, ReadingType | str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    number: int = 0


def read_cim(stream: BinaryIO, options: ReadingsOptions) -> Iterator[Part]:
    """See FORMATS."""
    root = parse(whole(stream, options))
    readings = [root] if root.tag == "MeterReadings" else list(root.iter("MeterReadings"))
    if not readings:
        raise UnreadableError(f"no MeterReadings in {root.tag}")
    header = root.find("Header")
    message = _Message(options, text_at(header, "MessageID") if header is not None else "")
    for element in readings:
        for meter in element.findall("MeterReading"):
            _read_meter(meter, message)
    yield Part(_records(message), COLUMNS, message.quantities)


def _read_meter(meter: Element, message: _Message) -> None:
    device = reference(meter, "Meter") or reference(meter, "UsagePoint")
    for reading in meter.findall("Readings"):
        _read(device, reading, reference(reading, "ReadingType"), message)
    for block in meter.findall("IntervalBlocks"):
        name = reference(block, "ReadingType")
        for reading in block.findall("IntervalReadings"):
            _read(device, reading, name or reference(reading, "ReadingType"), message)


def _read(device: str, reading: Element, name: str, message: _Message) -> None:
    message.number += 1
    known = message.types.get(name)
    if known is None:
        try:
            known = reading_type(name)
        except ValueError as error:
            known = str(error)
            # One fault a message: a head-end sends many types that are not kept here, in every one.
            message.faults.append(
                Fault(f"reading {message.number}", "ReadingType", "READING_UNREADABLE", known, _octets(reading))
            )
        message.types[name] = known
    if isinstance(known, str):
        return
    stamp = text_at(reading, "timeStamp")
    kind = _kind_of(known, stamp, message.options)
    row = message.rows.setdefault(
        (device, stamp, kind, known.interval), _Row(device, stamp, kind, known.interval, reading, message.number)
    )
    if name in row.values:
        message.faults.append(
            Fault(f"reading {message.number}", name, "READING_UNREADABLE", "the value comes twice", _octets(reading))
        )
        return
    message.quantities[name] = known.quantity
    row.values[name] = text_at(reading, "value")
    for quality in reading.findall("ReadingQualities"):
        text = reference(quality, "ReadingQualityType") or reference(quality, "Quality") or (quality.text or "").strip()
        if text:
            row.qualities[text] = None


def _kind_of(known: ReadingType, stamp: str, options: ReadingsOptions) -> Kind:
    """Registers of a local midnight settle days; others are momentary values."""
    if not known.register:
        return known.kind
    zone = ZoneInfo(options.zone)
    try:
        time = stamp_of(stamp, options.time_format, zone)
    except ValueError:
        return Kind.DAILY
    from datetime import UTC, datetime

    local = datetime.fromtimestamp(time, UTC).astimezone(zone)
    return Kind.DAILY if (local.hour, local.minute, local.second) == (0, 0, 0) else Kind.INSTANT


def _octets(element: Element) -> bytes:
    return tostring(element)[:MOST_RAW]


def _records(message: _Message) -> Records:
    rows = list(message.rows.values())
    columns = {
        COLUMNS.device: pa.array([row.device for row in rows], pa.string()),
        COLUMNS.time: pa.array([row.stamp for row in rows], pa.string()),
        COLUMNS.kind: pa.array([KIND_NAMES[row.kind] for row in rows], pa.string()),
        COLUMNS.quality: pa.array(["; ".join(row.qualities) for row in rows], pa.string()),
        COLUMNS.id: pa.array([message.id or None for _ in rows], pa.string()),
        INTERVAL: pa.array([str(row.interval) for row in rows], pa.string()),
    }
    for name in message.quantities:
        columns[name] = pa.array([row.values.get(name) for row in rows], pa.string())
    return Records(
        len(rows),
        columns,
        lambda row: f"reading {rows[row].number}",
        lambda row: _octets(rows[row].first),
        message.faults,
    )
