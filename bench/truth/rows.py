"""Two sets of rows by key: rows that are missing, too many, or say something else; with the first few of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.columns import Array

EXAMPLES = 5
KEY = "key"

Rows = dict[str, Array]
"""Column -> values i64 (n,); the column `key` names a row."""


@dataclass
class Tally:
    """What a comparison found."""

    rows: int = 0
    missing: int = 0
    unexpected: int = 0
    other: int = 0
    columns: dict[str, int] = field(default_factory=dict)
    examples: list[dict[str, Any]] = field(default_factory=list)

    @property
    def different(self) -> int:
        """Rows that are not as they must be."""
        return self.missing + self.unexpected + self.other

    def add(self, more: Tally) -> None:
        """Sum up."""
        self.rows += more.rows
        self.missing += more.missing
        self.unexpected += more.unexpected
        self.other += more.other
        for name, count in more.columns.items():
            self.columns[name] = self.columns.get(name, 0) + count
        self.examples = (self.examples + more.examples)[:EXAMPLES]


def pack(*parts: tuple[Array, int]) -> Array:
    """One i64 of several numbers, each (values, how many there can be) with 0 <= value < that."""
    key = np.zeros(1, np.int64)
    size = 1
    for values, count in parts:
        size *= count
        if size >= 2**62:
            raise ValueError("the key does not fit")
        if len(values) and (values.min() < 0 or values.max() >= count):
            # Of a row that must not be there; so that it meets no key that is expected.
            values = np.where((values < 0) | (values >= count), -(2**62), values)
        key = key * count + values.astype(np.int64)
    return key


def rank(*keys: Array) -> Array:
    """i64 (n,): how many rows with the same keys stand right before each one; rows are sorted by them."""
    count = len(keys[0])
    begins = np.ones(count, np.bool_)
    if count:
        begins[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    starts = np.flatnonzero(begins)
    return np.arange(count) - np.repeat(starts, np.diff(np.append(starts, count)))


def compare(expected: Rows, found: Rows) -> Tally:
    """Hold `found` against `expected`, which has the same columns and each key once."""
    if set(expected) != set(found):
        raise ValueError(f"other columns: {sorted(set(expected) ^ set(found))}")
    mine, theirs = np.argsort(expected[KEY], kind="stable"), np.argsort(found[KEY], kind="stable")
    one, other = expected[KEY][mine], found[KEY][theirs]
    if (one[1:] == one[:-1]).any():
        raise ValueError("an expected key stands twice")
    place = np.searchsorted(other, one)
    there = place < len(other)
    there[there] = other[place[there]] == one[there]
    matched = np.zeros(len(other), np.bool_)
    matched[place[there]] = True
    tally = Tally(rows=len(other), missing=int((~there).sum()), unexpected=int((~matched).sum()))
    mine, theirs, unmatched = mine[there], theirs[place[there]], theirs[~matched]
    wrong = np.zeros(len(mine), np.bool_)
    for name in expected:
        differs = expected[name][mine] != found[name][theirs]
        if differs.any():
            tally.columns[name] = int(differs.sum())
            wrong |= differs
    tally.other = int(wrong.sum())
    tally.examples = [
        _other(expected, found, int(mine[at]), int(theirs[at])) for at in np.flatnonzero(wrong)[:EXAMPLES]
    ]
    lost = np.flatnonzero(~np.isin(expected[KEY], one[there]))
    tally.examples += [{"missing": _row(expected, at)} for at in lost[:EXAMPLES].tolist()]
    tally.examples += [{"unexpected": _row(found, at)} for at in unmatched[:EXAMPLES].tolist()]
    del tally.examples[EXAMPLES:]
    return tally


def _row(rows: Rows, at: int) -> dict[str, int]:
    return {name: int(values[at]) for name, values in rows.items()}


def _other(expected: Rows, found: Rows, one: int, other: int) -> dict[str, Any]:
    wrong = [name for name in expected if expected[name][one] != found[name][other]]
    return {
        "row": _row(expected, one),
        "found": {name: int(found[name][other]) for name in wrong},
    }
