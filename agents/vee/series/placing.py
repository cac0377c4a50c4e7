"""Readings of one quantity, in any order, onto the grid: V01, V02, V03 and V06 come of it."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from agents.vee.config import Thresholds
from agents.vee.series.calendar import grid_of, local_day
from agents.vee.series.kernels_place import V02, V03, V06, on_grid, unbelievable, winners
from agents.vee.series.model import Channel, Grid, empty_channel
from pipeline.columns import Array
from pipeline.errors import ConfigError
from pipeline.localtime import DAY_SECS
from pipeline.quality import Quality

RANK = np.zeros(16, np.uint8)
"""Quality -> rank of a reading: an actual one wins over an edit, this over an estimate, and all over a suspect one."""
for _place, _quality in enumerate(
    (Quality.SUSPECT, Quality.ESTIMATED, Quality.MANUAL, Quality.DERIVED, Quality.ACTUAL)
):
    RANK[_quality] = _place + 1

LENGTHS = (60, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, DAY_SECS)
"""Seconds that an interval may have: they divide a day."""

NEAR_SHARE = 20
"""Steps within a twentieth of a length are of that length."""
LONGEST_GAP = 400 * DAY_SECS
LEAST_READINGS = 20
LONGEST_GRID = 20_000_000
"""Intervals of one series: 38 years of minutes. More is a stamp that is wrong."""


@dataclass(frozen=True)
class Readings:
    """k readings of one quantity of one meter, as they came.

    start i64 (k,): epoch seconds UTC at which each interval begins; length i64 (k,) s, 0: not said; value i64 (k,);
    quality u1 (k,) as whoever sent it says, ABSENT for an interval of which it says that there is no value; push u1,
    captured i64 (epoch seconds, 0: not known), source u4: for the winner of duplicates; noted u64: bits of rules
    that failed in the file itself.
    """

    id: str
    name: str
    unit: str
    start: Array
    length: Array
    value: Array
    quality: Array
    push: Array
    captured: Array
    source: Array
    noted: Array

    def __len__(self) -> int:
        return len(self.start)


def readings(id: str, name: str, unit: str, start: Array, value: Array, **others: Array) -> Readings:
    """Readings of which little is known: actual, of no said length, from one source."""
    count = len(start)
    usual: dict[str, Array] = {
        "length": np.zeros(count, np.int64), "quality": np.full(count, Quality.ACTUAL, np.uint8),
        "push": np.zeros(count, np.uint8), "captured": np.zeros(count, np.int64), "source": np.zeros(count, np.uint32),
        "noted": np.zeros(count, np.uint64),
    }  # fmt: skip
    columns = {"start": np.asarray(start, np.int64), "value": np.asarray(value, np.int64), **usual, **others}
    return Readings(id, name, unit, **columns)


def interval_of(found: Readings, zone: str) -> int:
    """Seconds of an interval: what most readings say, else the commonest step between stamps; raises ConfigError."""
    said = found.length[found.length > 0]
    if len(said):
        lengths, counts = np.unique(said, return_counts=True)
        return int(lengths[np.argmax(counts)])
    steps = np.diff(np.unique(found.start))
    if not len(steps):
        raise ConfigError(
            "INTERVAL_UNKNOWN", where=found.id, what="one reading alone does not say how long an interval is",
            do="say it: --interval 1800",
        )  # fmt: skip
    lengths, counts = np.unique(steps, return_counts=True)
    step = int(lengths[np.argmax(counts)])
    if step not in LENGTHS:
        # Clocks that are some seconds off give steps around the length.
        usual = int(np.median(steps))
        near = min(LENGTHS, key=lambda length: abs(length - usual))
        step = near if abs(near - usual) * NEAR_SHARE <= near else step
    # Days of local time are at times an hour shorter or longer.
    return DAY_SECS if abs(step - DAY_SECS) <= 3600 and _at_midnight(found.start, zone) else step


def _at_midnight(start: Array, zone_name: str) -> bool:
    zone = ZoneInfo(zone_name)
    ends = (int(start.min()), int(start.max()))
    return all(local_day(time, zone) == local_day(time - 1, zone) + 1 for time in ends)


def checked_interval(interval: int, where: str) -> int:
    """The length, if intervals of it fill a day; raises ConfigError."""
    if interval not in LENGTHS:
        raise ConfigError(
            "INTERVAL_ODD", where=where, what=f"intervals of {interval} s do not fill a day",
            do=f"say the length: --interval one of {', '.join(map(str, LENGTHS))}",
        )  # fmt: skip
    return interval


def common_grid(parts: list[Readings], interval: int, zone: str) -> Grid:
    """The grid over all readings of a service point; raises ConfigError when it would be too long."""
    starts = np.concatenate([part.start for part in parts])
    phase = _phase(starts, interval)
    first, last = int(starts.min()), int(starts.max())
    if (last - first) // interval > LONGEST_GRID:
        raise ConfigError(
            "STAMP_FAR", where=parts[0].id, what=f"stamps lie {(last - first) // DAY_SECS} days apart",
            do="correct the stamp that is wrong",
        )  # fmt: skip
    if interval < DAY_SECS:
        half = interval // 2
        first = (first - phase + half) // interval * interval + phase
        last = (last - phase + half) // interval * interval + phase
    return grid_of(first, last, interval, zone)


def _phase(starts: Array, interval: int) -> int:
    """Where in an interval most stamps are: stamps are of UTC, and zones differ from it by half hours and quarters."""
    phases, counts = np.unique(starts % interval, return_counts=True)
    phase = int(phases[np.argmax(counts)])
    if int(counts.max()) * 2 >= len(starts):
        return phase
    # No phase is that of most: clocks are some seconds off, and the grid is that of the quarters of an hour.
    unit = min(interval, 900)
    return (phase + unit // 2) // unit * unit % interval


def believable(found: Readings) -> Array:
    """bool (k,): False for few readings that lie years from all others: a stamp is wrong, and what would lie between
    is no gap. All True where too little is known to say so."""
    order = np.argsort(found.start, kind="stable")
    bounds = np.flatnonzero(np.diff(found.start[order]) > LONGEST_GAP) + 1
    parts = np.split(order, bounds)
    kept = np.ones(len(found), np.bool_)
    if len(parts) > 1 and len(found) >= LEAST_READINGS:
        for part in parts:
            kept[part] = len(part) > max(2, len(found) // 100)
    return kept if kept.any() else np.ones(len(found), np.bool_)


def only(found: Readings, rows: Array) -> Readings:
    """Some of the readings."""
    columns = (getattr(found, name)[rows] for name in (
        "start", "length", "value", "quality", "push", "captured", "source", "noted"))  # fmt: skip
    return Readings(found.id, found.name, found.unit, *columns)


def place(found: Readings, grid: Grid, thresholds: Thresholds) -> tuple[Channel, Array]:
    """The channel, and the rows i64 (j,) of readings that could not be placed: off the grid or of another length."""
    channel = empty_channel(grid, found.name, found.unit)
    count = len(found)
    slot, moved = np.full(count, -1, np.int64), np.zeros(count, np.uint8)
    own = found.noted.copy()
    unbelievable(found.start, found.captured, thresholds.future_slack_secs, thresholds.too_old_days * DAY_SECS, own)
    if grid.interval >= DAY_SECS:
        row = np.searchsorted(grid.start, found.start, side="right") - 1
        slot[:] = np.where(found.start - grid.start[row] <= thresholds.grid_tolerance_secs, row, -1)
        moved[:] = (slot >= 0) & (found.start != grid.start[row])
    else:
        tolerance = min(thresholds.grid_tolerance_secs, grid.interval // 2 - 1)
        on_grid(found.start, found.length, int(grid.start[0]), grid.interval, tolerance, slot, moved)
    lost = slot < 0
    slot[found.quality == Quality.ABSENT] = -1
    chosen = np.full(len(grid), -1, np.int64)
    winners(
        slot, found.value, RANK[found.quality], found.push, found.captured, found.source, chosen, channel.repeats,
        channel.conflicts,
    )  # fmt: skip
    there = np.flatnonzero(chosen >= 0)
    rows = chosen[there]
    channel.value[there] = found.value[rows]
    channel.quality[there] = found.quality[rows]
    channel.flags[there] |= own[rows] | np.where(moved[rows] > 0, V03, np.uint64(0))
    channel.flags[(channel.repeats + channel.conflicts) > 0] |= V02
    return channel, np.flatnonzero(lost & (found.quality != Quality.ABSENT))


__all__ = [
    "V06", "Readings", "believable", "checked_interval", "common_grid", "interval_of", "only", "place", "readings",
]  # fmt: skip
