"""Settlement of one service point's closed days in plain Python: a function of what was sent and of the registers.

- A span lies between two midnights whose registers are known, with none known between; where a meter was exchanged, its
  part counts between its own registers. Other days stand alone, without registers.
- Gaps and suspect intervals get substitutes. Spikes (V14) do when a span's intervals exceed its registers and what is
  left without them does not, and in days without registers.
- A substitute is a line between good neighbours across at most `linear` seconds, else the mean of the good intervals at
  that time of the other closed days, else the nearest good interval (before, else after), else nothing.
- An estimate of the head-end is a substitute to begin with. It stands as it is where registers are not known, or say
  the same.
- In a span, a channel's substitutes are scaled to what the good intervals leave of its register energy. When they leave
  less than nothing, or when there are no substitutes and a difference, all intervals of that channel are scaled (V12);
  a difference that whole watt-hours of a fractional factor explain goes to the last good interval.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.oracles.registers_oracle import closes_at, closing_of, opening_of, opens_at, origin_of, span_energy
from tests.oracles.statements_oracle import heed

if TYPE_CHECKING:
    from tests.oracles.vee_oracle import Link, Oracle

DAY, OFFSET, CHANNELS = 86_400, 19_800, 4
ACTUAL, SUSPECT, ESTIMATED, MISSING, EDITED = 1, 2, 3, 4, 5
NONE, LINEAR, LIKE_DAY, SCALED, FLAT, CARRIED, ROUNDING, HEAD_END, CLOCK_SET = 0, 3, 4, 6, 8, 9, 10, 11, 12
OUTAGE, MANUAL = 1, 23
V01, V02, V14, V12, V03 = 1, 2, 16, 32, 64
NOT_KNOWN = 65_535

Tried = tuple[int, int, int | None, int]
"""Method, shortest and longest gap in seconds (None: `linear`), least days."""

USUAL_ORDER: tuple[Tried, ...] = ((LINEAR, 0, None, 0), (LIKE_DAY, 0, 2**40, 0), (CARRIED, 0, 2**40, 0))
USUAL_ERRORS: dict[int, tuple[int, int, int, int]] = {
    LINEAR: (494, 633, 885, 886),
    LIKE_DAY: (573, 571, 575, 586),
    CARRIED: (560, 756, 921, 929),
}


@dataclass(frozen=True)
class Published:
    """What a reader sees of an interval."""

    energy: tuple[int, ...]
    quality: tuple[int, ...]
    method: int
    rules: int
    interval: int
    expected: int = 0
    """Thousandths; NOT_KNOWN."""

    def with_rules(self, rules: int) -> Published:
        return replace(self, rules=rules)


@dataclass
class Cell:
    """What was sent for an interval, and what is published."""

    sent: tuple[int, ...] | None = None
    suspect: int = 0
    offered: bool = False
    twice: bool = False
    parted: bool = False
    published: Published | None = None

    @property
    def good(self) -> bool:
        return not self.suspect and not self.offered and not self.parted


@dataclass
class Settled:
    """A settlement row."""

    registers: int = 0
    opening: list[int] = field(default_factory=lambda: [0] * CHANNELS)
    closing: list[int] = field(default_factory=lambda: [0] * CHANNELS)
    register_energy: list[int] = field(default_factory=lambda: [0] * CHANNELS)
    actual: list[int] = field(default_factory=lambda: [0] * CHANNELS)
    estimated: list[int] = field(default_factory=lambda: [0] * CHANNELS)
    suspect: list[int] = field(default_factory=lambda: [0] * CHANNELS)
    unexplained: list[int] = field(default_factory=lambda: [0] * CHANNELS)
    counts: list[int] = field(default_factory=lambda: [0] * 4)
    demand: list[int] = field(default_factory=lambda: [0, 0])
    demand_start: list[int] = field(default_factory=lambda: [0, 0])
    state: int = 0


@dataclass
class Interval:
    """An interval under settlement; `use`: good, bad, gap, spike, offered, before (older than the log), edited or out.

    apart: an outage fell into it, so no estimate is made from it; without: all of it;
    discarded: a person has said that it is not used.
    """

    start: int
    length: int
    link: Link
    cell: Cell
    use: str
    base: tuple[int, ...] = (0,) * CHANNELS
    method: int = NONE
    new: list[int] = field(default_factory=lambda: [0] * CHANNELS)
    scaled: set[int] = field(default_factory=set)
    rounded: bool = False
    apart: bool = False
    without: bool = False
    discarded: bool = False
    gap: int = 0

    @property
    def fixed(self) -> bool:
        return self.use in ("edited", "out")

    @property
    def pattern(self) -> bool:
        return self.use == "good" and not self.apart

    @property
    def sent(self) -> tuple[int, ...]:
        assert self.cell.sent is not None
        return self.cell.sent

    @property
    def substituted(self) -> bool:
        return self.use in ("bad", "gap", "spike", "offered")

    @property
    def estimated(self) -> bool:
        return self.use in ("bad", "gap", "spike")


@dataclass
class Span:
    """Days, and the register energy by channel where it is known."""

    days: range
    energy: dict[int, int]
    meters: int
    intervals: list[Interval] = field(default_factory=list)
    flat: bool = False


def settle(oracle: Oracle, point: int, days: range) -> dict[int, Settled]:
    """Publish the closed days of a point, and return their settlement rows."""
    intervals = [found for day in days for found in _intervals(oracle, point, day)]
    for one in intervals:
        heed(oracle, point, one)
    spans = _spans(oracle, point, days)
    for span in spans:
        span.intervals = [one for one in intervals if (one.start + OFFSET) // DAY in span.days]
        _choose(oracle, span)
    used = [one for one in intervals if one.use != "before"]
    for one in used:
        if one.substituted:
            _estimate(oracle, one, used)
    rows = {}
    for span in spans:
        span.intervals = [one for one in span.intervals if one.use != "before"]
        for channel in range(CHANNELS):
            _fill(oracle, span, channel)
        for one in span.intervals:
            _publish(oracle, point, span, one)
        for day in span.days:
            row = _row(oracle, point, span, day)
            if row is not None:
                rows[day] = row
    return rows


def _intervals(oracle: Oracle, point: int, day: int) -> list[Interval]:
    found = []
    for place in range(day * DAY - OFFSET, (day + 1) * DAY - OFFSET, oracle.config.slot):
        length = oracle.shortest(point, place)
        for start in (place, place + (length or 0)) if length and length < oracle.config.slot else (place,):
            own = oracle.links_of(point, start, start + (length or 0))
            if not length or not own or (start + OFFSET) % length:
                continue
            cell = oracle.cells.get((point, start)) or Cell()
            use = "offered" if cell.offered or cell.parted else "bad" if cell.suspect else "good"
            if cell.sent is None:
                use = "gap" if start >= oracle.begin else "before"
            found.append(Interval(start, length, own[-1], cell, use))
    return found


def _spans(oracle: Oracle, point: int, days: range) -> list[Span]:
    spans, day = [], days.start
    while day < days.stop:
        after, energy, meters = day + 1, {}, 0
        if opens_at(oracle, point, day):
            while after < days.stop and not closes_at(oracle, point, after):
                after += 1
            if closes_at(oracle, point, after):
                energy, meters = span_energy(oracle, point, day, after)
        if not energy:
            after = day + 1
        spans.append(Span(range(day, after), energy, meters))
        day = after
    return spans


# ------------------------------------------------------------------------------------------- substitutes


def _choose(oracle: Oracle, span: Span) -> None:
    for one in span.intervals:
        if one.use == "before" and span.energy:
            one.use = "gap"
    good = [one for one in span.intervals if one.use == "good"]
    need = span.energy.get(0, 0) - sum(one.sent[0] for one in good)
    need -= sum(one.base[0] for one in span.intervals if one.fixed)
    if span.energy and need >= 0:
        return
    spikes = []
    for day in span.days:
        of_day = [one for one in good if (one.start + OFFSET) // DAY == day]
        peaks = sorted((one.sent[0] for one in of_day), reverse=True)
        if len(peaks) >= 3:
            limit = oracle.config_at(of_day[0].link.point, day * DAY - OFFSET)
            spikes += [
                one
                for one in of_day
                if one.sent[0] > limit.spike_floor and (one.sent[0] - peaks[2]) * 100 > limit.spike_percent * peaks[2]
            ]
    if not span.energy or need + sum(one.sent[0] for one in spikes) >= 0:
        for one in spikes:
            one.use = "spike"


def _estimate(oracle: Oracle, one: Interval, used: list[Interval]) -> None:
    if one.use == "offered":
        one.base = one.sent
        return
    place = used.index(one)
    first = last = place
    while first > 0 and used[first - 1].estimated and _adjacent(used[first - 1], used[first]):
        first -= 1
    while last + 1 < len(used) and used[last + 1].estimated and _adjacent(used[last], used[last + 1]):
        last += 1
    gap = used[first : last + 1]
    one.gap = sum(other.length for other in gap)
    limits = oracle.config_at(gap[0].link.point, gap[0].start)
    for method, shortest, longest, least in limits.order:
        if not shortest <= one.gap <= (limits.linear if longest is None else longest):
            continue
        if method == LINEAR:
            base = _line(used, first, last, place)
        elif method == LIKE_DAY:
            base = _like_day(one, used, least)
        else:
            base = _carried(one, used, place)
        if base is not None:
            one.base, one.method = base, method
            return
    carried = _carried(one, used, place) if one.use == "spike" else None
    if carried is not None:
        one.base, one.method = carried, CARRIED


def _line(used: list[Interval], first: int, last: int, place: int) -> tuple[int, ...] | None:
    if first == 0 or last + 1 == len(used):
        return None
    a, b, gap = used[first - 1], used[last + 1], used[first : last + 1]
    even = all(other.length == gap[0].length for other in (a, b, *gap))
    if not (a.pattern and b.pattern and even and _adjacent(a, gap[0]) and _adjacent(gap[-1], b)):
        return None
    k, steps = place - first + 1, len(gap) + 1
    return tuple((low * (steps - k) + high * k) // steps for low, high in zip(a.sent, b.sent, strict=True))


def _like_day(one: Interval, used: list[Interval], least: int) -> tuple[int, ...] | None:
    like = [
        other.sent
        for other in used
        if other.pattern and other.length == one.length and (other.start - one.start) % DAY == 0
    ]
    if len(like) < max(1, least):
        return None
    return tuple(sum(values) // len(like) for values in zip(*like, strict=True))


def _carried(one: Interval, used: list[Interval], place: int) -> tuple[int, ...] | None:
    before = [other for other in used[:place] if other.pattern]
    after = [other for other in used[place:] if other.pattern]
    if not before and not after:
        return None
    near = before[-1] if before else after[0]
    return tuple(value * one.length // near.length for value in near.sent)


def figure(errors: dict[int, tuple[int, int, int, int]], method: int, seconds: int) -> int:
    """What is expected of a method in a gap."""
    length = sum(seconds > bound * 3600 for bound in (2, 12, 36))
    return errors[method][length] if method in errors else NOT_KNOWN


def _expected(oracle: Oracle, one: Interval, new: Published) -> int:
    errors = oracle.config_at(one.link.point, one.start).errors
    if new.quality[0] != ESTIMATED:
        return 0
    if one.use == "offered":
        return figure(errors, CLOCK_SET if one.cell.parted else HEAD_END, one.length)
    if not one.estimated:
        return NOT_KNOWN
    found = figure(errors, new.method, one.gap)
    return figure(errors, one.method, one.gap) if found == NOT_KNOWN else found


def _adjacent(one: Interval, other: Interval) -> bool:
    return one.start + one.length == other.start


def share(target: int, weights: list[int], lengths: list[int]) -> list[int]:
    """Whole watt-hours in proportion; the largest remainders, of equal ones the first, get one more."""
    weights = weights if sum(weights) else lengths
    total = sum(weights)
    shares = [target * weight // total for weight in weights]
    order = sorted(range(len(weights)), key=lambda item: (-(target * weights[item] % total), item))
    for item in order[: target - sum(shares)]:
        shares[item] += 1
    return shares


def _fill(oracle: Oracle, span: Span, channel: int) -> None:
    good = [one for one in span.intervals if one.use == "good"]
    substitutes = [one for one in span.intervals if one.substituted]
    for one in good:
        one.new[channel] = one.sent[channel]
    fixed = [one for one in span.intervals if one.fixed]
    for one in substitutes + fixed:
        one.new[channel] = one.base[channel]
    if channel not in span.energy:
        return
    said = sum(one.base[channel] for one in fixed)
    need = span.energy[channel] - sum(one.sent[channel] for one in good) - said
    if substitutes and need >= 0:
        weights = [one.base[channel] for one in substitutes]
        span.flat = span.flat or (channel == 0 and not sum(weights))
        shares = share(need, weights, [one.length for one in substitutes])
        for one, new in zip(substitutes, shares, strict=True):
            one.new[channel] = new
    elif need and not _rounded(oracle, span, channel, good, substitutes, need):
        rest = [one for one in span.intervals if not one.fixed]
        weights = [one.sent[channel] if one.use == "good" else one.base[channel] for one in rest]
        if weights:
            shares = share(max(span.energy[channel] - said, 0), weights, [one.length for one in rest])
            for one, new in zip(rest, shares, strict=True):
                one.new[channel] = new
                one.scaled.add(channel)


def _rounded(
    oracle: Oracle, span: Span, channel: int, good: list[Interval], substitutes: list[Interval], need: int
) -> bool:
    if substitutes or not good:
        return False
    fractional = any(one.link.denominator != 1 for one in span.intervals)
    fractional = fractional and 0 < need <= len(span.intervals) + span.meters
    first = span.intervals[0]
    if not fractional and abs(need) > oracle.config_at(first.link.point, first.start).sum_tolerance:
        return False
    taker = good[-1] if need > 0 else max(good, key=lambda one: (one.sent[channel], -one.start))
    if taker.new[channel] + need < 0:
        return False
    taker.new[channel] += need
    taker.rounded = True
    return True


# ------------------------------------------------------------------------------------------- results


def _publish(oracle: Oracle, point: int, span: Span, one: Interval) -> None:
    new, old = _published(span, one), one.cell.published
    if old is None or _seen(new) != _seen(old):
        new = replace(new, expected=_expected(oracle, one, new))
        oracle.cells.setdefault((point, one.start), one.cell).published = new
        oracle.final[point, one.start] = new


def _seen(published: Published) -> Published:
    """Without what is no reason to publish an interval again."""
    return replace(published, rules=published.rules & ~V03, expected=0)


def _published(span: Span, one: Interval) -> Published:
    from tests.oracles.vee_oracle import information

    twice, told = V02 if one.cell.twice else 0, information(tuple(one.new), one.link)
    if one.use == "good":
        if any(other.scaled for other in span.intervals):
            quality = tuple(ESTIMATED if channel in one.scaled else ACTUAL for channel in range(CHANNELS))
            return Published(tuple(one.new), quality, SCALED, twice | V12, one.length)
        method, told = (ROUNDING, 0) if one.rounded else (NONE, told)
        return Published(tuple(one.new), (ACTUAL,) * CHANNELS, method, twice | told, one.length)
    offered = V03 if one.cell.parted else V01
    if one.fixed or one.discarded:
        told = V01 if one.cell.sent is None else offered if one.cell.offered or one.cell.parted else one.cell.suspect
        if one.use == "out":
            told = 0 if one.cell.sent is None else told
            return Published((0,) * CHANNELS, (ACTUAL,) * CHANNELS, OUTAGE, twice | told, one.length)
        if one.use == "edited":
            return Published(one.base, (EDITED,) * CHANNELS, MANUAL, twice | told, one.length)
        method = (FLAT if span.flat else SCALED) if span.energy else one.method
        quality = (ESTIMATED if method else MISSING,) * CHANNELS
        return Published(tuple(one.new), quality, method, twice | told, one.length)
    rules = twice | {"gap": V01, "spike": V14, "offered": offered}.get(one.use, one.cell.suspect)
    if one.use == "offered" and tuple(one.new) == one.sent:
        method = CLOCK_SET if one.cell.parted else HEAD_END
        return Published(one.sent, (ESTIMATED,) * CHANNELS, method, rules, one.length)
    method = (FLAT if span.flat else SCALED) if span.energy else one.method
    if method:
        return Published(tuple(one.new), (ESTIMATED,) * CHANNELS, method, rules, one.length)
    if one.use == "gap":
        return Published((0,) * CHANNELS, (MISSING,) * CHANNELS, NONE, rules, one.length)
    told = information(one.sent, one.link)
    return Published(one.sent, (SUSPECT,) * CHANNELS, NONE, rules | told, one.length)


def _row(oracle: Oracle, point: int, span: Span, day: int) -> Settled | None:
    begin, end = day * DAY - OFFSET, (day + 1) * DAY - OFFSET
    links = oracle.links_of(point, begin, end)
    if not links:
        return None
    row = Settled()
    carried = origin_of(oracle, point, day) != day
    opening = None if carried and links[0].start < begin else opening_of(oracle, links[0], day)
    closing = closing_of(oracle, links[-1], day + 1)
    for bit, known, column in ((1, opening, row.opening), (2, closing, row.closing)):
        if known is not None:
            column[:] = [max(register, 0) for register in known]
            row.registers |= bit if known[0] >= 0 else 0
    of_day = [one for one in span.intervals if (one.start + OFFSET) // DAY == day]
    for one in of_day:
        _add(oracle, row, one)
    row.registers |= 16 if len(links) > 1 else 0
    row.registers |= 256 if any(one.use == "out" or one.apart for one in of_day) else 0
    row.registers |= 512 if any(one.use == "good" and one.without and one.sent[0] > 0 for one in of_day) else 0
    several = len(span.days) > 1 or origin_of(oracle, point, span.days[0]) != span.days[0]
    row.registers |= 8 if span.energy and several else 0
    row.registers |= 4 if span.energy and row.counts[1] else 0
    for channel, energy in span.energy.items():
        if not several:
            row.register_energy[channel] = energy
            row.unexplained[channel] = energy - row.actual[channel] - row.estimated[channel]
    return row


def _add(oracle: Oracle, row: Settled, one: Interval) -> None:
    published = one.cell.published
    assert published is not None
    for channel in range(CHANNELS):
        if published.quality[channel] in (ACTUAL, EDITED):
            row.actual[channel] += published.energy[channel]
        elif published.quality[channel] == ESTIMATED:
            row.estimated[channel] += published.energy[channel]
        if one.use in ("bad", "spike"):
            row.suspect[channel] += one.sent[channel]
    row.counts[{ACTUAL: 0, EDITED: 0, ESTIMATED: 1, MISSING: 2, SUSPECT: 3}[published.quality[0]]] += 1
    for channel in range(2):
        if one.use != "edited" and (one.use != "good" or published.quality[channel] != ACTUAL):
            continue
        energy = one.base[channel] if one.use == "edited" else one.sent[channel]
        if not row.demand_start[channel] or energy > row.demand[channel]:
            row.demand[channel], row.demand_start[channel] = energy, one.start
