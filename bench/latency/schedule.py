"""When each frame is due: evenly, whatever becomes of those before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.columns import Array

BATCH_SECS = 0.005
"""Frames that are due within so much time leave together, when the last of them is due: those before it are late by
that, and it counts."""

WARM_SECS, WARM_SHARE = 30.0, 1 / 3
"""What is not measured at the beginning: at most so long, and at most this share of all."""


@dataclass(frozen=True)
class Schedule:
    """`frames` of them, `rate` a second."""

    rate: float
    frames: int

    @property
    def seconds(self) -> float:
        """From the first one to behind the last."""
        return self.frames / self.rate

    @property
    def warm_secs(self) -> float:
        """Frames due before this are not measured."""
        return min(WARM_SECS, WARM_SHARE * self.seconds)

    @property
    def batch(self) -> int:
        """Frames that leave together."""
        return max(1, int(self.rate * BATCH_SECS))

    def due(self, number: int) -> float:
        """Seconds from the begin at which frame `number`, from 0, is due."""
        return number / self.rate

    def all_due(self, count: int) -> Array:
        """The same of frames 0..count-1, f8 (count,)."""
        return np.arange(count) / self.rate
