"""Many light meters: what they answer is a day of intervals, and the bound of a gateway is held."""

from __future__ import annotations

import pytest

from bench import pull_meters


def test_a_few_light_meters_give_a_day_each_within_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull_meters, "COMMAND_SECS", 0.02)
    found = pull_meters.measure(meters=40, gateways=4, bound=3, delay_ms=5)
    assert found.right
    assert (found.rows, found.commands_done) == (40 * pull_meters.ROWS, pull_meters.COMMANDS)
    # The filler leaves a place at each gateway to commands.
    assert 2 <= found.most_at_a_gateway <= 3
    # A day is more than one block of an answer.
    assert found.answers > 40 * 8
