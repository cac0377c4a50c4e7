"""Named moments of a worker's life at which a test may end it with SIGKILL; in production reaching one does nothing."""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import Literal, get_args

from pipeline.errors import ConfigError

VARIABLE = "KVARN_KILL"

Phase = Literal[
    "in-batch",  # the steps have run, nothing is handed to the producer
    "in-outputs",  # some outputs of a batch are handed to the producer
    "before-flush",  # pages are copied, outputs are under way
    "after-flush",  # outputs are acknowledged, nothing of the checkpoint is written
    "in-pages",  # page records are in an open transaction
    "before-commit",  # pages and head are written, the transaction is open
    "after-commit",  # the transaction is committed, the group does not know
    "after-position",  # the group has the position
    "in-restore",  # a new owner has fenced the old one and is reading
    "in-rebalance",  # partitions are being taken away
    "in-shutdown",  # a clean stop has begun
]
PHASES: tuple[str, ...] = get_args(Phase)


class Phases:
    """Ends the process at the n-th time it comes to a phase: `plan` is "phase:n", None for never."""

    def __init__(self, plan: str | None = None) -> None:
        self._counts: Counter[str] = Counter()
        self._phase, self._time = "", 0
        if plan:
            self._phase, _, number = plan.partition(":")
            if self._phase not in PHASES or not number.isdigit():
                raise ConfigError(
                    "KILL_PLAN", where=VARIABLE, what=f"{plan!r} is not phase:n", do=f"use one of {', '.join(PHASES)}"
                )
            self._time = int(number)

    @staticmethod
    def from_environment() -> Phases:
        """The plan that a test left in the environment."""
        return Phases(os.environ.get(VARIABLE))

    def reach(self, phase: Phase) -> None:
        """Note that the process is here."""
        if phase != self._phase:
            return
        self._counts[phase] += 1
        if self._counts[phase] == self._time:
            os.kill(os.getpid(), signal.SIGKILL)
