"""Ends a process whose wall clock was set back.

Nothing that Kvarn computes depends on the wall clock, but librdkafka waits by it: a wait of a second that began before
the clock was set back by an hour ends an hour later, and no watchdog inside that library hears of it. A start takes
seconds. So the process ends with a reason, whatever it is doing, and its process manager starts it again.
"""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from collections.abc import Callable

import structlog

from cli.output import exit_code
from pipeline.errors import Fatal, KvarnError

LOOK_SECS = 0.5
SPARE_SECS = 2.0
"""Set back by less, it is only waited for longer. Slewing, as time services do, never gets there."""

log = structlog.get_logger()


def end(error: KvarnError) -> None:
    """End this process from whatever thread."""
    number = exit_code(error)
    log.critical("process ends", code=error.code, reason=str(error), exit_code=number)
    sys.stderr.flush()
    os._exit(number)


class WallClock:
    """Compares the wall clock with the steady one; `look` calls `ended` when it was set back."""

    def __init__(
        self,
        ended: Callable[[KvarnError], None] = end,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ended, self._wall, self._steady = ended, wall, steady
        self._ahead = wall() - steady()

    def look(self) -> None:
        """As of now."""
        ahead = self._wall() - self._steady()
        back, self._ahead = self._ahead - ahead, ahead
        if back > SPARE_SECS:
            self._ended(
                Fatal(
                    "CLOCK_BACK",
                    where="wall clock",
                    what=f"it was set back by {back:.0f} s, by which the Kafka client would sleep too long",
                    do="nothing: the next start goes on; look at this machine's time service",
                )
            )

    def watch(self) -> None:
        """Look again and again, on a thread of its own, as long as the process lives."""
        threading.Thread(target=self._watch, name="wall clock", daemon=True).start()

    def _watch(self) -> None:
        while True:
            # Relative, unlike time.sleep's: it does not depend on what a clock says in the meantime.
            select.select([], [], [], LOOK_SECS)
            self.look()
