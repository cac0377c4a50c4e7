"""Ids that come twice, validities that overlap or leave gaps: what several tables are checked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from connectors.registry.findings import Findings
from connectors.registry.read import Rows
from pipeline.columns import Array
from pipeline.reference import FOREVER

UNKNOWN = -1


@dataclass(frozen=True)
class Book:
    """Ids of a table, sorted, each once: `ids` (n,), and `first` i64 (n,), a row that has it."""

    ids: Array
    first: Array

    def find(self, wanted: Array) -> Array:
        """Place of each id in `ids`, i64; UNKNOWN where it is not there."""
        if not len(self.ids):
            return np.full(len(wanted), UNKNOWN, np.int64)
        place = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        return np.where(self.ids[place] == wanted, place, UNKNOWN).astype(np.int64)

    def row(self, wanted: Array) -> Array:
        """A row of each id; UNKNOWN where it is not there."""
        place = self.find(wanted)
        return np.where(place >= 0, self.first[np.maximum(place, 0)] if len(self.first) else UNKNOWN, UNKNOWN)


def book_of(rows: Rows, column: str) -> Book:
    """All ids of `column` that could be read and are given."""
    at = np.flatnonzero(rows.usable(column) & rows.given[column])
    ids, first = np.unique(rows[column][at], return_index=True)
    return Book(ids, at[first])


def check_twice(rows: Rows, findings: Findings) -> None:
    """Rows that stand twice, and ids of which rows differ."""
    key = rows.table.key
    at = np.flatnonzero(rows.usable(*key))
    for group in _groups([rows[name][at] for name in key], at):
        seen: dict[tuple[bytes, ...], int] = {}
        for row in sorted(group.tolist(), key=lambda row: int(rows.lines[row])):
            content = _content(rows, row)
            if content in seen and all(rows.fine[name][row] for name in rows.values):
                rows.repeated[row] = True
                rows.fault(findings, "ROW_TWICE", key[0], np.array([row]), details=f"line {rows.lines[seen[content]]}")
            else:
                seen.setdefault(content, row)
        left = group[~rows.repeated[group]]
        if not rows.table.spans and len(left) > 1:
            lines = sorted(rows.lines[left].tolist())
            rows.fault(findings, "ID_TWICE", key[0], left, details="lines " + ", ".join(map(str, lines[:5])))


def _content(rows: Rows, row: int) -> tuple[bytes, ...]:
    """What stands in a row's cells, as far as it could be read."""
    parts: list[bytes] = []
    for name, values in rows.values.items():
        parts += [_raw(values[row]), bytes([int(rows.given[name][row]), int(rows.fine[name][row])])]
    return tuple(parts)


def _raw(value: object) -> bytes:
    return value if isinstance(value, bytes) else np.asarray(value).tobytes()


def _groups(keys: list[Array], at: Array) -> Iterator[Array]:
    """Rows `at` that have the same keys, for each keys that more than one row has."""
    if len(at) < 2:
        return
    order = np.lexsort(keys[::-1])
    same = np.ones(len(at) - 1, bool)
    for values in keys:
        ordered = values[order]
        same &= ordered[1:] == ordered[:-1]
    edges = np.flatnonzero(np.diff(np.concatenate(([False], same, [False])).astype(np.int8)))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        yield at[order[begin : end + 1]]


def ends_of(rows: Rows, column: str) -> Array:
    """Ends of validity; 2^62 where none is given."""
    return np.where(rows.given[column], rows[column], FOREVER)


def check_reversed(rows: Rows, begin: str, end: str, findings: Findings) -> Array:
    """Rows whose validity can be told; those that end before they begin are reported."""
    usable = rows.usable(begin, end)
    wrong = usable & rows.given[end] & (rows[end] <= rows[begin])
    rows.fault(findings, "DATES_REVERSED", end, wrong)
    return usable & ~wrong


@dataclass(frozen=True)
class Spans:
    """Which columns say who is where from when to when, and the codes for what is wrong with it."""

    column: str
    begin: str
    end: str
    overlap: str
    gap: str | None


def check_spans(rows: Rows, spans: Spans, usable: Array, findings: Findings) -> None:
    """Overlaps and gaps of the validities of each id; an overlap is reported at both rows."""
    at = np.flatnonzero(usable & rows.fine[spans.column] & rows.given[spans.column])
    ids, begins, ends = rows[spans.column][at], rows[spans.begin][at], ends_of(rows, spans.end)[at]
    order = np.lexsort((ends, begins, ids))
    at, ids, begins, ends = at[order], ids[order], begins[order], ends[order]
    same = ids[1:] == ids[:-1]
    wrong = same & (begins[1:] < ends[:-1])
    _overlaps(rows, spans, findings, at, begins, ends, np.isin(ids, np.unique(ids[1:][wrong])), ids)
    if spans.gap is not None:
        later = np.flatnonzero(same & (begins[1:] > ends[:-1])) + 1
        # The row before may lie within an earlier one that lasts longer; then something else is wrong, and reported.
        later = later[~rows.bad[at[later]]]
        rows.fault(findings, spans.gap, spans.begin, at[later])


def _overlaps(
    rows: Rows, spans: Spans, findings: Findings, at: Array, begins: Array, ends: Array, suspect: Array, ids: Array
) -> None:
    found: dict[tuple[int, str], int] = {}
    holder = -1
    for place in np.flatnonzero(suspect).tolist():
        if holder >= 0 and ids[place] == ids[holder]:
            if begins[place] < ends[holder]:
                found.setdefault((int(at[place]), spans.begin), int(rows.lines[at[holder]]))
                found.setdefault((int(at[holder]), spans.end), int(rows.lines[at[place]]))
            if ends[place] > ends[holder]:
                holder = place
        else:
            holder = place
    for column in (spans.begin, spans.end):
        mine = [(row, line) for (row, name), line in found.items() if name == column]
        rows.fault(findings, spans.overlap, column, np.array([row for row, _ in mine], np.int64),
                   details=[f"line {line}" for _, line in mine])  # fmt: skip
