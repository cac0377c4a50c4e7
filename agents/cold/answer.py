"""From what a warehouse knows of some days and the rows that came too late, to answers for the partitions of frames.

The days are replayed twice, without and with the rows that are new. Of the days that rows came for, all in which the
result differs from the warehouse is answered; of the days around, what the new rows have changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from agents.cold.bills import figures_of, of_month, prior_zones
from agents.cold.estimates import Refill, copied
from agents.cold.history import DAY, REQUESTED, History
from agents.cold.replay import SENT, Replayed, of_points, replay
from agents.cold.said import by_people, from_day, in_the_window, later, withdrawn
from agents.rating.calendar import month_first, month_of
from agents.vee.config import VeeConfig
from agents.vee.tables import page_of
from pipeline.answers import DAY_CORRECTION, day_rows
from pipeline.channels import N_ENERGY
from pipeline.codes import Kind, Method, Quality
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.reference import References, Registry
from pipeline.statement_frames import ROW, Statement, StatementFrame

BEFORE_DAYS = 8
"""Days before the first one that are replayed with it: for like days, and for a register that is carried on."""
DAY_NUMBERS = 1 << 16
"""The number of an answer is that of its request times this, plus the day's, so that days may come one by one."""
PINNED_METHODS = (int(Method.OUTAGE), int(Method.AGREED))
WHO, WHY = "cold lane", "rows that came when their day had left the hot window"
SAME = ("registers", "opening", "closing", "register_energy", "actual", "estimated", "suspect", "counts", "demand",
        "demand_start")  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One request: its place in the topic of requests, and days (local numbers) that its rows may change."""

    service_point: int
    offset: int
    partition: int
    tick_time: int
    days: frozenset[int]


@dataclass(frozen=True)
class Judged:
    """Answers by service point and number; again: more is to be answered once these are in the warehouse."""

    frames: list[StatementFrame]
    again: bool


def days_of(times: Array, kinds: Array, offset_secs: int) -> frozenset[int]:
    """Local days that rows may change: a block's own, and both days at a midnight register."""
    own = (times - (kinds == Kind.BLOCK) + offset_secs) // DAY_SECS
    before = own[kinds == Kind.DAILY] - 1
    return frozenset([*own.tolist(), *before.tolist()])


def days_said(record: Mapping[str, Any], offset_secs: int) -> frozenset[int]:
    """Local days of the intervals of which a request says something; those of older releases say nothing."""
    return frozenset((one["start"] + offset_secs) // DAY_SECS for one in record.get("statements", ()))


def around_of(asked: Iterable[Asked], config: VeeConfig, days: int) -> tuple[int, int]:
    """(first, last) local day of which readings around are used: `days` before what is replayed, to the last that has
    left the window when the requests came. Judged again, the same days are."""
    asked = list(asked)
    today = (max(one.tick_time for one in asked) + config.offset_secs) // DAY_SECS
    return span_of(asked, config)[0] - days, today - config.hot_days


def span_of(asked: Iterable[Asked], config: VeeConfig) -> tuple[int, int]:
    """(first, last) local day of which a history is needed for these requests."""
    days = {day for one in asked for day in one.days}
    return min(days) - BEFORE_DAYS, max(days) + 2 * config.hot_days


Latest = dict[tuple[int, int], Array]
"""(service point, start) -> the newest revision READING ()."""


def months_of(first: int, last: int, offset_secs: int) -> tuple[int, int]:
    """[from, to) epoch seconds of the local months that days `first` to `last` lie in."""
    begin, end = month_first(month_of(first)), month_first(month_of(last) + 1)
    return int(begin) * DAY_SECS - offset_secs, int(end) * DAY_SECS - offset_secs


def judge(
    config: VeeConfig, references: References, history: History, asked: list[Asked], new: Array, new_said: Array
) -> Judged:
    """Answers to requests of which the history is.

    new: bool (requests,), the rows of `history.requests` that these requests brought; new_said: bool (said,), the same
    of `history.said`.
    """
    points = np.unique(np.array([one.service_point for one in asked], np.uint64))
    pages = page_of(points)
    frames, again, latest = [], False, history.latest()
    for page in np.unique(pages).tolist():
        group = set(points[pages == page].tolist())
        here = [one for one in asked if one.service_point in group]
        made = _judge(config, of_points(references, group), history, latest, here, new, new_said)
        frames += made.frames
        again = again or made.again
    return Judged(frames, again)


def _judge(
    config: VeeConfig,
    references: References,
    history: History,
    latest: Latest,
    asked: list[Asked],
    new: Array,
    new_said: Array,
) -> Judged:
    begin = (history.begin + config.offset_secs) // DAY_SECS
    # Of days before the log began there is no settlement that could change.
    wanted = {day for one in asked for day in one.days if day >= begin}
    if not wanted:
        return Judged([], False)
    today = (max(one.tick_time for one in asked) + config.offset_secs) // DAY_SECS
    first = max(min(wanted) - BEFORE_DAYS, begin)
    # A day may lean on one that is in the window with it.
    last = max(max(wanted), min(max(wanted) + config.hot_days - 1, today - config.hot_days))
    points = {one.service_point for one in asked}
    known = _as_sent(history, references.registry, points)
    ours = np.isin(history.requests["service_point"], list(points))
    former = _in_span(np.concatenate((known, _requested(history.requests[ours & ~new]))), config, first)
    late = _in_span(_requested(history.requests[ours & new]), config, first)
    told = np.isin(history.said["service_point"], list(points))
    hot = in_the_window(_last(_by_frames(history, points)))
    before = from_day(np.concatenate((hot, later(history.said[told & ~new_said]))), first, config.offset_secs)
    told_late = from_day(later(history.said[told & new_said]), first, config.offset_secs)
    base = replay(config, references, former, before, first, last)
    after = base
    if len(late) or len(told_late):
        after = replay(
            config, references, np.concatenate((former, late)), np.concatenate((before, told_late)), first, last
        )  # fmt: skip
    frames: list[StatementFrame] = []
    again = False
    refill = _refill(config, references.registry, history, latest, after, points)
    for point in sorted(points):
        mine = [one for one in asked if one.service_point == point]
        whole = frozenset(day for one in mine for day in one.days)
        starts = frozenset(history.said["start"][history.said["service_point"] == point].tolist())
        case = _Case(config, references.registry, history, latest, base, after, point, starts, whole)
        if refill is not None:
            touched = whole | case.changed(range(first, last + 1))
            anew = refill.point(point, touched, first, min(last, today - config.hot_days))
            case = replace(case, after=refill.made, whole=whole | anew)
        made, left = case.answers(range(first, last + 1), mine)
        frames += made
        again = again or left
    return Judged(frames, again)


def _refill(
    config: VeeConfig, registry: Registry, history: History, latest: Latest, after: Replayed, points: set[int]
) -> Refill | None:
    """Estimates by what is around, where that is asked for."""
    if history.around is None:
        return None
    pinned = frozenset(key for key, row in latest.items() if key[0] in points and _pinned(row[None])[0])
    return Refill(config, registry, history, history.around, pinned, copied(after))


def _requested(rows: Array) -> Array:
    made = np.zeros(len(rows), SENT)
    for name in SENT.names or ():
        made[name] = rows[name]
    return made


def _in_span(sent: Array, config: VeeConfig, first: int) -> Array:
    """Rows from the begin of day `first` on; of that moment registers alone."""
    begin = first * DAY_SECS - config.offset_secs
    kept: Array = sent[(sent["time"] > begin) | ((sent["time"] == begin) & (sent["kind"] == Kind.DAILY))]
    return kept


def _as_sent(history: History, registry: Registry, points: set[int]) -> Array:
    """What the hot path had of meters: readings as they came, and midnight registers as days were settled to them."""
    came = _by_frames(history, points)
    came = came[~by_people(came) & ~withdrawn(came)]
    # What several rows of an interval, or an outage, made of it stands as the last revision has it.
    whole = np.isin(came["method"], (int(Method.CLOCK_SET), *PINNED_METHODS))
    came = np.concatenate((came[~whole], _last(came[whole])))
    made = np.zeros(len(came), SENT)
    made["service_point"], made["device"] = came["service_point"], came["device"]
    made["time"], made["kind"], made["flags"] = came["start"] + came["secs"], Kind.BLOCK, came["flags"]
    shifts = np.arange(N_ENERGY, dtype=np.uint64) * np.uint64(4)
    there = ((came["quality"][:, None] >> shifts) & np.uint64(15)) != 0
    made["present"] = (there.astype(np.int64) << np.arange(N_ENERGY)).sum(axis=1)
    made["energy"] = came["energy"]
    _to_meter_side(made, registry)
    days = history.days[np.isin(history.days["service_point"], list(points))]
    return np.concatenate(
        (made, _registers(days, registry, 1, "opening", 0), _registers(days, registry, 2, "closing", DAY_SECS))
    )


def _by_frames(history: History, points: set[int]) -> Array:
    """READING (n,): the revisions that frames made, of meters and of people."""
    rows = history.readings[np.isin(history.readings["service_point"], list(points))]
    came: Array = rows[rows["frame"] >= 0]
    return came


def _pinned(rows: Array) -> Array:
    """Mask of what late rows leave as it is: what a person or an outage said."""
    mask: Array = (rows["quality"] & np.uint64(15) == int(Quality.MANUAL)) | np.isin(rows["method"], PINNED_METHODS)
    return mask


def _last(rows: Array) -> Array:
    """The last revision of each interval."""
    order = np.lexsort((rows["revision"], rows["start"], rows["service_point"]))
    rows = rows[order]
    if not len(rows):
        return rows
    last = np.ones(len(rows), bool)
    last[:-1] = (rows["start"][1:] != rows["start"][:-1]) | (rows["service_point"][1:] != rows["service_point"][:-1])
    kept: Array = rows[last]
    return kept


def _to_meter_side(rows: Array, registry: Registry) -> None:
    """Billed energies as the least of a meter that the factor makes them of: what it sent, unless the factor is below
    one."""
    for link in range(len(registry.device)):
        numerator = max(int(registry.factor_numerator[link]), 1)
        denominator = max(int(registry.factor_denominator[link]), 1)
        if numerator == denominator:
            continue
        same = (rows["device"] == registry.device[link]) & (rows["service_point"] == registry.service_point[link])
        same &= (rows["time"] > registry.valid_from[link]) & (rows["time"] <= registry.valid_to[link])
        rows["energy"][same] = -((-rows["energy"][same] * denominator) // numerator)


def _registers(days: Array, registry: Registry, bit: int, name: str, after: int) -> Array:
    """Midnight registers of settlements that know them: of the meter that stood there at that midnight."""
    known = days[days["registers"] & bit != 0]
    made = np.zeros(len(known), SENT)
    made["service_point"], made["time"], made["kind"] = known["service_point"], known["start"] + after, Kind.DAILY
    made["present"], made["energy"] = (1 << N_ENERGY) - 1, known[name]
    for link in range(len(registry.device)):
        there = (made["service_point"] == registry.service_point[link]) & (made["time"] >= registry.valid_from[link])
        made["device"][there & (made["time"] < registry.valid_to[link])] = registry.device[link]
    kept: Array = made[made["device"] != 0]
    return kept


@dataclass(frozen=True)
class _Case:
    """One service point."""

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

    def _rows(self, start: int, now: tuple[tuple[int, ...], tuple[int, ...], int, int, int]) -> list[Array]:
        """One row a quality among the energies of an interval; none when it does not change."""
        energy, quality, method, rules, secs = now
        before = self.latest.get((self.point, start))
        nibbles = [0] * N_ENERGY
        if before is not None:
            if _pinned(before[None])[0] and start not in self.told:
                return []
            nibbles = [int(before["quality"]) >> 4 * channel & 15 for channel in range(N_ENERGY)]
            there = [channel for channel in range(N_ENERGY) if quality[channel] or nibbles[channel]]
            same = all(quality[channel] == nibbles[channel] for channel in there if quality[channel])
            # How an estimate was made counts; a reading as it was sent may have remarks that a replay does not know.
            if nibbles[0] == int(Quality.ESTIMATED):
                same = same and (int(before["method"]), int(before["rules"])) == (method, rules)
            if same and tuple(before["energy"].tolist()) == energy:
                return []
        made = []
        for value in sorted(set(quality) - {0}):
            row = np.zeros((), ROW)
            row["start"], row["secs"], row["rules"], row["method"] = start, secs, rules, method
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


assert REQUESTED.names is not None
