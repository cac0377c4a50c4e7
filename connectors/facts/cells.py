"""Cells of a file of facts: times, yes and no, degrees, energy. Each raises ValueError with what is wrong."""

from __future__ import annotations

import re
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from connectors.facts.model import LARGEST_NODE
from connectors.readings_in.times import EPOCH, ISO, stamp_of
from pipeline.reading_frames import LARGEST

YES = frozenset({"", "yes", "y", "true", "1", "confirmed"})
NO = frozenset({"no", "n", "false", "0", "unconfirmed"})
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
HOUR_SECS = 3600
COLDEST, HOTTEST = -900, 700
"""Tenths of a degree Celsius that are believed."""


def time_of(text: str, zone: ZoneInfo) -> int:
    """Epoch seconds of ISO 8601 or of epoch seconds; without an offset it is local time of the zone."""
    return stamp_of(text, EPOCH if text.isdecimal() else ISO, zone)


def period_of(text: str, zone: ZoneInfo) -> tuple[int, int]:
    """Begin and end of a local day that is written as a date, else of the hour that begins then."""
    start = time_of(text, zone)
    if DAY.fullmatch(text) is None:
        return start, start + HOUR_SECS
    return start, stamp_of(date.fromordinal(date.fromisoformat(text).toordinal() + 1).isoformat(), ISO, zone)


def truth_of(text: str) -> bool:
    """Yes where nothing is said."""
    word = text.lower()
    if word not in YES and word not in NO:
        raise ValueError(f"{text[:40]!r} is neither yes nor no")
    return word in YES


def tenths_of(text: str) -> int:
    """Tenths of a degree Celsius."""
    tenths = _scaled(text, 1)
    if not COLDEST <= tenths <= HOTTEST:
        raise ValueError(f"{text[:40]!r} degrees Celsius are not believed")
    return tenths


def energy_of(text: str, power: int) -> int:
    """Wh of a decimal in units of 10 ** power Wh, half up."""
    energy = _scaled(text, power)
    if abs(energy) > LARGEST:
        raise ValueError(f"{text[:40]!r} is no measurement")
    return energy


def node_of(text: str) -> int:
    """A node's number; 0 where nothing is written."""
    return whole_of(text, 1, LARGEST_NODE) if text else 0


def whole_of(text: str, least: int, most: int) -> int:
    """A whole number within bounds."""
    if not (text.isascii() and text.isdecimal()) or not least <= int(text) <= most:
        raise ValueError(f"{text[:40]!r} is no whole number from {least} to {most}")
    return int(text)


def _scaled(text: str, power: int) -> int:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text[:40]!r} is no number") from None
    if not number.is_finite() or number.adjusted() > 30:
        raise ValueError(f"{text[:40]!r} is no number")
    return int(number.scaleb(power).to_integral_value(ROUND_HALF_UP))
