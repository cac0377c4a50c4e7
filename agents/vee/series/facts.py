"""Facts from outside laid on a grid: outages, temperatures, check meters, neighbours."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import numpy as np

from agents.vee.estimate import Order
from agents.vee.estimate.model import NO_TEMPERATURE, Side
from agents.vee.series.calendar import midnight
from agents.vee.series.model import GOOD, LACKS, Beside, Channel, Grid
from pipeline.codes import Method
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.quality import Quality

WHOLLY, PARTLY = 2, 1
LATER = (Method.LIKE_DAY, Method.NEAR_DAY, Method.WEIGHTED_DAYS, Method.MEDIAN_DAYS, Method.BRIDGE)
"""Methods that go by usual days alone: what was special of the day is not in them."""


def outages_on(grid: Grid, spans: Iterable[tuple[int, int]]) -> Array:
    """u1 (n,): WHOLLY within an outage, PARTLY, or 0. spans: begin and end of each, epoch s UTC; they may overlap."""
    begins, ends = _joined(sorted(spans))
    lengths = np.concatenate(([0], np.cumsum(ends - begins)))

    def covered(time: Array) -> Array:
        """Seconds of all outages before `time`."""
        row = np.searchsorted(begins, time, side="right")
        last = np.maximum(row - 1, 0)
        beyond = np.maximum(0, ends[last] - time) if len(ends) else np.zeros(len(time), np.int64)
        return np.asarray(lengths[row] - np.where(row > 0, beyond, 0))

    after = ends_of(grid)
    inside = covered(after) - covered(grid.start)
    return np.where(inside >= after - grid.start, WHOLLY, np.where(inside > 0, PARTLY, 0)).astype(np.uint8)


def ends_of(grid: Grid) -> Array:
    """i64 (n,): where each interval ends; days of local time have 23 to 25 hours."""
    if grid.interval < DAY_SECS or not len(grid):
        return np.asarray(grid.start + grid.interval)
    return np.append(grid.start[1:], midnight(int(grid.day[-1]) + 1, ZoneInfo(grid.zone)))


def _joined(spans: list[tuple[int, int]]) -> tuple[Array, Array]:
    """Begins and ends i64 of the same outages without overlaps, in order."""
    found: list[list[int]] = []
    for begin, end in spans:
        if found and begin <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([begin, end])
    rows = np.array(found, np.int64).reshape(-1, 2)
    return np.ascontiguousarray(rows[:, 0]), np.ascontiguousarray(rows[:, 1])


def temperatures_on(grid: Grid, times: Array, tenths: Array) -> Array:
    """i32 (days,): mean of the temperatures that begin on each local day, tenths of a degree Celsius, half up.

    times i64 (k,): epoch seconds UTC; tenths i64 (k,). NO_TEMPERATURE where there is none.
    """
    zone, first, days = ZoneInfo(grid.zone), int(grid.day[0]), len(grid.day_bounds) - 1
    midnights = np.array([midnight(first + day, zone) for day in range(days + 1)], np.int64)
    return means_of_days(np.searchsorted(midnights, times, side="right") - 1, tenths, days)


def means_of_days(day: Array, tenths: Array, days: int) -> Array:
    """i32 (days,): mean of tenths i64 (k,) by number of the day i64 (k,), half up; NO_TEMPERATURE where there is none.

    What lies outside [0, days) is not used.
    """
    inside = (day >= 0) & (day < days)
    sums, counts = np.zeros(days, np.int64), np.bincount(day[inside], minlength=days)
    np.add.at(sums, day[inside], tenths[inside])
    means = (2 * sums + counts) // np.maximum(2 * counts, 1)
    return np.where(counts > 0, means, NO_TEMPERATURE).astype(np.int32)


def standing_of(channel: Channel) -> Array:
    """u1 (n,) of another meter's channel: GOOD where an actual value is that no rule of placing doubts, else LACKS."""
    sound = (channel.quality == Quality.ACTUAL) & (channel.conflicts == 0) & (channel.value >= 0)
    return np.where(sound, GOOD, LACKS).astype(np.uint8)


def side_of(beside: Beside, name: str) -> Side:
    """What estimates of a channel go by."""
    side = Side()
    if beside.outage is not None:
        side = side._replace(outage=(beside.outage == WHOLLY).astype(np.uint8))
    if name == beside.check_channel and beside.check is not None and beside.check_there is not None:
        side = side._replace(check=beside.check, check_standing=beside.check_there)
    if name == beside.neighbours_channel and beside.neighbours is not None and beside.neighbours_standing is not None:
        side = side._replace(neighbours=beside.neighbours, neighbours_standing=beside.neighbours_standing)
    if beside.temperature is not None:
        side = side._replace(temperature=beside.temperature)
    return side


def order_beside(order: Order, side: Side) -> Order:
    """The order with what is known of the very day before what is usual: temperatures and neighbours that somebody
    gave come before the methods of usual days."""
    known = [(Method.TEMPERATURE, side.temperature.size), (Method.NEIGHBOURS, side.neighbours.size)]
    given = {method for method, size in known if size}
    moved = [step for step in order.steps if step.method in given]
    rest = [step for step in order.steps if step.method not in given]
    place = next((place for place, step in enumerate(rest) if step.method in LATER), len(rest))
    return order._replace(steps=(*rest[:place], *moved, *rest[place:]))
