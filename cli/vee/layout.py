"""What the columns of a CSV file hold, found out from its first lines."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from cli.vee.stamps import DATE_ONLY, form_of
from pipeline.errors import ConfigError

ABSENT = frozenset(("", "na", "n/a", "nan", "null", "none", "-", "--", "missing", "#n/a"))
"""Texts of a cell that hold no value, in small letters."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
NAMES_ID = re.compile(
    r"^(meter|meter[ _]?(id|no|number|serial)|id|device|nmi|mpan|msn|serial|service[ _]?point|consumer([ _]?(id|no))?|"
    r"household([ _]?id)?|lclid|customer([ _]?id)?|account|house([ _]?id)?|point)$", re.IGNORECASE,
)  # fmt: skip
NAMES_QUALITY = re.compile(r"^(quality|status|flag|quality[ _]?(flag|method))$", re.IGNORECASE)
NAMES_OTHER = re.compile(r"(temp|price|cost|tariff|lat|lon|index|row|unnamed|phase)", re.IGNORECASE)
CLOCK = re.compile(r"^\D{0,3}(\d{1,2})[:h.](\d{2})(:\d{2})?(\s*[-\u2013].*)?$")
PLACE = re.compile(r"^[A-Za-z_ ]{0,12}?(\d{1,4})$")
WIDE = (24, 48, 96, 144, 288, 1440)
"""Columns of intervals that a row of a day may have."""


@dataclass(frozen=True)
class Value:
    """A column of values: its name, its channel, and the power of ten that makes Wh, VAh or varh of it."""

    column: int
    label: str
    channel: str
    power: int


@dataclass(frozen=True)
class Layout:
    """Columns by number. minutes: of a wide file, minute of the day at which each column's interval begins or ends."""

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
    notes: tuple[str, ...] = ()

    @property
    def wide(self) -> bool:
        """A row is a day."""
        return bool(self.minutes)


def channel_of(label: str) -> str:
    """What a column of this name holds; import of active energy when it says nothing else."""
    name = label.lower()
    exported = re.search(r"exp|feed.?in|generat|solar|_out\b|sent", name) is not None
    if re.search(r"kvarh|varh|reactive", name):
        return "varh_q2" if exported else "varh_q1"
    if re.search(r"kvah|vah|apparent", name):
        return "vah_exp" if exported else "vah_imp"
    return "wh_exp" if exported else "wh_imp"


def power_of(label: str, unit: str | None) -> int | None:
    """Power of ten of the unit that a name ends with, or that was said; None: it is not known."""
    if unit is not None:
        return 3 if unit == "kWh" else 0
    name = label.lower()
    for text, power in (("mwh", 6), ("kwh", 3), ("kvah", 3), ("kvarh", 3), ("wh", 0), ("varh", 0), ("vah", 0)):
        if text in name:
            return power
    return None


def layout_of(lines: list[str], where: str, unit: str | None, stamps: str | None) -> Layout:
    """The layout of a file of which these are the first lines; raises ConfigError when it cannot be told."""
    if not any(line.strip() for line in lines):
        raise ConfigError("FILE_EMPTY", where=where, what="it has no lines", do="name a file with readings")
    delimiter = max(",;\t|", key=lambda sign: (lines[0].count(sign), sign == ","))
    rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    header = [cell.strip().removeprefix("\ufeff") for cell in rows[0]]
    named = not any(NUMBER.fullmatch(cell) for cell in header) and form_of([header[0]]) is None
    named = named or len(_wide_columns(header)) > 0
    body = rows[1:] if named else rows
    if not body:
        raise ConfigError(
            "FILE_EMPTY", where=where, what="it has a line of names alone", do="name a file with readings"
        )
    if not named:
        header = [f"column {number}" for number in range(1, len(rows[0]) + 1)]
    return _Sniffing(header, body, delimiter, int(named), where, unit, stamps).layout()


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

    def _cells(self, column: int) -> list[str]:
        cells = (row[column].strip() for row in self.body if column < len(row))
        return [cell for cell in cells if cell.lower() not in ABSENT]

    def layout(self) -> Layout:
        """What the columns hold; raises ConfigError."""
        wide = _wide_columns(self.header)
        left = [number for number in range(len(self.header)) if number not in wide]
        found = next(((number, form) for number in left if (form := form_of(self._cells(number)))), None)
        if found is None:
            raise ConfigError(
                "TIME_UNKNOWN", where=self.where, what=f"no column holds times: {', '.join(self.header)}"[:200],
                do="give stamps as ISO 8601, day-month-year or epoch seconds",
            )  # fmt: skip
        time, form = found
        left.remove(time)
        id = next((number for number in left if NAMES_ID.match(self.header[number])), None)
        quality = next((number for number in left if NAMES_QUALITY.match(self.header[number])), None)
        left = [number for number in left if number not in (id, quality)]
        clock = self._clock(time, left)
        if clock is not None:
            left.remove(clock)
        if wide:
            return self._wide(wide, time, form, id)
        values = self._values(left)
        if not values:
            raise ConfigError(
                "VALUES_UNKNOWN", where=self.where, what=f"no column holds numbers: {', '.join(self.header)}"[:200],
                do="give values as decimal numbers with a point",
            )  # fmt: skip
        if id is None:
            id = next((number for number in left if number not in {value.column for value in values}), None)
        return Layout(
            self.delimiter, self.first_row, time, clock, form, id, quality, values, ends=self._ends(time),
            notes=tuple(self.notes),
        )  # fmt: skip

    def _clock(self, time: int, left: list[int]) -> int | None:
        """A column of times of day beside one of dates."""
        if not all(DATE_ONLY.match(cell) for cell in self._cells(time)):
            return None
        times = (number for number in left if self._cells(number))
        return next((n for n in times if all(re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", c) for c in self._cells(n))), None)

    def _values(self, left: list[int]) -> tuple[Value, ...]:
        chosen = [
            number for number in left
            if self._numbers(number) and not NAMES_OTHER.search(self.header[number])
        ]  # fmt: skip
        return tuple(self._value(number) for number in chosen)

    def _numbers(self, number: int) -> bool:
        # A column may hold nothing in the first lines; one that says a unit of energy is one all the same.
        cells = self._cells(number)
        if not cells:
            return power_of(self.header[number], None) is not None
        return all(NUMBER.fullmatch(cell) for cell in cells)

    def _value(self, number: int) -> Value:
        label = self.header[number]
        power = power_of(label, self.unit)
        if power is None:
            power = 3
            self.notes.append(f"column {label!r} says no unit: taken for kWh (--unit Wh says otherwise)")
        return Value(number, label, channel_of(label), power)

    def _ends(self, time: int) -> bool:
        if self.stamps is not None:
            return self.stamps == "end"
        return re.search(r"(^|[^a-z])(end|to|until)([^a-z]|$)", self.header[time].lower()) is not None

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
        value = Value(wide[0], "", channel_of(others), 3 if power is None else power)
        minutes = tuple(first + step * place for place in range(len(wide)))
        return Layout(
            self.delimiter, self.first_row, time, None, form, id, None, (value,), minutes, tuple(wide), notes=notes
        )
