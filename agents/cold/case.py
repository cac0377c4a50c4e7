"""One service point of a correction: which of its days and intervals changed, and the answers that say so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from agents.cold.bills import figures_of, of_month, prior_zones
from agents.cold.history import DAY, History
from agents.cold.replay import Reading, Replayed
from agents.rating.calendar import month_of
from agents.vee.config import VeeConfig
from pipeline.answers import DAY_CORRECTION, day_rows
from pipeline.channels import N_ENERGY
from pipeline.codes import Method, Quality
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.reference import Registry
from pipeline.statement_frames import ANSWER_FLAGS, ROW, Statement, StatementFrame

DAY_NUMBERS = 1 << 16
"""The number of an answer is that of its request times this, plus the day's, so that days may come one by one."""
PINNED_METHODS = (int(Method.OUTAGE), int(Method.AGREED))
WHO, WHY = "cold lane", "rows that came when their day had left the hot window"
SAME = ("registers", "opening", "closing", "register_energy", "actual", "estimated", "suspect", "counts", "demand",
        "demand_start")  # fmt: skip

Latest = dict[tuple[int, int], Array]
"""(service point, start) -> the newest revision READING ()."""


@dataclass(frozen=True)
class Asked:
    """One request: its place in the topic of requests, and days (local numbers) that its rows may change."""

    service_point: int
    offset: int
    partition: int
    tick_time: int
    days: frozenset[int]


@dataclass(frozen=True)
class Case:
    """One service point, and what its days and intervals were and are."""

    config: VeeConfig
    registry: Registry
    history: History
    latest: Latest
    base: Replayed
    after: Replayed
    point: int
    told: frozenset[int]
    """Begins of the intervals of which a request says something, this one or one before."""
    whole: frozenset[int]
    """Days of which all that differs from the warehouse is answered; of others what the new rows have changed."""

    def changed(self, days: Iterable[int]) -> set[int]:
        """The days of which the new rows have changed anything."""
        starts = self._starts()
        return {
            day
            for day in days
            if self._settles_anew(day * DAY_SECS - self.config.offset_secs)
            or any(self.base.readings.get(key) != self.after.readings[key] for key in self._keys(starts.get(day, [])))
        }

    def _keys(self, starts: Iterable[int]) -> list[tuple[int, int]]:
        return [(self.point, start) for start in starts]

    def answers(self, days: Iterable[int], asked: list[Asked]) -> tuple[list[StatementFrame], bool]:
        """(answers, whether more is to come): of months that have given way to the next one a day at a time, since each
        answer needs the figures of the last determinant."""
        newest = max(asked, key=lambda one: one.offset)
        today = (newest.tick_time + self.config.offset_secs) // DAY_SECS
        running = month_of(today - self.config.hot_days - 1)
        starts = self._starts()
        made: list[StatementFrame] = []
        months: set[int] = set()
        settled: list[int] = []
        for day in days:
            start = day * DAY_SECS - self.config.offset_secs
            if day > today - self.config.hot_days:
                break
            rows = self._intervals(starts.get(day, []), whole=day in self.whole)
            if not len(rows) and not self._day_differs(start, whole=day in self.whole):
                continue
            if (self.point, start) not in self.after.days:
                continue
            month = int(month_of(day))
            if month < running and month in months:
                return made, True
            months.add(month)
            number = (newest.offset + 1) * DAY_NUMBERS + day
            rows = np.concatenate((rows, day_rows(self._correction(start, settled), start)))
            settled.append(start)
            id_ = f"cold/{newest.partition}/{newest.offset}"
            made.append(StatementFrame(Statement.ANSWER, self.point, number, newest.tick_time, rows, id_, WHO, WHY))
        return made, False

    def _starts(self) -> dict[int, list[int]]:
        """Local day -> begins of its intervals."""
        found: dict[int, list[int]] = {}
        for point, start in self.after.readings:
            if point == self.point:
                found.setdefault((start + self.config.offset_secs) // DAY_SECS, []).append(start)
        return found

    def _intervals(self, starts: list[int], *, whole: bool) -> Array:
        """ROW (n,) of the intervals of a day that change."""
        made = []
        for start in sorted(starts):
            now = self.after.readings[self.point, start]
            if whole or self.base.readings.get((self.point, start)) != now:
                made += self._rows(start, now)
        return np.array(made, ROW) if made else np.zeros(0, ROW)

    def _rows(self, start: int, now: Reading) -> list[Array]:
        """One row a quality among the energies of an interval; none when it does not change."""
        energy, quality, method, rules, secs, flags = now
        before = self.latest.get((self.point, start))
        nibbles = [0] * N_ENERGY
        if before is not None:
            if pinned(before[None])[0] and start not in self.told:
                return []
            nibbles = [int(before["quality"]) >> 4 * channel & 15 for channel in range(N_ENERGY)]
            there = [channel for channel in range(N_ENERGY) if quality[channel] or nibbles[channel]]
            same = all(quality[channel] == nibbles[channel] for channel in there if quality[channel])
            # How an estimate was made counts; a reading as it was sent may have remarks that a replay does not know.
            if nibbles[0] == int(Quality.ESTIMATED):
                known = (int(before["method"]), int(before["rules"]), int(before["flags"]) & ANSWER_FLAGS)
                same = same and known == (method, rules, flags)
            if same and tuple(before["energy"].tolist()) == energy:
                return []
        made = []
        for value in sorted(set(quality) - {0}):
            row = np.zeros((), ROW)
            row["start"], row["secs"], row["rules"], row["method"] = start, secs, rules, method
            row["flags"] = flags
            row["quality"], row["prior_quality"] = value, nibbles[0]
            row["present"] = sum(1 << channel for channel in range(N_ENERGY) if quality[channel] == value)
            row["energy"] = [energy[c] if quality[c] == value else 0 for c in range(N_ENERGY)]
            if before is not None:
                row["prior_energy"] = before["energy"]
            made.append(row)
        return made

    def _before(self, start: int) -> Array | None:
        found = self.history.days[
            (self.history.days["service_point"] == self.point) & (self.history.days["start"] == start)
        ]
        return found[np.argmax(found["revision"])] if len(found) else None

    def _day_differs(self, start: int, *, whole: bool) -> bool:
        now = self.after.days.get((self.point, start))
        if now is None or not (whole or self._settles_anew(start)):
            return False
        before = self._before(start)
        return before is None or any(np.asarray(before[name]).tolist() != now[name] for name in SAME)

    def _settles_anew(self, start: int) -> bool:
        """The new rows have changed the settlement of a day."""
        now, base = (made.days.get((self.point, start)) for made in (self.after, self.base))
        return now is not None and (base is None or any(base[name] != now[name] for name in SAME))

    def _days(self, settled: Sequence[int]) -> Array:
        """DAY (n,) of the point as rating has them once the days that begin at `settled` are answered."""
        days = self.history.days[self.history.days["service_point"] == self.point]
        kept, made = days[~np.isin(days["start"], settled)], np.zeros(len(settled), DAY)
        made["service_point"], made["start"] = self.point, settled
        for row, start in zip(made, settled, strict=True):
            for name in (*SAME, "unexplained"):
                row[name] = self.after.days[self.point, start][name]
        return np.concatenate((kept, made))

    def _correction(self, start: int, settled: Sequence[int]) -> Array:
        """DAY_CORRECTION () of a day; settled: begins of the days that are answered before it."""
        made, now, before = np.zeros((), DAY_CORRECTION), self.after.days[self.point, start], self._before(start)
        for name in (*SAME, "unexplained"):
            made[name] = now[name]
        if before is not None:
            for name in ("registers", "counts", "demand", "demand_start"):
                made[f"prior_{name}"] = before[name]
            made["prior_energy"] = before["actual"] + before["estimated"]
            made["prior_estimated"] = before["estimated"][0]
        bill, zones = prior_zones(self.history.bills, self.point, start)
        made["prior_revision"], made["prior_zones"] = bill, zones
        month = of_month(self.history.bills, self.point, start, self.config.offset_secs)
        figures = figures_of(month, self._days(settled), self.registry, self.point, start, self.config.offset_secs)
        made["month"][: len(figures)] = figures
        return made


def pinned(rows: Array) -> Array:
    """Mask of what late rows leave as it is: what a person or an outage said."""
    mask: Array = (rows["quality"] & np.uint64(15) == int(Quality.MANUAL)) | np.isin(rows["method"], PINNED_METHODS)
    return mask
