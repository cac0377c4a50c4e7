"""A file of AT&C inputs, checked as a whole: every fault with line and column, before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from agents.losses.indices.inputs import QUANTITIES, Inputs
from cli.losses.columns import Cell, Fault, column_of
from cli.losses.rows import Rows, csv_rows, yaml_rows
from pipeline.errors import ConfigError

ABSENT = tuple(quantity.name for quantity in QUANTITIES if quantity.name != "net_input")
"""Quantities that a utility may not have."""
MOST_TOLD = 20
"""Faults that one message names."""


class Entry(NamedTuple):
    """Inputs of a node and period, and the line that they stand in."""

    node: str
    period: str
    level: str
    line: int
    inputs: Inputs


@dataclass(frozen=True)
class Book:
    """What a file holds. `none`: quantities that it says do not exist, taken as zero."""

    entries: tuple[Entry, ...]
    none: tuple[str, ...]


def read_book(path: Path, none: Sequence[str] = ()) -> Book:
    """The inputs of a CSV or YAML file; raises ConfigError that names every fault."""
    if path.suffix.lower() not in (".csv", ".yaml", ".yml"):
        raise ConfigError("ATC_FILE", where=str(path), what="the name ends in neither .csv nor .yaml", do="name it so")
    for name in none:
        if name not in ABSENT:
            raise ConfigError("OPTION_VALUE", where="--none", what=_unknown(name), do=f"name {', '.join(ABSENT)}")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError("ATC_FILE", where=str(path), what=error.strerror or str(error), do="name a file") from error
    except UnicodeDecodeError as error:
        raise ConfigError("ATC_FILE", where=str(path), what="the text is not UTF-8", do="save it as UTF-8") from error
    faults: list[Fault] = []
    nothing: list[Cell] = []
    if path.suffix.lower() == ".csv":
        rows = csv_rows(text, faults)
    else:
        rows, nothing = yaml_rows(text, faults)
    found = _Book(faults, none)
    found.say_none(nothing)
    found.add(rows)
    if not any(rows) and not faults:
        faults.append(Fault(1, 1, "no accounts"))
    if faults:
        raise _error(str(path), faults)
    return Book(tuple(found.entries), tuple(sorted(found.none)))


def _unknown(name: str) -> str:
    return f"{name!r} is no quantity that may not exist"


def _error(file: str, faults: list[Fault]) -> ConfigError:
    ordered = sorted(set(faults))
    told = [f"line {fault.line}, column {fault.column}: {fault.what}" for fault in ordered[:MOST_TOLD]]
    more = [f"and {len(ordered) - MOST_TOLD} more"] if len(ordered) > MOST_TOLD else []
    first = f"{file}:{ordered[0].line}:{ordered[0].column}"
    return ConfigError("ATC_INPUT", where=first, what="; ".join([*told, *more]), do="correct the file")


class _Book:
    """Entries in the making."""

    def __init__(self, faults: list[Fault], none: Sequence[str]) -> None:
        self.faults, self.none = faults, set(none)
        self.entries: list[Entry] = []
        self.lines: dict[tuple[str, str], int] = {}

    def say_none(self, cells: list[Cell]) -> None:
        """The quantities that the file says do not exist."""
        for cell in cells:
            if cell.text in ABSENT:
                self.none.add(cell.text)
            else:
                self.fault(cell, _unknown(cell.text or ""))

    def add(self, rows: Rows) -> None:
        """All rows."""
        for row in rows:
            self._entry(row)

    def fault(self, cell: Cell, what: str) -> None:
        self.faults.append(Fault(cell.line, cell.column, what))

    def _entry(self, row: dict[str, Cell]) -> None:
        if not row:
            return
        before = len(self.faults)
        first = min(row.values(), key=lambda cell: (cell.line, cell.column))
        for key in ("node", "period"):
            if row.get(key, first).text is None or key not in row:
                self.fault(row.get(key, first), f"{key} is missing")
        values = self._values(row)
        if len(self.faults) > before:
            return
        inputs = Inputs(**values)
        if (what := inputs.contradiction()) is not None:
            self.fault(next(cell for name, cell in row.items() if name.startswith("net_input")), what)
        node, period, level = (str(row[key].text or "") if key in row else "" for key in ("node", "period", "level"))
        line = self.lines.setdefault((node, period), first.line)
        if line != first.line:
            self.fault(row["node"], f"{node} of {period} stands in line {line} already")
        self.entries.append(Entry(node, period, level, first.line, inputs))

    def _values(self, row: dict[str, Cell]) -> dict[str, int]:
        values = dict.fromkeys(self.none, 0)
        given: dict[str, str] = {}
        for name, cell in row.items():
            column = column_of(name)
            if column is None or cell.text is None:
                continue
            quantity = column.quantity.name
            try:
                value = column.number(cell.text)
            except ValueError as error:
                self.fault(cell, f"{name}: {error}")
                continue
            if quantity in given:
                self.fault(cell, f"{name}: {given[quantity]} gives it already")
            if quantity in self.none and value:
                self.fault(cell, f"{name}: {quantity} is said not to exist, and has a value")
            given[quantity] = name
            values[quantity] = value
        return values
