"""A slice of meters: every revision of every interval, and what is in force at midnights and at the end, in arrays.

Most meters lose nothing: their rows are what they sent. Those of which a push was lost or late, or of which an interval
stands out like a spike on a closed day, go through `history` one by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bench.truth.history import PER_DAY, Meter, Settlement, Version, is_spike
from bench.truth.sent import Sent
from pipeline.codes import Quality
from pipeline.columns import Array

ACTUAL = int(Quality.ACTUAL)


@dataclass
class Standing:
    """What is in force for the intervals `numbers`: energy i64 (k, m, 4), quality u8 (k, m), used bool (k, m).

    `used`: counts as the meter sent it.
    """

    numbers: range
    energy: Array
    quality: Array
    used: Array

    def of_day(self, day: int) -> slice:
        """The intervals of a local day, counted from the plan's first."""
        first = max(day * PER_DAY + 1, self.numbers.start)
        return slice(first - self.numbers.start, (day + 1) * PER_DAY + 1 - self.numbers.start)


@dataclass
class Closing:
    """A tick that settles `days`, of all meters or those at `places` i64 (m,) of the slice; changed bool (days, m)."""

    tick: int
    places: Array
    days: range
    standing: Standing
    changed: Array


@dataclass(frozen=True)
class Published:
    """Revisions of some meters (`revisions`: index of the meter in the slice -> in order), the others' are as sent."""

    sent: Sent
    revisions: dict[int, list[Version]]
    closings: list[Closing]
    final: Standing


def publish(sent: Sent) -> Published:
    """Every revision of a slice."""
    midnights = {last: _midnight(sent, last) for last in sent.numbers if last % PER_DAY == 0}
    afterwards: dict[int, dict[int, Settlement]] = {}
    final = _as_sent(sent, sent.numbers)
    revisions: dict[int, list[Version]] = {}
    good, late = sent.good, sent.late
    for place in np.flatnonzero(~good.all(axis=0) | late.any(axis=0) | _stands_out(sent, good)).tolist():
        meter = _meter(sent, good, late, place)
        revisions[place] = meter.versions
        for settlement in meter.settlements:
            if settlement.tick in midnights:
                _settle(midnights[settlement.tick], place, settlement)
            else:
                afterwards.setdefault(settlement.tick, {})[place] = settlement
        _put(final, place, meter.published.values())
    later = [_afterwards(sent, settlements) for settlements in afterwards.values()]
    closings = sorted([*midnights.values(), *later], key=lambda closing: closing.tick)
    return Published(sent, revisions, closings, final)


def _meter(sent: Sent, good: Array, late: Array, place: int) -> Meter:
    energies = [tuple(row) for row in sent.energy[:, place].tolist()]
    lost = frozenset(n for n, there in zip(sent.numbers, good[:, place].tolist(), strict=True) if not there)
    arrival = sent.arrival[:, place]
    came = {sent.numbers[row]: int(arrival[row]) for row in np.flatnonzero(late[:, place]).tolist()}
    return Meter(sent.numbers, dict(zip(sent.numbers, energies, strict=True)), lost, came, sent.plan.rows).live()


def _settle(closing: Closing, column: int, settlement: Settlement) -> None:
    """Enter one meter's settlement."""
    standing = closing.standing
    _put(standing, column, settlement.published.values())
    for number in standing.numbers:
        standing.used[number - standing.numbers.start, column] = number in settlement.used
    for row, day in enumerate(closing.days):
        closing.changed[row, column] |= day in settlement.changed


def _put(standing: Standing, place: int, versions: Iterable[Version]) -> None:
    for version in versions:
        row = version.number - standing.numbers.start
        standing.energy[row, place] = version.energy
        standing.quality[row, place] = int(version.quality)


def _as_sent(sent: Sent, numbers: range) -> Standing:
    rows = slice(numbers.start - sent.numbers.start, numbers.stop - sent.numbers.start)
    shape = sent.fault[rows].shape
    return Standing(numbers, sent.energy[rows].copy(), np.full(shape, ACTUAL, np.uint8), np.ones(shape, np.bool_))


def _afterwards(sent: Sent, settlements: dict[int, Settlement]) -> Closing:
    """What late pushes of closed days have settled again at one tick, by place of the meter."""
    places = sorted(settlements)
    first = settlements[places[0]]
    numbers = range(min(first.published), max(first.published) + 1)
    shape = (len(numbers), len(places))
    standing = Standing(numbers, np.zeros((*shape, 4), np.int64), np.zeros(shape, np.uint8), np.zeros(shape, np.bool_))
    closing = Closing(
        first.tick, np.array(places), first.days, standing, np.zeros((len(first.days), len(places)), np.bool_)
    )
    for column, place in enumerate(places):
        _settle(closing, column, settlements[place])
    return closing


def _midnight(sent: Sent, last: int) -> Closing:
    days = range((sent.numbers.start - 1) // PER_DAY, last // PER_DAY)
    changed = np.zeros((len(days), len(sent.meters)), np.bool_)
    # The day that has just ended gets its first settlement, whatever came of it.
    changed[-1] = True
    standing = _as_sent(sent, range(sent.numbers.start, last + 1))
    return Closing(last, np.arange(len(sent.meters)), days, standing, changed)


def _stands_out(sent: Sent, good: Array) -> Array:
    """Meters bool (m,) with an interval on a closed day that rule V14 would take for a spike."""
    found = np.zeros(len(sent.meters), np.bool_)
    wh = np.where(good, sent.energy[:, :, 0], -1)
    last_day = sent.numbers[-1] // PER_DAY
    for day in range((sent.numbers.start - 1) // PER_DAY, last_day):
        first = max(day * PER_DAY + 1, sent.numbers.start) - sent.numbers.start
        ranked = np.sort(wh[first : (day + 1) * PER_DAY + 1 - sent.numbers.start], axis=0)
        if len(ranked) >= 3:
            third = np.maximum(ranked[-3], 0)
            found |= np.array([is_spike(*pair) for pair in zip(ranked[-1].tolist(), third.tolist(), strict=True)])
    return found
