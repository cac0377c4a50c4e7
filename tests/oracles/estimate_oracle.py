"""Methods of estimation in plain Python, by their formulas: lists, sorting, no arrays."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor
from typing import NamedTuple

GOOD = 1


class Plain(NamedTuple):
    """A series; day and place of each interval, day types of days from 0 on; `week`: days from Monday to day 0."""

    value: Sequence[int]
    good: Sequence[bool]
    places: int
    types: Sequence[int]
    week: int


def half_up(ratio: Fraction) -> int:
    return floor(ratio + Fraction(1, 2))


def complete(plain: Plain, day: int) -> bool:
    cells = plain.good[day * plain.places : (day + 1) * plain.places]
    return day >= 0 and len(cells) == plain.places and all(cells)


def days(plain: Plain) -> range:
    return range(-(-len(plain.value) // plain.places))


def line(plain: Plain, first: int, last: int) -> list[int] | None:
    left = plain.value[first - 1] if first and plain.good[first - 1] else None
    right = plain.value[last + 1] if last + 1 < len(plain.value) and plain.good[last + 1] else None
    count = last - first + 1
    if left is None and right is None:
        return None
    if left is None or right is None:
        return [left if right is None else right] * count  # type: ignore[list-item]
    return [half_up(left + Fraction(k * (right - left), count + 1)) for k in range(1, count + 1)]


def of_days(plain: Plain, chosen: Sequence[int], first: int, last: int) -> list[int]:
    return [
        half_up(Fraction(sum(plain.value[day * plain.places + at % plain.places] for day in chosen), len(chosen)))
        for at in range(first, last + 1)
    ]


def like_days(plain: Plain, day: int, window: int, want: int) -> list[int]:
    found = [
        other
        for other in reversed(days(plain))
        if day - window <= other < day and complete(plain, other) and plain.types[other] == plain.types[day]
    ]
    return found[:want]


TUESDAY, WEDNESDAY, THURSDAY = 1, 2, 3
LIKE: dict[int, tuple[list[int], list[int]]] = {day: ([day], []) for day in (0, 4, 5, 6)} | {
    TUESDAY: ([TUESDAY, WEDNESDAY, THURSDAY], [WEDNESDAY, THURSDAY]),
    WEDNESDAY: ([WEDNESDAY, TUESDAY, THURSDAY], [THURSDAY, TUESDAY]),
    THURSDAY: ([THURSDAY, WEDNESDAY, TUESDAY], [WEDNESDAY, TUESDAY]),
}


def near_day(plain: Plain, day: int, window: int) -> int | None:
    weeks = window // 7
    near = min(4, weeks)
    before, same = LIKE[plain.types[day]]
    plan = [(-week, kind) for week in range(1, near + 1) for kind in before]
    plan += [(0, kind) for kind in same]
    plan += [(-week, kind) for week in range(near + 1, weeks + 1) for kind in before]
    plan += [(week, kind) for week in range(weeks + 1) for kind in before]
    mine = (day + plain.week) // 7
    for week, kind in plan:
        found = [
            other
            for other in days(plain)
            if (other + plain.week) // 7 == mine + week
            and other != day
            and complete(plain, other)
            and plain.types[other] == kind
        ]
        if found:
            return found[-1]
    return None


def previous_period(plain: Plain, day: int, season: int, period: int) -> list[int]:
    found = [other for other in days(plain) if abs(other - (day - 364)) <= season and complete(plain, other)]
    if len(found) >= 7:
        return found
    return [other for other in days(plain) if day - period <= other < day and complete(plain, other)]


def temperature_days(plain: Plain, day: int, temperature: Sequence[int | None], most: int, want: int) -> list[int]:
    if temperature[day] is None:
        return []
    found = [
        (abs(temperature[other] - temperature[day]), abs(other - day), other)  # type: ignore[operator]
        for other in days(plain)
        if other != day
        and complete(plain, other)
        and plain.types[other] == plain.types[day]
        and temperature[other] is not None
    ]
    return [other for apart, _, other in sorted(found) if apart <= most][:want]


def votes(plain: Plain, at: int, weeks: int) -> list[tuple[int, int, int]]:
    """(value, weight, interval) of each day around."""
    day, place = divmod(at, plain.places)
    found = []
    for other in days(plain):
        there = other * plain.places + place
        if other == day or abs(other - day) > 7 * weeks or there >= len(plain.value) or not plain.good[there]:
            continue
        one, two = plain.types[day], plain.types[other]
        kind = 4 if one == two else 2 if (one > 4) == (two > 4) else 1
        found.append((plain.value[there], kind * 5_000_000 // (5 + abs(other - day)), there))
    return found


def median(found: Sequence[tuple[int, int]]) -> int:
    half, below = sum(weight for _, weight in found), 0
    for value, weight in sorted(found):
        below += 2 * weight
        if below >= half:
            return value
    raise AssertionError("no votes")


def bridge_votes(
    plain: Plain, decay: Sequence[int], end: int, weeks: int, first: int, last: int, at: int
) -> list[tuple[int, int]]:
    """(value, weight) of the days around and of the ends of the gap."""
    size, reach = len(plain.value), 7 * weeks * plain.places
    near = [abs(plain.value[t]) for t in range(max(0, first - reach), min(size, last + reach + 1)) if plain.good[t]]
    level = max(1, sum(near) // (10 * max(1, len(near))))
    ends = []
    if first and plain.good[first - 1] and at - first + 1 < len(decay):
        ends.append((first - 1, at - first + 1))
    if last + 1 < size and plain.good[last + 1] and last + 1 - at < len(decay):
        ends.append((last + 1, last + 1 - at))
    found = []
    for value, weight, there in votes(plain, at, weeks):
        apart = 0
        for edge, steps in ends:
            other = there + edge - at
            if 0 <= other < size and plain.good[other]:
                apart += abs(plain.value[other] - plain.value[edge]) * (decay[steps - 1] // 1000)
        found.append((value, max(1, weight * level // (level + apart // 1000))))
    total = sum(weight for _, weight in found)
    return found + [(plain.value[edge], total * end // 1000 * (decay[steps] // 1000) // 1000) for edge, steps in ends]


def share_out(target: int, weights: Sequence[int]) -> list[int]:
    """Largest remainder, the earlier first."""
    if not sum(weights):
        weights = [1] * len(weights)
    exact = [Fraction(target * weight, sum(weights)) for weight in weights]
    shares = [floor(one) for one in exact]
    order = sorted(range(len(weights)), key=lambda item: (shares[item] - exact[item], item))
    for item in order[: target - sum(shares)]:
        shares[item] += 1
    return shares
