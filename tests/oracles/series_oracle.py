"""The rules of whole series in plain Python: lists and exact fractions; None is a value that is not there.

Written from the text of the rules, without a look at the kernels; each gives the places that fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby, pairwise

Values = Sequence[int | None]


def missing(values: Values) -> set[int]:
    return {place for place, value in enumerate(values) if value is None}


def negative(values: Values) -> set[int]:
    return {place for place, value in enumerate(values) if value is not None and value < 0}


def beyond(values: Values, limit: int) -> set[int]:
    return {place for place, value in enumerate(values) if value is not None and value > limit}


def reactive_alone(wh: Values, varh: Values, least: int, percent: int) -> set[int]:
    found = set()
    alone = []
    for place, (active, reactive) in enumerate(zip(wh, varh, strict=True)):
        both = active is not None and reactive is not None
        if active and active > 0 and reactive and reactive > 0:
            # Power factor = Wh / sqrt(Wh^2 + varh^2), squared, so that nothing is rounded.
            factor = Fraction(active**2, active**2 + reactive**2)
            found |= {place} if factor < Fraction(percent**2, 10_000) else set()
        alone.append(both and active == 0 and (reactive or 0) > 0)
    for is_alone, group in groupby(enumerate(alone), key=lambda item: item[1]):
        places = [place for place, _ in group]
        if is_alone and len(places) >= least:
            found.update(places)
    return found


def apparent_below(wh: Values, vah: Values, permille: int) -> set[int]:
    return {
        place for place, (active, apparent) in enumerate(zip(wh, vah, strict=True))
        if active is not None and apparent is not None
        and apparent + abs(active) * Fraction(permille, 1000) + 1 < active
    }  # fmt: skip


def changed(values: Values, percent: int, floor: int) -> set[int]:
    found, last = set(), None
    for place, value in enumerate(values):
        if value is None:
            continue
        if last is not None and last > 0 and value > floor and Fraction(value - last, last) > Fraction(percent, 100):
            found.add(place)
        last = value
    return found


def inactive_use(values: Values, inactive: Sequence[int], tolerance: int) -> set[int]:
    found: set[int] = set()
    for is_inactive, group in groupby(range(len(values)), key=lambda place: bool(inactive[place])):
        used = [place for place in group if (values[place] or 0) > 0]
        if is_inactive and sum(values[place] or 0 for place in used) > tolerance:
            found.update(used)
    return found


def spikes(values: Values, days: Sequence[range], percent: int, floor: int, usual: int) -> set[int]:
    found = set()
    for day in days:
        here = sorted((value for place in day if (value := values[place]) is not None), reverse=True)
        # What is below zero is no peak.
        peaks = [max(value, -1) for value in here]
        if len(here) < 4:
            continue
        third = peaks[2]

        def high(value: int, third: int = third) -> bool:
            return value > floor and value > usual and (value - third) * 100 > third * percent

        if high(peaks[0]):
            found.update(place for place in day if (value := values[place]) is not None and high(value))
    return found


def repeated(values: Values, least: int, floor: int) -> set[int]:
    found: set[int] = set()
    for value, group in groupby(range(len(values)), key=lambda place: values[place]):
        places = list(group)
        if value is not None and value != 0 and value >= floor and len(places) >= least:
            found.update(places[1:])
    return found


def repeated_unlikely(values: Values, floor: int, ppm: int, most: int, pairs_needed: int) -> set[int]:
    """Fewer in a row are enough where equal neighbours are rare: the chance of k is p^(k - 1)."""
    neighbours = [(a, b) for a, b in pairwise(values) if a is not None and b is not None and b > 0]
    found: set[int] = set()
    for value, group in groupby(range(len(values)), key=lambda place: values[place]):
        places = list(group)
        if value is None or value <= 0 or value < floor:
            continue
        alike = [(a, b) for a, b in neighbours if b.bit_length() == value.bit_length()]
        least = None
        if len(alike) >= pairs_needed and ppm:
            chance = Fraction(sum(a == b for a, b in alike), len(alike))
            least = next((k for k in range(3, most) if chance ** (k - 1) <= Fraction(ppm, 1_000_000)), None)
        if least is not None and len(places) >= least:
            found.update(places[1:])
    return found


def repeated_together(rows: Sequence[tuple[int, ...] | None], least: int) -> set[int]:
    found: set[int] = set()
    for row, group in groupby(range(len(rows)), key=lambda place: rows[place]):
        places = list(group)
        if row is not None and row[0] != 0 and len(places) >= least:
            found.update(places[1:])
    return found


def zero_stretches(values: Values, outage: Sequence[int], least: int) -> set[int]:
    found: set[int] = set()
    there = [place for place, value in enumerate(values) if value is not None]
    for is_zero, group in groupby(there, key=lambda place: values[place] == 0 and not outage[place]):
        places = list(group)
        if is_zero and len(places) >= least:
            found.update(places)
    return found


def before_use(values: Values) -> set[int]:
    there = [place for place, value in enumerate(values) if value is not None]
    groups = [(zero, list(group)) for zero, group in groupby(there, key=lambda place: values[place] == 0)]
    if len(groups) < 2 or not groups[0][0] or len(groups[0][1]) < 2:
        return set()
    later = [len(places) for zero, places in groups[1:] if zero]
    return set(groups[0][1]) if len(groups[0][1]) > max(later, default=0) else set()


def rollovers(
    at: Sequence[int], reading: Sequence[int], good: Sequence[int], modulus: int, most: int
) -> tuple[list[int], set[int], set[int]]:
    """Registers without rollovers; first register of spans with a rollover; of spans that went down."""
    turned, adjusted, over, down, last = 0, [], set(), set(), None
    for place, value in enumerate(reading):
        if good[place]:
            if last is not None and value < reading[last]:
                used = value - reading[last] + modulus
                if modulus and used >= 0 and not (most and used > most * (at[place] - at[last])):
                    turned += modulus
                    over.add(last)
                else:
                    down.add(last)
            last = place
        adjusted.append(value + turned)
    return adjusted, over, down


def sum_check(
    values: Values, at: Sequence[int], reading: Sequence[int], good: Sequence[int], least: tuple[int, int],
    permille: tuple[int, int], per_week: int, most: int,
) -> tuple[set[int], list[int | None]]:  # fmt: skip
    """Spans that fail; the unexplained energy of each, None where it is not known."""
    failed, left = set(), []
    for span in range(len(at) - 1):
        here = values[at[span] : at[span + 1]]
        lacking = sum(value is None for value in here)
        if not (good[span] and good[span + 1]) or not here:
            left.append(None)
            continue
        moved = reading[span + 1] - reading[span]
        rest = moved - sum(value or 0 for value in here)
        left.append(None if lacking else rest)
        kind = int(at[span + 1] - at[span] > per_week)
        tolerance = max(Fraction(least[kind]), abs(moved) * Fraction(permille[kind], 1000))
        # What is missing has used something from nothing to the most that it can, if that is known.
        possible = [Fraction(0)] if not lacking else [Fraction(0), Fraction(most * lacking)] if most else None
        if rest < -tolerance or (possible is not None and rest > possible[-1] + tolerance):
            failed.add(span)
    return failed, left


def zone_check(reading: Sequence[int], zones: Sequence[Sequence[int]], tolerance: int) -> set[int]:
    return {
        span for span in range(len(reading) - 1)
        if abs(reading[span + 1] - reading[span] - sum(zone[span + 1] - zone[span] for zone in zones)) > tolerance
    }  # fmt: skip


def register_changed(at: Sequence[int], reading: Sequence[int], percent: int) -> set[int]:
    found = set()
    for span in range(1, len(at) - 1):
        previous = Fraction(reading[span] - reading[span - 1], at[span] - at[span - 1])
        current = Fraction(reading[span + 1] - reading[span], at[span + 1] - at[span])
        if current and abs((current - previous) / current) * 100 > percent:
            found.add(span)
    return found


def reference(days: Sequence[int], month: int) -> int | None:
    return next((other for other in (month - 12, month - 1) if other >= 0 and days[other]), None)


def usage(use: Sequence[int], days: Sequence[int], high: int, low: int) -> set[int]:
    found = set()
    for month in range(len(use)):
        other = reference(days, month)
        if not days[month] or other is None or use[other] <= 0:
            continue
        share = Fraction(use[month], days[month]) / Fraction(use[other], days[other])
        if share > Fraction(high, 100) or share < Fraction(low, 100):
            found.add(month)
    return found


def audit(use: Sequence[int], days: Sequence[int], high: int, low: int) -> set[int]:
    found = set()
    for month in range(len(use)):
        past = []
        if month >= 2 and days[month - 1] and days[month - 2]:
            past.append((use[month - 1] + use[month - 2], days[month - 1] + days[month - 2]))
        if month >= 12 and days[month - 12]:
            past.append((use[month - 12], days[month - 12]))
        past = [Fraction(*pair) for pair in past if pair[0] > 0]  # type: ignore[misc]
        if not days[month] or not past:
            continue
        now = Fraction(use[month], days[month])
        if all(now > then * Fraction(100 + high, 100) or now < then * Fraction(100 - low, 100) for then in past):
            found.add(month)
    return found


def winner(rows: Sequence[tuple[int, int, int, int, int]]) -> tuple[int, int, int, int, int]:
    """(value, rank, push, captured, source): actual above estimate, profile, later, first source, larger value."""
    return max(rows, key=lambda row: (row[1], -row[2], row[3], -row[4], row[0]))
