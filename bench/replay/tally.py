"""How far a recording or a replay came."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.simulator.kvf import Logged


@dataclass
class Tally:
    """Counts, and the time that they took; `stopped`: ended from the keyboard before all was done."""

    records: int = 0
    frames: int = 0
    octets: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    seconds: float = 0.0
    behind_s: float | None = None
    stopped: bool = False

    def count(self, record: Logged) -> None:
        """Add one."""
        self.records += 1
        self.frames += record.frames
        self.octets += len(record.value)
        self.first_ms = record.time_ms if self.first_ms is None else min(self.first_ms, record.time_ms)
        self.last_ms = max(self.last_ms or record.time_ms, record.time_ms)

    @property
    def frames_per_s(self) -> float:
        """The rate that was reached."""
        return self.frames / self.seconds if self.seconds > 0 else 0.0
