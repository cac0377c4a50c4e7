"""Kernels of estimation against plain Python, on small series with gaps anywhere."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.vee.estimate import Grid, Order, Side, Step, fill, kernels_votes
from agents.vee.estimate.history import History
from agents.vee.estimate.model import NO_TEMPERATURE
from agents.vee.estimate.order import Tuning, decay_of
from agents.vee.estimate.spans import share_out
from agents.vee.estimate.work import ESTIMATES, Work, work_on
from pipeline.codes import Method
from tests.oracles import estimate_oracle as oracle

PLACES = 4
TUNING = Tuning(like_days=2, window_days=21, season_days=3, period_days=10, near_weeks=2)


@st.composite
def series(draw: st.DrawFn) -> oracle.Plain:
    count = draw(st.integers(2, 30))
    size = count * PLACES
    lacking = draw(st.sets(st.integers(0, size - 1), max_size=12))
    week = draw(st.integers(0, 6))
    holidays = draw(st.sets(st.integers(0, count - 1), max_size=2))
    seed = draw(st.integers(0, 2**31))
    return oracle.Plain(
        [int(one) for one in np.random.default_rng(seed).integers(0, draw(st.sampled_from((3, 900))), size)],
        [at not in lacking for at in range(size)],
        PLACES,
        [6 if day in holidays else (day + week) % 7 for day in range(count)],
        week,
    )


def work_of(plain: oracle.Plain, side: Side = Side(), tuning: Tuning = TUNING) -> Work:
    count = len(plain.value)
    number = np.arange(count)
    first = 4 + plain.week  # 1970-01-05 was a Monday
    grid = Grid(
        start=first * 86400 + number * (86400 // PLACES),
        interval=86400 // PLACES,
        value=np.array(plain.value, np.int64),
        standing=np.array(plain.good, np.uint8),
        place=(number % PLACES).astype(np.int32),
        day=(first + number // PLACES).astype(np.int32),
        day_type=np.array(plain.types, np.uint8),
    )
    return work_on(History(grid), side, tuning)


def hidden(plain: oracle.Plain, at: int) -> tuple[oracle.Plain, int, int]:
    """The run of lacking intervals around `at`, which is one of them, within its day."""
    good = list(plain.good)
    good[at] = False
    first, last = at, at
    while first % PLACES and not good[first - 1]:
        first -= 1
    while (last + 1) % PLACES and not good[last + 1]:
        last += 1
    return plain._replace(good=good), first, last


@settings(max_examples=150, deadline=None)
@given(series(), st.data())
def test_methods_that_name_days(plain: oracle.Plain, data: st.DataObject) -> None:
    plain, first, last = hidden(plain, data.draw(st.integers(0, len(plain.value) - 1)))
    day = first // PLACES
    degrees = data.draw(st.lists(st.none() | st.integers(0, 60), min_size=len(plain.types), max_size=len(plain.types)))
    temperature = np.array([NO_TEMPERATURE if one is None else one for one in degrees], np.int32)
    work = work_of(plain, Side(temperature=temperature))
    near = oracle.near_day(plain, day, TUNING.window_days)
    expected = {
        Method.LIKE_DAY: oracle.like_days(plain, day, TUNING.window_days, TUNING.like_days),
        Method.NEAR_DAY: [] if near is None else [near],
        Method.PREVIOUS_PERIOD: oracle.previous_period(plain, day, TUNING.season_days, TUNING.period_days),
        Method.TEMPERATURE: oracle.temperature_days(plain, day, degrees, TUNING.temperature_tenths, TUNING.like_days),
    }
    for method, chosen in expected.items():
        count = ESTIMATES[method](work, first, last)
        assert work.history.used[:count].tolist() == chosen, method
        if chosen:
            assert work.history.out[first : last + 1].tolist() == oracle.of_days(plain, chosen, first, last)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.integers(360, 400))
def test_the_same_season_last_year_comes_first(seed: int, day: int) -> None:
    size = 401 * PLACES
    lacking = set(np.random.default_rng(seed).integers(0, size, 100).tolist())
    good = [at not in lacking for at in range(size)]
    plain = oracle.Plain(list(range(size)), good, PLACES, [one % 7 for one in range(401)], 0)
    plain, first, last = hidden(plain, day * PLACES)
    work = work_of(plain)
    count = ESTIMATES[Method.PREVIOUS_PERIOD](work, first, last)
    chosen = oracle.previous_period(plain, day, TUNING.season_days, TUNING.period_days)
    assert work.history.used[:count].tolist() == chosen


@settings(max_examples=150, deadline=None)
@given(series(), st.data())
def test_votes_of_the_days_around_and_of_the_ends(plain: oracle.Plain, data: st.DataObject) -> None:
    plain, first, last = hidden(plain, data.draw(st.integers(0, len(plain.value) - 1)))
    work = work_of(plain)
    decay = decay_of(TUNING, 86400 // PLACES).tolist()
    each = [oracle.votes(plain, at, TUNING.near_weeks) for at in range(first, last + 1)]
    for method in (Method.WEIGHTED_DAYS, Method.MEDIAN_DAYS, Method.BRIDGE):
        count = ESTIMATES[method](work, first, last)
        assert count == (len(each[0]) if all(each) else 0)
        if not count:
            continue
        assert work.history.used[:count].tolist() == [there // PLACES for _, _, there in each[0]]
        found = work.history.out[first : last + 1].tolist()
        if method is Method.MEDIAN_DAYS:
            assert found == [oracle.median([vote[:2] for vote in one]) for one in each]
            continue
        if method is Method.WEIGHTED_DAYS:
            sums = [(sum(v * (w // 1000) for v, w, _ in one), sum(w // 1000 for _, w, _ in one)) for one in each]
            assert found == [oracle.half_up(oracle.Fraction(*one)) for one in sums]
            continue
        bridged = [
            oracle.bridge_votes(plain, decay, TUNING.end_thousandths, TUNING.near_weeks, first, last, at)
            for at in range(first, last + 1)
        ]
        assert found == [oracle.median(one) for one in bridged]
        apart = sum(
            oracle.half_up(
                oracle.Fraction(
                    sum(abs(value - mine) * max(1, weight // 1000) for value, weight in one),
                    sum(max(1, weight // 1000) for _, weight in one),
                )
            )
            for one, mine in zip(bridged, found, strict=True)
        )
        history = work.history
        assert apart == kernels_votes.spread(
            history.series, TUNING, work.decay, first, last, first, last, history.out, history.votes
        )


@settings(max_examples=150, deadline=None)
@given(series(), st.data())
def test_a_line(plain: oracle.Plain, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(plain.value) - 1))
    last = data.draw(st.integers(first, min(first + 6, len(plain.value) - 1)))
    good = [was and not first <= at <= last for at, was in enumerate(plain.good)]
    plain = plain._replace(good=good)
    work = work_of(plain)
    expected = oracle.line(plain, first, last)
    assert bool(ESTIMATES[Method.LINEAR](work, first, last)) == (expected is not None)
    if expected is not None:
        assert work.history.out[first : last + 1].tolist() == expected


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**7), st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
def test_shares_are_whole_and_add_up(target: int, weights: list[int]) -> None:
    assert share_out(target, np.array(weights, np.int64)).tolist() == oracle.share_out(target, weights)


@given(
    st.sampled_from((0, 1, 7)) | st.integers(0, 2**62),
    st.lists(st.just(2**62) | st.integers(0, 2**62), min_size=1, max_size=5),
)
def test_shares_of_large_energies_add_up(target: int, weights: list[int]) -> None:
    shares = share_out(target, np.array(weights, np.int64))
    assert sum(shares.tolist()) == target
    assert (shares >= 0).all()


@settings(max_examples=100, deadline=None)
@given(series(), st.data())
def test_what_is_filled_meets_the_registers_or_says_why_not(plain: oracle.Plain, data: st.DataObject) -> None:
    work = work_of(plain)
    size = len(plain.value)
    at = sorted(data.draw(st.sets(st.integers(0, size), min_size=2, max_size=4)))
    readings = np.cumsum([data.draw(st.integers(0, 20_000)) for _ in at])
    grid = work.history.grid._replace(
        register_at=np.array(at, np.int64),
        register=readings.astype(np.int64),
        register_good=np.ones(len(at), np.uint8),
    )
    order = Order(steps=(Step(Method.BRIDGE), Step(Method.LIKE_DAY), Step(Method.FLAT), Step(Method.CARRIED)))
    filled = fill(grid, Side(), order)
    good = np.array(plain.good)
    assert (filled.value[good] == grid.value[good]).all()
    assert (filled.method[good] == 0).all()
    assert (filled.method[~good] != 0).all() == all(gap.method is not Method.NONE for gap in filled.gaps)
    covered = [index for gap in filled.gaps for index in range(gap.first, gap.last + 1)]
    assert covered == np.flatnonzero(~good).tolist()
    for low, high in pairwise(at):
        need = int(readings[at.index(high)] - readings[at.index(low)]) - int(grid.value[low:high][good[low:high]].sum())
        estimated = filled.value[low:high][~good[low:high]]
        if estimated.size and need >= 0 and (filled.method[low:high][~good[low:high]] != 0).all():
            assert int(estimated.sum()) == need
    again = fill(grid, Side(), order)
    assert all((one == two).all() for one, two in zip(filled[:3], again[:3], strict=True))
