"""The arrays of one service point over a whole series: a regular grid in a named zone, and a channel each quantity."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from pipeline.columns import Array

LACKS, GOOD, NO_END, OUTSIDE = 0, 1, 2, 3
"""`standing` of an interval: to be estimated; a pattern for estimates; actual, but no end point and no pattern (an
outage fell into it, or it is doubted); outside of what is expected."""


@dataclass(frozen=True)
class Grid:
    """When the n intervals of a series are.

    start i64 (n,): epoch seconds UTC at which each begins, equal steps of `interval` s (days: local midnights).
    place i32 (n,): number of the interval within its local day by the wall clock, so that the hour that comes twice in
    autumn has the places of the first. day i32 (n,): local day since 1970-01-01. day_bounds i64 (days + 1,): where each
    day begins, n at the end. month_bounds i64 (m + 1,): the same of calendar months. day_type u1 (days,): Monday 0 to
    Sunday 6; a holiday is 6.
    """

    interval: int
    zone: str
    start: Array
    place: Array
    day: Array
    day_bounds: Array
    month_bounds: Array
    day_type: Array

    def __len__(self) -> int:
        return len(self.start)

    @property
    def per_day(self) -> int:
        """Intervals of a day of 24 hours."""
        return max(1, 86_400 // self.interval)


class Registers(NamedTuple):
    """at i64 (r,): interval at whose start it was read, ascending; reading i64 (r,) Wh; good u1 (r,).

    modulus: Wh at which the register begins again; 0: not known.
    """

    at: Array
    reading: Array
    good: Array
    modulus: int = 0


@dataclass
class Channel:
    """One quantity. value i64 (n,) Wh, VAh or varh as sent (physical ones: mV, mA, thousandths); quality u1 (n,).

    Quality is as whoever sent it says: ABSENT where nothing came. flags u64 (n,), days u64 (days,), months u64 (m,):
    words of failed rules; those of placing are in them from the start. repeats i32 (n,): readings beyond the first of
    the same value, conflicts i32 (n,): of another one.
    """

    name: str
    unit: str
    value: Array
    quality: Array
    flags: Array
    days: Array
    months: Array
    repeats: Array
    conflicts: Array
    registers: Registers | None = None
    spans: Array = field(default_factory=lambda: np.empty(0, np.uint64))
    unexplained: Array = field(default_factory=lambda: np.empty(0, np.int64))
    not_judged: dict[str, str] = field(default_factory=dict)

    @property
    def there(self) -> Array:
        """u1 (n,): 1 where a value is."""
        return np.asarray(self.quality != 0, np.uint8)


def empty_channel(grid: Grid, name: str, unit: str) -> Channel:
    """A channel of which nothing has come."""
    count = len(grid)
    return Channel(
        name, unit, np.zeros(count, np.int64), np.zeros(count, np.uint8), np.zeros(count, np.uint64),
        np.zeros(len(grid.day_bounds) - 1, np.uint64), np.zeros(len(grid.month_bounds) - 1, np.uint64),
        np.zeros(count, np.int32), np.zeros(count, np.int32),
    )  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What master data say of a service point; 0, None and False: not known.

    limit_wh: what the meter can pass in an interval; sanctioned_wh: sanctioned load over an interval; nominal_mv; net:
    a net meter is registered; industry: commercial or industrial; meter_ratio, master_ratio: multiplying factor as
    numerator and denominator, of the meter and of the master data; demand_same: the demand period is the interval.
    """

    limit_wh: int = 0
    sanctioned_wh: int = 0
    nominal_mv: int = 0
    net: bool | None = None
    industry: bool = False
    meter_ratio: tuple[int, int] | None = None
    master_ratio: tuple[int, int] | None = None
    demand_same: bool = False
    status_faults: int = 0


@dataclass
class Beside:
    """What else is known of each interval, (n,); None: not known, and the rules that need it are not judged.

    outage u1: 2 wholly within a confirmed outage, 1 partly. testing, inactive u1. status i64, device and
    registered u64, clock_offset i32 (s): of the reading. check i64 with check_there u1: of the check meter, of the
    channel `check_channel`. temperature i32 (days,): tenths of a degree Celsius. neighbours i64 (p, n) with
    neighbours_standing u1 (p, n): the same channel, `neighbours_channel`, of others. final i64 with
    final_rank u1 (0: none); rank u1: of the reading itself. demand i64 (m,) W of each month, -1: not known.
    zones i64 (z, r): registers of the tariff zones at the times of the total ones; zone u1 (n,): the zone of an
    interval.
    """

    outage: Array | None = None
    testing: Array | None = None
    inactive: Array | None = None
    status: Array | None = None
    device: Array | None = None
    registered: Array | None = None
    clock_offset: Array | None = None
    check: Array | None = None
    check_there: Array | None = None
    check_channel: str = "wh_imp"
    temperature: Array | None = None
    neighbours: Array | None = None
    neighbours_standing: Array | None = None
    neighbours_channel: str = "wh_imp"
    final: Array | None = None
    final_rank: Array | None = None
    rank: Array | None = None
    demand: Array | None = None
    zones: Array | None = None
    zone: Array | None = None


@dataclass
class Series:
    """One service point, or one meter of it: channels by name on one grid."""

    id: str
    grid: Grid
    channels: dict[str, Channel]
    facts: Facts = field(default_factory=Facts)
    beside: Beside = field(default_factory=Beside)
