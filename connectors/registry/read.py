"""A source's tables -> columns of values: `Rows`, one a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from connectors.registry.cell_texts import TextReader
from connectors.registry.cells import Parsed, empty_values, parse
from connectors.registry.config import Mapping
from connectors.registry.findings import Findings
from connectors.registry.rules import RULE_BY_CODE, Severity
from connectors.registry.show import texts
from connectors.registry.source import Source
from connectors.registry.tables import TABLES, Column, Table
from pipeline.columns import Array
from pipeline.errors import ConfigError


@dataclass
class Rows:
    """The rows of a table. All arrays have a row each; `lines` i64 says where it stands.

    values, given, fine by column: see `connectors.registry.cells.Parsed`. bad: an error was found in the row.
    repeated: the same row stands in a line before.
    """

    table: Table
    there: bool
    lines: Array
    values: dict[str, Array]
    given: dict[str, Array]
    fine: dict[str, Array]
    bad: Array
    repeated: Array

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.lines)

    def __getitem__(self, name: str) -> Array:
        """Values of a column."""
        return self.values[name]

    def usable(self, *names: str) -> Array:
        """Rows whose cells in these columns could be read, and that repeat no other row; bool (n,)."""
        fine = ~self.repeated
        for name in names:
            fine = fine & self.fine[name]
        return fine

    def fault(
        self, findings: Findings, code: str, column: str, rows: Array, values: list[str] | None = None,
        details: list[str] | str = (),  # type: ignore[assignment]
    ) -> None:  # fmt: skip
        """Report these rows, i64 (m,) or bool (n,); an error makes them bad. `values`: as they are to be shown."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        if RULE_BY_CODE[code].severity is not Severity.WARNING:
            self.bad[rows] = True
        shown = values if values is not None else self.texts(column, rows) if column else []
        findings.add(code, self.table.name, column, self.lines[rows], shown, details)

    def texts(self, column: str, rows: Array) -> list[str]:
        """Values of a column in these rows, as text for the report."""
        if self.table.secret:
            return []
        shown = texts(self.table.column(column), self.values[column][rows])
        return [text if given else "" for text, given in zip(shown, self.given[column][rows], strict=True)]


def read_tables(source: Source, mapping: Mapping, findings: Findings) -> dict[str, Rows]:
    """All tables by name; one that is not there has no rows."""
    return {table.name: _read(table, source, mapping, findings) for table in TABLES}


def _read(table: Table, source: Source, mapping: Mapping, findings: Findings) -> Rows:
    there = source.has(table)
    if not there and table.needed:
        findings.add("TABLE_MISSING", table.name, "", [0], details=source.label(table))
    readers = {column.name: TextReader.of(table, column, mapping) for column in table.columns}
    constants = {
        name: _constant(table, readers[name], text) for name, text in mapping.of(table.name).constants.items()
    }  # fmt: skip
    lines: list[Array] = []
    parts: dict[str, list[Parsed]] = {column.name: [] for column in table.columns}
    bad: list[Array] = []
    for block in source.blocks(table, findings) if there else ():
        count = len(block.lines)
        block_lines = np.array(block.lines, np.int64)
        wrong = np.zeros(count, bool)
        for column in table.columns:
            cells = block.cells.get(column.name)
            if cells is None:
                parts[column.name].append(_filled(constants.get(column.name), column, count))
                continue
            parsed = parse(cells, readers[column.name])
            _report(findings, table, column, block_lines, parsed)
            wrong |= ~parsed.fine
            parts[column.name].append(parsed)
        lines.append(block_lines)
        bad.append(wrong)
    no_row = not sum(map(len, lines)) and not findings.no_rows(table.name)
    if there and no_row and not findings.whole_of(table.name):
        findings.add("TABLE_EMPTY", table.name, "", [0], details=source.label(table))
    return _joined(table, there, lines, bad, parts)


def _constant(table: Table, reader: TextReader, text: str) -> Parsed:
    parsed = parse([text], reader)
    if parsed.faults:
        raise ConfigError(
            "CONSTANT_FAULT", where=f"{table.name}.{reader.column.name}",
            what=f"{text!r}: {RULE_BY_CODE[parsed.faults[0][1]].what}", do="correct the mapping",
        )  # fmt: skip
    return parsed


def _filled(constant: Parsed | None, column: Column, count: int) -> Parsed:
    """A column that the source does not have: one value, or nothing."""
    if constant is None:
        return Parsed(empty_values(column, count), np.zeros(count, bool), np.ones(count, bool))
    values = np.repeat(constant.values, count, axis=0)
    return Parsed(values, np.repeat(constant.given, count), np.ones(count, bool))


def _report(findings: Findings, table: Table, column: Column, lines: Array, parsed: Parsed) -> None:
    by_code: dict[str, list[tuple[int, str, str, str]]] = {}
    for fault in parsed.faults:
        by_code.setdefault(fault[1], []).append(fault)
    for code, faults in by_code.items():
        rows = lines[[row for row, *_ in faults]]
        findings.add(code, table.name, column.name, rows, [text for *_, text, _ in faults], [f[3] for f in faults])


def _joined(table: Table, there: bool, lines: list[Array], bad: list[Array], parts: dict[str, list[Parsed]]) -> Rows:
    def join(name: str, what: str) -> Array:
        arrays = [getattr(part, what) for part in parts[name]]
        return np.concatenate(arrays) if arrays else getattr(_filled(None, table.column(name), 0), what)

    names = [column.name for column in table.columns]
    count = sum(len(part) for part in lines)
    return Rows(
        table,
        there,
        np.concatenate(lines) if lines else np.zeros(0, np.int64),
        {name: join(name, "values") for name in names},
        {name: join(name, "given") for name in names},
        {name: join(name, "fine") for name in names},
        np.concatenate(bad) if bad else np.zeros(0, bool),
        np.zeros(count, bool),
    )
