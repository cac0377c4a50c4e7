"""Missing intervals: which are asked for, when, and how often. Pure: the clock, chance and what runs are handed in.

The list of what is missing is the truth: what is no longer in it has come, and is forgotten. Each local day of a meter
is asked for at most `attempts` times, with waits that double in between, in a window of the day.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from connectors.dlms_pull.backoff import Chance, wait_secs
from connectors.dlms_pull.rows import MOST_REASON, DirtyRow, lines, shown

DAY = 86_400
MOST_DAYS = 400
MOST_DIGITS = 20
_DEVICE = re.compile(r"[0-9A-Fa-f]{16}")


class GapOptions(BaseModel):
    """What is asked for again, and when."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field("", description="CSV file `device,from,to` of intervals that are missing, read again when it "
                      "changes; empty: none is asked for")  # fmt: skip
    profile: str = Field("1.0.99.1.0.255", description="profile that they are read from")
    window: str = Field("00:00-24:00", description="local time of the day in which meters are asked, HH:MM-HH:MM")
    attempts: int = Field(5, ge=1, le=100, description="times that a day of a meter is asked for at most")
    first_secs: float = Field(900.0, gt=0, description="longest wait before it is asked for again; doubled each time")
    most_secs: float = Field(21_600.0, gt=0, description="longest wait there is")


@dataclass(frozen=True, order=True)
class Gap:
    """Stamps from `first` to `last` (epoch seconds, both included) of a meter, within one local day."""

    device: int
    first: int
    last: int

    @property
    def key(self) -> str:
        """In the journal."""
        return f"gap/{self.device:016X}/{self.first}"


@dataclass(frozen=True)
class Tried:
    """How often a gap was asked for, and when it is due again."""

    attempts: int = 0
    due: float = 0.0


def days(device: int, since: int, until: int, offset_secs: int) -> list[Gap]:
    """Intervals from `since` to `until` by local day; a stamp is the end of its interval, so midnight ends a day."""
    found: list[Gap] = []
    first = since + 1
    while first <= until and len(found) < MOST_DAYS:
        midnight = (first - 1 + offset_secs) // DAY * DAY + DAY - offset_secs
        found.append(Gap(device, first, min(until, midnight)))
        first = midnight + 1
    return found


def read_gaps(text: str, offset_secs: int) -> tuple[list[Gap], list[DirtyRow]]:
    """Of a CSV file `device,from,to`; times are epoch seconds, or ISO 8601 with an offset."""
    gaps: set[Gap] = set()
    dirty: list[DirtyRow] = []
    for line, row in lines(text):
        if isinstance(row, DirtyRow):
            dirty.append(row)
            continue
        if not row or (line == 1 and row[0].strip() == "device"):
            continue
        try:
            if not _DEVICE.fullmatch(row[0].strip()) or not int(row[0], 16):
                raise ValueError(f"{shown(row[0])} is no system title")
            device, since, until = int(row[0], 16), _time(row[1]), _time(row[2])
            if since >= until or until - since > MOST_DAYS * DAY:
                raise ValueError(f"from {since} to {until} is nothing, or more than {MOST_DAYS} days")
        except (ValueError, IndexError, ArithmeticError) as error:
            dirty.append(DirtyRow(line, "device,from,to", str(error)[:MOST_REASON]))
            continue
        gaps.update(days(device, since, until, offset_secs))
    return sorted(gaps), dirty


def _time(text: str) -> int:
    """Epoch seconds of 32 bits; raises ValueError."""
    given = text.strip()
    if given.isdecimal():
        at = int(given) if len(given) <= MOST_DIGITS else 2**32
    else:
        moment = datetime.fromisoformat(given)
        if moment.tzinfo is None:
            raise ValueError(f"{shown(text)} has no offset from UTC")
        at = int(moment.timestamp())
    if not 0 <= at < 2**32:
        raise ValueError(f"{shown(text)} is beyond 32 bits of epoch seconds: milliseconds?")
    return at


@dataclass
class Agenda:
    """The gaps that there are by meter, with what was tried. Asking what is due looks once at each meter."""

    options: GapOptions
    gaps: dict[int, dict[Gap, Tried]] = field(default_factory=dict)
    _due: dict[int, float] = field(default_factory=dict)

    def take(self, listed: Iterable[Gap], tried: Mapping[str, Tried]) -> None:
        """The list as it is now. `tried` is what was tried before, of this process or an earlier one, by key."""
        self.gaps, self._due = {}, {}
        for gap in listed:
            self.gaps.setdefault(gap.device, {})[gap] = tried.get(gap.key, Tried())
        for device in self.gaps:
            self._look(device)

    def due(self, now: float) -> list[int]:
        """Meters with a gap to be asked for now, in the order of their being due."""
        return [device for _, device in sorted((at, device) for device, at in self._due.items() if at <= now)]

    def due_of(self, device: int, now: float) -> list[Gap]:
        """The gaps of a meter to be asked for now, the oldest first."""
        return sorted(gap for gap, tried in self.gaps.get(device, {}).items()
                      if tried.attempts < self.options.attempts and tried.due <= now)  # fmt: skip

    def asked(self, gap: Gap, now: float, chance: Chance) -> Tried:
        """It was asked for, with whatever success: if it stays in the list it is due again later."""
        mine = self.gaps.get(gap.device, {})
        attempts = mine[gap].attempts + 1 if gap in mine else 1
        wait = wait_secs(attempts, self.options.first_secs, self.options.most_secs, chance)
        tried = Tried(attempts, now + wait)
        if gap in mine:
            mine[gap] = tried
            self._look(gap.device)
        return tried

    @property
    def given_up(self) -> int:
        """Gaps that are not asked for any more."""
        return sum(tried.attempts >= self.options.attempts for mine in self.gaps.values() for tried in mine.values())

    def _look(self, device: int) -> None:
        waiting = [tried.due for tried in self.gaps[device].values() if tried.attempts < self.options.attempts]
        if waiting:
            self._due[device] = min(waiting)
        else:
            self._due.pop(device, None)


def choose(due: Iterable[int], address: Mapping[int, str], busy: Collection[int], total: int, each: int) -> list[int]:
    """Which meters are asked now, of those that are due: at most `each` at a gateway and `total` in all.

    busy: devices that are being asked. A gateway that has no room is passed over, so it holds up nobody else.
    """
    used: dict[str, int] = {}
    for device in busy:
        place = address.get(device, "")
        used[place] = used.get(place, 0) + 1
    room = total - len(busy)
    chosen: list[int] = []
    for device in due:
        if room <= len(chosen):
            break
        at = address.get(device)
        if at is None or device in busy or used.get(at, 0) >= each:
            continue
        chosen.append(device)
        used[at] = used.get(at, 0) + 1
    return chosen
