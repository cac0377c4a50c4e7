"""Days that have left the hot window, estimated anew by what the warehouse has: weeks of readings, and facts.

The window's own estimates are those of a few days. Here the methods of whole series (agents.vee.estimate) take their
place: check meter, line, days of like temperature, neighbours, days around. What is published keeps its sums where a
register is known: a span between two registers its total, and a day of a span that is still open its own, since the
hot window goes on counting from what it has published of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from agents.cold.beside import Laid, actual_on, side_of
from agents.cold.history import Around, History
from agents.cold.replay import Reading, Replayed
from agents.vee.config import VeeConfig
from agents.vee.estimate.channels import Channel, apparent, fill_channel
from agents.vee.estimate.model import GOOD, LACKS, NO_END, Filled, Grid
from agents.vee.estimate.order import LINEAR_SECS, Order, Step
from agents.vee.estimate.spans import hard_to_believe, share_out
from agents.vee.series.facts import order_beside
from pipeline.channels import N_ENERGY
from pipeline.codes import Method, Quality
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.reference import Registry
from pipeline.rules import RULE_BIT

WH_IMP, VAH_IMP, WH_EXP, VAH_EXP = range(N_ENERGY)
ESTIMATED_COUNT, MISSING_COUNT = 1, 2
"""Places in a settlement's `counts`."""
OPENING, CLOSING = 1, 2
"""Bits of a settlement's `registers`."""

SUBSTITUTED = (Quality.ESTIMATED, Quality.MISSING)
WINDOWS = frozenset((Method.LINEAR, Method.LIKE_DAY, Method.CARRIED, Method.SCALED, Method.FLAT))
"""Methods of the hot window; what else stands in for a reading is somebody's word."""
TO_REGISTERS = (Method.SCALED, Method.FLAT)
V12 = 1 << RULE_BIT["V12"]

STEPS = (
    Step(Method.CHECK_METER),
    Step(Method.LINEAR, longest_secs=LINEAR_SECS),
    Step(Method.LIKE_DAY),
    Step(Method.NEAR_DAY),
    Step(Method.TEMPERATURE),
    Step(Method.NEIGHBOURS),
    Step(Method.PREVIOUS_PERIOD),
    Step(Method.WEIGHTED_DAYS),
)
"""The order of whole series, and weighted days for a point of which no day is whole. Temperatures and neighbours that
somebody gave come before usual days (`order_beside`)."""

Pinned = frozenset[tuple[int, int]]
"""(service point, start) of what is left as it is."""


def copied(made: Replayed) -> Replayed:
    """A replay whose days may be estimated anew."""
    return Replayed(dict(made.readings), {key: dict(day) for key, day in made.days.items()})


@dataclass
class Refill:
    """Estimates anew in one replay, which is changed. pinned: what a person or an outage said."""

    config: VeeConfig
    registry: Registry
    history: History
    around: Around
    pinned: Pinned
    made: Replayed

    def point(self, point: int, wanted: Iterable[int], first: int, last: int) -> set[int]:
        """Estimate what lacks on the wanted local days of a service point, and on those that share a register span with
        them, all within [first, last]. Returns the days of which all is to be published."""
        days = _Days(self, point, first, last)
        units = days.units(sorted(set(wanted) & days.targets.keys()))
        if not units:
            return set()
        series = _Series(self, days, units)
        return {day for unit in units if series.publish(unit) for day in unit.days}


@dataclass(frozen=True)
class _Unit:
    """Days that are estimated together; keeps: their sum stays; whole: it is that of registers at both ends."""

    days: tuple[int, ...]
    keeps: bool
    whole: bool


@dataclass
class _Days:
    """The readings of a service point's days, and begins of those that are to be estimated, by day."""

    of: Refill
    point: int
    first: int
    last: int
    readings: dict[int, dict[int, Reading]] = field(default_factory=dict)
    targets: dict[int, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        offset = self.of.config.offset_secs
        for (point, start), reading in self.of.made.readings.items():
            day = (start + offset) // DAY_SECS
            if point == self.point and self.first <= day <= self.last:
                self.readings.setdefault(day, {})[start] = reading
        for day, readings in self.readings.items():
            # A day whose good intervals were scaled to its registers (V12) is no matter of its gaps.
            all_scaled = any(one.rules & V12 for one in readings.values())
            if (self.point, self.start(day)) in self.of.made.days and not all_scaled:
                chosen = sorted(start for start, one in readings.items() if self._lacks(start, one))
                if chosen:
                    self.targets[day] = chosen

    def _lacks(self, start: int, reading: Reading) -> bool:
        estimated = reading.quality[WH_IMP] == Quality.ESTIMATED and reading.method in WINDOWS
        missing = reading.quality[WH_IMP] == Quality.MISSING
        return (estimated or missing) and (self.point, start) not in self.of.pinned

    def start(self, day: int) -> int:
        """Epoch seconds at which a local day begins."""
        return day * DAY_SECS - self.of.config.offset_secs

    def units(self, wanted: list[int]) -> list[_Unit]:
        """What is estimated together so that these days are."""
        keeps = self._has_registers()
        found: list[_Unit] = []
        for day in wanted:
            if found and day in found[-1].days:
                continue
            found.append(self._unit(day) if keeps else _Unit((day,), keeps=False, whole=False))
        return [unit for unit in found if self.chosen(unit)]

    def chosen(self, unit: _Unit) -> list[int]:
        """Begins of what is estimated of a unit. Nothing is known of the energy of what is missing in a day whose span
        of registers is still open: the window will find it in what is left for the other days of the span."""
        starts = [start for day in unit.days for start in self.targets.get(day, ())]
        if unit.whole or not unit.keeps:
            return starts
        return [start for start in starts if self._quality(start) != Quality.MISSING]

    def _quality(self, start: int) -> int:
        day = (start + self.of.config.offset_secs) // DAY_SECS
        return self.readings[day][start].quality[WH_IMP]

    def _has_registers(self) -> bool:
        known = self.of.history.days
        mine = known["service_point"] == self.point
        if (known["registers"][mine] & (OPENING | CLOSING)).any():
            return True
        return any(
            cast(int, day["registers"]) & (OPENING | CLOSING)
            for (point, _), day in self.of.made.days.items()
            if point == self.point
        )

    def _unit(self, day: int) -> _Unit:
        """The days between two known midnights that `day` is one of; `day` alone where they are not both there."""
        begin, end = day, day + 1
        while begin > self.first and not self._known(begin):
            begin -= 1
        while end <= self.last and not self._known(end):
            end += 1
        if self._known(begin) and self._known(end):
            return _Unit(tuple(range(begin, end)), keeps=True, whole=True)
        return _Unit((day,), keeps=True, whole=False)

    def _known(self, day: int) -> bool:
        """The register at the midnight that a day begins with is known."""
        return bool(self._bits(day) & OPENING or self._bits(day - 1) & CLOSING)

    def _bits(self, day: int) -> int:
        found = self.of.made.days.get((self.point, self.start(day)))
        return 0 if found is None else cast(int, found["registers"])


class _Series:
    """A service point's weeks on one grid, in which what is to be estimated lacks, and its estimates."""

    def __init__(self, of: Refill, days: _Days, units: list[_Unit]) -> None:
        self.days, self.made = days, of.made
        chosen = [start for unit in units for start in days.chosen(unit)]
        interval = days.readings[self._day(min(chosen))][min(chosen)].secs
        mine = of.around.readings[of.around.readings["service_point"] == days.point]
        known = (mine["start"] + of.config.offset_secs) // DAY_SECS
        begin, end = min([days.first, *known.tolist()]), max([days.last, *known.tolist()]) + 1
        self.laid = Laid(days.start(begin), interval, (end - begin) * (DAY_SECS // interval))
        self.chosen = [start for start in chosen if self._place(start) >= 0 and self._reading(start).secs == interval]
        self.filled = self._fill(of, mine, (min(chosen), max(chosen) + interval))

    def _day(self, start: int) -> int:
        return (start + self.days.of.config.offset_secs) // DAY_SECS

    def _place(self, start: int) -> int:
        place, rest = divmod(start - self.laid.begin, self.laid.interval)
        return place if rest == 0 and 0 <= place < self.laid.size else -1

    def _reading(self, start: int) -> Reading:
        return self.days.readings[self._day(start)][start]

    def _fill(self, of: Refill, mine: Array, within: tuple[int, int]) -> dict[int, Filled]:
        """Estimates by channel; of apparent energy by the power factor of the days that active energy goes by."""
        found: dict[int, Filled] = {}
        for active, other, kind in ((WH_IMP, VAH_IMP, Channel.IMPORT), (WH_EXP, VAH_EXP, Channel.EXPORT)):
            grid = self._grid(mine, active)
            if not (grid.standing == LACKS).any():
                continue
            side = side_of(of.around, of.registry, self.days.point, active, self.laid, within)
            order = order_beside(Order(steps=STEPS, scale=False, zero_between_outages=False), side)
            found[active] = fill_channel(kind, grid, side, order)
            apparent_grid = self._grid(mine, other)
            if (apparent_grid.standing == LACKS).any():
                found[other] = apparent(grid, found[active], apparent_grid)
        return found

    def _grid(self, mine: Array, channel: int) -> Grid:
        laid, offset = self.laid, self.days.of.config.offset_secs
        value, standing = actual_on(mine, laid, channel)
        for readings in self.days.readings.values():
            for start, one in readings.items():
                place, quality = self._place(start), one.quality[channel]
                if place >= 0 and one.secs == laid.interval and quality:
                    sound = quality == Quality.ACTUAL and (self.days.point, start) not in self.days.of.pinned
                    value[place], standing[place] = one.energy[channel], GOOD if sound else NO_END
        for start in self.chosen:
            if self._reading(start).quality[channel] in SUBSTITUTED:
                standing[self._place(start)] = LACKS
        at = laid.begin + laid.interval * np.arange(laid.size, dtype=np.int64)
        day = ((at + offset) // DAY_SECS).astype(np.int32)
        # 1970-01-01 was a Thursday.
        kinds = ((np.arange(int(day[0]), int(day[-1]) + 1) + 3) % 7).astype(np.uint8)
        place_of = ((at + offset) % DAY_SECS // laid.interval).astype(np.int32)
        return Grid(at, laid.interval, value, standing, place_of, day, kinds)

    def publish(self, unit: _Unit) -> bool:
        """Put the estimates of a unit into the replay; False where no method applied, or its registers contradict."""
        active = self.filled.get(WH_IMP)
        if active is None:
            return False
        starts = [
            start
            for start in self.chosen
            if self._day(start) in unit.days and active.method[self._place(start)] != Method.NONE
        ]
        if not starts:
            return False
        energies = {start: list(self._reading(start).energy) for start in starts}
        for channel, filled in self.filled.items():
            if not self._take(unit, channel, filled, starts, energies):
                return False
        for start in starts:
            self._put(start, tuple(energies[start]), int(active.method[self._place(start)]), keeps=unit.keeps)
        return True

    def _take(
        self, unit: _Unit, channel: int, filled: Filled, starts: list[int], energies: dict[int, list[int]]
    ) -> bool:
        estimated = [start for start in starts if self._reading(start).quality[channel] in SUBSTITUTED]
        mine = [start for start in estimated if filled.method[self._place(start)] != Method.NONE]
        values = np.maximum(filled.value[[self._place(start) for start in mine]], 0)
        if unit.keeps and mine:
            total = sum(self._reading(start).energy[channel] for start in mine)
            weight = int(values.sum())
            if channel == WH_IMP and total and (weight == 0 or hard_to_believe(total, weight)):
                return False
            values = share_out(total, values)
        for start, value in zip(mine, values.tolist(), strict=True):
            energies[start][channel] = value
        return True

    def _put(self, start: int, energy: tuple[int, ...], method: int, *, keeps: bool) -> None:
        was = self._reading(start)
        if keeps and was.method in (*TO_REGISTERS, Method.NONE):
            method = int(Method.SCALED)
        point, day = self.days.point, self._day(start)
        made = tuple(
            int(Quality.ESTIMATED) if old == Quality.MISSING and self._is_filled(channel, start) else old
            for channel, old in enumerate(was.quality)
        )
        self.made.readings[point, start] = was._replace(energy=energy, quality=made, method=method)
        settled = self.made.days[point, self.days.start(day)]
        estimated, counts = list(settled["estimated"]), list(settled["counts"])  # type: ignore[arg-type]
        for channel in range(N_ENERGY):
            if made[channel] == Quality.ESTIMATED:
                estimated[channel] += energy[channel] - was.energy[channel]
        if made[WH_IMP] != was.quality[WH_IMP]:
            counts[ESTIMATED_COUNT] += 1
            counts[MISSING_COUNT] -= 1
        settled["estimated"], settled["counts"] = estimated, counts

    def _is_filled(self, channel: int, start: int) -> bool:
        filled = self.filled.get(channel)
        return filled is not None and filled.method[self._place(start)] != Method.NONE
