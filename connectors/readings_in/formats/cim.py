"""CIM: MeterReadings of IEC 61968-9, alone or as the payload of a message.

A message gives each value by itself, with its type; values of one meter, one stamp and one kind become a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element, tostring
from zoneinfo import ZoneInfo

from connectors.readings_in.config import Columns, ReadingsOptions
from connectors.readings_in.formats.gathered import Gathered, register_kind
from connectors.readings_in.formats.parts import Part, UnreadableError, whole
from connectors.readings_in.formats.xml import parse, reference, text_at
from connectors.readings_in.reading_types import ReadingType, reading_type
from connectors.readings_in.records import MOST_RAW
from connectors.readings_in.times import stamp_of
from pipeline.codes import Kind

COLUMNS = Columns(device="Meter", time="timeStamp", kind=" kind", quality="ReadingQualities", id="MessageID")

Value = tuple[int, Element]
"""Number of a value in its message, and its element."""


def value_place(value: Value) -> str:
    """Where it stands."""
    return f"reading {value[0]}"


def value_octets(value: Value) -> bytes:
    """The element as it was written, up to what is kept."""
    return tostring(value[1])[:MOST_RAW]


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
            message.read_meter(meter)
    yield message.gathered.part()


class _Message:
    """What is gathered from one message."""

    def __init__(self, options: ReadingsOptions, id: str) -> None:
        self.gathered = Gathered(options, COLUMNS, value_place, value_octets)
        self._options, self._zone, self._id = options, ZoneInfo(options.zone), id
        self._types: dict[str, ReadingType | None] = {}
        self._number = 0

    def read_meter(self, meter: Element) -> None:
        """All values of a MeterReading."""
        device = reference(meter, "Meter") or reference(meter, "UsagePoint")
        for reading in meter.findall("Readings"):
            self._read(device, reading, reference(reading, "ReadingType"))
        for block in meter.findall("IntervalBlocks"):
            name = reference(block, "ReadingType")
            for reading in block.findall("IntervalReadings"):
                self._read(device, reading, name or reference(reading, "ReadingType"))

    def _read(self, device: str, reading: Element, name: str) -> None:
        self._number += 1
        value = (self._number, reading)
        known = self._type(name, value)
        if known is None:
            return
        stamp = text_at(reading, "timeStamp")
        self.gathered.quantities[name] = known.quantity
        said = (_quality(quality) for quality in reading.findall("ReadingQualities"))
        self.gathered.add(
            (device, stamp, self._kind_of(known, stamp), known.interval), name, text_at(reading, "value"),
            tuple(filter(None, said)), value, self._id,
        )  # fmt: skip

    def _type(self, name: str, value: Value) -> ReadingType | None:
        """What a type means; one fault a message for others: a head-end sends many that are not kept, in every one."""
        if name not in self._types:
            try:
                self._types[name] = reading_type(name)
            except ValueError as error:
                self._types[name] = None
                self.gathered.refuse(value, "ReadingType", "READING_UNREADABLE", str(error))
        return self._types[name]

    def _kind_of(self, known: ReadingType, stamp: str) -> Kind:
        if not known.register:
            return known.kind
        try:
            return register_kind(stamp_of(stamp, self._options.time_format, self._zone), self._zone)
        except ValueError:
            return Kind.DAILY


def _quality(element: Element) -> str:
    return reference(element, "ReadingQualityType") or reference(element, "Quality") or (element.text or "").strip()
