"""CSV files to readings: a row a reading, a row a day, or a table of days; several meters, several channels."""

from __future__ import annotations

import csv
import io
import re
from array import array
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import BinaryIO
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from agents.vee.series.calendar import local_day, midnight
from agents.vee.series.placing import Readings, interval_of, readings
from cli.vee.cells import ABSENT, plain, seconds_of
from cli.vee.layout import Layout, Value, layout_of
from cli.vee.source import Asked, Content, Tell
from cli.vee.stamps import Clock, parsed
from connectors.readings_in.numbers import whole_column
from connectors.readings_in.qualities import class_of
from pipeline.columns import Array
from pipeline.errors import ConfigError
from pipeline.localtime import DAY_SECS
from pipeline.quality import Quality

USUAL_ZONE = "Asia/Kolkata"
SNIFFED_LINES = 500
TELL_ROWS = 5000
TAIL = re.compile(r"\.\d{12,}")
"""More digits than a meter has: the tail of a binary float."""
QUALITIES = {
    "actual": Quality.ACTUAL, "estimated": Quality.ESTIMATED, "edited": Quality.MANUAL, "suspect": Quality.SUSPECT,
}  # fmt: skip
"""Class of a head-end's quality -> quality; a value that it calls missing is none."""


class _Column:
    """What came of one channel of one meter."""

    def __init__(self) -> None:
        self.start, self.line, self.quality = array("q"), array("q"), array("B")
        self.text: list[str] = []


def read_csv(stream: BinaryIO, where: str, asked: Asked, tell: Tell) -> Content:
    """The content of a CSV file; raises ConfigError."""
    head = stream.peek(2)[:2] if isinstance(stream, io.BufferedReader) else b""
    encoding = "utf-16" if head in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")
    first = list(islice(text, SNIFFED_LINES))
    layout = layout_of(first, where, asked.unit, asked.stamps)
    content = Content("csv", asked.timezone or USUAL_ZONE, notes=list(layout.notes))
    table = _Table(layout, content, where)
    rows = csv.reader(chain(first, text), delimiter=layout.delimiter)
    try:
        for number, row in enumerate(rows, 1):
            if number > layout.first_row and row:
                table.row(rows.line_num, row)
            if number % TELL_ROWS == 0:
                tell(number)
    except csv.Error as error:
        raise ConfigError(
            "FILE_UNREADABLE", where=f"{where}, line {rows.line_num}", what=f"no CSV: {error}", do="correct the line"
        ) from error
    content.readings = list(table.readings(asked))
    return content


class _Table:
    """The rows of one file."""

    def __init__(self, layout: Layout, content: Content, where: str) -> None:
        self.layout, self.content, self.where = layout, content, where
        self.zone = ZoneInfo(content.zone)
        self.stem = where.removesuffix(".gz").removesuffix(".csv").removesuffix(".txt")
        self.columns: dict[tuple[str, Value], _Column] = {}
        self.clocks: dict[str, Clock] = {}
        self.classes: dict[str, Quality | None] = {}

    def row(self, line: int, row: list[str]) -> None:
        """The next row; what cannot be read becomes a fault with line and column."""
        layout = self.layout
        if len(row) <= max(layout.time, *(value.column for value in layout.values)):
            self.content.fault(f"line {line}: {len(row)} columns, too few")
            return
        id = row[layout.id].strip() if layout.id is not None and layout.id < len(row) else self.stem
        text = row[layout.time].strip()
        try:
            moment = parsed(text, layout.form)
            if layout.clock is not None and layout.clock < len(row):
                moment += timedelta(
                    seconds=seconds_of(row[layout.clock].strip(), layout.clock_step, layout.clock_first)
                )
        except ValueError as error:
            self.content.fault(f"line {line}, column {layout.time + 1}: {error}")
            return
        if layout.wide:
            self._day(line, row, id, moment)
        else:
            self._reading(line, row, id, moment)

    def _reading(self, line: int, row: list[str], id: str, moment: datetime) -> None:
        time = self._utc(line, id, moment)
        quality = self._quality(row)
        if time is None:
            return
        for value in self.layout.values:
            self._add(line, id, value, time, row[value.column], quality)

    def _day(self, line: int, row: list[str], id: str, moment: datetime) -> None:
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        (value,) = self.layout.values
        for minute, column in zip(self.layout.minutes, self.layout.columns, strict=True):
            text = row[column] if column < len(row) else ""
            if text.strip().lower() in ABSENT:
                continue
            time = self._utc(line, id, day + timedelta(minutes=minute))
            if time is not None:
                self._add(line, id, value, time, text, Quality.ACTUAL)

    def _utc(self, line: int, id: str, moment: datetime) -> int | None:
        clock = self.clocks.get(id)
        if clock is None:
            clock = self.clocks[id] = Clock(self.zone)
        try:
            return clock.utc(moment)
        except (ValueError, OverflowError) as error:
            self.content.fault(f"line {line}, column {self.layout.time + 1}: {error}")
            return None

    def _quality(self, row: list[str]) -> Quality | None:
        place = self.layout.quality
        if place is None or place >= len(row):
            return Quality.ACTUAL
        text = row[place]
        if text not in self.classes:
            said = class_of(text, {})
            self.classes[text] = Quality.SUSPECT if said is None else QUALITIES.get(said)
        return self.classes[text]

    def _add(self, line: int, id: str, value: Value, time: int, text: str, quality: Quality | None) -> None:
        text = text.strip()
        if quality is None or text.lower() in ABSENT:
            return
        text = plain(text, value.marks)
        column = self.columns.get((id, value))
        if column is None:
            column = self.columns[id, value] = _Column()
        column.start.append(time)
        column.line.append(line)
        column.quality.append(quality)
        column.text.append(text)

    def readings(self, asked: Asked) -> Iterator[Readings]:
        """All series in the order of their first reading."""
        taken: dict[str, set[str]] = {}
        for (id, value), column in self.columns.items():
            there, numbers = self._numbers(value, column)
            # A second column of the same kind, gas beside electricity for example, is a series of its own.
            name = f"{id}/{value.label}" if value.channel in taken.setdefault(id, set()) else id
            taken[id].add(value.channel)
            if value.label in self.layout.meters:
                name = value.label
            start = np.frombuffer(column.start, np.int64)[there]
            if not len(start):
                continue
            found = readings(
                name, value.channel, unit_of(value.channel), start, numbers[there],
                quality=np.frombuffer(column.quality, np.uint8)[there],
            )  # fmt: skip
            if value.register:
                found = self._steps(found, asked)
            elif self.layout.ends:
                interval = asked.interval or interval_of(found, self.content.zone)
                begin = _day_before(start, self.zone) if interval == DAY_SECS else start - interval
                found = readings(name, found.name, found.unit, begin, found.value, quality=found.quality)
            yield found

    def _steps(self, found: Readings, asked: Asked) -> Readings:
        """What a register moved by from one interval's begin to the next; the readings themselves go to the registers.

        Where readings lack between two, the interval lacks, and is estimated from what the register moved by.
        """
        time, first = np.unique(found.start, return_index=True)
        reading, quality = found.value[first], found.quality[first]
        length = asked.interval or interval_of(found, self.content.zone)
        self.content.registers.setdefault((found.id, found.name), []).extend(
            zip(time.tolist(), reading.tolist(), strict=True)
        )
        near = np.flatnonzero(np.abs(np.diff(time) - length) <= (3600 if length == DAY_SECS else 0))
        return readings(
            found.id, found.name, found.unit, time[near], reading[near + 1] - reading[near],
            quality=np.maximum(quality[near], quality[near + 1]),
        )  # fmt: skip

    def _numbers(self, value: Value, column: _Column) -> tuple[Array, Array]:
        """Rows that hold a number, and all of them in Wh, exact: rounded half up from the decimal that is written."""
        texts = pa.array(column.text, pa.string())
        numbers, there, faults = whole_column(texts, value.power)
        for row, what in faults.items():
            self.content.fault(f"line {column.line[row]}, column {value.column + 1}: {what}")
            there[row] = False
        places = [len(text.partition(".")[2]) for text in column.text]
        self.content.rounded += sum(count > value.power for count in places)
        self.content.tails += sum(count >= 12 for count in places)
        return np.flatnonzero(there), numbers


def _day_before(start: Array, zone: ZoneInfo) -> Array:
    return np.array([midnight(local_day(time - 1, zone), zone) for time in start.tolist()], np.int64)


def unit_of(channel: str) -> str:
    """Unit of an energy channel by its name."""
    return "Wh" if channel.startswith("wh") else "VAh" if channel.startswith("vah") else "varh"
