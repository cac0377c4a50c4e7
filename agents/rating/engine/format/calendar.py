"""Time-of-use zones by season and day type."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Literal

from pydantic import Field, field_validator, model_validator

from agents.rating.calendar import QUARTERS
from agents.rating.engine.format.base import Code, Strict

DayType = Literal["weekday", "saturday", "sunday", "holiday"]
DAY_TYPES: tuple[DayType, ...] = ("weekday", "saturday", "sunday", "holiday")
SATURDAY, SUNDAY = 5, 6


class Season(Strict):
    """A part of each year."""

    code: Code = Field(description="name of the season")
    since: str = Field(pattern=r"^\d\d-\d\d$", description="first day, MM-DD")
    until: str = Field(pattern=r"^\d\d-\d\d$", description="last day, MM-DD; before `since` when it runs over New Year")

    @field_validator("since", "until")
    @classmethod
    def _a_day(cls, text: str) -> str:
        datetime.date.fromisoformat(f"2024-{text}")  # a leap year: 02-29 is a day
        return text

    def holds(self, day: datetime.date) -> bool:
        """Whether a local day is in the season."""
        key = f"{day:%m-%d}"
        if self.since <= self.until:
            return self.since <= key <= self.until
        return key >= self.since or key <= self.until


class Zone(Strict):
    """A time-of-use zone."""

    code: Code = Field(description="name of the zone in determinants and in `tod` charges")
    name: str = Field("", description="what people call it")
    kind: Literal["peak", "normal", "solar", "night"] = Field(
        "normal", description="what it is under rule 8A of the consumer rules; lint compares the charges with it"
    )
    windows: tuple[str, ...] = Field(min_length=1, description="HH:MM-HH:MM, local time, end not included")
    seasons: tuple[str, ...] = Field((), description="seasons in which it applies; left out: all")
    days: tuple[DayType, ...] = Field((), description="day types on which it applies; left out: all")

    @model_validator(mode="after")
    def _readable(self) -> Zone:
        self.quarters()
        return self

    def quarters(self) -> list[int]:
        """Quarter hours of the local day, 0 to 95."""
        return [quarter for window in self.windows for quarter in quarters_of(window)]

    def applies(self, season: str | None, day: DayType) -> bool:
        """Whether it is in force in a season, on a type of day."""
        return (not self.seasons or season in self.seasons) and (not self.days or day in self.days)


def quarters_of(window: str) -> list[int]:
    """Quarter hours of HH:MM-HH:MM; raises ValueError for a window that is none."""
    try:
        begin, end = (_quarter(part) for part in window.split("-"))
    except ValueError as error:
        raise ValueError(f"window {window!r} is not HH:MM-HH:MM on quarter hours") from error
    length = (end - begin) % QUARTERS or QUARTERS
    return [(begin + step) % QUARTERS for step in range(length)]


def _quarter(text: str) -> int:
    hour, minute = (int(part) for part in text.split(":"))
    if not 0 <= hour <= 24 or minute not in (0, 15, 30, 45) or hour * 4 + minute // 15 > QUARTERS:
        raise ValueError(text)
    return hour * 4 + minute // 15


class Calendar(Strict):
    """Seasons, holidays and zones. In each season and on each type of day the zones hold each quarter hour once."""

    seasons: tuple[Season, ...] = Field((), description="seasons; none: the whole year is one")
    holidays: tuple[datetime.date, ...] = Field((), description="days of the type `holiday`")
    zones: tuple[Zone, ...] = Field((), description="time-of-use zones")

    @model_validator(mode="after")
    def _whole(self) -> Calendar:
        known = {season.code for season in self.seasons}
        for zone in self.zones:
            if not set(zone.seasons) <= known:
                raise ValueError(f"zone {zone.code} names a season that is not among the seasons")
        codes = [zone.code for zone in self.zones]
        if len(set(codes)) < len(codes):
            raise ValueError("a zone stands twice")
        _check_year(self.seasons)
        for season, day in self._kinds_of_days():
            held = sorted(q for zone in self.zones if zone.applies(season, day) for q in zone.quarters())
            if self.zones and held != list(range(QUARTERS)):
                raise ValueError(
                    f"on a {day}{f' in season {season}' if season else ''} the zones' windows do not hold each quarter "
                    "hour of the day exactly once"
                )
        return self

    def _kinds_of_days(self) -> Iterator[tuple[str | None, DayType]]:
        names: list[str | None] = [season.code for season in self.seasons]
        for season in names or [None]:
            for day in DAY_TYPES:
                yield season, day

    def zone_at(self, day: datetime.date, quarter: int) -> Zone | None:
        """The zone of a quarter hour (0 to 95) of a local day."""
        season = next((season.code for season in self.seasons if season.holds(day)), None)
        kind = self.day_type(day)
        return next((zone for zone in self.zones if zone.applies(season, kind) and quarter in zone.quarters()), None)

    def day_type(self, day: datetime.date) -> DayType:
        """Type of a local day."""
        if day in self.holidays:
            return "holiday"
        weekday = day.weekday()
        return "saturday" if weekday == SATURDAY else "sunday" if weekday == SUNDAY else "weekday"


def _check_year(seasons: tuple[Season, ...]) -> None:
    """Raise ValueError when a day of the year is in no season, or in two."""
    if not seasons:
        return
    day = datetime.date(2024, 1, 1)
    while day.year == 2024:
        held = sum(season.holds(day) for season in seasons)
        if held != 1:
            raise ValueError(f"{day:%m-%d} is in {held} seasons; each day of the year must be in one")
        day += datetime.timedelta(days=1)
