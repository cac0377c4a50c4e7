"""A folder of CSV files (RFC 4180): any encoding, byte order marks, line breaks within quotes, empty lines."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TextIO

from connectors.registry.config import Mapping
from connectors.registry.findings import Findings
from connectors.registry.source import BLOCK_ROWS, Block, match_header
from connectors.registry.tables import TARIFFS, Table
from pipeline.errors import ConfigError

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class CsvReader(Protocol):
    """What `csv.reader` gives."""

    line_num: int

    def __next__(self) -> list[str]:
        """The cells of the next row."""


class CsvSource:
    """See Source. Tariffs are the files `tariffs/*.yaml`."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        if not mapping.folder.is_dir():
            raise ConfigError("FOLDER_MISSING", where=str(mapping.folder), what="there is no such folder",
                              do="name the folder of the CSV files")  # fmt: skip

    def label(self, table: Table) -> str:
        """See Source."""
        return f"{TARIFFS.name}/" if table is TARIFFS else self._path(table).name

    def has(self, table: Table) -> bool:
        """See Source."""
        return bool(self._tariffs()) if table is TARIFFS else self._path(table).is_file()

    def blocks(self, table: Table, findings: Findings) -> Iterator[Block]:
        """See Source."""
        if table is TARIFFS:
            files = self._tariffs()
            texts = [path.read_text(encoding="utf-8", errors="replace") for path in files]
            names = [path.name for path in files]
            yield Block(list(range(1, len(files) + 1)), {"name": names, "document": texts})
            return
        path = self._path(table)
        with path.open(encoding=self._encoding(path), errors="replace", newline="") as file:
            yield from self._read(table, file, findings)

    def _path(self, table: Table) -> Path:
        return self._mapping.folder / (self._mapping.of(table.name).file or f"{table.name}.csv")

    def _tariffs(self) -> list[Path]:
        return sorted((self._mapping.folder / TARIFFS.name).glob("*.yaml"))

    def _encoding(self, path: Path) -> str:
        with path.open("rb") as file:
            head = file.read(4)
        return next((name for mark, name in MARKS if head.startswith(mark)), self._mapping.encoding)

    def _read(self, table: Table, file: TextIO, findings: Findings) -> Iterator[Block]:
        rows = _rows(table, csv.reader(file, delimiter=self._mapping.delimiter, strict=True), findings)
        line, _, header = next(rows, (1, 1, []))
        places = match_header(table, self._mapping, header, line, findings)
        if places is None:
            return
        lines: list[int] = []
        kept: list[list[str]] = []
        for line, last, row in rows:
            if len(row) != len(header):
                _no_row(table, findings, "ROW_WIDTH", line, last, f"{len(row)} cells, not {len(header)}")
                continue
            lines.append(line)
            kept.append(row)
            if len(kept) == BLOCK_ROWS:
                yield _block(lines, kept, places)
                lines, kept = [], []
        yield _block(lines, kept, places)


def _rows(table: Table, reader: CsvReader, findings: Findings) -> Iterator[tuple[int, int, list[str]]]:
    """(line it begins in, line it ends in, cells) of the rows that hold anything."""
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            # The reader begins anew in the next line.
            _no_row(table, findings, "ROW_UNREADABLE", line, reader.line_num)
            continue
        # Nearly always the first cell tells; an empty line, or one of empty cells, is no row.
        if row and (row[0].strip() or any(map(str.strip, row))):
            yield line, reader.line_num, row


def _no_row(table: Table, findings: Findings, code: str, line: int, last: int, detail: str = "") -> None:
    """Report what is no row. When it spans lines, nobody knows how many rows an open quote has swallowed."""
    if last > line:
        code, detail = "QUOTE_OPEN", f"to line {last}"
    findings.add(code, table.name, "", [line], details=detail)


def _block(lines: list[int], rows: list[list[str]], places: dict[str, int]) -> Block:
    columns = list(zip(*rows, strict=True))
    return Block(lines, {name: columns[place] if rows else () for name, place in places.items()})
