"""A series as the kernels read it: an index of its days, from which intervals can be hidden and shown again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agents.vee.estimate.model import GOOD, LACKS, Grid
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS

MOST_INPUTS = 512
"""Days or intervals that one estimate can name."""


class Series(NamedTuple):
    """What kernels get; days count from the grid's first."""

    value: Array
    """i64 (n,)"""
    standing: Array
    """u1 (n,)"""
    place: Array
    """i64 (n,)"""
    day: Array
    """i64 (n,)"""
    day_type: Array
    """u1 (d,)"""
    at: Array
    """i64 (d, places): interval of a place of a day, -1 when the grid has none. Of an hour that comes twice the first;
    an hour that is skipped has the interval before it."""
    complete: Array
    """u1 (d,): every interval of the day is there, and good."""
    week: int
    """Days from a Monday to the first day."""


class History:
    """Index of a grid; what is hidden is LACKS to every method."""

    def __init__(self, grid: Grid) -> None:
        if DAY_SECS % grid.interval:
            raise ValueError(f"an interval of {grid.interval} s does not divide a day")
        size, places = grid.value.size, DAY_SECS // grid.interval
        day = grid.day.astype(np.int64) - (int(grid.day[0]) if size else 0)
        days = int(day[-1]) + 1 if size else 0
        if grid.day_type.size != days:
            raise ValueError(f"{grid.day_type.size} day types for {days} days")
        at = np.full((days, places), -1, np.int64)
        place = grid.place.astype(np.int64)
        at[day[::-1], place[::-1]] = np.arange(size - 1, -1, -1)
        whole: Array = (at[:, 0] >= 0) & (at[:, -1] >= 0)
        for column in range(1, places):
            skipped = whole & (at[:, column] < 0)
            at[skipped, column] = at[skipped, column - 1]
        self.grid = grid
        self.whole: Array = whole.astype(np.uint8)
        self.series = Series(
            grid.value.astype(np.int64),
            grid.standing.astype(np.uint8).copy(),
            place,
            day,
            grid.day_type.astype(np.uint8),
            at,
            np.zeros(days, np.uint8),
            (int(grid.day[0]) + 3) % 7 if size else 0,
        )
        self.out = np.zeros(size, np.int64)
        self.used = np.zeros(MOST_INPUTS, np.int64)
        self.votes = np.zeros((3, MOST_INPUTS), np.int64)
        bad = np.bincount(day, self.series.standing != GOOD, days) if size else np.zeros(0)
        self.series.complete[:] = whole & (bad == 0)

    def votes_of(self, count: int) -> Array:
        """Room for at least so many votes, i64 (3, room)."""
        if count >= self.votes.shape[1]:
            self.votes = np.zeros((3, count + 1), np.int64)
            self.used = np.zeros(count + 1, np.int64)
        return self.votes

    def hide(self, first: int, last: int) -> None:
        """Make intervals [first, last] lack a value."""
        self.series.standing[first : last + 1] = LACKS
        self._complete(first, last)

    def show(self, first: int, last: int) -> None:
        """As the grid has them again."""
        self.series.standing[first : last + 1] = self.grid.standing[first : last + 1]
        self._complete(first, last)

    def _complete(self, first: int, last: int) -> None:
        series = self.series
        for day in range(int(series.day[first]), int(series.day[last]) + 1):
            low, high = np.searchsorted(series.day, (day, day + 1))
            series.complete[day] = self.whole[day] and bool((series.standing[low:high] == GOOD).all())
