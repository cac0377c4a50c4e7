"""One text -> one value, or the fault: for the cells that are not in plain form."""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from connectors.registry.config import DATE_FORMS, Mapping
from connectors.registry.tables import U32, UNITS, Column, Kind, Table, key_octets
from pipeline.localtime import DAY_SECS, OFFSETS

SCIENTIFIC = re.compile(r"[+-]?\d+([.,]\d+)?[eE][+-]?\d+")
COMMA = re.compile(r"[+-]?\d+(,\d+)+(\.\d+)?")
POINT = re.compile(r"[+-]?[\d.]*\.[\d.]*(,\d*)?")
DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
HEXADECIMAL = re.compile(r"[0-9A-Fa-f]*")
BREAKS = re.compile(r"\s*[\r\n]+\s*")
TIMES_OF_DAY = ("", " %H:%M", " %H:%M:%S")
LONGEST_NUMBER = 40
"""Characters; a longer one is out of every range, and arithmetic on it would take its time."""


class CellFault(Exception):
    """Why a text is no value of its column: code of a rule, and what is special about it."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


@dataclass(frozen=True)
class TextReader:
    """How the mapping wants the texts of a column read. `scale`: what the file's unit is in the registry's."""

    column: Column
    mapping: Mapping
    scale: int
    words: dict[str, str]

    @classmethod
    def of(cls, table: Table, column: Column, mapping: Mapping) -> TextReader:
        """The reader of a column."""
        said = mapping.of(table.name)
        unit = said.units.get(column.name, column.unit)
        words = {word.strip().casefold(): value for word, value in said.values.get(column.name, {}).items()}
        return cls(column, mapping, UNITS.get(column.unit, {}).get(unit, 1), words)

    def read(self, text: str) -> Any:
        """The value of a text that is not empty; raises CellFault."""
        return READERS[self.column.kind](self, self.words.get(text.casefold(), text))

    def number(self, text: str) -> int:
        """A whole number of the registry's unit, within the column's bounds."""
        exact = self._exact(text) * self.scale
        if exact.denominator != 1:
            raise CellFault("NOT_WHOLE", f"of {self.column.unit}" if self.column.unit else "")
        value = int(exact)
        choices = self.column.choices
        if choices:
            if str(value) not in choices:
                raise CellFault(self.column.fault)
            return choices[str(value)]
        if not self.column.least <= value <= self.column.most:
            raise CellFault("OUT_OF_RANGE", f"{self.column.least} to {self.column.most}")
        return value

    def _exact(self, text: str) -> Fraction:
        plain = text.replace(",", ".", 1) if self.mapping.decimal == "," and "." not in text else text
        if SCIENTIFIC.fullmatch(text):
            raise CellFault("SHORTENED")
        if self.mapping.decimal == "," and POINT.fullmatch(text):
            raise CellFault("DECIMAL_POINT")
        if COMMA.fullmatch(plain):
            raise CellFault("DECIMAL_COMMA")
        if len(text) > LONGEST_NUMBER or not DECIMAL.fullmatch(plain):
            raise CellFault("NOT_A_NUMBER")
        try:
            return Fraction(Decimal(plain))
        except InvalidOperation as error:
            raise CellFault("NOT_A_NUMBER") from error

    def title(self, text: str) -> int:
        """A system title as a big-endian number; spaces, colons and hyphens between octets do not matter."""
        digits = re.sub(r"[ :-]", "", text)
        if len(digits) != 16 or not HEXADECIMAL.fullmatch(digits) or int(digits, 16) == 0:
            raise CellFault("TITLE_FORM")
        return int(digits, 16)

    def time(self, text: str) -> int:
        """Epoch seconds UTC; a time that names no zone is of the declared one."""
        moment = self._moment(text)
        if moment.microsecond:
            raise CellFault("NOT_A_DATE", "a fraction of a second")
        offset = OFFSETS[self.mapping.zone]
        try:
            value = calendar.timegm(moment.utctimetuple()) - (0 if moment.tzinfo is not None else offset)
        except OverflowError as error:  # in UTC it is before the year 1, or after 9999
            raise CellFault("DATE_FAR") from error
        first, last = (
            (day - datetime.date(1970, 1, 1)).days * DAY_SECS - offset
            for day in (self.mapping.earliest, self.mapping.latest)
        )  # fmt: skip
        if not first <= value <= last:
            raise CellFault("DATE_FAR")
        return value

    def _moment(self, text: str) -> datetime.datetime:
        try:
            return datetime.datetime.fromisoformat(text)
        except ValueError:
            pass
        form = DATE_FORMS[self.mapping.dates]
        for time_of_day in TIMES_OF_DAY:
            try:
                return datetime.datetime.strptime(text.replace("T", " "), form + time_of_day)  # noqa: DTZ007
            except ValueError:
                continue
        raise CellFault("NOT_A_DATE", self.mapping.dates)

    def ratio(self, text: str) -> tuple[int, int]:
        """(numerator, denominator): whole parts as they are written, decimals as the least whole numbers."""
        parts = [part.strip() for part in text.replace(":", "/").split("/")]
        if len(parts) > 2:
            raise CellFault("RATIO_FORM")
        try:
            exact = [self._exact(part) for part in parts]
        except CellFault as fault:
            raise CellFault("RATIO_FORM" if fault.code == "NOT_A_NUMBER" else fault.code) from fault
        above, below = exact[0], exact[1] if len(exact) == 2 else Fraction(1)
        if above == 0 or below == 0:
            raise CellFault("FACTOR_ZERO")
        if above.denominator != 1 or below.denominator != 1:
            whole = above / below
            above, below = Fraction(whole.numerator), Fraction(whole.denominator)
        if not (0 < above <= U32 and 0 < below <= U32):
            raise CellFault("OUT_OF_RANGE", f"parts of 1 to {U32}")
        return int(above), int(below)

    def choice(self, text: str) -> int:
        """The code of a word."""
        found = self.column.choices.get(" ".join(text.casefold().split()))
        if found is None:
            raise CellFault(self.column.fault or "CHOICE_UNKNOWN")
        return found

    def text(self, text: str) -> bytes:
        """UTF-8; a line break is a space."""
        plain = BREAKS.sub(" ", text)
        if any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in plain):
            raise CellFault("TEXT_CONTROL")
        raw = plain.encode()
        if len(raw) > self.column.most:
            raise CellFault("TEXT_LONG", f"{len(raw)} octets, at most {self.column.most}")
        return raw

    def ascii(self, text: str) -> bytes:
        """Printable ASCII."""
        if not text.isascii() or not text.isprintable():
            raise CellFault("NOT_ASCII")
        if len(text) > self.column.most:
            raise CellFault("TEXT_LONG", f"{len(text)} characters, at most {self.column.most}")
        return text.encode()

    def key(self, text: str) -> bytes:
        """Octets of a key. No fault says anything of the text but its length."""
        digits = re.sub(r"[ :-]", "", text)
        if not HEXADECIMAL.fullmatch(digits):
            raise CellFault("KEY_FORM")
        if len(digits) != 2 * key_octets(self.column):
            raise CellFault("KEY_LENGTH", f"{len(digits)} digits")
        return bytes.fromhex(digits)

    def document(self, text: str) -> bytes:
        """A document as it is."""
        raw = text.encode()
        if len(raw) > self.column.most:
            raise CellFault("TEXT_LONG", f"{len(raw)} octets, at most {self.column.most}")
        return raw


READERS: dict[Kind, Callable[[TextReader, str], Any]] = {
    Kind.TITLE: TextReader.title,
    Kind.ID: TextReader.number,
    Kind.NUMBER: TextReader.number,
    Kind.TIME: TextReader.time,
    Kind.RATIO: TextReader.ratio,
    Kind.CHOICE: TextReader.choice,
    Kind.TEXT: TextReader.text,
    Kind.ASCII: TextReader.ascii,
    Kind.KEY: TextReader.key,
    Kind.DOCUMENT: TextReader.document,
}
