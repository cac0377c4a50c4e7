"""From what a warehouse knows of some days and the rows that came too late, to answers for the partitions of frames.

The days are replayed twice, without and with the rows that are new. Of the days that rows came for, all in which the
result differs from the warehouse is answered; of the days around, what the new rows have changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from agents.cold.case import PINNED_METHODS, Case, Latest, pinned
from agents.cold.case import Asked as Asked
from agents.cold.estimates import Refill, copied
from agents.cold.history import History
from agents.cold.replay import SENT, Replayed, of_points, replay
from agents.cold.said import by_people, from_day, in_the_window, later, withdrawn
from agents.rating.calendar import month_first, month_of
from agents.vee.config import VeeConfig
from agents.vee.tables import page_of
from pipeline.channels import N_ENERGY
from pipeline.codes import Kind, Method
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.reference import References, Registry
from pipeline.statement_frames import ANSWER_FLAGS, StatementFrame

BEFORE_DAYS = 8
"""Days before the first one that are replayed with it: for like days, and for a register that is carried on."""


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
        case = Case(config, references.registry, history, latest, base, after, point, starts, whole)
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
    fixed = frozenset(key for key, row in latest.items() if key[0] in points and pinned(row[None])[0])
    return Refill(config, registry, history, history.around, fixed, copied(after))


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
    made["time"], made["kind"] = came["start"] + came["secs"], Kind.BLOCK
    made["flags"] = came["flags"] & ~ANSWER_FLAGS  # what was told of it then is judged again
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
