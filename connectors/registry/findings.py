"""What was found in the rows of an import: columns of findings, so that a warning on every row costs little."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from connectors.registry.rules import NO_ROW, RULE_BY_CODE, Severity
from connectors.registry.tables import TABLE_BY_NAME, TABLES
from pipeline.columns import Array


@dataclass(frozen=True)
class Finding:
    """One line of the report. `row`: line of the file, or row of the query; `value` is empty for keys, always."""

    table: str
    row: int
    column: str
    code: str
    severity: Severity
    value: str
    reason: str
    do: str

    def as_dict(self) -> dict[str, str | int]:
        """For JSON and CSV."""
        return {
            "table": self.table, "row": self.row, "column": self.column, "code": self.code,
            "severity": self.severity.value, "value": self.value, "reason": self.reason, "do": self.do,
        }  # fmt: skip


@dataclass(frozen=True)
class _Chunk:
    code: str
    table: str
    column: str
    rows: Array
    values: Sequence[str]
    details: Sequence[str]


@dataclass
class Findings:
    """All findings of an import. Rows of one `add` share code, table and column."""

    _chunks: list[_Chunk] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(
        self, code: str, table: str, column: str, rows: Array | Sequence[int], values: Sequence[str] = (),
        details: Sequence[str] | str = (),
    ) -> None:  # fmt: skip
        """`rows` i64 (n,): lines. `values`: texts of the cells; `details`: what is special about each, or about all."""
        lines = np.asarray(rows, np.int64)
        if not len(lines):
            return
        if isinstance(details, str):
            details = [details] * len(lines)
        # Not even the title: in a file whose columns are shifted a key stands in its place.
        shown = () if TABLE_BY_NAME[table].secret else values
        self._chunks.append(_Chunk(code, table, column, lines, shown, details))
        self.counts[code] += len(lines)

    def number(self, severity: Severity) -> int:
        """Findings of a severity."""
        return sum(count for code, count in self.counts.items() if RULE_BY_CODE[code].severity is severity)

    def whole_of(self, table: str) -> bool:
        """Whether this table as a whole is in error."""
        return any(chunk.table == table and RULE_BY_CODE[chunk.code].whole for chunk in self._chunks)

    def no_rows(self, table: str) -> int:
        """Lines of a table that could not be cut into cells."""
        return sum(len(chunk.rows) for chunk in self._chunks if chunk.table == table and chunk.code in NO_ROW)

    @property
    def whole(self) -> bool:
        """Whether a table as a whole is in error: then no rows can be left out."""
        return any(RULE_BY_CODE[code].whole for code in self.counts)

    def __iter__(self) -> Iterator[Finding]:
        """By table, row, column and code: the same findings in the same order, however they were found."""
        tables = {table.name: place for place, table in enumerate(TABLES)}
        columns = {
            (table.name, column.name): place for table in TABLES for place, column in enumerate(table.columns)
        }  # fmt: skip
        places = sorted(
            (tables[chunk.table], int(row), columns.get((chunk.table, chunk.column), -1), chunk.column, chunk.code,
             chunk.details[place] if chunk.details else "", number, place)
            for number, chunk in enumerate(self._chunks) for place, row in enumerate(chunk.rows)
        )  # fmt: skip
        for *_, number, place in places:
            yield self._finding(self._chunks[number], place)

    def _finding(self, chunk: _Chunk, place: int) -> Finding:
        rule = RULE_BY_CODE[chunk.code]
        detail = chunk.details[place] if chunk.details else ""
        return Finding(
            chunk.table, int(chunk.rows[place]), chunk.column, chunk.code, rule.severity,
            chunk.values[place] if chunk.values else "", f"{rule.what} ({detail})" if detail else rule.what, rule.do,
        )  # fmt: skip
