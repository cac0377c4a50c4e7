"""Day types: Monday to Sunday, and a holiday, which counts as a Sunday (domain: estimation by like days).

Holidays are data: `holidays.yaml` has the days of India and its states that stand in the law as a day and a month, so
that their date is certain in any year. Feasts that move with the moon or the sun are gazetted each year by each state;
who needs them adds the gazetted list in a file of its own (`Calendar.extended`).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agents.vee.rulesets.read import EPOCH
from pipeline.columns import Array
from pipeline.errors import ConfigError
from pipeline.topology.load import parse

SUNDAY = 6
THURSDAY = 3
"""The weekday of day 0, 1970-01-01, when Monday is 0."""

STATES = frozenset({
    "AN", "AP", "AR", "AS", "BR", "CG", "CH", "DH", "DL", "GA", "GJ", "HP", "HR", "JH", "JK", "KA", "KL", "LA", "LD",
    "MH", "ML", "MN", "MP", "MZ", "NL", "OD", "PB", "PY", "RJ", "SK", "TN", "TR", "TS", "UK", "UP", "WB",
})  # fmt: skip
"""States and union territories, ISO 3166-2:IN without `IN-`."""

SHIPPED = Path(__file__).parent / "holidays.yaml"

Day = datetime.date
MonthDay = Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Holiday(_Strict):
    """One holiday: a `date`, or every year's `month_day`; of the whole country, or of `states`."""

    date: Day | None = Field(None, description="a single day")
    month_day: MonthDay | None = Field(None, description="this day of every year, MM-DD")
    name: str = Field(min_length=1, description="what it is called")
    states: frozenset[str] | None = Field(None, description="ISO 3166-2:IN without IN-; left out: every state")
    from_year: int = Field(1, description="first year")
    to_year: int = Field(9999, description="last year")

    @model_validator(mode="after")
    def _one_way(self) -> Holiday:
        if (self.date is None) == (self.month_day is None):
            raise ValueError("give `date` or `month_day`, not both")
        if self.from_year > self.to_year:
            raise ValueError("to_year lies before from_year")
        if self.states is not None and not self.states <= STATES:
            raise ValueError(f"no such state: {', '.join(sorted(self.states - STATES))}")
        return self

    def falls_on(self, day: Day, state: str | None) -> bool:
        """Whether `day` is this holiday in `state`."""
        if self.states is not None and state not in self.states:
            return False
        if self.date is not None:
            return day == self.date
        return f"{day:%m-%d}" == self.month_day and self.from_year <= day.year <= self.to_year


class Removal(_Strict):
    """A day, or every year's `month_day`, that is no holiday after all."""

    date: Day | None = None
    month_day: MonthDay | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Removal:
        if (self.date is None) == (self.month_day is None):
            raise ValueError("give `date` or `month_day`, not both")
        return self

    def covers(self, day: Day) -> bool:
        """Whether `day` is no holiday."""
        return day == self.date or f"{day:%m-%d}" == self.month_day


class Calendar(_Strict):
    """A file of holidays: the shipped one, or a utility's, which adds to it and removes from it."""

    add: tuple[Holiday, ...] = ()
    remove: tuple[Removal, ...] = ()

    def extended(self, own: Calendar) -> Calendar:
        """This calendar with a utility's additions and removals; what the utility adds is not removed by itself."""
        return Calendar(add=self.add + own.add, remove=self.remove + own.remove)

    def name_of(self, day: Day, state: str | None) -> str | None:
        """Name of the holiday that `day` is in `state`; None on others. A single day that is added always is one."""
        names = [one for one in self.add if one.falls_on(day, state)]
        if any(one.covers(day) for one in self.remove):
            names = [one for one in names if one.date is not None]
        return names[0].name if names else None


def day_types(state: str | None, first_day: int, last_day: int, calendar: Calendar | None = None) -> Array:
    """u1 (days,) for the days `first_day` to `last_day`, both included (since 1970-01-01): 0 Monday to 6 Sunday or
    holiday. state: ISO 3166-2:IN without `IN-` (MH, KA, ...), None for holidays of the whole country alone.
    Raises ConfigError for a state that is none."""
    if state is not None and state not in STATES:
        raise ConfigError("STATE_UNKNOWN", where="state", what=f"{state!r} is no state of India",
                          do=f"use one of {', '.join(sorted(STATES))}")  # fmt: skip
    holidays = shipped() if calendar is None else calendar
    days = np.arange(first_day, last_day + 1, dtype=np.int64)
    types = ((days + THURSDAY) % 7).astype(np.uint8)
    for place in _holidays(holidays, state, first_day, last_day):
        types[place] = SUNDAY
    return types


def _holidays(calendar: Calendar, state: str | None, first_day: int, last_day: int) -> Iterable[int]:
    for place in range(last_day - first_day + 1):
        day = EPOCH + datetime.timedelta(days=first_day + place)
        if calendar.name_of(day, state) is not None:
            yield place


@cache
def shipped() -> Calendar:
    """The holidays whose date is certain."""
    return _read(SHIPPED.read_text(encoding="utf-8"), SHIPPED.name)


def calendar_of(text: str, file: str) -> Calendar:
    """The shipped calendar with a utility's own file; raises ConfigError naming every fault of it."""
    return shipped().extended(_read(text, file))


def _read(text: str, file: str) -> Calendar:
    document = parse(text, file=file, variables={})
    faults = [f"line {one.place.line}: {one.message}" for one in document.findings]
    data: Any = document.data if isinstance(document.data, Mapping) else {}
    try:
        calendar = Calendar.model_validate(data)
    except ValidationError as error:
        for fault in error.errors():
            place = document.place(tuple(fault["loc"]))
            faults.append(f"line {place.line}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}")
        calendar = Calendar()
    if not faults and not data:
        faults = ["it says nothing"]
    if faults:
        raise ConfigError("HOLIDAYS_FAULT", where=file, what="; ".join(faults), do="correct the calendar")
    return calendar
