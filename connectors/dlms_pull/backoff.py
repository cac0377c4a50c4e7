"""When to try again: waits that double, with jitter, so that meters that failed together do not come back together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

Chance = Callable[[], float]
"""Gives numbers from 0 to below 1."""


class RetryOptions(BaseModel):
    """How often an exchange with a meter is tried, and how long is waited in between."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attempts: int = Field(3, ge=1, le=20, description="times that a meter is asked before a read or command has failed")
    first_secs: float = Field(5.0, gt=0, description="longest wait before the second attempt; doubled for each further")
    most_secs: float = Field(300.0, gt=0, description="longest wait there is")


def wait_secs(attempt: int, first: float, most: float, chance: Chance) -> float:
    """Seconds to wait behind attempt 1, 2, ...: a part, at least a half, of the wait that doubles up to `most`."""
    full = min(most, first * 2.0 ** min(attempt - 1, 60))
    return full * (0.5 + 0.5 * chance())


@dataclass(frozen=True)
class Window:
    """Part of the day, seconds of the local day; `until` below `since` goes over midnight, equal is the whole day."""

    since: int
    until: int
    offset_secs: int

    def delay(self, now: float) -> float:
        """Seconds until it is open; 0 while it is."""
        of_day = (now + self.offset_secs) % 86_400
        if self.since == self.until:
            return 0.0
        inside = self.since <= of_day < self.until if self.since < self.until else not self.until <= of_day < self.since
        return 0.0 if inside else (self.since - of_day) % 86_400


def window(text: str, offset_secs: int) -> Window:
    """The window that `HH:MM-HH:MM` says; raises ValueError."""
    since, until = (_seconds(part) for part in text.split("-"))
    return Window(since, until, offset_secs)


def _seconds(text: str) -> int:
    hour, minute = text.strip().split(":")
    secs = int(hour) * 3600 + int(minute) * 60
    if not 0 <= int(minute) < 60 or not 0 <= secs <= 86_400:
        raise ValueError(f"{text!r} is no time of the day")
    return secs % 86_400
