"""What is kept of load switches tells the days that plain Python tells, in any cut; a copy changes nothing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.localtime import DAY_SECS
from tests.unit.agents.exceptions.test_rules import OPEN, Queue, begin, used

HOUR = 3_600
Values = list[tuple[int, int]]
"""(epoch seconds, OPEN or CLOSED), in order of time."""

VALUES = st.lists(st.tuples(st.integers(0, 120), st.integers(0, 1)), max_size=14, unique_by=lambda value: value[0]).map(
    lambda values: [(begin(0) + hour * HOUR, state) for hour, state in sorted(values)]
)


def open_days(values: Values) -> set[int]:
    """Days that the newest time of an open switch holds: from its first value to its last one."""
    times: list[int] = []
    for place, (time, state) in enumerate(values):
        if state == OPEN:
            times = times if place and values[place - 1][1] == OPEN else []
            times = [*times, time]
    if not times:
        return set()
    return {day for day in range(7) if times[0] <= begin(day) and times[-1] >= begin(day) + DAY_SECS}


def told(queue: Queue) -> set[int]:
    return {day for day in range(7) if queue.days(used(day))}


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_a_day_is_told_when_the_switch_was_open_on_both_sides_of_it(values: Values) -> None:
    one, whole, twice = Queue(), Queue(), Queue()
    for value in values:
        one.switches(value)
        twice.switches(value, value)
    if values:
        whole.switches(*values)
    assert told(one) == told(whole) == told(twice) == open_days(values)
