"""The ticker writes the wall clock's time, unless that was set ahead."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from connectors.ticker import connector as ticker
from connectors.ticker.config import TickerConfig
from connectors.ticker.connector import TickClock
from pipeline.errors import Fatal, Transient
from schemas.load import load_contracts

DAY = 86_400


class Clocks:
    """A wall clock and a steady one, both by hand."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_700_000_000.0, 50.0

    def clock(self) -> TickClock:
        return TickClock(lambda: self.wall, lambda: self.steady)

    def pass_by(self, secs: float, jump: float = 0.0) -> None:
        self.wall += secs + jump
        self.steady += secs


def test_the_clock_is_the_wall_clock_while_it_keeps_to_the_steady_one() -> None:
    clocks = Clocks()
    clock = clocks.clock()
    for _ in range(1_000):
        # A machine whose clock is put right a little each time, as time services do.
        clocks.pass_by(300.0, jump=1.0)
        assert clock.now() == clocks.wall


@pytest.mark.parametrize("jump", [6.0, 3600.0, 365.0 * DAY])
def test_a_clock_that_was_set_ahead_is_refused(jump: float) -> None:
    clocks = Clocks()
    clock = clocks.clock()
    clocks.pass_by(300.0, jump)
    with pytest.raises(Fatal, match="CLOCK_AHEAD"):
        clock.now()


def test_a_clock_that_was_set_back_is_taken_as_it_is() -> None:
    clocks = Clocks()
    clock = clocks.clock()
    clocks.pass_by(300.0, jump=-1.0)
    assert clock.now() == clocks.wall


async def test_no_tick_is_written_from_a_clock_that_was_set_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks, written = Clocks(), []
    every = 300
    due = (int(clocks.wall) // every + 1) * every
    clocks.wall = due - 0.02

    def write(*place: Any) -> None:
        written.append(place[-1].time)
        # A moment after the tick somebody sets the clock, first for a good reason, then for a bad one.
        clocks.pass_by(every - 0.02, jump=DAY if len(written) == 3 else 0.01)
        if len(written) == 2:
            raise Transient("TICK_NOT_WRITTEN", where="frames", what="time-out", do="check the broker")

    monkeypatch.setattr(ticker, "write_to_all", write)
    with pytest.raises(Fatal, match="CLOCK_AHEAD"):
        await asyncio.wait_for(
            ticker.run(TickerConfig(every_secs=every), "nowhere:1", load_contracts(), "frames", 4, asyncio.Event(),
                       clocks.clock()), 10,
        )  # fmt: skip
    assert written == [due, due + every, due + 2 * every]


async def test_it_ends_when_it_is_told_to() -> None:
    stop = asyncio.Event()
    stop.set()
    await asyncio.wait_for(ticker.run(TickerConfig(), "nowhere:1", load_contracts(), "frames", 4, stop), 10)
