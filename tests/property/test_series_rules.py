"""Every kernel of whole series against its oracle, on any values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.vee.series import figures
from agents.vee.series import kernels_interval as ki
from agents.vee.series import kernels_periods as kp
from agents.vee.series import kernels_place as kl
from agents.vee.series import kernels_registers as kr
from agents.vee.series import kernels_runs as kn
from tests.oracles import series_oracle as oracle

pytestmark = pytest.mark.filterwarnings("ignore::numba.NumbaPerformanceWarning")

small = st.one_of(st.none(), st.integers(-3, 12), st.integers(0, 3), st.integers(0, 40_000))
series = st.lists(small, min_size=1, max_size=60)
quick = settings(max_examples=60, deadline=None)


def arrays(values: Any) -> tuple[np.ndarray, np.ndarray]:
    there = np.array([value is not None for value in values], np.uint8)
    # What stands where nothing is must not matter.
    return np.array([-77 if value is None else value for value in values], np.int64), there


def places(flags: np.ndarray, bit: Any) -> set[int]:
    return set(np.flatnonzero(flags & bit).tolist())


def words(count: int) -> np.ndarray:
    return np.zeros(count, np.uint64)


@quick
@given(series, st.integers(0, 40_000))
def test_missing_negative_and_range(values: Any, limit: int) -> None:
    value, there = arrays(values)
    flags = words(len(values))
    ki.missing(there, np.ones(len(values), np.uint8), flags)
    ki.negative(value, there, flags)
    ki.beyond_limit(value, there, limit, flags)
    assert places(flags, ki.V01) == oracle.missing(values)
    assert places(flags, ki.V07) == oracle.negative(values)
    assert places(flags, ki.V09) == oracle.beyond(values, limit)


@quick
@given(st.lists(st.tuples(small, small), min_size=1, max_size=60), st.integers(1, 5), st.integers(1, 99))
def test_reactive_and_apparent(pairs: Any, least: int, percent: int) -> None:
    wh, other = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    (first, one), (second, two) = arrays(wh), arrays(other)
    flags = words(len(pairs))
    ki.reactive_alone(first, second, one & two, least, percent, flags)
    ki.apparent_below_active(first, second, one & two, percent, flags)
    assert places(flags, ki.V15) == oracle.reactive_alone(wh, other, least, percent)
    assert places(flags, ki.V16) == oracle.apparent_below(wh, other, percent)


@quick
@given(series, st.integers(1, 500), st.integers(0, 10))
def test_change(values: Any, percent: int, floor: int) -> None:
    value, there = arrays(values)
    flags = words(len(values))
    ki.changed(value, there, percent, floor, flags)
    assert places(flags, ki.V21) == oracle.changed(values, percent, floor)


@quick
@given(st.lists(st.tuples(small, st.integers(0, 1)), min_size=1, max_size=60), st.integers(0, 20))
def test_inactive(pairs: Any, tolerance: int) -> None:
    values, inactive = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    value, there = arrays(values)
    flags = words(len(values))
    ki.inactive_use(value, there, np.array(inactive, np.uint8), tolerance, flags)
    assert places(flags, ki.V24) == oracle.inactive_use(values, inactive, tolerance)


@quick
@given(st.lists(small, min_size=1, max_size=80), st.integers(1, 300), st.integers(0, 20), st.integers(0, 20))
def test_spikes(values: Any, percent: int, floor: int, usual: int) -> None:
    value, there = arrays(values)
    bounds = np.array([*range(0, len(values), 8), len(values)], np.int64)
    flags, days = words(len(values)), words(len(bounds) - 1)
    kn.spikes(value, there, bounds, percent, floor, usual, flags, days)
    ranges = [range(a, b) for a, b in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)]
    found = oracle.spikes(values, ranges, percent, floor, usual)
    assert places(flags, kn.V14) == found
    assert places(days, kn.V14) == {day for day, here in enumerate(ranges) if found & set(here)}


@quick
@given(series, st.integers(2, 5), st.integers(0, 3))
def test_repeats_zeros_and_before_use(values: Any, least: int, floor: int) -> None:
    value, there = arrays(values)
    count = len(values)
    flags = words(count)
    kn.repeated(value, there, least, floor, flags)
    assert places(flags, kn.V25) == oracle.repeated(values, least, floor)
    outage = (np.arange(count) % 7 == 3).astype(np.uint8)
    kn.zero_stretches(value, there, outage, least, flags)
    assert places(flags, kn.V23) == oracle.zero_stretches(values, outage.tolist(), least)
    kn.before_use(value, there, flags)
    assert places(flags, kn.V11) == oracle.before_use(values)


@quick
@given(st.lists(small, min_size=1, max_size=60), st.integers(0, 300_000), st.integers(3, 8), st.integers(0, 4))
def test_repeats_that_are_no_chance(values: Any, ppm: int, most: int, floor: int) -> None:
    value, there = arrays(values)
    pairs, equal, flags = np.zeros(64, np.int64), np.zeros(64, np.int64), words(len(values))
    kn.neighbours_equal(value, there, pairs, equal)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "LEAST_PAIRS", 5)
        least = figures.least_repeats(pairs, equal, ppm, most)
    kn.repeated_unlikely(value, there, least, floor, flags)
    assert places(flags, kn.V25) == oracle.repeated_unlikely(values, floor, ppm, most, 5)


@quick
@given(st.lists(st.one_of(st.none(), st.tuples(st.integers(0, 1), st.integers(0, 1))), min_size=1, max_size=40))
def test_repeats_of_all_channels(rows: Any) -> None:
    values = np.array([[-1, -2] if row is None else row for row in rows], np.int64).T.copy()
    there = np.array([row is not None for row in rows], np.uint8)
    flags = words(len(rows))
    kn.repeated_together(values, there, 3, flags)
    assert places(flags, kn.V25) == oracle.repeated_together(rows, 3)


@quick
@given(
    st.lists(st.integers(0, 999), min_size=2, max_size=9), st.data(), st.sampled_from([0, 1000]), st.integers(0, 400)
)  # fmt: skip
def test_rollover(reading: Any, data: Any, modulus: int, most: int) -> None:
    good = data.draw(st.lists(st.integers(0, 1), min_size=len(reading), max_size=len(reading)))
    at = list(range(0, 3 * len(reading), 3))
    spans, adjusted = words(len(reading) - 1), np.zeros(len(reading), np.int64)
    kr.without_rollover(
        np.array(at), np.array(reading, np.int64), np.array(good, np.uint8), modulus, most, spans, adjusted
    )
    expected, over, down = oracle.rollovers(at, reading, good, modulus, most)
    assert adjusted.tolist() == expected
    assert (places(spans, kr.V08), places(spans, kr.V07)) == (over, down)


@quick
@given(st.lists(st.one_of(st.none(), st.integers(0, 50)), min_size=12, max_size=40), st.data())
def test_sum_check_and_register_change(values: Any, data: Any) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(values)), min_size=2, max_size=6)))
    reading = data.draw(st.lists(st.integers(0, 400), min_size=len(cuts), max_size=len(cuts)))
    good = data.draw(st.lists(st.integers(0, 1), min_size=len(cuts), max_size=len(cuts)))
    most = data.draw(st.sampled_from([0, 40]))
    value, there = arrays(values)
    spans, left = words(len(cuts) - 1), np.zeros(len(cuts) - 1, np.int64)
    at, register, least, permille = np.array(cuts), np.array(reading, np.int64), (20, 60), (100, 50)
    kr.sum_check(
        value, there, at, register, np.array(good, np.uint8), np.array(least), np.array(permille), 9, most, spans, left
    )
    failed, expected = oracle.sum_check(values, cuts, reading, good, least, permille, 9, most)
    assert places(spans, kr.V12) == failed
    assert [None if item == kr.NOT_COMPARED else item for item in left.tolist()] == expected
    kr.register_changed(at, register, np.ones(len(cuts), np.uint8), 30, spans)
    assert places(spans, kr.V20) == oracle.register_changed(cuts, reading, 30)


@quick
@given(st.lists(st.tuples(*[st.integers(0, 300)] * 3), min_size=2, max_size=8), st.integers(0, 100))
def test_zones(rows: Any, tolerance: int) -> None:
    reading, *zones = (list(column) for column in zip(*rows, strict=True))
    spans = words(len(rows) - 1)
    kr.zone_check(np.array(reading), np.array(zones), np.ones(len(rows), np.uint8), tolerance, spans)
    assert places(spans, kr.V13) == oracle.zone_check(reading, zones, tolerance)


months = st.lists(
    st.tuples(st.integers(0, 900), st.sampled_from([0, 28, 30, 31])), min_size=1, max_size=30
)  # fmt: skip


@quick
@given(months)
def test_usage_and_audit(rows: Any) -> None:
    use, days = [row[0] for row in rows], [row[1] for row in rows]
    flags = words(len(rows))
    kp.usage_unusual(np.array(use), np.array(days), 200, 35, flags)
    kp.audit_unusual(np.array(use), np.array(days), 20, 50, flags)
    assert places(flags, kp.V17) == oracle.usage(use, days, 200, 35)
    assert places(flags, kp.V19) == oracle.audit(use, days, 20, 50)


rows_of_one = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(0, 1), st.integers(0, 2), st.integers(0, 2)),
    min_size=1, max_size=8,
)  # fmt: skip


@quick
@given(st.lists(rows_of_one, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_winner_of_duplicates_does_not_depend_on_their_order(intervals: Any, chance: Any) -> None:
    flat = [(slot, row) for slot, rows in enumerate(intervals) for row in rows]
    chance.shuffle(flat)
    slot = np.array([item[0] for item in flat], np.int64)
    value, rank, push, captured, source = np.array([item[1] for item in flat], np.int64).T.copy()
    chosen = np.full(len(intervals), -1, np.int64)
    same, other = np.zeros(len(intervals), np.int32), np.zeros(len(intervals), np.int32)
    kl.winners(
        slot, value, rank.astype(np.uint8), push.astype(np.uint8), captured, source.astype(np.uint32), chosen, same,
        other,
    )  # fmt: skip
    for place, rows in enumerate(intervals):
        best = oracle.winner(rows)
        assert flat[chosen[place]][1] == best
        assert same[place] == sum(row[0] == best[0] for row in rows) - 1
        assert other[place] == sum(row[0] != best[0] and row[1] == best[1] for row in rows)
