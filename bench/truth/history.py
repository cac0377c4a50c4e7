"""What becomes of one meter's intervals, in plain Python: the rules of validation as their text has them.

For what a burst can meet: one meter without registers, some pushes lost, some late, some spikes. VEE's window has three
days; what has left it stays as it was.

    provisional  at the tick of a lost interval, or of the day whose frame was lost: mean of the same interval on
                 earlier days, else the interval before carried on as it then stands, else missing
    late         actual from the moment it comes, whatever the tick had made of it; estimates that leaned on that stay
    settled      at each midnight, and at the next tick when a late push was of a closed day, before that tick's
                 estimates; for all closed days together and from what has come by then: the two highest intervals of a
                 day that stand more than 180 % above its third highest, and above 500 Wh, are spikes (V14); lost ones
                 and spikes get a line between their neighbours (gaps up to two hours), else the mean of the same
                 interval on other closed days, else the nearest good interval
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.codes import RULE_BIT, Flag, Method, Quality

PER_DAY = 48
LINE_INTERVALS = 4
SPIKE_PERCENT, SPIKE_FLOOR_WH = 180, 500
WINDOW_DAYS = 3
V01, V14 = 1 << RULE_BIT["V01"], 1 << RULE_BIT["V14"]

Energy = tuple[int, ...]
NOTHING: Energy = (0, 0, 0, 0)


@dataclass(frozen=True)
class Version:
    """One revision of one interval."""

    number: int
    energy: Energy
    quality: Quality
    method: Method
    rules: int
    arrived: bool = False
    flags: int = 0

    @property
    def says(self) -> tuple[Energy, Quality, Method]:
        """What a revision is made for."""
        return self.energy, self.quality, self.method


@dataclass(frozen=True)
class Settlement:
    """At the tick behind interval `tick`: what is in force for all days closed so far, by number; which numbers count
    as sent; days of which something changed, or came."""

    tick: int
    days: range
    published: dict[int, Version]
    used: frozenset[int]
    changed: frozenset[int]


@dataclass
class Meter:
    """`sent`: interval number -> energies; `lost`: numbers that never came or were unreadable; `late`: number -> the
    later interval at whose end it came, behind what came in time; of several the newest first. `rows`: intervals of a
    frame, which come and are closed together."""

    numbers: range
    sent: dict[int, Energy]
    lost: frozenset[int]
    late: dict[int, int] = field(default_factory=dict)
    rows: int = 1
    versions: list[Version] = field(default_factory=list)
    settlements: list[Settlement] = field(default_factory=list)
    published: dict[int, Version] = field(default_factory=dict)
    here: set[int] = field(default_factory=set)
    used: set[int] = field(default_factory=set)

    def live(self) -> Meter:
        """Go through all intervals."""
        for number in self.numbers:
            closed = (number - 1) // PER_DAY * PER_DAY
            came = self._come(number)
            late_days = frozenset((one - 1) // PER_DAY for one in came if one <= closed)
            if late_days:
                self._settle(number, closed, late_days)
            if number not in self.here:
                self._put(self._provisional(number))
            if number % PER_DAY == 0:
                self._settle(number, number, frozenset({closed // PER_DAY}))
        return self

    def _come(self, number: int) -> list[int]:
        """Take what comes at the end of interval `number`; which intervals that is of."""
        due = [] if number in self.lost or number in self.late else [number]
        due += sorted((one for one, then in self.late.items() if then == number), reverse=True)
        for one in due:
            flags = int(Flag.COUNTER_LATE) if self.here and one < max(self.here) else 0
            self.here.add(one)
            self._put(Version(one, self.sent[one], Quality.ACTUAL, Method.NONE, 0, arrived=True, flags=flags))
        return due

    def _put(self, version: Version) -> None:
        self.versions.append(version)
        self.published[version.number] = version

    def _provisional(self, number: int) -> Version:
        tick = -(-number // self.rows) * self.rows
        oldest = tick // PER_DAY - WINDOW_DAYS + 1
        days = range(number - PER_DAY, max(oldest * PER_DAY, 0), -PER_DAY)
        like = [self.sent[other] for other in days if other in self.here]
        if like:
            return _estimate(number, _mean(like), Method.LIKE_DAY, V01)
        before = self.published.get(number - 1)
        if before is None or before.quality is Quality.MISSING:
            return Version(number, NOTHING, Quality.MISSING, Method.NONE, V01)
        return _estimate(number, before.energy, Method.CARRIED, V01)

    # ------------------------------------------------------------------------------------------ closed days

    def _settle(self, tick: int, last: int, new: frozenset[int]) -> None:
        """All days up to interval `last`, at the tick behind interval `tick`; `new`: days that are settled anyway."""
        today = last // PER_DAY
        begin = (self.numbers.start - 1) // PER_DAY
        first_day = max(today - WINDOW_DAYS + 1, begin)
        closed = range(max(first_day * PER_DAY + 1, self.numbers.start), last + 1)
        spikes = self._spikes(closed)
        good = {number for number in closed if number in self.here and number not in spikes}
        changed = set(new)
        for number, version in (self._substitutes(closed, good, spikes) | self._restored(good)).items():
            if version.says != self.published[number].says:
                self._put(version)
                changed.add((number - 1) // PER_DAY)
        self.used = {number for number in self.used if number < closed.start} | good
        in_force = {number: self.published[number] for number in range(self.numbers.start, last + 1)}
        self.settlements.append(
            Settlement(tick, range(begin, today), in_force, frozenset(self.used), frozenset(changed))
        )

    def _restored(self, good: set[int]) -> dict[int, Version]:
        """As sent: what was a spike until late pushes made its day's third highest interval higher."""
        return {number: self._as_sent(number) for number in good}

    def _as_sent(self, number: int) -> Version:
        return Version(number, self.sent[number], Quality.ACTUAL, Method.NONE, 0)

    def _spikes(self, closed: range) -> set[int]:
        found = set()
        for day in range((closed.start - 1) // PER_DAY, closed.stop // PER_DAY):
            here = [n for n in closed if (n - 1) // PER_DAY == day and n in self.here]
            ranked = sorted((self.sent[n][0] for n in here), reverse=True)
            if len(ranked) >= 3:
                third = ranked[2]
                found |= {n for n in here if is_spike(self.sent[n][0], third)}
        return found

    def _substitutes(self, closed: range, good: set[int], spikes: set[int]) -> dict[int, Version]:
        made: dict[int, Version] = {}
        number = closed.start
        while number < closed.stop:
            if number in good:
                number += 1
                continue
            end = number
            while end < closed.stop and end not in good:
                end += 1
            for one in range(number, end):
                made[one] = self._substitute(one, number, end - 1, closed, good, one in spikes)
            number = end
        return made

    def _substitute(self, number: int, first: int, last: int, closed: range, good: set[int], spike: bool) -> Version:
        rules = V14 if spike else V01
        if last - first < LINE_INTERVALS and first - 1 in good and last + 1 in good:
            low, high = self.sent[first - 1], self.sent[last + 1]
            steps, step = last - first + 2, number - first + 1
            line = tuple((a * (steps - step) + b * step) // steps for a, b in zip(low, high, strict=True))
            return _estimate(number, line, Method.LINEAR, rules)
        like = [self.sent[n] for n in closed if (n - number) % PER_DAY == 0 and n in good]
        if like:
            return _estimate(number, _mean(like), Method.LIKE_DAY, rules)
        before, after = [n for n in good if n < number], [n for n in good if n > number]
        if before or after:
            return _estimate(number, self.sent[max(before) if before else min(after)], Method.CARRIED, rules)
        if spike:
            return self._as_sent(number)
        return Version(number, NOTHING, Quality.MISSING, Method.NONE, V01)


def is_spike(energy: int, third: int) -> bool:
    """Rule V14 against the third highest interval of the day."""
    return energy > SPIKE_FLOOR_WH and (energy - third) * 100 > SPIKE_PERCENT * third


def _estimate(number: int, energy: Energy, method: Method, rules: int) -> Version:
    return Version(number, energy, Quality.ESTIMATED, method, rules)


def _mean(energies: list[Energy]) -> Energy:
    return tuple(sum(column) // len(energies) for column in zip(*energies, strict=True))
