"""What the columns of a CSV file hold, found out from its first lines."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cli.vee.cells import ABSENT, DECIMAL, NUMBER, delimiter_of, head_of, marks_of, plain, rises
from cli.vee.names import (
    CLOCK,
    CLOCK_CELL,
    NAMES_ARRIVAL,
    NAMES_BLOCK,
    NAMES_ID,
    NAMES_OTHER,
    NAMES_QUALITY,
    NAMES_REGISTER,
    NAMES_TIME,
    PLACE,
    WIDE,
    channel_of,
    power_of,
)
from cli.vee.stamps import DIGITS, EPOCH, EPOCH_MS, form_of, moment_of, parsed
from pipeline.errors import ConfigError


@dataclass(frozen=True)
class Value:
    """A column of values: its name, its channel, and the power of ten that makes Wh, VAh or varh of it.

    marks: how its numbers are written (cells.marks_of). register: readings of a register that only rises.
    """

    column: int
    label: str
    channel: str
    power: int
    marks: str = ""
    register: bool = False


@dataclass(frozen=True)
class Layout:
    """Columns by number. minutes: of a wide file, minute of the day at which each column's interval begins or ends.

    clock_step, clock_first: of a column of numbered hours or blocks, seconds of one and the number of the first; 0: it
    has times of day. meters: names of columns that are meters.
    """

    delimiter: str
    first_row: int
    time: int
    clock: int | None
    form: str
    id: int | None
    quality: int | None
    values: tuple[Value, ...]
    minutes: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()
    ends: bool = False
    clock_step: int = 0
    clock_first: int = 0
    meters: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    @property
    def wide(self) -> bool:
        """A row is a day."""
        return bool(self.minutes)


def layout_of(lines: list[str], where: str, unit: str | None, stamps: str | None) -> Layout:
    """The layout of a file of which these are the first lines; raises ConfigError when it cannot be told."""
    if not any(line.strip() for line in lines):
        raise ConfigError("FILE_EMPTY", where=where, what="it has no lines", do="name a file with readings")
    delimiter = delimiter_of(lines)
    table = [
        row for row in enumerate(csv.reader(lines, delimiter=delimiter), 1) if any(cell.strip() for cell in row[1])
    ]
    at = head_of([row for _, row in table])
    rows = [row for _, row in table[at:]]
    header = [cell.strip().removeprefix("\ufeff") for cell in rows[0]]
    named = not any(NUMBER.fullmatch(cell) for cell in header) and form_of([header[0]]) is None
    named = named or len(_wide_columns(header)) > 0 or _names_above(header, rows[1:])
    body = rows[1:] if named else rows
    if not body:
        raise ConfigError(
            "FILE_EMPTY", where=where, what="it has a line of names alone", do="name a file with readings"
        )
    if not named:
        header = [f"column {number}" for number in range(1, len(rows[0]) + 1)]
    first_row = table[at][0] if named else table[at][0] - 1
    return _Sniffing(header, body, delimiter, first_row, where, unit, stamps).layout()


def _names_above(header: list[str], body: list[list[str]]) -> bool:
    """The first row has no time where those below have one: it names the columns, be it with numbers."""
    if any(form_of([cell]) for cell in header if not cell.isdecimal()):
        return False
    below = list(zip(*(row[: len(header)] for row in body[:20] if len(row) >= len(header)), strict=False))
    return any(form_of([cell for cell in cells if not cell.isdecimal()]) for cells in below)


def _wide_columns(header: list[str]) -> list[int]:
    """The columns of a day's intervals; empty when the file is not of this kind."""
    clocks = [number for number, name in enumerate(header) if CLOCK.match(name)]
    if len(clocks) in WIDE:
        return clocks
    places = [number for number, name in enumerate(header) if PLACE.match(name)]
    numbers = [int(PLACE.match(header[place])[1]) for place in places]  # type: ignore[index]
    in_order = bool(numbers) and numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] in (0, 1)
    return places if len(places) in WIDE and in_order else []


class _Sniffing:
    """The columns of one file."""

    def __init__(
        self, header: list[str], body: list[list[str]], delimiter: str, first_row: int, where: str, unit: str | None,
        stamps: str | None,
    ) -> None:  # fmt: skip
        self.header, self.body, self.delimiter, self.first_row = header, body, delimiter, first_row
        self.where, self.unit, self.stamps = where, unit, stamps
        self.notes: list[str] = []
        self.keys: tuple[int, str, int | None] = (0, "", None)

    def _cells(self, column: int) -> list[str]:
        cells = (row[column].strip() for row in self.body if column < len(row))
        return [cell for cell in cells if cell.lower() not in ABSENT]

    def layout(self) -> Layout:
        """What the columns hold; raises ConfigError."""
        wide = _wide_columns(self.header)
        times = self._times(range(len(self.header)))
        if times and wide and self._within_days(*times[0]):
            # Numbered columns beside times of day are meters, not the intervals of a day.
            wide = []
        times = [one for one in times if one[0] not in wide]
        if not times:
            raise ConfigError(
                "TIME_UNKNOWN", where=self.where, what=f"no column holds times: {', '.join(self.header)}"[:200],
                do="give stamps as ISO 8601, day-month-year or epoch seconds",
            )  # fmt: skip
        time, form = times[0]
        stamps = {number for number, other in times if other not in (EPOCH, EPOCH_MS, *DIGITS)} | {time}
        left = [number for number in range(len(self.header)) if number not in wide and number not in stamps]
        id = next((number for number in left if NAMES_ID.match(self.header[number])), None)
        quality = next((number for number in left if NAMES_QUALITY.match(self.header[number])), None)
        left = [number for number in left if number not in (id, quality)]
        if wide:
            return self._wide(wide, time, form, id)
        clock, step, first = (None, 0, 0) if self._within_days(time, form) else self._clock(left)
        left = [number for number in left if number != clock]
        self.keys = (time, form, id)
        values = self._values(left)
        if not values:
            raise ConfigError(
                "VALUES_UNKNOWN", where=self.where, what=f"no column holds energy: {', '.join(self.header)}"[:200],
                do="name the column with its unit (kWh, Wh) and give values as decimal numbers",
            )  # fmt: skip
        if id is None:
            id = self._unnamed_id(time, [n for n in left if n not in {value.column for value in values}])
        ends = False if step or self._ranges(clock) else self._ends(time)
        same = [v.label for v in values if id is None and power_of(v.label, None) is None]
        return Layout(
            self.delimiter, self.first_row, time, clock, form, id, quality, values, ends=ends, clock_step=step,
            clock_first=first, meters=frozenset(same if len(same) > 1 and len(same) == len(values) else ()),
            notes=tuple(self.notes),
        )  # fmt: skip

    def _times(self, columns: Iterable[int]) -> list[tuple[int, str]]:
        """Columns of times with their forms, the likeliest first: a meter's number may look like one."""
        found = [(number, form) for number in columns if (form := form_of(self._cells(number))) is not None]

        def doubt(one: tuple[int, str]) -> tuple[bool, bool, bool, bool, int]:
            name, form = self.header[one[0]], one[1]
            digits = form in (EPOCH, EPOCH_MS, *DIGITS)
            return (
                digits and NAMES_ID.match(name) is not None, digits and NAMES_TIME.search(name) is None,
                NAMES_ARRIVAL.search(name) is not None, not self._within_days(*one), one[0],
            )  # fmt: skip

        found = [
            one for one in found if not doubt(one)[0] and not (doubt(one)[1] and power_of(self.header[one[0]], None))
        ]
        return sorted(found, key=doubt)

    def _within_days(self, time: int, form: str) -> bool:
        """Stamps have a time of day."""
        for cell in self._cells(time):
            try:
                moment = parsed(cell, form)
            except ValueError:
                continue
            if form in (EPOCH, EPOCH_MS) or moment.hour or moment.minute:
                return True
        return False

    def _clock(self, left: list[int]) -> tuple[int | None, int, int]:
        """A column of times of day, or of numbered hours or blocks, beside dates; seconds of one; the first number."""
        for number in left:
            cells = self._cells(number)
            if cells and 10 * sum(CLOCK_CELL.match(cell) is not None for cell in cells) >= 9 * len(cells):
                return number, 0, 0
        for number in left:
            cells = self._cells(number)
            if not NAMES_BLOCK.search(self.header[number]) or not all(re.fullmatch(r"\d{1,4}", cell) for cell in cells):
                continue
            said = {int(cell) for cell in cells}
            first = min(said, default=0)
            count = next((count for count in WIDE if count >= max(said, default=0) + 1 - first), 0)
            if first in (0, 1) and len(said) > 1 and count:
                return number, 86_400 // count, first
        return None, 0, 0

    def _ranges(self, clock: int | None) -> bool:
        return clock is not None and any(re.search(r"\d\s*(-|\u2013|to)\s*\d", cell) for cell in self._cells(clock))

    def _unnamed_id(self, time: int, left: list[int]) -> int | None:
        """A column of texts that can be of meters: one text, or texts that have the same stamps."""
        for number in left:
            if not self._cells(number) or NAMES_OTHER.search(self.header[number]):
                continue
            pairs = {(row[time], row[number]) for row in self.body if number < len(row) and time < len(row)}
            if len({text for _, text in pairs}) == 1 or len({stamp for stamp, _ in pairs}) < len(pairs):
                return number
            self.notes.append(f"column {self.header[number]!r} is not used")
        return None

    def _values(self, left: list[int]) -> tuple[Value, ...]:
        chosen = []
        for number in left:
            if self._numbers(number):
                if power_of(self.header[number], None) is None and NAMES_OTHER.search(self.header[number]):
                    self.notes.append(f"column {self.header[number]!r} is not used: by its name it is no energy")
                else:
                    chosen.append(number)
        return tuple(self._value(number) for number in chosen)

    def _numbers(self, number: int) -> bool:
        # A column may hold nothing in the first lines; one that says a unit of energy is one all the same. A cell that
        # is no number is a fault of its row, not of the column.
        cells, said = self._cells(number), power_of(self.header[number], None) is not None
        if not cells:
            return said
        marks = marks_of(cells, self.delimiter)
        good = sum(NUMBER.fullmatch(plain(cell, marks)) is not None for cell in cells)
        return good * 10 >= len(cells) * (5 if said else 8)

    def _value(self, number: int) -> Value:
        label = self.header[number]
        power = power_of(label, self._said_unit())
        if power is None:
            power = 3
            self.notes.append(f"column {label!r} says no unit: taken for kWh (--unit Wh says otherwise)")
        marks = marks_of(self._cells(number), self.delimiter)
        if marks:
            comma = "the decimal sign" if marks == DECIMAL else "a mark of thousands"
            self.notes.append(f"column {label!r}: a comma is taken for {comma}")
        register = rises(self._in_order(number, marks), NAMES_REGISTER.search(label) is not None)
        if register:
            self.notes.append(f"column {label!r} holds a register: its steps are taken")
        return Value(number, label, channel_of(label), power, marks, register)

    def _ends(self, time: int) -> bool:
        if self.stamps is not None:
            return self.stamps == "end"
        return re.search(r"(^|[^a-z])(end|to|until)([^a-z]|$)", self.header[time].lower()) is not None

    def _in_order(self, number: int, marks: str) -> list[list[float]]:
        """Numbers of a column by meter, in order of time."""
        time, form, id = self.keys
        found: dict[str, list[tuple[float, float]]] = {}
        for row in self.body:
            if len(row) <= max(number, time, id or 0):
                continue
            text, moment = plain(row[number].strip(), marks), moment_of(row[time].strip(), form)
            if moment is not None and NUMBER.fullmatch(text):
                found.setdefault("" if id is None else row[id], []).append((moment.timestamp(), float(text)))
        return [[value for _, value in sorted(one, key=lambda pair: pair[0])] for one in found.values()]

    def _said_unit(self) -> str | None:
        """The unit that a column of units says for all rows, else what was said beside the file."""
        for number, name in enumerate(self.header):
            units = {cell.lower() for cell in self._cells(number)}
            if re.fullmatch(r"units?|uom", name, re.IGNORECASE) and len(units) == 1 and units <= {"kwh", "wh"}:
                return "kWh" if units == {"kwh"} else "Wh"
        return self.unit

    def _wide(self, wide: list[int], time: int, form: str, id: int | None) -> Layout:
        step = 1440 // len(wide)
        clocks = [match for number in wide if (match := CLOCK.match(self.header[number]))]
        first = 0
        if len(clocks) == len(wide):
            said = [int(match[1]) * 60 + int(match[2]) for match in clocks]
            if said[0] not in (0, step) or said[1] - said[0] != step:
                raise ConfigError(
                    "COLUMNS_ODD", where=self.where, what=f"columns begin with {self.header[wide[0]]!r}",
                    do="name the columns of a day by the begin or the end of their intervals, from midnight on",
                )  # fmt: skip
            # Columns that are named by their ends begin an interval earlier.
            first = -step if said[0] == 0 and self.stamps == "end" else 0
        others = " ".join(name for number, name in enumerate(self.header) if number not in wide)
        power = power_of(others, self.unit)
        notes = () if power is not None else ("no unit is said: values are taken for kWh (--unit Wh says otherwise)",)
        marks = marks_of([cell for number in wide for cell in self._cells(number)], self.delimiter)
        value = Value(wide[0], "", channel_of(others), 3 if power is None else power, marks)
        minutes = tuple(first + step * place for place in range(len(wide)))
        return Layout(
            self.delimiter, self.first_row, time, None, form, id, None, (value,), minutes, tuple(wide), notes=notes
        )
