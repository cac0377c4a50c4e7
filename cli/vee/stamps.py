"""Stamps of a file to epoch seconds: their form is found out, and local time with summer time is put in order."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

ISO, EPOCH, EPOCH_MS = "ISO 8601", "epoch seconds", "epoch milliseconds"

PATTERNS = (
    "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%d-%b-%Y %H:%M:%S",
    "%d-%b-%Y %H:%M", "%d %b %Y %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y%m%d%H%M%S", "%Y%m%d%H%M",
    "%d-%m-%Y", "%d/%m/%Y", "%d.%m.%Y", "%m/%d/%Y", "%d-%b-%Y", "%d-%b-%y", "%Y/%m/%d", "%Y%m%d",
)  # fmt: skip
"""Forms beside ISO, in the order in which they are tried: where both fit, the day stands before the month."""

DATE_ONLY = re.compile(r"^\D*\d{1,4}\D+(\d{1,2}|[A-Za-z]{3})\D+\d{1,4}$|^\d{8}$")


def form_of(texts: list[str]) -> str | None:
    """The first form that all of some stamps have; None when they have none in common."""
    if not texts:
        return None
    if all(re.fullmatch(r"\d{9,10}", text) for text in texts):
        return EPOCH
    if all(re.fullmatch(r"\d{12,13}", text) and not text.startswith(("19", "20")) for text in texts):
        return EPOCH_MS
    return next((form for form in (ISO, *PATTERNS) if all(_fits(text, form) for text in texts)), None)


def _fits(text: str, form: str) -> bool:
    try:
        parsed(text, form)
    except ValueError:
        return False
    return True


def parsed(text: str, form: str) -> datetime:
    """The moment that a stamp names, without a zone where it names none; raises ValueError."""
    if form == EPOCH:
        return datetime.fromtimestamp(int(text), UTC)
    if form == EPOCH_MS:
        return datetime.fromtimestamp(int(text) // 1000, UTC)
    if form == ISO:
        if len(text) < 8 or text.isdecimal():
            raise ValueError(f"{text[:40]!r} is no time")
        return datetime.fromisoformat(text)
    return datetime.strptime(text, form)  # noqa: DTZ007 (the zone is told where there is none)


class Clock:
    """Local stamps of one meter in the order of the file."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._last = -(2**62)

    def utc(self, moment: datetime) -> int:
        """Epoch seconds; raises ValueError for a local time that does not occur.

        Of an hour that occurs twice the first is meant, unless the file has been there already: then it is the second.
        """
        if moment.tzinfo is None:
            first = moment.replace(tzinfo=self._zone, fold=0)
            second = moment.replace(tzinfo=self._zone, fold=1)
            early, late = first.utcoffset(), second.utcoffset()
            if early is not None and late is not None and early < late:
                raise ValueError(f"{moment.isoformat(' ')} does not occur in {self._zone.key}: clocks go forward then")
            time = int(first.timestamp())
            if early != late and time <= self._last:
                time = int(second.timestamp())
        else:
            time = int(moment.timestamp() // 1)
        self._last = time
        return time
