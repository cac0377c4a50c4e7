"""NEM12: interval data of the Meter Data File Format of the Australian market (AEMO, MDFF Specification NEM12 & NEM13).

A file is blocks 100 .. 900 of records: 200 says of which metering point, channel and unit the days (300) behind it are,
400 which quality some intervals of the last day have, 500 which transaction they are of. Stamps are market time: the
whole year ten hours ahead of UTC. The channels of one interval become one row.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from connectors.readings_in.config import Columns, ReadingsOptions
from connectors.readings_in.formats.gathered import Gather, Gathered
from connectors.readings_in.formats.parts import Part, UnreadableError
from connectors.readings_in.qualities import with_remark
from connectors.readings_in.quantities import KNOWN, Quantity, named
from connectors.readings_in.records import MOST_RAW, Fault
from connectors.readings_in.times import EPOCH
from pipeline.codes import Kind
from pipeline.localtime import DAY_SECS
from pipeline.reading_frames import EARLIEST, LATEST, TARGET

COLUMNS = Columns(device="NMI", time="IntervalDate", kind=" kind", quality="QualityMethod", id="100")
MARKET_SECS = 36_000
LENGTHS = (5, 15, 30)
"""Minutes of an interval."""
SUFFIXES = {"E": "wh_imp", "B": "wh_exp", "Q": "varh_q1", "K": "varh_q4", "T": "vah_imp"}
"""First letter of an NMI suffix -> channel. Q and K are reactive energy to and from the customer: of one who only draws
energy these are the first and the fourth quadrant."""
UNITS = {prefix + unit: (unit, power) for unit in ("WH", "VAH", "VARH") for prefix, power in
         (("", 0), ("K", 3), ("M", 6))}  # fmt: skip
"""UOM in capital letters -> unit, power of ten."""
PLACE = re.compile(r"\d{1,4}", re.ASCII)
VARIES = "V"
"""Quality of a day whose intervals have their own, in records 400; of those without one nothing is known."""
MOST_LINE = 1_000_000
PART_VALUES, MOST_VALUES = 500_000, 2_000_000
"""A part ends at the first change of metering point behind so many values; behind the larger number at any day."""


def read_nem12(stream: BinaryIO, options: ReadingsOptions, gather: Gather = Gathered) -> Iterator[Part]:
    """See FORMATS. Read in parts; what stands before a fault of the whole file is used. `gather`: takes the values."""
    blocks = _Blocks(options, gather)
    try:
        for number, line in _lines(stream):
            cells = blocks.cells(number, line)
            if blocks.ends_part(cells):
                yield blocks.part()
            blocks.take(number, line, cells)
        blocks.finish()
    except UnreadableError:
        if len(blocks):
            yield blocks.part()
        raise
    yield blocks.part()


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := stream.readline(MOST_LINE + 1):
        number += 1
        if len(line) > MOST_LINE:
            raise UnreadableError(f"line {number} has more than {MOST_LINE} octets")
        if line := line.removeprefix(b"\xef\xbb\xbf").strip():
            yield number, line


@dataclass(frozen=True)
class _Stream:
    """What a record 200 says: of which meter, in which column, of so many seconds an interval."""

    nmi: str
    device: str
    suffix: str
    column: str
    quantity: Quantity
    secs: int


@dataclass
class _Day:
    """A record 300; `said`: quality of each interval."""

    number: int
    stream: _Stream
    date: str
    start: int
    values: list[str]
    said: list[tuple[str, ...]]


Interval = tuple[_Day, int]
"""A day, and the number of an interval in it, from 1."""


def _place(interval: Interval) -> str:
    day, number = interval
    return f"line {day.number}, interval {number}"


def _raw(interval: Interval) -> bytes:
    """A line of a day has up to 288 intervals: of a refused one its own value is kept."""
    day, number = interval
    return f"{day.stream.nmi},{day.stream.suffix},{day.date},{number},{day.values[number - 1]}".encode()


class _Blocks:
    """The blocks of a file, record by record."""

    def __init__(self, options: ReadingsOptions, gather: Gather) -> None:
        self._options, self._gather = options, gather
        self._id = ""
        self._open = False
        self._begun = False
        self._stream: _Stream | str = "no record 200 before it"
        self._day: _Day | None = None
        self._refused = False
        self._start()

    def _start(self) -> None:
        self._gathered = self._gather(self._options, COLUMNS, _place, _raw)
        self._days: set[tuple[str, str, str]] = set()
        self.values = 0

    def __len__(self) -> int:
        return len(self._gathered) + (self._day is not None)

    def part(self) -> Part:
        """What was gathered since the last part."""
        self._close_day()
        part = self._gathered.part(time_format=EPOCH, stamp="end", decimal=".")
        self._start()
        return part

    def cells(self, number: int, line: bytes) -> list[str]:
        """The cells of a record; those of one that cannot be read have no indicator."""
        try:
            text = line.decode("utf-8")
            cells = next(csv.reader([text])) if '"' in text else text.split(",")
        except (UnicodeDecodeError, csv.Error) as error:
            self._refuse(number, line, f"no CSV: {error}"[:200])
            return [""]
        return [cell.strip() for cell in cells]

    def ends_part(self, cells: list[str]) -> bool:
        """Enough is gathered, and the next record begins another metering point; or too much is, and a day begins."""
        if self.values <= PART_VALUES:
            return False
        if cells[0] == "100" or (cells[0] == "300" and self.values > MOST_VALUES):
            return True
        return cells[0] == "200" and isinstance(self._stream, _Stream) and _cell(cells, 1) != self._stream.nmi

    def take(self, number: int, line: bytes, cells: list[str]) -> None:
        """The next record; raises UnreadableError for one that ends the reading."""
        indicator = cells[0]
        if not self._begun and indicator != "100":
            raise UnreadableError(f"line {number}: {indicator[:20]!r} where record 100 should be")
        if indicator == "100":
            self._header(number, cells)
        elif not self._open:
            self._refuse(number, line, "no record 100 before it")
        elif indicator == "200":
            self._close_day()
            self._stream = self._details(number, line, cells)
        elif indicator == "300":
            self._close_day()
            self._interval_data(number, line, cells)
        elif indicator == "400":
            self._event(number, line, cells)
        elif indicator == "900":
            self._close_day()
            self._open = False
        elif indicator and indicator != "500":
            self._refuse(number, line, f"{indicator[:20]!r} is no record of NEM12")

    def finish(self) -> None:
        """No record is left; raises UnreadableError when the last block has no end."""
        if not self._begun:
            raise UnreadableError("no record 100")
        if self._open:
            raise UnreadableError("it ends without record 900")

    def _header(self, number: int, cells: list[str]) -> None:
        self._close_day()
        if _cell(cells, 1).upper() != "NEM12":
            raise UnreadableError(f"line {number}: {_cell(cells, 1)[:20]!r} where NEM12 should be")
        self._id = f"{_cell(cells, 3)} {_cell(cells, 2)}".strip()
        self._open = self._begun = True
        self._stream = "no record 200 before it"

    def _details(self, number: int, line: bytes, cells: list[str]) -> _Stream | str:
        """What days behind a record 200 are of; a reason when it cannot be read, and nothing when it is not kept."""
        nmi, suffix, serial, unit, length = (_cell(cells, place) for place in (1, 4, 6, 7, 8))
        if length not in map(str, LENGTHS):
            self._refuse(number, line, f"{length[:20]!r} is no length of intervals")
            return "behind a record 200 that cannot be read"
        channel = named(self._options.values, SUFFIXES, suffix, suffix[:1])
        written, power = UNITS.get(unit.upper(), ("", 0))
        if channel is None or KNOWN[channel][0].upper() != written:
            self._refuse(number, line, f"suffix {suffix[:20]!r} in {unit[:20]!r} is no quantity that is kept")
            return ""
        meter = serial if self._options.named_by == "meter" else nmi
        # Of a second meter or element the registry has a device of its own.
        device = meter if suffix[1:] in ("", "1") else f"{meter}/{suffix[1:]}"
        column = f"{suffix} {unit}"
        quantity = Quantity(TARGET[channel], KNOWN[channel][1] + power)
        return _Stream(nmi, device, suffix, column, quantity, 60 * int(length))

    def _interval_data(self, number: int, line: bytes, cells: list[str]) -> None:
        self._refused = True
        stream, date = self._stream, _cell(cells, 1)
        if isinstance(stream, str):
            if stream:
                self._refuse(number, line, stream)
            return
        count = DAY_SECS // stream.secs
        if len(cells) < count + 3:
            self._refuse(number, line, f"{len(cells)} cells, of {count} intervals and their quality")
            return
        if (stream.device, stream.column, date) in self._days:
            self._refuse(number, line, "the day comes twice")
            return
        try:
            start = _start_of(date)
        except ValueError as error:
            self._refuse(number, line, str(error), "CLOCK_UNUSABLE")
            return
        self._refused = False
        self._days.add((stream.device, stream.column, date))
        quality, reason, description = (_cell(cells, count + place) for place in (2, 3, 4))
        said = (with_remark(quality or VARIES, reason, description),)
        self._day = _Day(number, stream, date, start, cells[2 : count + 2], [said] * count)

    def _event(self, number: int, line: bytes, cells: list[str]) -> None:
        """Quality of some intervals of the last day, in place of the day's own."""
        if self._day is None:
            if not self._refused:
                self._refuse(number, line, "no record 300 before it")
            return
        first, last = _cell(cells, 1), _cell(cells, 2)
        count = len(self._day.values)
        if not (PLACE.fullmatch(first) and PLACE.fullmatch(last) and 1 <= int(first) <= int(last) <= count):
            self._refuse(number, line, f"{first[:10]!r} to {last[:10]!r} are no intervals of {count}")
            return
        said = (with_remark(*(_cell(cells, place) for place in (3, 4, 5))),)
        self._day.said[int(first) - 1 : int(last)] = [said] * (int(last) - int(first) + 1)

    def _close_day(self) -> None:
        day, self._day, self._refused = self._day, None, False
        if day is None:
            return
        stream, secs = day.stream, day.stream.secs
        self._gathered.quantities[stream.column] = stream.quantity
        self.values += len(day.values)
        for number, value in enumerate(day.values, 1):
            key = (stream.device, str(day.start + number * secs), Kind.BLOCK, secs)
            self._gathered.add(key, stream.column, value, day.said[number - 1], (day, number), self._id)

    def _refuse(self, number: int, line: bytes, reason: str, code: str = "READING_UNREADABLE") -> None:
        self._gathered.faults.append(Fault(f"line {number}", "", code, reason, line[:MOST_RAW]))


def _cell(cells: list[str], place: int) -> str:
    return cells[place] if place < len(cells) else ""


def _start_of(date: str) -> int:
    """Epoch seconds of the begin of a day of market time; raises ValueError."""
    if len(date) != 8 or not (date.isascii() and date.isdecimal()):
        raise ValueError(f"{date[:20]!r} is no date")
    try:
        start = int(datetime(int(date[:4]), int(date[4:6]), int(date[6:]), tzinfo=UTC).timestamp()) - MARKET_SECS
    except ValueError as error:
        raise ValueError(f"{date!r} is no date") from error
    if not EARLIEST <= start < LATEST - 2 * DAY_SECS:
        raise ValueError(f"{date!r} is not in the years 2000 to 2099")
    return start
