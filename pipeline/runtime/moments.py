"""Named moments of a process's life at which a fault run may end it with SIGKILL; in production they do nothing.

The plan "moment:n" in the environment ends the process when it comes to that moment for the n-th time.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection

from pipeline.errors import ConfigError

VARIABLE = "KVARN_KILL"


class Moments:
    """Counts how often one of the `known` moments is reached; without a `plan` it never ends the process."""

    def __init__(self, known: Collection[str], plan: str | None = None) -> None:
        self._moment, self._left = "", 0
        if plan:
            self._moment, _, number = plan.partition(":")
            if self._moment not in known or not number.isdigit():
                raise ConfigError(
                    "KILL_PLAN", where=VARIABLE, what=f"{plan!r} is not moment:n", do=f"use one of {', '.join(known)}"
                )
            self._left = int(number)

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
            os.kill(os.getpid(), signal.SIGKILL)
