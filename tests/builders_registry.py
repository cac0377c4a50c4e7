"""CSV files of a small utility without a fault, rows that plant one each, and sources that are no files."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.registry.importing import Import, read_import
from connectors.registry.config import Mapping
from connectors.registry.tables import TABLE_BY_NAME

FROM = "2026-01-01"
FILES = ("network", "accounts", "meters", "service_points", "installations", "keys")
FIRST_POINT, FIRST_ACCOUNT, FEEDER, OTHER_FEEDER, DT = 1_000_000, 5_000_000, 100, 101, 200
RAW = "the line as it is"


def title(number: int) -> str:
    return f"4B564E{number:010X}"


def key(number: int) -> str:
    return f"{number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}"


@dataclass
class Files:
    """Rows by table as texts by column; the first data row of a file is line 2."""

    rows: dict[str, list[dict[str, str]]] = field(default_factory=lambda: {name: [] for name in FILES})

    def add(self, table: str, **cells: Any) -> int:
        """Add a row; returns its line."""
        self.rows[table].append({name: str(cell) for name, cell in cells.items()})
        return len(self.rows[table]) + 1

    def meter(self, number: int, **cells: Any) -> int:
        return self.add("meters", **{"system_title": title(number), "serial": f"S{number}", "template": 1,
                                     "interval_secs": 1800, "limit_wh": 7200, **cells})  # fmt: skip

    def point(self, number: int, **cells: Any) -> int:
        return self.add("service_points", **{
            "service_point": FIRST_POINT + number, "valid_from": FROM, "account": FIRST_ACCOUNT, "tariff": 1,
            "role": "CONSUMER", "net_meter": "no", "sanctioned_w": 3000, "dt": DT, "feeder": FEEDER, **cells,
        })  # fmt: skip

    def installation(self, number: int, **cells: Any) -> int:
        return self.add("installations", **{"system_title": title(number), "service_point": FIRST_POINT + number,
                                            "installed_at": FROM, **cells})  # fmt: skip

    def key(self, number: int, **cells: Any) -> int:
        return self.add("keys", **{"system_title": title(number), "encryption_key": key(2 * number + 1),
                                   "authentication_key": key(2 * number + 2), **cells})  # fmt: skip

    def home(self, number: int, **cells: Any) -> None:
        """A consumer with meter, key and installation."""
        self.meter(number)
        self.key(number)
        self.point(number, **cells)
        self.installation(number)

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in self.rows.items():
            columns = [column.name for column in TABLE_BY_NAME[name].columns]
            with (folder / f"{name}.csv").open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
                writer.writeheader()
                for row in rows:
                    if RAW in row:
                        file.write(row[RAW] + "\n")
                    else:
                        writer.writerow(row)
        return folder


def clean(homes: int = 3) -> Files:
    """A utility without a fault or a warning."""
    files = Files()
    files.add("network", node=1, level="SUBSTATION", name="Main")
    files.add("network", node=FEEDER, level="FEEDER", parent=1, name="Feeder 1")
    files.add("network", node=OTHER_FEEDER, level="FEEDER", parent=1, name="Feeder 2")
    files.add("network", node=DT, level="DT", parent=FEEDER, name="DT 1")
    files.add("accounts", account=FIRST_ACCOUNT)
    for number in range(1, homes + 1):
        files.home(number)
    return files


def read(folder: Path, **mapping: Any) -> Import:
    """An import against no tariffs in force but the shipped ones."""
    return read_import(Mapping(folder=folder, **mapping), {})


def found(imported: Import) -> set[tuple[str, int, str, str]]:
    """(table, line, column, code) of all findings."""
    return {(row.table, row.row, row.column, row.code) for row in imported.checked.findings}


class FakeCursor:
    """A cursor of the server, as psycopg's, over rows in memory."""

    def __init__(self, results: dict[str, tuple[list[str], list[tuple[Any, ...]]]]) -> None:
        self._results = results
        self._rows: list[tuple[Any, ...]] = []
        self.description: list[tuple[str]] = []

    def __enter__(self) -> FakeCursor:
        return self

    def __exit__(self, *_: object) -> None:
        self._rows = []

    def execute(self, query: str) -> None:
        header, rows = self._results[query]
        self.description = [(name,) for name in header]
        self._rows = list(rows)

    def fetchmany(self, count: int) -> list[tuple[Any, ...]]:
        taken, self._rows = self._rows[:count], self._rows[count:]
        return taken


class FakeConnection:
    """A connection whose queries are names of results."""

    def __init__(self, results: dict[str, tuple[list[str], list[tuple[Any, ...]]]]) -> None:
        self.results, self.closed = results, False

    def cursor(self, name: str) -> FakeCursor:
        assert name.startswith("kvarn_")
        return FakeCursor(self.results)

    def close(self) -> None:
        self.closed = True


def queries_of(files: Files, tables: Iterable[str] = FILES) -> dict[str, tuple[list[str], list[tuple[Any, ...]]]]:
    """The same rows as results of queries called by the table's name."""
    results = {}
    for name in tables:
        columns = [column.name for column in TABLE_BY_NAME[name].columns]
        results[name] = (columns, [tuple(row.get(column) or None for column in columns) for row in files.rows[name]])
    return results
