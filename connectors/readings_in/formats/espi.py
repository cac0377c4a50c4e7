"""ESPI, the format of Green Button (NAESB REQ.21): an Atom feed of usage points, meter readings, types and intervals.

Entries are tied together by their links: an IntervalBlock is of the MeterReading that relates to its collection, and
this one of the UsagePoint above it and of the ReadingType that it relates to. Values of one usage point, stamp and kind
become a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element
from zoneinfo import ZoneInfo

from connectors.readings_in.config import Columns, ReadingsOptions
from connectors.readings_in.formats.cim import Value, value_octets, value_place
from connectors.readings_in.formats.espi_types import LONGEST, espi_type, number_at
from connectors.readings_in.formats.gathered import Gather, Gathered, register_kind
from connectors.readings_in.formats.parts import Part, UnreadableError, whole
from connectors.readings_in.formats.xml import parse, text_at
from connectors.readings_in.reading_types import ReadingType
from connectors.readings_in.times import EPOCH
from pipeline.codes import Kind
from pipeline.reading_frames import EARLIEST, LATEST

COLUMNS = Columns(device="UsagePoint", time="timePeriod", kind=" kind", quality="ReadingQuality", id="entry")
HOST = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/]*")


def read_espi(stream: BinaryIO, options: ReadingsOptions) -> Iterator[Part]:
    """See FORMATS."""
    yield espi_part(parse(whole(stream, options)), options)


def espi_part(root: Element, options: ReadingsOptions, gather: Gather = Gathered) -> Part:
    """The readings of a feed; raises UnreadableError. `gather`: takes the values."""
    entries = [_Entry(element) for element in root.iter("entry")]
    blocks = [entry for entry in entries if entry.content.find("IntervalBlock") is not None]
    if not blocks:
        raise UnreadableError(f"no entry with an IntervalBlock in {root.tag}"[:200])
    feed = _Feed(entries, options, gather)
    for entry in blocks:
        feed.read_blocks(entry)
    return feed.gathered.part(time_format=EPOCH, stamp="end", decimal=".")


class _Entry:
    """An entry of the feed: its id, its links without their hosts, and what it holds."""

    def __init__(self, element: Element) -> None:
        self.id = text_at(element, "id")
        content = element.find("content")
        self.content = Element("content") if content is None else content
        self.links: dict[str, list[str]] = {"self": [], "up": [], "related": []}
        for link in element.findall("link"):
            self.links.setdefault(link.get("rel", ""), []).append(_path(link.get("href", "")))

    @property
    def own(self) -> str:
        """Its own link; empty when it has none."""
        return next(iter(self.links["self"]), "")

    def holds(self, name: str) -> bool:
        """Its content is of this kind."""
        return self.content.find(name) is not None


def _path(href: str) -> str:
    return HOST.sub("", href.strip()).strip("/")


def _linked(entries: list[_Entry], holding: str, below: str) -> dict[str, _Entry]:
    """Link of a collection or of an entry -> the entry above it; `below`: what its collection is called."""
    found: dict[str, _Entry] = {}
    for entry in entries:
        if entry.holds(holding):
            for link in (*entry.links["related"], *(f"{own}/{below}" for own in entry.links["self"]), entry.own):
                if link:
                    found.setdefault(link, entry)
    return found


class _Feed:
    """What is gathered from one feed."""

    def __init__(self, entries: list[_Entry], options: ReadingsOptions, gather: Gather) -> None:
        self.gathered = gather(options, COLUMNS, value_place, value_octets)
        self._zone = ZoneInfo(options.zone)
        self._readings = _linked(entries, "MeterReading", "IntervalBlock")
        self._points = _linked(entries, "UsagePoint", "MeterReading")
        self._types = {entry.own: entry for entry in entries if entry.own and entry.holds("ReadingType")}
        self._known: dict[str, ReadingType | None] = {}
        self._number = 0

    def read_blocks(self, entry: _Entry) -> None:
        """The readings of an entry with IntervalBlocks; what it is of is told wrong once an entry."""
        blocks = entry.content.findall("IntervalBlock")
        first = (self._number + 1, blocks[0])
        reading = next((self._readings[link] for link in entry.links["up"] if link in self._readings), None)
        kind = None if reading is None else self._type_entry(reading)
        if reading is None or kind is None:
            self.gathered.refuse(
                first, "", "READING_UNREADABLE", "no MeterReading with a ReadingType is linked with it"
            )
            return
        point = next((self._points[link] for link in reading.links["up"] if link in self._points), None)
        if point is None:
            self.gathered.refuse(first, COLUMNS.device, "NAME_UNKNOWN", "no UsagePoint is linked with it")
            return
        known = self._meaning(kind, first)
        if known is not None:
            device = point.own.rpartition("/")[2] or point.id
            usual = text_at(kind.content, "ReadingType/defaultQuality")
            for block in blocks:
                self._read_block(block, device, kind.own, known, usual, entry.id)

    def _type_entry(self, reading: _Entry) -> _Entry | None:
        return next((self._types[link] for link in reading.links["related"] if link in self._types), None)

    def _meaning(self, kind: _Entry, first: Value) -> ReadingType | None:
        """What a type means; one fault a feed for those that are not kept."""
        if kind.own not in self._known:
            try:
                self._known[kind.own] = espi_type(kind.content.findall("ReadingType")[0])
            except ValueError as error:
                self._known[kind.own] = None
                self.gathered.refuse(first, kind.own, "READING_UNREADABLE", str(error))
        return self._known[kind.own]

    def _read_block(self, block: Element, device: str, column: str, known: ReadingType, usual: str, id: str) -> None:
        """Readings without a timePeriod follow one another from the block's own begin."""
        after: int | None = None
        self.gathered.quantities[column] = known.quantity
        for reading in block.findall("IntervalReading"):
            self._number += 1
            value = (self._number, reading)
            try:
                duration = _duration_of(reading, known)
                after = _begin_of(reading, block, after) + duration
            except ValueError as error:
                self.gathered.refuse(value, COLUMNS.time, "CLOCK_UNUSABLE", str(error))
                after = None
                continue
            if known.interval and duration != known.interval:
                reason = f"{duration} s, its type says {known.interval} s"
                self.gathered.refuse(value, COLUMNS.time, "INTERVAL_OTHER", reason)
                continue
            kind = register_kind(after, self._zone) if known.register else known.kind
            said = tuple(text for quality in reading.findall("ReadingQuality") if (text := _quality(quality)))
            key = (device, str(after), kind, duration if kind == Kind.BLOCK else 0)
            self.gathered.add(key, column, text_at(reading, "value"), said or (usual,), value, id)


def _begin_of(reading: Element, block: Element, after: int | None) -> int:
    """`after`: end of the reading before it, None for the first; raises ValueError."""
    if reading.find("timePeriod") is not None:
        return _start_of(reading, "timePeriod")
    return _start_of(block, "interval") if after is None else after


def _start_of(element: Element, name: str) -> int:
    period = element.find(name)
    start = number_at(period, "start", -1) if period is not None else -1
    if not EARLIEST <= start < LATEST - LONGEST:
        raise ValueError(f"{name} begins at no time" if start < 0 else f"{start} is not in the years 2000 to 2098")
    return start


def _duration_of(reading: Element, known: ReadingType) -> int:
    period = reading.find("timePeriod")
    duration = known.interval if period is None else number_at(period, "duration", known.interval)
    if not int(known.kind == Kind.BLOCK) <= duration <= LONGEST:
        raise ValueError(f"{duration} s is no duration of an interval")
    return duration


def _quality(element: Element) -> str:
    return text_at(element, "quality") or (element.text or "").strip()
