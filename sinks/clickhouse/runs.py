"""Blocks in the order of their table, for rows that come in runs: those of a frame with the intervals of a day.

The engine sorts what it inserts, row by row and in columns as wide as the table's. A run (rows of one service point and
day that follow each other in time) moves as a whole, so some thousand are sorted here instead of hundreds of thousands
of rows, and the engine only looks whether it is done. It sorts what is not: nothing but speed depends on this order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.columns import Array
from pipeline.jit import inlined, kernel, peek1, peek2, peek4, peek8, poke1, poke2, poke4, poke8
from pipeline.localtime import DAY_SECS

LEAST_ROWS = 8
"""Of a run, on average: shorter ones are left to the engine."""


@dataclass(frozen=True)
class Runs:
    """Runs of one batch's rows: where they begin and how long they are, and where they go to; i64 (runs,) each."""

    begins: Array
    lengths: Array
    targets: Array


def runs_of(points: Sequence[Array], times: Sequence[Array], orders: Sequence[Array], offset: int) -> list[Runs] | None:
    """The runs of each batch, with their places in the order of (local day, point, time, order); None: they are short.

    Args:
        points, times, orders: of each batch, integers (rows,); times are epoch seconds, of two rows with the same
            point and time the greater order goes last.
        offset: of local time, seconds.
    """
    begins = [_begins(point, time, offset) for point, time in zip(points, times, strict=True)]
    rows, count = sum(map(len, points)), sum(map(len, begins))
    if rows < LEAST_ROWS * count or not rows:
        return None
    lengths = [np.diff(begin, append=len(point)) for begin, point in zip(begins, points, strict=True)]
    point, time, order = (
        np.concatenate([column[begin] for column, begin in zip(columns, begins, strict=True)])
        for columns in (points, times, orders)
    )
    sorted_ = np.lexsort((order, time, point, (time.astype(np.int64) + offset) // DAY_SECS))
    targets = np.empty(count, np.int64)
    targets[sorted_] = np.cumsum(np.concatenate(lengths)[sorted_]) - np.concatenate(lengths)[sorted_]
    ends = np.cumsum([len(begin) for begin in begins])[:-1]
    split = np.split(targets, ends)
    return [Runs(*columns) for columns in zip(begins, lengths, split, strict=True)]


def _begins(point: Array, time: Array, offset: int) -> Array:
    """Rows i64 at which a run begins."""
    if not len(point):
        return np.empty(0, np.int64)
    day = (time.astype(np.int64) + offset) // DAY_SECS
    breaks = (point[1:] != point[:-1]) | (time[1:] <= time[:-1]) | (day[1:] != day[:-1])
    return np.concatenate((np.zeros(1, np.int64), np.flatnonzero(breaks) + 1))


def lay(part: Array, runs: Runs, out: Array) -> None:
    """Write the rows of a batch's column to their places in `out` (all rows,), an array of the same type."""
    _lay(np.require(part, out.dtype, ["C", "W"]).view(np.uint8), out.itemsize, runs.begins, runs.lengths, runs.targets,
         out.view(np.uint8))  # fmt: skip


@inlined
def _move(raw, place, octets, rows, out, target):  # type: ignore[no-untyped-def]
    """`rows` items of `octets` octets."""
    for row in range(rows):
        if octets == 1:
            poke1(out, target + row, peek1(raw, place + row))
        elif octets == 2:
            poke2(out, target + 2 * row, peek2(raw, place + 2 * row))
        elif octets == 4:
            poke4(out, target + 4 * row, peek4(raw, place + 4 * row))
        else:
            poke8(out, target + 8 * row, peek8(raw, place + 8 * row))


@kernel
def _lay(raw, size, begins, lengths, targets, out):  # type: ignore[no-untyped-def]
    """raw, out u8: items of `size` octets (1, 2, 4 or 8); begins, lengths, targets i64 (runs,)."""
    for run in range(begins.shape[0]):
        place, target, rows = begins[run] * size, targets[run] * size, lengths[run]
        if size == 1:
            _move(raw, place, 1, rows, out, target)
        elif size == 2:
            _move(raw, place, 2, rows, out, target)
        elif size == 4:
            _move(raw, place, 4, rows, out, target)
        else:
            _move(raw, place, 8, rows, out, target)
