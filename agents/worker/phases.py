"""Named moments of a worker's life at which a test may end it with SIGKILL; in production reaching one does nothing."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Literal, get_args

from pipeline.runtime.moments import VARIABLE, Moments

__all__ = ["PHASES", "VARIABLE", "Phase", "Phases"]

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


class Phases(Moments):
    """Ends the process at the n-th time it comes to a phase: `plan` is "phase:n", None for never."""

    def __init__(self, plan: str | None = None) -> None:
        super().__init__(PHASES, plan)

    @staticmethod
    def from_environment(_known: Collection[str] = PHASES) -> Phases:
        """The plan that a fault run left in the environment."""
        return Phases(os.environ.get(VARIABLE))
