"""Room for what VEE writes."""

from __future__ import annotations

import pytest

from agents.vee.output import DAYS, READINGS, Buffers


@pytest.mark.parametrize(
    ("readings", "days", "expected"),
    [
        pytest.param(1000, 0, (2048, 500), id="readings are full"),
        pytest.param(0, 499, (1024, 1000), id="days are full"),
        pytest.param(1024, 500, (2048, 1000), id="both are full"),
    ],
)
def test_only_what_is_full_grows(readings: int, days: int, expected: tuple[int, int]) -> None:
    buffers = Buffers(1024, 500)
    buffers.cursor[READINGS], buffers.cursor[DAYS] = readings, days
    buffers.readings["interval_start"] = 7
    buffers.grow(288, 3)
    assert (len(buffers.readings), len(buffers.days)) == expected
    assert (buffers.readings["interval_start"][:1024] == 7).all()
