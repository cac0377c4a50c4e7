"""What people and systems say of intervals, in plain Python: what is in force of it when a day is settled.

- Of an edit, withdrawal or discarding of one interval the one with the largest number is in force.
- Of outages with one begin too; one of 0 seconds takes it back. Time is without supply that any outage in force holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.oracles.settlement_oracle import Interval
    from tests.oracles.vee_oracle import Oracle

DAY, OFFSET, CHANNELS = 86_400, 19_800, 4
EDIT, WITHDRAW, OUTAGE, DISCARD = 1, 2, 3, 5
TOO_OLD, IN_FUTURE = 17, 18
NO_POINT, NO_INTERVAL, NO_VALUE = 60, 61, 62


@dataclass(frozen=True)
class Said:
    """A statement about one interval, or one outage."""

    kind: int
    point: int
    start: int
    secs: int
    number: int
    energy: tuple[int, int, int, int] = (0, 0, 0, 0)
    present: int = 15


@dataclass
class Statements:
    """In force: of intervals and of begins of outages."""

    intervals: dict[tuple[int, int], Said] = field(default_factory=dict)
    outages: dict[tuple[int, int], Said] = field(default_factory=dict)


def _enter(known: dict[tuple[int, int], Said], said: Said) -> None:
    old = known.get((said.point, said.start))
    if old is None or (said.number, said.kind) > (old.number, old.kind):
        known[said.point, said.start] = said


def state(oracle: Oracle, said: Said) -> int:
    """Take a statement; returns its reject number, 0 for none."""
    day, end = (said.start + OFFSET) // DAY, said.start + said.secs
    if not any(link.point == said.point for link in oracle.links):
        return NO_POINT
    if said.kind == OUTAGE:
        if day > oracle.today:
            return IN_FUTURE
        _enter(oracle.said.outages, said)
        oracle.dirty.add(said.point)
        return 0
    if day <= oracle.today - oracle.config.hot_days:
        return TOO_OLD
    if day > oracle.today or end > oracle.time + said.secs + oracle.config.slack:
        return IN_FUTURE
    length = oracle.shortest(said.point, said.start)
    if length is None:
        return NO_POINT
    if (said.start + OFFSET) % length or said.secs != length:
        return NO_INTERVAL if oracle.links_of(said.point, said.start, said.start + length) else NO_POINT
    if not oracle.links_of(said.point, said.start, end):
        return NO_POINT
    if said.kind == EDIT and any(said.present >> n & 1 and not 0 <= said.energy[n] < 2**31 for n in range(CHANNELS)):
        return NO_VALUE
    _enter(oracle.said.intervals, said)
    oracle.dirty.add(said.point)
    return 0


def heed(oracle: Oracle, point: int, one: Interval) -> None:
    """Change the use of an interval that is settled, by what is said of it."""
    said = oracle.said.intervals.get((point, one.start))
    if said is not None and said.kind == EDIT:
        sent = one.sent if one.cell.sent is not None and one.cell.good else (0,) * CHANNELS
        one.base = tuple(said.energy[n] if said.present >> n & 1 else sent[n] for n in range(CHANNELS))
        one.use = "edited"
    elif said is not None and said.kind == DISCARD and one.use not in ("gap", "before"):
        one.use, one.discarded = "bad", True
    without = _seconds_without(oracle, point, one.start, one.start + one.length)
    if one.use in ("gap", "before", "bad") and without == one.length:
        one.use, one.base = "out", (0,) * CHANNELS
    elif one.use == "good" and without:
        one.apart, one.without = True, without == one.length


def is_said(oracle: Oracle, point: int, start: int, length: int) -> bool:
    """An interval is edited or discarded, or an outage fell into it."""
    said = oracle.said.intervals.get((point, start))
    stands = said is not None and said.kind != WITHDRAW
    return stands or _seconds_without(oracle, point, start, start + length) > 0


def _seconds_without(oracle: Oracle, point: int, begin: int, end: int) -> int:
    """Seconds of [begin, end) in which there was no supply."""
    seconds: set[int] = set()
    for (of, start), out in oracle.said.outages.items():
        if of == point:
            seconds |= set(range(max(begin, start), min(end, start + out.secs)))
    return len(seconds)
