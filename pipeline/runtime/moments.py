"""Named moments of a process's life at which a fault run may end or freeze it; in production they do nothing.

The plan "moment:n" in the environment ends the process with SIGKILL when it comes to that moment for the n-th time;
"moment:n:freeze" stops it there (SIGSTOP), until someone lets it go on.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection

from pipeline.errors import ConfigError

VARIABLE = "KVARN_KILL"
FREEZE = "freeze"


class Moments:
    """Counts how often one of the `known` moments is reached; without a `plan` it never ends the process."""

    def __init__(self, known: Collection[str], plan: str | None = None) -> None:
        self._moment, self._left, self._signal = "", 0, signal.SIGKILL
        if plan:
            self._moment, number, *how = plan.split(":") if ":" in plan else (plan, "")
            if self._moment not in known or not number.isdigit() or how not in ([], [FREEZE]):
                raise ConfigError(
                    "KILL_PLAN", where=VARIABLE, what=f"{plan!r} is not moment:n or moment:n:{FREEZE}",
                    do=f"use one of {', '.join(known)}",
                )  # fmt: skip
            self._left, self._signal = int(number), signal.SIGSTOP if how else signal.SIGKILL

    @staticmethod
    def from_environment(known: Collection[str]) -> Moments:
        """The plan that a fault run left in the environment."""
        return Moments(known, os.environ.get(VARIABLE))

    def reach(self, moment: str) -> None:
        """Note that the process is here."""
        if moment != self._moment:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), self._signal)
