"""Lines of a CSV file, each by itself: what is wrong with one takes no other with it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

MOST_SHOWN = 60
MOST_REASON = 200


@dataclass(frozen=True)
class DirtyRow:
    """A row that is not used: its line in the file, the column, and why."""

    line: int
    column: str
    reason: str


def shown(text: str) -> str:
    """What a reason repeats of a cell."""
    return repr(text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "...")


def lines(text: str) -> Iterator[tuple[int, list[str] | DirtyRow]]:
    """(line, cells) of each line, or why it has none; no cell goes over the end of its line."""
    found = text.split("\n")
    if not found[-1]:
        found.pop()
    for number, line in enumerate(found, 1):
        try:
            cells = next(csv.reader([line.removesuffix("\r")], strict=True), [])
        except csv.Error as error:
            yield number, DirtyRow(number, "", f"no row of a CSV file: {error}"[:MOST_REASON])
            continue
        yield number, cells
