"""NEM12 and Green Button files to readings, by the readers of the connector `readings_in`."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import partial
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element

import numpy as np

from agents.vee.series.kernels_place import V03
from agents.vee.series.placing import Readings, readings
from cli.vee.csv_file import QUALITIES, TAIL, unit_of
from cli.vee.source import Asked, Content, Tell
from connectors.readings_in.config import ReadingsOptions
from connectors.readings_in.formats import nem12
from connectors.readings_in.formats.espi import espi_part
from connectors.readings_in.formats.espi_types import number_at
from connectors.readings_in.formats.gathered import Gathered, Key
from connectors.readings_in.formats.parts import UnreadableError
from connectors.readings_in.formats.xml import parse
from connectors.readings_in.numbers import whole
from connectors.readings_in.qualities import class_of
from connectors.readings_in.records import MOST_RAW
from pipeline.codes import Kind
from pipeline.errors import ConfigError
from pipeline.quality import Quality
from pipeline.reading_frames import TARGET

MARKET_ZONE = "Australia/Brisbane"
"""Market time of NEM12 is ten hours ahead of UTC the whole year, as Queensland is."""
RECORD = re.compile(rb"100,|200,|300,\d{8},|400,\d+,\d+,|500,|900\s*,*\s*$")
"""How a record begins; a line that begins otherwise goes on with the one before it."""
LARGEST_FILE = 4_000_000_000
CHANNEL = {number: name for name, number in TARGET.items()}


class Values(Gathered[Any]):
    """Takes the values of a message as they come, duplicates as well, each with its own quality."""

    def __init__(self, sink: _Sink, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._sink = sink

    def add(self, key: Key, column: str, value: str, qualities: tuple[str, ...], source: Any, id: str = "") -> None:
        """One value."""
        try:
            self._sink.add(key, self.quantities[column], value, qualities, source)
        except ValueError as error:
            self._sink.content.fault(f"{self._place(source)}: {error}")

    def refuse(self, source: Any, column: str, code: str, reason: str) -> None:
        """A value that cannot be used."""
        super().refuse(source, column, code, reason)
        if code == "INTERVAL_OTHER":
            self._sink.other_lengths += 1


class _Sink:
    """Values by series and channel."""

    def __init__(self, content: Content, outside: frozenset[int] = frozenset()) -> None:
        self.content, self.outside = content, outside
        self.rows: dict[tuple[str, str], list[tuple[int, int, int, int, int]]] = defaultdict(list)
        self.classes: dict[tuple[str, ...], int] = {}
        self.other_lengths = 0

    def add(self, key: Key, quantity: Any, text: str, qualities: tuple[str, ...], source: Any) -> None:
        """One value; raises ValueError when it is no number."""
        device, end, kind, secs = key
        channel = CHANNEL[quantity.target]
        quality = self.classes.get(qualities)
        if quality is None:
            said = class_of("; ".join(qualities), {})
            quality = 0 if said == "missing" else int(QUALITIES.get(said or "suspect", Quality.SUSPECT))
            self.classes[qualities] = quality
        if not quality or not text:
            if kind == Kind.BLOCK:
                # Null data is an interval that is expected: the grid has a place for it.
                self.rows[device, channel].append((int(end) - secs, secs, 0, int(Quality.ABSENT), 0))
            return
        value = whole(text, quantity.exponent)
        places = len(text.partition(".")[2])
        self.content.rounded += places > max(0, quantity.exponent)
        self.content.tails += TAIL.search(text) is not None
        if kind != Kind.BLOCK:
            self.content.registers.setdefault((device, channel), []).append((int(end), value))
            return
        noted = int(V03) if id(source[1]) in self.outside else 0
        self.rows[device, channel].append((int(end) - secs, secs, value, quality, noted))

    def readings(self) -> list[Readings]:
        """All series in the order of their first reading."""
        found = []
        for (device, channel), rows in self.rows.items():
            start, length, value, quality, noted = np.array(rows, np.int64).T
            found.append(readings(
                device, channel, unit_of(channel), start, value, length=length.copy(),
                quality=quality.astype(np.uint8), noted=noted.astype(np.uint64),
            ))  # fmt: skip
        return found


def read_nem12(stream: BinaryIO, where: str, asked: Asked, tell: Tell) -> Content:
    """The content of a NEM12 file; raises ConfigError."""
    content = Content("nem12", asked.timezone or MARKET_ZONE)
    sink = _Sink(content)
    lines = _Records(stream, tell)
    options = ReadingsOptions(format="nem12", message_bytes=LARGEST_FILE)
    try:
        for part in nem12.read_nem12(lines, options, partial(Values, sink)):  # type: ignore[arg-type]
            for fault in part.records.faults:
                content.fault(fault.detail)
    except UnreadableError as error:
        if not sink.rows:
            raise ConfigError("FILE_UNREADABLE", where=where, what=str(error), do="send the file again") from error
        content.fault(str(error))
    if lines.joined:
        content.notes.append(f"{lines.joined} lines were parts of records that are broken over several")
    content.readings = sink.readings()
    return content


class _Records:
    """Lines of a NEM12 file, those that go on with a record put behind it; their places stay empty, so that numbers of
    lines stay right."""

    def __init__(self, stream: BinaryIO, tell: Tell) -> None:
        self._stream, self._tell = stream, tell
        self._next: bytes | None = None
        self._empty = 0
        self._lines = 0
        self.joined = 0

    def readline(self, _most: int = -1) -> bytes:
        """The next record, or an empty line."""
        if self._empty:
            self._empty -= 1
            return b"\n"
        line = self._raw() if self._next is None else self._next
        self._next = None
        if not RECORD.match(line):
            return line
        while (following := self._raw()) and following.strip() and not RECORD.match(following):
            line = line.rstrip(b"\r\n") + following.strip()[: MOST_RAW * 100]
            self._empty += 1
            self.joined += 1
        self._next = following
        return line.rstrip(b"\r\n") + b"\n"

    def _raw(self) -> bytes:
        self._lines += 1
        if self._lines % 1000 == 0:
            self._tell(self._lines)
        return self._stream.readline(nem12.MOST_LINE + 1)


def read_espi(stream: BinaryIO, where: str, asked: Asked, tell: Tell) -> Content:
    """The content of a Green Button file; raises ConfigError."""
    octets = stream.read()
    tell(len(octets))
    try:
        root = parse(octets)
        zone = asked.timezone or zone_of(root)
        content = Content("espi", zone)
        outside = _outside(root, content)
        sink = _Sink(content, outside)
        options = ReadingsOptions(format="espi", zone=zone, message_bytes=LARGEST_FILE)
        part = espi_part(root, options, partial(Values, sink))
    except UnreadableError as error:
        raise ConfigError("FILE_UNREADABLE", where=where, what=str(error), do="send the file again") from error
    for fault in part.records.faults:
        content.fault(fault.detail)
    content.readings = sink.readings()
    if sink.other_lengths and content.readings:
        content.extra.setdefault(content.readings[0].id, {})["V03"] = sink.other_lengths
    return content


def zone_of(root: Element) -> str:
    """The zone of the feed's LocalTimeParameters: India's, or a fixed offset; UTC when it says none."""
    found = next(root.iter("LocalTimeParameters"), None)
    try:
        offset = 0 if found is None else number_at(found, "tzOffset")
    except ValueError:
        offset = 0
    if offset == 19_800:
        return "Asia/Kolkata"
    hours, rest = divmod(offset, 3600)
    # Zones of this name count west as positive.
    return "UTC" if rest or not hours or not -12 <= hours <= 14 else f"Etc/GMT{-hours:+d}"


def _outside(root: Element, content: Content) -> frozenset[int]:
    """Readings that are not within the time that their own IntervalBlock says that it is of."""
    found = set()
    for number, block in enumerate(root.iter("IntervalBlock"), 1):
        period = block.find("interval")
        if period is None:
            continue
        try:
            begin, length = number_at(period, "start"), number_at(period, "duration")
            inside = [_within(reading, begin, begin + length) for reading in block.findall("IntervalReading")]
        except ValueError:
            continue
        out = [reading for reading, fits in zip(block.findall("IntervalReading"), inside, strict=True) if not fits]
        found |= {id(reading) for reading in out}
        if out:
            content.notes.append(
                f"block {number} is of {length} s, and {len(out)} of its {len(inside)} readings are not"
            )
    return frozenset(found)


def _within(reading: Element, begin: int, end: int) -> bool:
    period = reading.find("timePeriod")
    if period is None:
        return True
    start = number_at(period, "start", begin)
    return begin <= start and start + number_at(period, "duration") <= end


__all__ = ["read_espi", "read_nem12", "zone_of"]
