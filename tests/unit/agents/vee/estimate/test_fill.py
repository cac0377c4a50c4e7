"""A series is filled: which method, which value, and what the registers make of it."""

from __future__ import annotations

import numpy as np
import pytest

from agents.vee.estimate import Grid, Order, Side, Step, fill
from agents.vee.estimate.model import GOOD, LACKS, NO_END, OUTSIDE, UNKNOWN
from pipeline.codes import Method

HOUR = 3600
MONDAY = 19723 + 7  # 2024-01-08


def grid(values: list[int | None], interval: int = HOUR, **more: object) -> Grid:
    """A grid from a Monday's midnight on; None lacks a value."""
    count, places = len(values), 86400 // interval
    place = np.arange(count, dtype=np.int32) % places
    day = (MONDAY + np.arange(count) // places).astype(np.int32)
    found = Grid(
        start=MONDAY * 86400 + np.arange(count, dtype=np.int64) * interval,
        interval=interval,
        value=np.array([value or 0 for value in values], np.int64),
        standing=np.array([LACKS if value is None else GOOD for value in values], np.uint8),
        place=place,
        day=day,
        day_type=((np.arange(int(day[-1]) - int(day[0]) + 1) + MONDAY + 3) % 7).astype(np.uint8),
    )
    return found._replace(**more)


def registers(grid: Grid, at: list[int], readings: list[int], good: list[int] | None = None) -> Grid:
    return grid._replace(
        register_at=np.array(at, np.int64),
        register=np.array(readings, np.int64),
        register_good=np.array(good or [1] * len(at), np.uint8),
    )


def test_golden_e03_a_line() -> None:
    filled = fill(grid([400, None, None, None, 800], 1800), Side(), Order())
    assert filled.value.tolist() == [400, 500, 600, 700, 800]
    assert filled.method.tolist() == [0, 3, 3, 3, 0]
    (gap,) = filled.gaps
    assert (gap.first, gap.last, gap.method, gap.inputs) == (1, 3, Method.LINEAR, (0, 4))


def test_golden_e06_factor_is_one_and_a_quarter() -> None:
    # S_good 7.0, S_est 2.4 (line between 0.8 and 0.8), dR 10.0
    series = registers(grid([6200, 800, None, None, None, 800], 1800), [0, 5], [100_000, 110_000])
    filled = fill(series, Side(), Order())
    (gap,) = filled.gaps
    assert (gap.scaled_numerator, gap.scaled_denominator) == (3000, 2400)
    assert gap.scaled_numerator / gap.scaled_denominator == 1.25
    assert filled.value.tolist() == [6200, 800, 1000, 1000, 1000, 800]
    assert filled.method.tolist() == [0, 0, 6, 6, 6, 0]
    assert not filled.suspect.any()


def test_one_side_is_carried_flat() -> None:
    filled = fill(grid([None, None, 300, 200, None], 1800), Side(), Order())
    assert filled.value.tolist() == [300, 300, 300, 200, 200]


def test_an_outage_is_actual_but_no_end_point() -> None:
    standing = np.array([GOOD, NO_END, LACKS, GOOD, GOOD], np.uint8)
    series = grid([100, 5, None, 300, 300], 1800, standing=standing)
    filled = fill(series, Side(), Order())
    assert filled.value.tolist() == [100, 5, 300, 300, 300]
    assert filled.gaps[0].inputs == (3,)


def test_outages_give_zeros_inside_and_between() -> None:
    outage = np.array([0, 1, 1, 0, 1, 0, 0], np.uint8)
    standing = np.array([GOOD, NO_END, LACKS, LACKS, NO_END, LACKS, GOOD], np.uint8)
    series = grid([100, 0, None, None, 0, None, 300], 1800, standing=standing)
    filled = fill(series, Side(outage=outage), Order())
    assert filled.value.tolist() == [100, 0, 0, 0, 0, 300, 300]
    assert filled.method.tolist() == [0, 0, 1, 1, 0, 3, 0]
    kept = fill(series, Side(outage=outage), Order(zero_between_outages=False))
    assert kept.method.tolist() == [0, 0, 1, 9, 0, 3, 0]


def weeks(count: int) -> list[int | None]:
    """Each day has another level, each hour another shape."""
    return [1000 * (day + 1) + 10 * hour for day in range(7 * count) for hour in range(24)]


def test_e04_is_the_mean_of_the_three_latest_days_of_the_type() -> None:
    values = weeks(6)
    first = 35 * 24 + 4  # Monday of the sixth week
    values[first : first + 6] = [None] * 6
    filled = fill(grid(values), Side(), Order())
    expected = [1000 * (14 + 21 + 28 + 3) // 3 + 10 * hour for hour in range(4, 10)]
    assert filled.value[first : first + 6].tolist() == expected
    assert filled.gaps[0].inputs == (MONDAY + 28, MONDAY + 21, MONDAY + 14)
    assert set(filled.method[first : first + 6].tolist()) == {Method.LIKE_DAY}


def test_e04_leaves_out_days_that_are_not_whole_or_had_an_outage() -> None:
    values = weeks(4)
    first = 21 * 24 + 4
    values[first : first + 6] = [None] * 6
    series = grid(values)
    series.standing[14 * 24] = NO_END
    filled = fill(series, Side(), Order())
    assert filled.gaps[0].inputs == (MONDAY + 7, MONDAY)


def test_a_holiday_is_a_sunday() -> None:
    values = weeks(4)
    first = 21 * 24 + 4
    values[first : first + 6] = [None] * 6
    series = grid(values)
    series.day_type[21] = 6
    assert fill(series, Side(), Order()).gaps[0].inputs == (MONDAY + 20, MONDAY + 13, MONDAY + 6)


@pytest.mark.parametrize(
    ("lacking", "taken"),
    [
        (15, 9),  # Tuesday: the last one is not whole, so the Wednesday of the week before
        (18, 11),  # Friday: the Friday before
    ],
)
def test_e05_goes_by_the_like_day_table(lacking: int, taken: int) -> None:
    values = weeks(3)
    first = lacking * 24 + 4
    values[first : first + 6] = [None] * 6
    for day in (1, 8):
        values[day * 24] = None
    order = Order(steps=(Step(Method.NEAR_DAY), Step(Method.CARRIED)))
    filled = fill(grid(values), Side(), order)
    gap = next(gap for gap in filled.gaps if gap.first == first)
    assert (gap.method, gap.inputs) == (Method.NEAR_DAY, (MONDAY + taken,))
    assert filled.value[first] == 1000 * (taken + 1) + 40


def test_e05_takes_the_same_week_then_a_later_one() -> None:
    values = weeks(2)
    values[24:48] = [None] * 24  # first Tuesday: Wednesday of the same week
    assert fill(grid(values), Side(), Order()).gaps[0].inputs == (MONDAY + 2,)
    values = weeks(2)
    values[:24] = [None] * 24  # first Monday: the one after
    assert fill(grid(values), Side(), Order()).gaps[0].inputs == (MONDAY + 7,)


def test_e08_spreads_the_register_difference_evenly() -> None:
    series = registers(grid([None] * 3 + [50], 1800), [0, 4], [1000, 1151])
    filled = fill(series, Side(), Order(steps=(Step(Method.FLAT),)))
    assert filled.value.tolist() == [34, 34, 33, 50]
    assert filled.method.tolist() == [8, 8, 8, 0]


def test_without_any_weight_the_need_is_spread_evenly() -> None:
    series = registers(grid([0, None, None, 0], 1800), [0, 4], [0, 9])
    filled = fill(series, Side(), Order())
    assert filled.value.tolist() == [0, 5, 4, 0]
    assert filled.method.tolist() == [0, 8, 8, 0]


def test_a_negative_need_is_not_scaled() -> None:
    series = registers(grid([10, None, 10], 1800), [0, 3], [0, 15])
    filled = fill(series, Side(), Order())
    assert filled.value.tolist() == [10, 10, 10]
    assert "not scaled" in filled.gaps[0].why


@pytest.mark.parametrize(("energy", "suspect"), [(519, 0), (521, 1), (139, 0), (119, 1)])
def test_a_factor_that_is_hard_to_believe_is_suspect(energy: int, suspect: int) -> None:
    # The estimate is 100, so the registers ask for a factor of (energy - 100 or 20) / 100.
    good = 20
    series = registers(grid([good, None, 180], 1800), [0, 2], [0, energy if energy > 200 else energy - 80])
    filled = fill(series, Side(), Order())
    assert filled.value[1] == filled.gaps[0].scaled_numerator
    assert filled.suspect.tolist() == [0, suspect, 0]


def test_e07_scales_each_zone_to_its_own_register() -> None:
    series = registers(grid([100, None, None, 100], 1800), [0, 4], [0, 420])
    side = Side(
        zone=np.array([0, 0, 1, 1], np.uint8),
        zone_register=np.array([[0, 250], [0, 170]], np.int64),
        zone_register_good=np.ones((2, 2), np.uint8),
    )
    filled = fill(series, side, Order())
    assert filled.value.tolist() == [100, 150, 70, 100]
    assert filled.method.tolist() == [0, 7, 7, 0]


def test_agreed_values_come_first_and_are_not_scaled() -> None:
    agreed = np.full(4, UNKNOWN, np.int64)
    agreed[1] = 7
    series = registers(grid([100, None, None, 100], 1800), [0, 4], [0, 407])
    filled = fill(series, Side(agreed=agreed), Order())
    assert filled.value.tolist() == [100, 7, 200, 100]
    assert filled.method.tolist() == [0, 19, 6, 0]


def test_each_day_of_a_gap_is_scaled_to_its_own_midnight_registers() -> None:
    values: list[int | None] = [100] * 24 * 16
    first = 14 * 24
    values[first : first + 48] = [None] * 48
    series = registers(grid(values), [first, first + 24, first + 48], [0, 1200, 6000])
    filled = fill(series, Side(), Order())
    assert set(filled.value[first : first + 24].tolist()) == {50}
    assert set(filled.value[first + 24 : first + 48].tolist()) == {200}
    assert [(gap.first, gap.scaled_numerator, gap.scaled_denominator) for gap in filled.gaps] == [
        (first, 1200, 2400),
        (first + 24, 4800, 2400),
    ]


def test_what_no_method_fills_still_lacks_a_value_and_says_so() -> None:
    standing = np.array([OUTSIDE, OUTSIDE, LACKS], np.uint8)
    filled = fill(grid([1, 1, None], standing=standing), Side(), Order())
    assert filled.method.tolist() == [0, 0, 0]
    assert filled.gaps[0].method is Method.NONE
    assert filled.gaps[0].why == "no method applies"


def test_nothing_lacking_is_left_as_sent() -> None:
    series = grid([1, 2, 3])
    filled = fill(series, Side(), Order())
    assert filled.value.tolist() == [1, 2, 3]
    assert not filled.gaps


def test_an_interval_that_does_not_divide_a_day_is_refused() -> None:
    with pytest.raises(ValueError, match="does not divide a day"):
        fill(grid([1, 2])._replace(interval=7000), Side(), Order())
