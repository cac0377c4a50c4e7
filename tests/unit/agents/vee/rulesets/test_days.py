"""Day types: weekdays, and the holidays of a state, as a utility's own file changes them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.vee.rulesets import calendar_of, day_types
from agents.vee.rulesets.days import STATES, shipped
from agents.vee.rulesets.read import EPOCH
from pipeline.errors import ConfigError


def number(text: str) -> int:
    return (date.fromisoformat(text) - EPOCH).days


def types(state: str | None, first: str, last: str, own: str | None = None) -> list[int]:
    calendar = None if own is None else calendar_of(own, "own.yaml")
    found = day_types(state, number(first), number(last), calendar)
    assert found.dtype.str == "|u1"
    return found.tolist()


@given(st.integers(-20_000, 60_000), st.integers(0, 40), st.sampled_from([None, *sorted(STATES)]))
def test_a_day_has_the_type_of_its_weekday_unless_it_is_a_holiday(first: int, days: int, state: str | None) -> None:
    for place, found in enumerate(day_types(state, first, first + days).tolist()):
        day = EPOCH + timedelta(days=first + place)
        assert found == (6 if shipped().name_of(day, state) else day.weekday())


def test_national_holidays_hold_in_every_state_and_state_days_in_theirs_alone() -> None:
    # 2026-01-26 is a Monday, 2026-05-01 a Friday, 2026-11-01 a Sunday, 2026-06-02 a Tuesday.
    for state in (None, *STATES):
        assert types(state, "2026-01-25", "2026-01-27") == [6, 6, 1]
    assert (types("MH", "2026-05-01", "2026-05-01"), types("KA", "2026-05-01", "2026-05-01")) == ([6], [4])
    assert (types("TS", "2013-06-02", "2013-06-03"), types("TS", "2015-06-02", "2015-06-02")) == ([6, 0], [6])
    assert types("TS", "2012-06-02", "2012-06-02") == [5]  # before there was a Telangana


def test_a_utility_s_file_adds_and_removes() -> None:
    own = """
add:
  - {date: 2026-03-04, name: Holi}
  - {month_day: 12-25, name: Christmas, from_year: 2020, states: [KA]}
  - {date: 2026-05-01, name: declared again}
remove:
  - {month_day: 05-01}
  - {date: 2026-10-02}
"""
    assert types("MH", "2026-03-03", "2026-03-05", own) == [1, 6, 3]
    assert types("MH", "2026-10-02", "2026-10-02", own) == [4]
    assert (types("MH", "2026-05-01", "2026-05-01", own), types("MH", "2028-05-01", "2028-05-01", own)) == ([6], [0])
    assert (types("KA", "2026-12-25", "2026-12-25", own), types("MH", "2026-12-25", "2026-12-25", own)) == ([6], [4])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it says nothing"),
        ("add:\n  - {date: 2026-03-04}", "line 2: add.0.name"),
        ("add:\n  - {name: x}", "give `date` or `month_day`"),
        ("add:\n  - {month_day: 13-01, name: x}", "line 2: add.0.month_day"),
        ("add:\n  - {month_day: 01-01, name: x, states: [Bombay]}", "no such state: Bombay"),
        ("plus: []", "plus"),
    ],
)
def test_a_calendar_that_is_wrong_is_refused_with_its_line(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match="HOLIDAYS_FAULT") as error:
        calendar_of(text, "own.yaml")
    assert says in str(error.value)


def test_a_state_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="STATE_UNKNOWN"):
        day_types("Maharashtra", 0, 1)
