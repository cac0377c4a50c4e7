"""When fresh records are written, and that a backlog is left to the limits of a block."""

from __future__ import annotations

import pytest

from sinks.pace import LEAST_POLL_SECS, Pace, PaceOptions

FRESH, OLD, UNKNOWN = 0.5, 4.0, None


def pace(**options: float) -> Pace:
    return Pace(PaceOptions(**{"fresh_secs": 3.0, "pause_secs": 0.2, "write_share": 0.25, **options}), 5.0)


def test_fresh_records_are_written_at_once_when_nothing_was_for_a_while() -> None:
    assert pace().is_due(100.0, FRESH, idle=False)


def test_a_backlog_or_records_of_unknown_age_wait_for_their_block() -> None:
    assert not pace().is_due(100.0, OLD, idle=False)
    assert not pace().is_due(100.0, UNKNOWN, idle=False)
    assert not pace(fresh_secs=0.0).is_due(100.0, FRESH, idle=False)


def test_the_rest_of_a_backlog_is_written_when_no_more_comes() -> None:
    one = pace()
    assert one.is_due(100.0, OLD, idle=True)
    one.wrote(100.0, 101.0)
    assert not one.is_due(101.1, UNKNOWN, idle=True), "and not more often than its share"


def test_between_two_blocks_lies_the_pause() -> None:
    one = pace()
    one.wrote(10.0, 10.01)
    assert not one.is_due(10.2, FRESH, idle=False)
    assert one.is_due(10.22, FRESH, idle=False)


def test_writing_takes_no_more_than_its_share_of_the_time() -> None:
    one = pace()
    one.wrote(10.0, 10.4)  # a quarter of the time: three times as long is rested
    assert not one.is_due(11.59, FRESH, idle=False)
    assert one.is_due(11.61, FRESH, idle=False)


def test_no_rest_is_longer_than_a_block_may_wait() -> None:
    one = pace()
    one.wrote(10.0, 40.0)
    assert not one.is_due(44.9, FRESH, idle=False)
    assert one.is_due(45.1, FRESH, idle=False)


def test_messages_are_waited_for_until_something_may_be_written() -> None:
    one = pace()
    one.wrote(10.0, 10.01)
    assert one.patience(10.11, FRESH, 0.5) == pytest.approx(0.1)
    assert one.patience(10.11, FRESH, 0.05) == 0.05
    assert one.patience(12.0, FRESH, 0.5) == LEAST_POLL_SECS
    assert one.patience(10.11, OLD, 0.5) == 0.5
