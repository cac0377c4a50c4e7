"""The brake: connectors stop reading from meters while those who read the topic of frames are too far behind.

Without it a log whose readers are slower than the meters grows until retention deletes frames that nobody has read.
Here is the decision, which is pure; `readers` asks the broker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

MOST_LOOKS = 512
"""Looks that a ledger remembers; of the older half every second one is then forgotten."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Standing:
    """One look at a topic: `ends`, the offsets behind its last records, summed over its partitions; `behind`: records
    that the slowest of its readers has not committed."""

    ends: int
    behind: int


@dataclass(frozen=True)
class Written:
    """Records of the topic that this connector has written since its start, and their octets."""

    records: int = 0
    octets: int = 0


@dataclass
class Ledger:
    """Octets of a topic's newest records, from their sizes at the time when they were written.

    Records differ: a hundred octets at night, most of a megabyte in a flood. So a mean over all would be wrong just
    when it counts. One's own are known. `sampled`: octets of a record of other connectors, and of one before the first
    look; where nothing was sampled they count as one's own do.
    """

    sampled: float = 0.0
    foreign: int = 0
    """Records of others since the last sample."""
    _ends: list[int] = field(default_factory=list)
    _octets: list[float] = field(default_factory=list)
    """Of all records up to an end, counted from the first look."""
    _mean: float = 0.0
    _written: Written = Written()

    def note(self, ends: int, written: Written) -> None:
        """Take a look down."""
        records, octets = written.records - self._written.records, written.octets - self._written.octets
        if records > 0:
            self._mean = octets / records
        self._written = written
        if not self._ends or ends < self._ends[-1]:  # the first look, or the topic was made anew
            # What one has written before the first look are the newest records, as far as is known.
            own = 0 if self._ends else min(records, ends)
            self._ends, self._octets = ([ends - own, ends], [0.0, float(octets)]) if own else ([ends], [0.0])
            return
        if ends == self._ends[-1]:
            return
        others = max(0, ends - self._ends[-1] - records)
        self.foreign += others
        self._octets.append(self._octets[-1] + octets + others * self._typical)
        self._ends.append(ends)
        if len(self._ends) > MOST_LOOKS:
            half = MOST_LOOKS // 2
            self._ends[:half] = self._ends[:half:2]
            self._octets[:half] = self._octets[:half:2]

    def sample(self, octets: float) -> None:
        """Take down how large records of the topic are; 0 for not known."""
        self.sampled = octets or self.sampled
        self.foreign = 0

    def newest(self, records: int) -> int:
        """Octets of the newest `records`; 0 before the first look."""
        if not self._ends:
            return 0
        since = self._ends[-1] - records
        if since < self._ends[0]:
            return round(self._octets[-1] + (self._ends[0] - since) * self._typical)
        above = next(place for place, end in enumerate(self._ends) if end >= since)
        at = self._octets[above]
        if self._ends[above] > since:
            span = self._ends[above] - self._ends[above - 1]
            at -= (self._octets[above] - self._octets[above - 1]) * (self._ends[above] - since) / span
        return round(self._octets[-1] - at)

    @property
    def _typical(self) -> float:
        return self.sampled or self._mean


@dataclass
class Brake:
    """On from `bound` octets behind, off again at half of it, so that meters are not stopped and started all the time.

    `behind_octets` is None until the broker has answered once; a look that fails changes nothing.
    """

    bound: int
    clock: Callable[[], float]
    ledger: Ledger = field(default_factory=Ledger)
    on: bool = False
    behind_octets: int | None = None
    _secs: float = 0.0
    _since: float = 0.0

    def judge(self, standing: Standing, written: Written) -> None:
        """Decide by a new look."""
        self.ledger.note(standing.ends, written)
        self.behind_octets = self.ledger.newest(standing.behind)
        if not self.on and self.behind_octets >= self.bound:
            self.on, self._since = True, self.clock()
            log.warning("readers are behind: nothing is read from meters", behind_octets=self.behind_octets)
        elif self.on and 2 * self.behind_octets <= self.bound:
            self.on = False
            self._secs += self.clock() - self._since
            log.info("readers have caught up: meters are read again", behind_octets=self.behind_octets)

    @property
    def secs(self) -> float:
        """Seconds that it has been on since the start."""
        return self._secs + (self.clock() - self._since if self.on else 0.0)
