"""Where rows come from: one interface for files and databases. A source hands out texts; they are read later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from connectors.registry.config import Mapping as Columns
from connectors.registry.findings import Findings
from connectors.registry.tables import Table

BLOCK_ROWS = 16_384
"""Rows that are texts at the same time."""


@dataclass(frozen=True)
class Block:
    """Rows of a table: `lines` (1-based) and the cells of the columns that are there, each as long as `lines`."""

    lines: list[int]
    cells: Mapping[str, Sequence[str]]


class Source(Protocol):
    """Tables of texts."""

    def has(self, table: Table) -> bool:
        """Whether the source has the table at all."""

    def blocks(self, table: Table, findings: Findings) -> Iterator[Block]:
        """Its rows, in blocks; what cannot be cut into cells goes to `findings`."""

    def label(self, table: Table) -> str:
        """What people call the table there: the name of the file, or of the query."""


def match_header(
    table: Table, mapping: Columns, header: list[str], line: int, findings: Findings
) -> dict[str, int] | None:
    """Column -> its place in `header`; None when the table cannot be read. Capitals and spaces do not matter."""
    wanted = {_plain(mapping.of(table.name).columns.get(column.name, column.name)): column for column in table.columns}
    constants = mapping.of(table.name).constants
    places: dict[str, int] = {}
    twice = False
    for place, text in enumerate(header):
        column = wanted.get(_plain(text))
        # Of a file of keys without a header the first row is taken for one: it must not be shown.
        shown = f"cell {place + 1}" if table.secret else text.strip() or f"cell {place + 1}"
        if column is None:
            findings.add("HEADER_UNKNOWN", table.name, shown, [line])
        elif column.name in places:
            findings.add("HEADER_TWICE", table.name, column.name, [line])
            twice = True
        else:
            places[column.name] = place
    lacking = [column.name for column in table.columns
               if column.required and column.name not in places and column.name not in constants]  # fmt: skip
    for name in lacking:
        findings.add("HEADER_MISSING", table.name, name, [line])
    return None if lacking or twice else places


def _plain(text: str) -> str:
    return "_".join(text.replace("_", " ").split()).casefold()
