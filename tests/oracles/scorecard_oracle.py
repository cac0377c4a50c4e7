"""The scorecard stage in plain Python: dictionaries of readings, and gaps filled by their formulas."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from agents.vee.estimate.order import Tuning, decay_of
from tests.oracles import estimate_oracle as estimates
from tests.oracles.estimate_oracle import Plain, half_up

LENGTHS, TIMES = (3600, 21600, 86400, 259200), (4, 2, 1, 1)
DAY = 86400
SALT = 0x6B76_6172_6E5F_7363
WORD = 2**64 - 1

FOREVER = 2**62
Tried = tuple[str, int, int | None, int]
"""Method, shortest and longest gap in seconds (None: that of a line), least days."""

ORDER: tuple[Tried, ...] = (("LINEAR", 0, None, 0), ("LIKE_DAY", 0, FOREVER, 0), ("CARRIED", 0, FOREVER, 0))

Key = tuple[str, str, int]
"""Lane, method, seconds."""


class Reading(NamedTuple):
    point: int
    start: int
    """Local seconds."""
    interval: int
    wh: int
    good: bool


def mix(number: int) -> int:
    """The finalizer of MurmurHash3."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        number ^= number >> 33
        number = number * factor & WORD
    return number ^ number >> 33


class Oracle:
    """One partition; every service point is sampled, and of one class."""

    def __init__(
        self, days: int, hot_days: int, linear_secs: int, half_days: int, order: Sequence[Tried] = ORDER
    ) -> None:
        self.order = order
        self.days, self.hot_days, self.linear_secs, self.half_days = days, hot_days, linear_secs, half_days
        self.size = days * 48
        self.kept: dict[int, dict[int, Reading]] = defaultdict(dict)
        self.sums: dict[Key, list[int]] = defaultdict(lambda: [0] * 4)
        self.today = 0

    def reading(self, one: Reading) -> None:
        if DAY % one.interval or one.start % one.interval:
            return
        if DAY // one.interval * (2 * self.hot_days + 3) > self.size:
            return
        mine = self.kept[one.point]
        newest = mine[max(mine)] if mine else None
        if newest and newest.interval != one.interval:
            if not one.good or one.start <= newest.start:
                return
            mine.clear()
        if newest is None and not one.good:
            return
        block = one.start // one.interval // 48
        same = {
            other: other // one.interval // 48
            for other in mine
            if (other // one.interval // 48 - block) % self.days == 0
        }
        if any(other > block for other in same.values()):
            return
        for start, other in same.items():
            if other < block:
                del mine[start]
        mine[one.start] = one

    def midnight(self, today: int) -> dict[Key, list[int]]:
        """Sums of what was tried at the end of a local day."""
        tried = today - 2 * self.hot_days + 2
        if tried % self.half_days == 0:
            for key, sums in self.sums.items():
                self.sums[key] = [(abs(part) // 2) * (1 if part > 0 else -1) for part in sums]
        found: dict[Key, list[int]] = defaultdict(lambda: [0] * 4)
        for point, readings in self.kept.items():
            if readings:
                self._point(point, readings, today, tried, found)
        for key, sums in found.items():
            self.sums[key] = [one + other for one, other in zip(self.sums[key], sums, strict=True)]
        return {key: self.sums[key] for key in found}

    def _point(
        self, point: int, readings: dict[int, Reading], today: int, tried: int, found: dict[Key, list[int]]
    ) -> None:
        interval = readings[max(readings)].interval
        places = DAY // interval
        first = today - min(self.days, self.size // places) + 2
        count = today - self.hot_days - first + 1
        starts = [first * DAY + at * interval for at in range(count * places)]
        value = [readings[start].wh if start in readings and readings[start].good else 0 for start in starts]
        good = [start in readings and readings[start].good for start in starts]
        types = [(first + 3 + day) % 7 for day in range(count)]
        drawn = mix(point ^ mix((tried + SALT) & WORD))
        for number, (seconds, times) in enumerate(zip(LENGTHS, TIMES, strict=True)):
            size, chance = seconds // interval, mix((drawn + number + 1) & WORD)
            if size == 0 or chance % 4 >= times:
                continue
            low = (tried - first) * places
            low += (chance >> 32) % (places - size + 1) if size < places else places - size
            if low < 0 or not all(good[low : low + size]):
                continue
            hidden = [known and not low <= at < low + size for at, known in enumerate(good)]
            plain = Plain(value, hidden, places, types, (first + 3) % 7)
            gap = range(low, low + size)
            for method, filled in cold(plain, gap, interval).items():
                count_to(found["COLD", method, seconds], value, gap, filled)
            for method in ("LINEAR", "LIKE_DAY", "CARRIED"):
                alone = self._hot(plain, gap, interval, [(method, 0, FOREVER, 0)])
                chosen = [at for at in gap if alone[at][0] == method]
                if chosen:
                    count_to(found["HOT", method, seconds], value, chosen, [alone[at][1] for at in chosen])
            made = self._hot(plain, gap, interval, self.order)
            scaled: dict[str, tuple[list[int], list[int]]] = {}
            for day in sorted({at // places for at in gap}):
                mine = [at for at in gap if at // places == day]
                if all(good[day * places : (day + 1) * places]):
                    weights = [made[at][1] for at in mine]
                    method = "SCALED" if sum(weights) else "FLAT"
                    places_of, values_of = scaled.setdefault(method, ([], []))
                    places_of += mine
                    values_of += shares(sum(value[at] for at in mine), weights if sum(weights) else [1] * len(mine))
            for method, (chosen, filled) in scaled.items():
                count_to(found["HOT", method, seconds], value, chosen, filled)

    def _hot(self, plain: Plain, gap: range, interval: int, order: Sequence[Tried]) -> dict[int, tuple[str, int]]:
        made = {}
        for at in gap:
            low = at // plain.places * plain.places
            window = range(low, min(low + (self.hot_days - 1) * plain.places, len(plain.value)))
            begin, end = max(gap[0], window[0]), min(gap[-1], window[-1])
            ends = begin - 1 in window and end + 1 in window and plain.good[begin - 1] and plain.good[end + 1]
            could: dict[str, int] = {}
            if ends:
                rise, steps = plain.value[end + 1] - plain.value[begin - 1], end + 2 - begin
                could["LINEAR"] = plain.value[begin - 1] + rise * (at - begin + 1) // steps
            same = [other for other in window if other % plain.places == at % plain.places]
            like = [plain.value[other] for other in same if plain.good[other]]
            near = [other for other in reversed(window) if other < at and plain.good[other]]
            near += [other for other in window if other > at and plain.good[other]]
            if like:
                could["LIKE_DAY"] = sum(like) // len(like)
            if near:
                could["CARRIED"] = plain.value[near[0]]
            made[at] = ("", 0)
            for method, shortest, longest, least in order:
                most = self.linear_secs if longest is None else longest
                fits = shortest <= (end - begin + 1) * interval <= most
                if fits and method in could and (method != "LIKE_DAY" or len(like) >= least):
                    made[at] = (method, could[method])
                    break
        return made


def shares(target: int, weights: list[int]) -> list[int]:
    """Whole numbers in proportion to weights, each what the sum has grown by."""
    upto = [sum(weights[: item + 1]) * target // sum(weights) for item in range(len(weights))]
    return [one - before for one, before in zip(upto, [0, *upto[:-1]], strict=True)]


def count_to(sums: list[int], value: Sequence[int], chosen: Sequence[int], filled: Sequence[int]) -> None:
    errors = [guess - value[at] for at, guess in zip(chosen, filled, strict=True)]
    for place, part in enumerate((1, sum(map(abs, errors)), sum(errors), sum(value[at] for at in chosen))):
        sums[place] += part


def cold(plain: Plain, gap: range, interval: int) -> dict[str, list[int]]:
    """Methods of `estimate_oracle` that need nothing else; those that apply."""
    first, last, weeks = gap[0], gap[-1], 8
    found = {"LINEAR": estimates.line(plain, first, last), "CARRIED": carried(plain, first, last)}
    for name in ("LIKE_DAY", "NEAR_DAY", "PREVIOUS_PERIOD"):
        found[name] = by_days(plain, gap, name)
    each = [estimates.votes(plain, at, weeks) for at in gap]
    if all(each):
        found["MEDIAN_DAYS"] = [estimates.median([vote[:2] for vote in one]) for one in each]
        sums = [
            (sum(value * (weight // 1000) for value, weight, _ in one), sum(weight // 1000 for _, weight, _ in one))
            for one in each
        ]
        found["WEIGHTED_DAYS"] = [half_up(Fraction(*one)) for one in sums]
        decay = decay_of(Tuning(), interval).tolist()
        found["BRIDGE"] = [
            estimates.median(estimates.bridge_votes(plain, decay, 700, weeks, first, last, at)) for at in gap
        ]
    return {name: filled for name, filled in found.items() if filled is not None}


def by_days(plain: Plain, gap: range, name: str) -> list[int] | None:
    filled: list[int] = []
    for day in sorted({at // plain.places for at in gap}):
        mine = [at for at in gap if at // plain.places == day]
        near = estimates.near_day(plain, day, 90)
        chosen = {
            "LIKE_DAY": estimates.like_days(plain, day, 90, 3),
            "NEAR_DAY": [] if near is None else [near],
            "PREVIOUS_PERIOD": estimates.previous_period(plain, day, 14, 28),
        }[name]
        if not chosen:
            return None
        filled += estimates.of_days(plain, chosen, mine[0], mine[-1])
    return filled


def carried(plain: Plain, first: int, last: int) -> list[int] | None:
    before = [at for at in range(first - 1, -1, -1) if plain.good[at]]
    after = [at for at in range(last + 1, len(plain.value)) if plain.good[at]]
    near = [*before, *after]
    return [plain.value[near[0]]] * (last - first + 1) if near else None
