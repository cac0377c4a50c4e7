"""A wall clock that is set back ends the process; anything else that clocks do is let be."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cli.wall_clock import SPARE_SECS, WallClock
from pipeline.errors import KvarnError


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ([0.0, 0.0], []),
        ([3600.0, 86_400.0], []),  # set forwards
        ([-SPARE_SECS / 2] * 20, []),  # slewed, or set back by little
        ([-3600.0], ["CLOCK_BACK"]),
        ([3600.0, -3600.0, 0.0], ["CLOCK_BACK"]),  # back where it was, once
    ],
)
def test_only_a_clock_that_is_set_back_is_noticed(steps: list[float], found: list[str]) -> None:
    now, ahead, ended = 100.0, 1_000_000.0, list[KvarnError]()
    clock = WallClock(ended.append, lambda: now + ahead, lambda: now)
    for step in steps:
        now += 0.5
        ahead += step
        clock.look()
    assert [error.code for error in ended] == found


def test_the_process_ends_with_a_reason_from_whatever_it_does() -> None:
    code = (
        "import threading, time, itertools\n"
        "from cli.wall_clock import WallClock\n"
        "ahead = itertools.chain([0.0, 0.0], itertools.repeat(-60.0))\n"
        "WallClock(wall=lambda: time.monotonic() + next(ahead)).watch()\n"
        "threading.Event().wait(30)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "CLOCK_BACK" in done.stdout + done.stderr
