"""VEE in plain Python, one service point and one interval at a time: what the kernels are compared with.

The semantics, in words:

- A block row belongs to the interval that its stamp closes. Stamps within the tolerance move to the grid. The window
  holds `hot_days` local days, the one of the last tick included.
- A row is good, or suspect: negative (V07), above the limit (V09), or of an interval within which the meter changed
  (V01), or called suspect by its head-end (V37). Or it is an estimate of the head-end, which is none of the meter's
  values. Of two values of one interval a good one beats an estimate beats a suspect one, then the larger counts; two of
  the meter's values are marked V02. Registers that the head-end calls anything but actual are refused.
- Rows off the grid, and rows that stand in one frame with others of their interval, are put together (`parts_oracle`).
- A tick estimates what is due and has not come, in the order in force: as a rule the mean of the window's other good
  intervals at the same time of day, else the interval before carried on, else nothing (missing). What somebody says of
  an interval is no pattern for it.
- A day is settled when it closes, and again at the next tick after anything in the window's closed days or registers
  has changed, from what was sent and the registers alone (`settlement_oracle`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tests.oracles.parts_oracle import Parts, take_odd, take_regular, take_repeated
from tests.oracles.registers_oracle import closes_at, opens_at
from tests.oracles.settlement_oracle import (
    USUAL_ERRORS,
    USUAL_ORDER,
    Cell,
    Published,
    Settled,
    Tried,
    figure,
    settle,
)
from tests.oracles.statements_oracle import Statements, is_said

DAY = 86_400
OFFSET = 19_800
CHANNELS = 4
V01, V02, V07, V09, V14, V12, V03, V16, V32, V37 = 1, 2, 4, 8, 16, 32, 64, 128, 512, 1024
ACTUAL, SUSPECT, ESTIMATED, MISSING = 1, 2, 3, 4
TOO_OLD, IN_FUTURE, OFF_GRID, SAME_AGAIN = 17, 18, 19, 20
ESTIMATE_UNUSED, NOT_ACTUAL = 44, 45
HEAD_END, CLOCK_SET, SCALED, NOT_KNOWN = 11, 12, 6, 65_535
LINEAR, LIKE_DAY, CARRIED, OUTAGE, MANUAL = 3, 4, 9, 1, 23
Energy = tuple[int, int, int, int]
ORDER = {0: 0, V07: 1, V09: 2, V01: 3, V37: 4}


@dataclass(frozen=True)
class Link:
    """A meter at a service point for a time."""

    device: int
    point: int
    start: int
    until: int
    interval: int = 1800
    numerator: int = 1
    denominator: int = 1
    limit: int = 0
    modulus: int = 10**9
    opening: Energy | None = None
    closing: Energy | None = None
    net_meter: bool = False


@dataclass(frozen=True)
class Row:
    """A decoded row: a block (True) or midnight registers; `said`: what its head-end calls it, if anything.

    frame: number of a frame that holds several rows; 0: it holds this one alone.
    """

    link: int
    block: bool
    time: int
    energy: Energy
    said: str = ""
    frame: int = 0


@dataclass(frozen=True)
class Config:
    """Thresholds."""

    hot_days: int = 3
    slot: int = 1800
    tolerance: int = 300
    slack: int = 600
    range_percent: int = 120
    spike_percent: int = 180
    spike_floor: int = 500
    linear: int = 7200
    sum_tolerance: int = 0
    order: tuple[Tried, ...] = USUAL_ORDER
    errors: dict[int, tuple[int, int, int, int]] = field(default_factory=lambda: USUAL_ERRORS)


@dataclass
class Oracle:
    """All service points of a registry."""

    links: list[Link]
    config: Config = field(default_factory=Config)
    time: int = 0
    closed: int = 0
    begin: int = 0
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    registers: dict[tuple[int, int], tuple[int, list[int]]] = field(default_factory=dict)
    carried: dict[int, tuple[int, list[int]]] = field(default_factory=dict)
    dirty: set[int] = field(default_factory=set)
    final: dict[tuple[int, int], Published] = field(default_factory=dict)
    days: dict[tuple[int, int], Settled] = field(default_factory=dict)
    parts: Parts = field(default_factory=Parts)
    frames: dict[int, list[Row]] = field(default_factory=dict)
    said: Statements = field(default_factory=Statements)
    own: dict[int, list[tuple[int, Config]]] = field(default_factory=dict)
    """Thresholds of single points: (first local day, thresholds), in order."""

    def config_at(self, point: int, time: int) -> Config:
        """Thresholds of a point at a time, epoch seconds."""
        held = [config for day, config in self.own.get(point, []) if day <= (time + OFFSET) // DAY]
        return held[-1] if held else self.config

    @property
    def today(self) -> int:
        return (self.time + OFFSET) // DAY

    def links_of(self, point: int, begin: int, end: int) -> list[Link]:
        """Meters of a point in [begin, end), in order."""
        found = [link for link in self.links if link.point == point and link.start < end and link.until > begin]
        return sorted(found, key=lambda link: link.start)

    # --------------------------------------------------------------------------------------- frames

    def arrive(self, row: Row) -> int:
        """Take a row; returns its reject number, 0 for none."""
        return self._block(row) if row.block else self._daily(row)

    def _snap(self, time: int, step: int) -> int | None:
        off = (time + OFFSET) % step
        if off <= self.config.tolerance:
            return time - off
        return time + step - off if step - off <= self.config.tolerance else None

    def _block(self, row: Row) -> int:
        link = self.links[row.link]
        end = self._snap(row.time, link.interval)
        earlier = self._earlier(row, end)
        odd = end is None or (bool(earlier) and end != row.time)
        if odd:
            end = row.time - (row.time + OFFSET) % link.interval + link.interval
        start = end - link.interval
        day = (start + OFFSET) // DAY
        if day <= self.today - self.config.hot_days:
            return TOO_OLD
        if day > self.today or (row.time if odd else end) > self.time + link.interval + self.config.slack:
            return IN_FUTURE
        if odd:
            return self._odd(row, link, start)
        place = (start + OFFSET) // self.config.slot * self.config.slot - OFFSET
        split = start < link.start or end > link.until
        if split:
            shortest = [other.interval for other in self.links_of(link.point, place, place + self.config.slot)]
            if shortest and link.interval > min(shortest):
                return OFF_GRID
        billed, suspect, offered = self._judged(row, start, split)
        if not split and not suspect and not offered and row.time == end:
            others = [self._judged(other, start) for other in earlier]
            values = {energy for energy, *bad in others if not any(bad)} | {billed}
            if len(values) > 1:
                return take_repeated(self, link, start, values)
        return self._enter(link, start, billed, suspect, offered, end != row.time)

    def _judged(self, row: Row, start: int, split: bool = False) -> tuple[Energy, int, bool]:
        """(billed, rule that it fails by itself, whether it is an estimate of the head-end)."""
        percent = self.config_at(self.links[row.link].point, start).range_percent
        link = self.links[row.link]
        billed = tuple(energy * link.numerator // link.denominator for energy in row.energy)
        suspect = V01 if split else V37 if row.said == "suspect" else 0
        if any(energy < 0 for energy in row.energy):
            suspect = V07
        elif link.limit and any(energy > link.limit * percent // 100 for energy in row.energy):
            suspect = V09
        return billed, suspect, not suspect and row.said in ("estimate", "edit")  # type: ignore[return-value]

    def _earlier(self, row: Row, end: int | None) -> list[Row]:
        """Rows of the frame before this one that are within the tolerance of the same stamp."""
        if not row.frame:
            return []
        known = self.frames.setdefault(row.frame, [])
        known.append(row)
        if row.said:  # a head-end may send an interval twice for reasons of its own
            return []
        return [other for other in known[:-1] if end is not None and abs(other.time - end) <= self.config.tolerance]

    def _odd(self, row: Row, link: Link, start: int) -> int:
        begin = max(start - link.interval, start - (start + OFFSET) % DAY)
        billed, suspect, offered = self._judged(row, start)
        if begin < link.start or start + link.interval > link.until or suspect or offered:
            return OFF_GRID
        return take_odd(self, link, start, row.time, billed)

    def _enter(self, link: Link, start: int, billed: tuple[int, ...], suspect: int, offered: bool, moved: bool) -> int:
        cell = self.cell(link.point, start)
        if not suspect and not offered:
            if cell.parted:
                return take_regular(self, link, start, billed)
            self.parts.note_regular(link.point, start + link.interval, billed)
        if suspect and (link.point, start + link.interval) in self.parts.repeated:
            return 0
        rank = (_class(suspect, offered), billed, -ORDER[suspect])
        if cell.sent is not None:
            known = (_class(cell.suspect, cell.offered), cell.sent, -ORDER[cell.suspect])
            if rank == known:
                return SAME_AGAIN
            if rank < known and offered:
                return ESTIMATE_UNUSED
            was_twice, cell.twice = cell.twice, cell.twice or not cell.offered or rank < known
            if rank < known:
                if not was_twice and cell.published is not None:
                    again = cell.published.with_rules(cell.published.rules | V02)
                    again = replace(again, expected=self._expected(link, start, cell, again))
                    cell.published = self.final[link.point, start] = again  # a mark: no value of the day changes
                return 0
        cell.sent, cell.suspect, cell.offered = billed, suspect, offered
        rules = (V02 if cell.twice else 0) | (V03 if moved else 0)
        rules |= V01 if offered else suspect | information(billed, link)
        quality = (ESTIMATED if offered else SUSPECT if suspect else ACTUAL,) * CHANNELS
        method = HEAD_END if offered else 0
        expected = figure(self.config_at(link.point, start).errors, HEAD_END, link.interval) if offered else 0
        self.publish(link, start, Published(billed, quality, method, rules, link.interval, expected))
        return 0

    def _expected(self, link: Link, start: int, cell: Cell, published: Published) -> int:
        """Of an interval that is published again before its day is settled."""
        errors = self.config_at(link.point, start).errors
        if published.quality[0] != ESTIMATED:
            return 0
        if cell.offered or cell.parted:
            return figure(errors, CLOCK_SET if cell.parted else HEAD_END, link.interval)
        if published.rules & V12:
            return NOT_KNOWN
        return figure(errors, published.method, self.seconds_behind(link.point, start, link.interval))

    def seconds_behind(self, point: int, start: int, interval: int) -> int:
        """Length of the gap that ends with an interval, within the window; beyond a day and a half it is long."""
        oldest = (self.today - self.config.hot_days + 1) * DAY - OFFSET
        seconds, at = interval, start - interval
        while at >= oldest and seconds <= 36 * 3600:
            cell = self._cell(point, at)
            if cell.sent is not None or cell.published is None or cell.published.method in (OUTAGE, MANUAL):
                break
            seconds, at = seconds + interval, at - interval
        return seconds

    def cell(self, point: int, start: int) -> Cell:
        """What is known of an interval, entered where new."""
        return self.cells.setdefault((point, start), Cell())

    def publish(self, link: Link, start: int, published: Published) -> None:
        """A reading that a row made; its day is settled again."""
        self.cells[link.point, start].published = published
        self.final[link.point, start] = published
        if (start + OFFSET) // DAY * DAY + DAY - OFFSET <= self.closed:
            self.dirty.add(link.point)

    def _daily(self, row: Row) -> int:
        link = self.links[row.link]
        time = self._snap(row.time, DAY)
        if time is None:
            return OFF_GRID
        midnight = (time + OFFSET) // DAY
        if midnight <= self.today - self.config.hot_days:
            return TOO_OLD
        if midnight > self.today + 1 or time > self.time + link.interval + self.config.slack:
            return IN_FUTURE
        if not link.start <= time < link.until:
            return 0
        if row.said:
            return NOT_ACTUAL
        if link.point in self.carried and midnight == self.today - self.config.hot_days + 1:
            del self.carried[link.point], self.registers[link.point, midnight]
        _, known = self.registers.setdefault((link.point, midnight), (link.device, [-1] * CHANNELS))
        if known == list(row.energy):
            return SAME_AGAIN
        larger = [max(old, new) for old, new in zip(known, row.energy, strict=True)]
        if larger != known:
            known[:] = larger
            if time <= self.closed:
                self.dirty.add(link.point)
        return 0

    # --------------------------------------------------------------------------------------- ticks

    def tick(self, time: int, lateness: int = 0) -> None:
        """Let log time pass, midnight by midnight."""
        if not self.time:
            self.time, self.closed, self.begin = time, time - lateness, time - lateness
        time = max(time, self.time)
        midnight = (self.today + 1) * DAY - OFFSET
        while midnight < time:
            self._tick(midnight, lateness)
            midnight += DAY
        self._tick(time, lateness)

    def _tick(self, time: int, lateness: int) -> None:
        self._settle(self.dirty)
        today = (time + OFFSET) // DAY
        if today > self.today:
            self._finish(today - self.config.hot_days)
        oldest = (today - self.config.hot_days + 2) * DAY - OFFSET
        closes = max(time - lateness, self.closed, min(oldest, time))
        before, self.time = self.closed, time
        for due in range((before // 900 + 1) * 900, closes + 1, 900):
            for point in sorted({link.point for link in self.links}):
                self._estimate(point, due)
        self.closed = closes
        if (before + OFFSET) // DAY < (closes + OFFSET) // DAY:
            self._settle({link.point for link in self.links})

    def shortest(self, point: int, time: int) -> int | None:
        """Interval of the place that holds `time`: the shortest of the meters there."""
        place = (time + OFFSET) // self.config.slot * self.config.slot - OFFSET
        return min((link.interval for link in self.links_of(point, place, place + self.config.slot)), default=None)

    def _estimate(self, point: int, due: int) -> None:
        interval = self.shortest(point, due - 1)
        if interval is None or (due + OFFSET) % interval:
            return
        start = due - interval
        own = self.links_of(point, start, due)
        if not own or self._cell(point, start).published is not None:
            return
        link = own[-1]
        oldest = max((self.today - self.config.hot_days + 1) * DAY - OFFSET, link.start)
        days = range(start - DAY, oldest - 1, -DAY)
        patterns = [self._cell(point, day) for day in days if not is_said(self, point, day, interval)]
        like = [cell.sent for cell in patterns if cell.sent and cell.good]
        earlier = start - interval
        while earlier >= oldest and is_said(self, point, earlier, interval):
            earlier -= interval
        before = self._cell(point, earlier).published if earlier >= oldest else None
        cell = self.cells.setdefault((point, start), Cell())
        made: dict[int, tuple[int, ...]] = {}
        if like:
            made[LIKE_DAY] = tuple(sum(values) // len(like) for values in zip(*like, strict=True))
        if before is not None and before.quality[0] in (ACTUAL, ESTIMATED):
            made[CARRIED] = before.energy
        seconds, config = self.seconds_behind(point, start, interval), self.config_at(point, start)
        cell.published = Published((0,) * CHANNELS, (MISSING,) * CHANNELS, 0, V01, interval)
        for method, shortest, longest, least in config.order:
            enough = method in made and (method != LIKE_DAY or len(like) >= least)
            if enough and longest is not None and shortest <= seconds <= longest:
                expected = figure(config.errors, method, seconds)
                cell.published = Published(made[method], (ESTIMATED,) * CHANNELS, method, V01, interval, expected)
                break
        self.final[point, start] = cell.published

    def _cell(self, point: int, start: int) -> Cell:
        return self.cells.get((point, start)) or Cell()

    # --------------------------------------------------------------------------------------- days

    def _closed_days(self) -> range:
        first = max(self.today - self.config.hot_days + 1, (self.begin + OFFSET) // DAY)
        return range(first, (self.closed + OFFSET) // DAY)

    def _settle(self, points: set[int]) -> None:
        days = self._closed_days()
        if not days:
            return
        for point in sorted(points):
            for day, settled in settle(self, point, days).items():
                self.days[point, day] = settled
        self.dirty = set()

    def _finish(self, leaving: int) -> None:
        if self._closed_days() and self._closed_days()[0] == leaving:
            for (point, day), settled in self.days.items():
                if day == leaving:
                    settled.state = 1
                    self._carry(point, leaving, settled)
        self.cells = {key: cell for key, cell in self.cells.items() if (key[1] + OFFSET) // DAY > leaving}
        self.registers = {key: known for key, known in self.registers.items() if key[1] > leaving}

    def _carry(self, point: int, leaving: int, settled: Settled) -> None:
        """The register that a lost day began with goes on to the next midnight, less what was published since."""
        origin, since = self.carried.pop(point, (leaving, [0] * CHANNELS))
        begins = origin != leaving or opens_at(self, point, leaving)
        if not begins or opens_at(self, point, leaving + 1) or closes_at(self, point, leaving + 1):
            return
        published = [actual + est for actual, est in zip(settled.actual, settled.estimated, strict=True)]
        self.carried[point] = (origin, [old + new for old, new in zip(since, published, strict=True)])
        device, known = self.registers.get((point, leaving), (0, [-1] * CHANNELS))
        self.registers[point, leaving + 1] = (device, list(known))


def _class(suspect: int, offered: bool) -> int:
    return 0 if suspect else 1 if offered else 2


def information(energy: tuple[int, ...], link: Link) -> int:
    """Rules that only remark: V16 on either pair, V32."""
    rules = 0
    for channel in (0, 2):
        active, apparent = energy[channel], energy[channel + 1]
        if apparent > 0 and 100 * apparent + 100 < 99 * active:
            rules |= V16
    if energy[2] > 0 and not link.net_meter:
        rules |= V32
    return rules
