"""The usage stage says what plain Python says of the final days, whatever was provisional and however it was cut."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.usage.config import UsageConfig
from agents.usage.kernels_code import code_of, figure_of
from tests.builders_usage import FINAL, PROVISIONAL, Row, Stage
from tests.oracles.usage_oracle import Day, changes_of, rounded

CONFIG = UsageConfig(estimated_bills=1)
RULES = ("V17", "V18", "V19", "V22", "V30")
HOT_DAYS = 3

MONTH = st.fixed_dictionaries({
    "use": st.sampled_from([0, 900, 1_000, 2_001, 5_000, 20_000, 9_000_000]),
    "peak": st.sampled_from([0, 100, 500, 1_002, 4_000_002]),
    "known": st.sampled_from([31, 31, 31, 22, 21, 20, 0]),
    "absent": st.sampled_from([0, 0, 0, 23, 24, 25, 48]),
    "silent": st.sampled_from([False] * 9 + [True]),
})  # fmt: skip


def days_of(first: date, months: list[dict[str, Any]], rng: random.Random) -> dict[date, Day]:
    """Days of months one after another; what is not known of a month lies at its end."""
    found: dict[date, Day] = {}
    day = first
    for month in months:
        begun, number = day, 0
        while day.month == begun.month:
            known = number < month["known"]
            absent = month["absent"] if known else max(month["absent"], 1)
            use = month["use"] + rng.randrange(100) if month["use"] else 0
            if not month["silent"]:
                found[day] = Day(use, known, month["peak"] // (1 + number % 3) // 2 * 2, 48, absent)
            day, number = day + timedelta(days=1), number + 1
    return found


def records_of(days: dict[int, dict[date, Day]], rng: random.Random, together: int) -> Iterator[list[Row]]:
    """What VEE settles: each day some times while it is hot, with other figures, then for good; several days' ticks
    in a record, rows of a record in any order."""
    every = sorted({day for own in days.values() for day in own})
    if not every:
        return
    rows: list[Row] = []
    today = every[0]
    while today <= every[-1] + timedelta(days=HOT_DAYS):
        for point, own in days.items():
            for back in range(1, HOT_DAYS):
                hot = own.get(today - timedelta(days=back))
                if hot is not None and rng.random() < 0.5:
                    other = Day(rng.randrange(10**6), True, rng.randrange(1000) * 2, 48, rng.randrange(2))
                    rows.append(Row(point, today - timedelta(days=back), other, PROVISIONAL))
            over = today - timedelta(days=HOT_DAYS)
            if over in own:
                if rng.random() < 0.02:  # before, and other: a day counts as it was when it left the window
                    rows.append(Row(point, over, Day(1, True, 2), FINAL))
                rows.append(Row(point, over, own[over], FINAL))
        today += timedelta(days=1)
        if (today - every[0]).days % together == 0:
            yield shuffled(rows, rng)
            rows = []
    yield rows


def shuffled(rows: list[Row], rng: random.Random) -> list[Row]:
    """In any order but that of two final rows of the same day."""
    keys = [rng.random() for _ in rows]
    mine: dict[tuple[int, date], list[int]] = {}
    for place, row in enumerate(rows):
        if row.state == FINAL:
            mine.setdefault((row.point, row.day), []).append(place)
    for places in mine.values():
        for place, key in zip(places, sorted(keys[place] for place in places), strict=True):
            keys[place] = key
    return [rows[place] for place in sorted(range(len(rows)), key=keys.__getitem__)]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(MONTH, min_size=1, max_size=17), min_size=1, max_size=2),
    st.dates(date(2023, 1, 1), date(2024, 12, 28)), st.sampled_from([1, 4, 40]), st.integers(0, 2**20),
)  # fmt: skip
def test_it_says_what_plain_python_says(
    points: list[list[dict[str, Any]]], first: date, together: int, seed: int
) -> None:
    rng = random.Random(seed)
    days = {point: days_of(first, months, rng) for point, months in enumerate(points, start=1)}
    found = Stage(CONFIG).changes(records_of(days, rng, together))
    for point, own in days.items():
        expected = changes_of(own, CONFIG)
        for rule in RULES:
            assert found.get(point, {}).get(rule, []) == expected[rule], (point, rule)


@settings(max_examples=300)
@given(st.integers(0, 2**42 - 2**32))
def test_a_code_is_the_figure_to_twelve_binary_digits(figure: int) -> None:
    code = code_of(np.int64(figure))
    assert 0 < code < 2**16
    assert figure_of(code) == rounded(figure)
    assert code_of(np.int64(figure + 1)) >= code


def test_no_figure_is_zero_and_too_large_a_figure_is_the_largest() -> None:
    assert figure_of(np.int64(0)) == 0
    assert code_of(np.int64(2**50)) == 2**16 - 1
