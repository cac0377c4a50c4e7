"""When a record's time has come: as far from the first one as it was recorded, over the speed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Spacing:
    """`speed` in times the original; 0: nothing waits. `sleep` may return early when nobody wants to go on."""

    speed: float
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    behind: float | None = field(default=None, init=False)
    """The most seconds that a record was late; None when nothing waits."""
    _began: float = field(default=0.0, init=False)
    _first_ms: int | None = field(default=None, init=False)

    def wait(self, time_ms: int) -> float | None:
        """Return when the record of that time is due, and that moment of the clock; None when nothing waits."""
        if self.speed <= 0:
            return None
        now = self.clock()
        if self._first_ms is None:
            self._began, self._first_ms = now, time_ms
        due = self._began + (time_ms - self._first_ms) / 1000 / self.speed
        if due > now:
            self.sleep(due - now)
        return due

    def done(self, due: float | None) -> None:
        """The record that was due then has left."""
        if due is not None:
            self.behind = max(self.behind or 0.0, self.clock() - due)
