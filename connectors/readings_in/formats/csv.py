"""CSV with a line of names: read in parts by whole columns, so that a file may be larger than memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import csv as columns

from connectors.readings_in.config import ReadingsOptions
from connectors.readings_in.formats.parts import Part, UnreadableError
from connectors.readings_in.records import MOST_RAW, Fault, Records

PART_OCTETS = 8_000_000
NEWLINE, QUOTE = b'\n"'
MARK = b"\xef\xbb\xbf"
"""That the text is UTF-8, as some programs write before it."""


def read_csv(stream: BinaryIO, options: ReadingsOptions) -> Iterator[Part]:
    """See FORMATS. A row with too many or too few columns is a fault, and the others are used."""
    first = stream.readline(65_536).removeprefix(MARK)
    names = _names(first, options.delimiter)
    if options.columns.device not in names or options.columns.time not in names:
        raise UnreadableError(
            f"the first line names no columns {options.columns.device} and {options.columns.time}: {', '.join(names)}"[
                :200
            ]
        )
    if len(set(names)) < len(names):
        raise UnreadableError(f"the first line names a column twice: {', '.join(names)}"[:200])
    line = 2
    rest = b""
    while octets := stream.read(PART_OCTETS):
        whole, rest = _cut(rest + octets)
        if len(rest) > 4 * PART_OCTETS:
            raise UnreadableError("a quotation mark without an end")
        if whole:
            yield _part(whole, names, line, options)
            line += whole.count(b"\n")
    if rest.strip():
        yield _part(rest, names, line, options)


def _names(first: bytes, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([first.decode("utf-8", "replace").rstrip("\r\n")], delimiter=delimiter), [])
    except csv.Error as error:
        raise UnreadableError(f"the first line is no CSV: {error}"[:200]) from error
    return [name.strip() for name in cells]


def _cut(octets: bytes) -> tuple[bytes, bytes]:
    """Whole rows, and what is left: up to the last end of a line before which quotation marks come in pairs."""
    text = np.frombuffer(octets, np.uint8)
    newlines = np.flatnonzero(text == NEWLINE)
    before = np.searchsorted(np.flatnonzero(text == QUOTE), newlines)
    ends = newlines[before % 2 == 0]
    end = int(ends[-1]) + 1 if len(ends) else 0
    return octets[:end], octets[end:]


def _part(octets: bytes, names: list[str], line: int, options: ReadingsOptions) -> Part:
    octets, faults = _readable(octets, line)
    invalid: list[Any] = []

    def refuse(row: Any) -> str:
        invalid.append(row)
        return "skip"

    try:
        table = columns.read_csv(
            pa.BufferReader(octets),
            read_options=columns.ReadOptions(column_names=names, use_threads=False, block_size=2 * len(octets) + 1024),
            parse_options=columns.ParseOptions(
                delimiter=options.delimiter, newlines_in_values=b'"' in octets, invalid_row_handler=refuse,
                ignore_empty_lines=True,
            ),
            convert_options=columns.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=True
            ),
        )  # fmt: skip
    except pa.ArrowInvalid as error:
        raise UnreadableError(f"no CSV from line {line} on: {error}"[:200]) from error
    lines = _Lines(octets, line, table, [row.number for row in invalid], options.delimiter)
    records = Records(table.num_rows, {name: table.column(name) for name in names}, lines.place, partial(lines.raw))
    records.faults.extend(faults)
    for row in invalid:
        what = f"{row.actual_columns} columns, the first line names {row.expected_columns}"
        records.faults.append(
            Fault(lines.invalid_place(row.number), "", "READING_UNREADABLE", what, row.text.encode()[:MOST_RAW])
        )
    return Part(records)


def _readable(octets: bytes, line: int) -> tuple[bytes, list[Fault]]:
    """The octets with those lines empty that are no UTF-8, and these as faults; raises UnreadableError."""
    try:
        octets.decode("utf-8")
        return octets, []
    except UnicodeDecodeError as error:
        if b'"' in octets:
            raise UnreadableError(f"no UTF-8 behind line {line}: {error.reason}") from error
    lines, faults = octets.split(b"\n"), []
    for number, text in enumerate(lines):
        try:
            text.decode("utf-8")
        except UnicodeDecodeError as error:
            reason = f"no UTF-8: {error.reason}"
            faults.append(Fault(f"line {line + number}", "", "READING_UNREADABLE", reason, text[:MOST_RAW]))
            lines[number] = b""
    return b"\n".join(lines), faults


class _Lines:
    """Where the rows of a part stand: counted only when somebody asks, which is for refused rows."""

    def __init__(self, octets: bytes, first: int, table: Any, invalid: list[int], delimiter: str) -> None:
        self._octets, self._first, self._table, self._delimiter = octets, first, table, delimiter
        self._invalid = set(invalid)
        self._all: list[tuple[int, bytes]] = []
        self._found: list[tuple[int, bytes]] | None = None

    def place(self, row: int) -> str:
        lines = self._lines()
        if not lines:
            return f"row {row + 1} of the part from line {self._first}"
        return f"line {lines[row][0]}"

    def invalid_place(self, number: int) -> str:
        """Place of a row that was left out; `number`: among all, from 1."""
        self._lines()
        if len(self._all) != self._table.num_rows + len(self._invalid):
            return f"row {number} of the part from line {self._first}"
        return f"line {self._all[number - 1][0]}"

    def raw(self, row: int) -> bytes:
        lines = self._lines()
        if lines:
            return lines[row][1]
        out = io.StringIO()
        cells = [self._table.column(place)[row].as_py() for place in range(self._table.num_columns)]
        csv.writer(out, delimiter=self._delimiter, lineterminator="").writerow(cells)
        return out.getvalue().encode()

    def _lines(self) -> list[tuple[int, bytes]]:
        """Line number and octets of each row; empty where a row has several lines."""
        if self._found is None:
            lines = enumerate((line.rstrip(b"\r") for line in self._octets.split(b"\n")), self._first)
            self._all = [(number, line) for number, line in lines if line]
            self._found = [line for number, line in enumerate(self._all, 1) if number not in self._invalid]
            if len(self._found) != self._table.num_rows:
                self._found = []
        return self._found
