"""A file of facts, CSV or JSON, read row by row: what cannot be read is told with its line, and the others are used."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors.facts.model import Fact, FactKind
from connectors.facts.rows import CellError, fact_of, kind_of
from pipeline.errors import ConfigError

MOST_FAULTS = 1000
MOST_JSON = 256_000_000
"""Octets of a JSON file, which is held as a whole."""


@dataclass
class FactFile:
    """A file; `facts` reads it. faults: rows that cannot be used, the first MOST_FAULTS of `fault_count`."""

    path: Path
    zone: ZoneInfo
    kind: FactKind | None = None
    """Of rows that have no `kind` of their own; None: as the columns show."""
    faults: list[str] = field(default_factory=list)
    fault_count: int = 0

    def facts(self) -> Iterator[tuple[str, Fact]]:
        """Facts with where each stands; raises ConfigError for a file that cannot be read at all."""
        try:
            rows = self._json() if self.path.suffix.lower() in (".json", ".jsonl", ".ndjson") else self._csv()
            for where, row in rows:
                try:
                    yield where, fact_of(row, self._kind(row), self.zone)
                except CellError as error:
                    self.fault(where, str(error))
        except OSError as error:
            raise self._unreadable(error.strerror or str(error)) from error
        except (csv.Error, UnicodeDecodeError) as error:
            raise self._unreadable(str(error)) from error

    def fault(self, where: str, what: str) -> None:
        """A row that cannot be used."""
        self.fault_count += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(f"{where}, {what}")

    def _kind(self, row: dict[str, str]) -> FactKind:
        said = row.get("kind", "").upper()
        if said and said not in FactKind.__members__:
            raise CellError("kind", f"{said[:40]!r} is none of {', '.join(FactKind)}")
        found = FactKind[said] if said else self.kind or kind_of(frozenset(row))
        if found is None:
            raise ConfigError(
                "FACT_KIND_UNKNOWN", where=self.path.name, what="the columns are of no kind of fact",
                do="name them as docs/facts.md does, or say --kind",
            )  # fmt: skip
        return found

    def _csv(self) -> Iterator[tuple[str, dict[str, str]]]:
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            delimiter = max(",;\t|", key=head.count)
            names = [name.strip().lower() for name in next(csv.reader([head], delimiter=delimiter), [])]
            rows = csv.reader(file, delimiter=delimiter)
            for row in rows:
                where = f"line {rows.line_num + 1}"
                if len(row) > len(names):
                    self.fault(where, f"{len(row)} cells, and {len(names)} columns")
                elif any(cell.strip() for cell in row):
                    yield where, {name: cell.strip() for name, cell in zip(names, row, strict=False)}

    def _json(self) -> Iterator[tuple[str, dict[str, str]]]:
        if self.path.stat().st_size > MOST_JSON:
            raise self._unreadable(f"it is larger than {MOST_JSON} octets: write CSV")
        text = self.path.read_text(encoding="utf-8-sig")
        if self.path.suffix.lower() == ".json":
            whole = self._parsed(text, "")
            found = whole.get("facts") if isinstance(whole, dict) else whole
            if not isinstance(found, list):
                raise self._unreadable('it is neither a list nor {"facts": [...]}')
            items: list[tuple[str, Any]] = [(f"item {number}", item) for number, item in enumerate(found, 1)]
        else:
            lines = enumerate(text.splitlines(), 1)
            items = [(f"line {number}", self._parsed(line, f", line {number}")) for number, line in lines if line]
        for where, item in items:
            if isinstance(item, dict):
                yield where, {str(name).lower(): _text(cell) for name, cell in item.items()}
            else:
                self.fault(where, "it is no object")

    def _parsed(self, text: str, where: str) -> Any:
        try:
            # Decimals stay as they are written.
            return json.loads(text, parse_float=str)
        except json.JSONDecodeError as error:
            raise self._unreadable(f"no JSON{where}: {error}") from error

    def _unreadable(self, what: str) -> ConfigError:
        return ConfigError("FILE_UNREADABLE", where=str(self.path), what=what, do="name a file that can be read")


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, list):
        return " ".join(str(one) for one in cell)
    return str(cell).strip()
