"""The grid of a series in its zone: local days, places by the wall clock, months; summer time is the tz data's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from agents.vee.series.model import Grid
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS

EPOCH = date(1970, 1, 1)


def midnight(day: int, zone: ZoneInfo) -> int:
    """Epoch seconds at which a local day (since 1970-01-01) begins."""
    local = EPOCH + timedelta(days=day)
    return int(datetime(local.year, local.month, local.day, tzinfo=zone).timestamp())


def local_day(time: int, zone: ZoneInfo) -> int:
    """Local day of an instant."""
    return (datetime.fromtimestamp(time, UTC).astimezone(zone).date() - EPOCH).days


def grid_of(first: int, last: int, interval: int, zone_name: str, day_type: Array | None = None) -> Grid:
    """The grid from the interval that begins at `first` to the one that begins at `last`, epoch seconds UTC.

    With an interval of a day, `first` and `last` are within the first and the last local day. Within a day an interval
    must divide it.
    """
    zone = ZoneInfo(zone_name)
    begin, end = local_day(first, zone), local_day(last, zone)
    midnights = np.array([midnight(day, zone) for day in range(begin, end + 2)], np.int64)
    steps = np.arange(first, last + 1, interval, dtype=np.int64)
    start = midnights[:-1].copy() if interval >= DAY_SECS else steps
    row = np.searchsorted(midnights, start, side="right") - 1
    return Grid(
        interval, zone_name, start, _places(start, row, midnights, interval, zone), (row + begin).astype(np.int32),
        np.searchsorted(row, np.arange(end - begin + 2)).astype(np.int64), _months(row, begin, end),
        _weekdays(begin, end) if day_type is None else day_type,
    )  # fmt: skip


def _places(start: Array, row: Array, midnights: Array, interval: int, zone: ZoneInfo) -> Array:
    """By the wall clock: on days of 23 and 25 hours the offset is looked up, on others it is that of midnight."""
    passed = start - midnights[row]
    lengths = np.diff(midnights)[row]
    for item in np.flatnonzero(lengths != DAY_SECS).tolist():
        local = datetime.fromtimestamp(int(start[item]), UTC).astimezone(zone)
        passed[item] = local.hour * 3600 + local.minute * 60 + local.second
    return np.asarray(passed // interval, np.int32)


def _months(row: Array, begin: int, end: int) -> Array:
    days = [EPOCH + timedelta(days=day) for day in range(begin, end + 1)]
    firsts = [number for number, day in enumerate(days) if number == 0 or day.day == 1]
    bounds = np.searchsorted(row, np.array([*firsts, len(days)]))
    return np.asarray(bounds, np.int64)


def _weekdays(begin: int, end: int) -> Array:
    # 1970-01-01 was a Thursday.
    return ((np.arange(begin, end + 1) + 3) % 7).astype(np.uint8)
