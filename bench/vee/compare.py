"""Final readings against the generator's truth."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import cast

from bench.vee.meters import IMPORTS, Day
from pipeline.columns import Array

LEAST_FOUND = 0.95
"""Share of the spikes that must be found."""


@dataclass
class Tally:
    """Intervals, and days of a meter. estimated: intervals with a fault whose energy is a substitute; found: spikes
    among them.

    different: intervals that are not as they must be: sound ones that are not the truth, lost ones that were not
    substituted. doubted: sound ones that were substituted; allowed: so many may be. days_different: days whose energies
    do not add up to the truth in a channel. A day with a spike that was not found (spikes less found) is in none.
    """

    intervals: int = 0
    missing: int = 0
    spikes: int = 0
    estimated: int = 0
    found: int = 0
    different: int = 0
    doubted: int = 0
    allowed: int = 0
    days: int = 0
    days_different: int = 0

    def add(self, other: Tally) -> None:
        """Both together."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    @property
    def counted(self) -> bool:
        """All that was lost was estimated, and the spikes that were found."""
        return self.estimated == self.missing + self.found

    @property
    def right(self) -> bool:
        """Nothing differs, and enough spikes were found."""
        return (
            self.counted
            and not self.different
            and self.doubted <= self.allowed
            and not self.days_different
            and (self.found >= LEAST_FOUND * self.spikes)
        )


def compare(day: Day, energy: Array, estimated: Array, most_doubted: float = 0.0) -> Tally:
    """energy (rows, intervals, 4) as it is in the end; estimated bool the same, or (rows, intervals, 1) of all.

    most_doubted: share of the intervals that may be substituted though they are sound.
    """
    found = day.spike & estimated[..., :IMPORTS].all(axis=-1)
    lost, planted = day.lost[..., None], (day.lost | day.spike)[..., None]
    wrong, doubted = ~estimated & (lost | (energy != day.truth)), estimated & ~planted
    sure = cast(Array, (~day.spike | found).all(axis=1))
    sums = (energy.sum(axis=1, dtype="i8") != day.truth.sum(axis=1)).any(axis=1)
    return Tally(
        intervals=day.lost.size, missing=int(day.lost.sum()), spikes=int(day.spike.sum()),
        estimated=int((planted[..., 0] & estimated[..., :IMPORTS].all(axis=-1)).sum()), found=int(found.sum()),
        different=int((wrong.any(axis=-1) & sure[:, None]).sum()),
        doubted=int((doubted.any(axis=-1) & sure[:, None]).sum()), allowed=int(most_doubted * day.lost.size),
        days=len(sums),
        days_different=int((sums & sure).sum()),
    )  # fmt: skip
