"""Local days, billing months, and when supply may be cut."""

from __future__ import annotations

import calendar
import datetime

from connectors.prepaid.config import PrepaidConfig
from pipeline.localtime import DAY_SECS, OFFSETS

HOUR_SECS = 3600
EPOCH = datetime.date(1970, 1, 1)


def local_day(config: PrepaidConfig, at: int) -> datetime.date:
    """The local day that a time lies in."""
    return EPOCH + datetime.timedelta(days=(at + OFFSETS[config.timezone]) // DAY_SECS)


def midnight(config: PrepaidConfig, day: datetime.date) -> int:
    """When a local day begins, epoch seconds UTC."""
    return (day - EPOCH).days * DAY_SECS - OFFSETS[config.timezone]


def month_of(config: PrepaidConfig, day_start: int) -> int:
    """When the month of a local day begins, epoch seconds UTC."""
    return midnight(config, local_day(config, day_start).replace(day=1))


def days_in_month(config: PrepaidConfig, month_start: int) -> int:
    """Local days of the month that begins then."""
    first = local_day(config, month_start)
    return calendar.monthrange(first.year, first.month)[1]


def may_cut_until(config: PrepaidConfig, at: int) -> int | None:
    """End of the allowed hours that a time lies in, epoch seconds UTC; None when supply may not be cut then."""
    day = local_day(config, at)
    begin, end = (midnight(config, day) + hour * HOUR_SECS for hour in config.hours)
    if day.weekday() not in config.weekdays or day in config.holidays or not begin <= at < end:
        return None
    return end
