"""Facts laid on a grid: outages and temperatures against plain Python, the check meter's channel, the order."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.vee.estimate import Order, Side
from agents.vee.estimate.model import NO_TEMPERATURE
from agents.vee.series.calendar import grid_of
from agents.vee.series.facts import ends_of, order_beside, outages_on, side_of, temperatures_on
from agents.vee.series.settle import settle
from pipeline.codes import Method
from pipeline.quality import Quality
from tests.unit.agents.vee.series.series_builders import LIMITS, START, failed, grid, series

HALF_HOUR = 1800
TIMES = st.integers(START - 3 * HALF_HOUR, START + 15 * HALF_HOUR)
SPANS = st.lists(st.tuples(TIMES, st.integers(1, 4 * HALF_HOUR)).map(lambda one: (one[0], one[0] + one[1])), max_size=6)


@settings(max_examples=200, deadline=None)
@given(SPANS)
def test_outages_on_a_grid_are_those_of_every_second(spans: list[tuple[int, int]]) -> None:
    on = grid(12)
    dark = {second for begin, end in spans for second in range(begin // 60, end // 60)}
    whole = [(begin // 60 * 60, end // 60 * 60) for begin, end in spans]
    expected = []
    for begin in on.start.tolist():
        minutes = range(begin // 60, (begin + HALF_HOUR) // 60)
        lost = sum(minute in dark for minute in minutes)
        expected.append(2 if lost == 30 else 1 if lost else 0)
    assert outages_on(on, [span for span in whole if span[1] > span[0]]).tolist() == expected


def test_an_outage_of_a_day_of_25_hours_is_whole_only_with_all_of_them() -> None:
    zone = ZoneInfo("Europe/London")
    day = int(datetime(2023, 10, 29, tzinfo=zone).timestamp())
    on = grid_of(day, day + 3 * 86_400, 86_400, "Europe/London")
    assert np.diff(np.append(on.start, ends_of(on)[-1])).tolist() == [90_000, 86_400, 86_400]
    assert outages_on(on, [(day, day + 86_400)]).tolist() == [1, 0, 0]
    assert outages_on(on, [(day, day + 90_000), (day + 90_000, day + 90_001)]).tolist() == [2, 1, 0]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(-30, 80), st.integers(-400, 450)), max_size=30))
def test_the_temperature_of_a_day_is_the_mean_of_those_that_begin_on_it(hours: list[tuple[int, int]]) -> None:
    on = grid(96)
    found = temperatures_on(
        on, np.array([START + 3600 * hour for hour, _ in hours], np.int64), np.array([t for _, t in hours], np.int64)
    )
    for day in (0, 1):
        its = [tenths for hour, tenths in hours if day * 24 <= hour < day * 24 + 24]
        assert found[day] == ((2 * sum(its) + len(its)) // (2 * len(its)) if its else NO_TEMPERATURE)


def test_a_zero_in_a_confirmed_outage_is_an_actual_and_a_gap_in_it_is_zero() -> None:
    spans = [(START + 10 * HALF_HOUR, START + 20 * HALF_HOUR)]
    values = [300] * 10 + [0] * 5 + [None] * 5 + [300] * 28
    made = series(values, beside={"outage": outages_on(grid(48), spans)})
    done = settle(made, LIMITS)["wh_imp"]
    assert done.quality[10:15].tolist() == [Quality.ACTUAL] * 5
    assert done.value[15:20].tolist() == [0] * 5
    assert done.method[15:20].tolist() == [Method.OUTAGE] * 5
    assert "V26" not in made.channels["wh_imp"].not_judged
    assert failed(series([300] * 48, beside={"outage": outages_on(grid(48), spans)}), "V26") == set(range(10, 20))


def test_a_check_meter_is_compared_with_the_channel_that_it_measures_alone() -> None:
    beside = {"check": np.full(48, 300, np.int64), "check_there": np.ones(48, np.uint8)}
    made = series([300] * 47 + [310], vah_imp=[400] * 48, beside=beside)
    assert failed(made, "V34") == {47}
    assert not failed(made, "V34", "vah_imp")
    assert "V34" in made.channels["vah_imp"].not_judged
    assert not side_of(made.beside, "vah_imp").check.size
    assert side_of(made.beside, "wh_imp").check.size == 48


def methods(order: Order) -> list[Method]:
    return [step.method for step in order.steps]


@pytest.mark.parametrize(
    ("side", "first"),
    [(Side(), []), (Side(temperature=np.zeros(3, np.int32)), [Method.TEMPERATURE]),
     (Side(neighbours=np.zeros((5, 3), np.int64)), [Method.NEIGHBOURS])],
)  # fmt: skip
def test_what_is_known_of_the_day_comes_before_what_is_usual(side: Side, first: list[Method]) -> None:
    found = methods(order_beside(Order(), side))
    place = found.index(Method.LIKE_DAY)
    assert found[place - len(first) : place] == first
    assert sorted(found) == sorted(methods(Order()))
    assert found.index(Method.LINEAR) < place - len(first) + 1


def day_of(hour: int) -> int:
    return 100 + 10 * (hour % 24)


def test_a_day_that_was_as_warm_fills_a_gap_when_temperatures_are_given() -> None:
    days = 29
    # Thursdays were mild, but for two hot ones with twice the use.
    values: list[int | None] = [
        day_of(hour) * (2 if day in (9, 23) else 1) for day in range(days) for hour in range(24)
    ]
    values[23 * 24 + 8 : 23 * 24 + 16] = [None] * 8
    tenths = np.full(days, 250, np.int64)
    tenths[[9, 23]] = 410
    on = grid(24 * days, 3600)
    at = np.array([START + 86_400 * day for day in range(days)], np.int64)
    made = series(values, interval=3600, beside={"temperature": temperatures_on(on, at, tenths)})
    done = settle(made, LIMITS)["wh_imp"]
    gap = slice(23 * 24 + 8, 23 * 24 + 16)
    assert done.method[gap].tolist() == [Method.TEMPERATURE] * 8
    assert done.value[gap].tolist() == [2 * day_of(hour) for hour in range(8, 16)]
    plain = settle(series(values, interval=3600), LIMITS)["wh_imp"]
    assert plain.method[gap].tolist() == [Method.LIKE_DAY] * 8
