"""Which offsets of the topic of commands may be committed: those before which everything has its result. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Offsets:
    """Of each partition the commands that were taken and not finished, and the end of what was taken."""

    _open: dict[int, set[int]] = field(default_factory=dict)
    _end: dict[int, int] = field(default_factory=dict)

    def take(self, partition: int, offset: int) -> bool:
        """A record was read; False when it was read before."""
        if offset < self._end.get(partition, -1):
            return False
        self._open.setdefault(partition, set()).add(offset)
        self._end[partition] = offset + 1
        return True

    def finish(self, partition: int, offset: int) -> None:
        """It has its result."""
        self._open[partition].discard(offset)

    @property
    def waiting(self) -> int:
        """Records taken and not finished."""
        return sum(len(offsets) for offsets in self._open.values())

    def done(self) -> dict[int, int]:
        """Of each partition the first offset that is not finished, or the end of what was taken."""
        return {partition: min(self._open[partition], default=end) for partition, end in self._end.items()}
