"""Stamps of a file to epoch seconds: their form is found out, and local time with summer time is put in order."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ISO, EPOCH, EPOCH_MS = "ISO 8601", "epoch seconds", "epoch milliseconds"

PATTERNS = (
    "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%d-%b-%Y %H:%M:%S",
    "%d-%b-%Y %H:%M", "%d %b %Y %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y%m%d%H%M%S", "%Y%m%d%H%M",
    "%d/%m/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p", "%d-%m-%Y %I:%M:%S %p", "%d-%m-%Y %I:%M %p",
    "%d/%m/%y %H:%M:%S", "%d/%m/%y %H:%M", "%m/%d/%y %H:%M:%S", "%m/%d/%y %H:%M", "%d-%m-%y %H:%M", "%d.%m.%y %H:%M",
    "%d-%b-%y %H:%M", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%d.%m.%y",
    "%d-%m-%Y", "%d/%m/%Y", "%d.%m.%Y", "%m/%d/%Y", "%d-%b-%Y", "%d-%b-%y", "%Y/%m/%d", "%Y%m%d",
)  # fmt: skip
"""Forms beside ISO, in the order in which they are tried: where both fit, the day stands before the month."""

DIGITS = {"%Y%m%d%H%M%S": 14, "%Y%m%d%H%M": 12, "%Y%m%d": 8}
"""Forms of digits alone, and how many these are: a shorter number is no stamp of the form."""
LAST_MIDNIGHT = re.compile(r"(.*[T ])24:00(:00(?:\.0+)?)?$")
SAMPLE = 25


def form_of(texts: list[str]) -> str | None:
    """The form that most of some stamps have; None when none is the form of at least half of them.

    Where either of two numbers may be the day, the form is meant by which the stamps lie closer together: stamps of
    five days are not of the first of five months.
    """
    if not texts:
        return None
    apart = list(dict.fromkeys(texts))
    sample = apart[:: max(1, len(apart) // SAMPLE)]
    forms = [form for form in (EPOCH, EPOCH_MS, ISO, *PATTERNS) if any(_fits(text, form) for text in sample)]
    found = [(form, [moment for text in apart if (moment := moment_of(text, form)) is not None]) for form in forms]
    found = [(form, moments) for form, moments in found if 2 * len(moments) >= len(apart)]
    if not found:
        return None
    return min(found, key=lambda one: (-len(one[1]), max(one[1]).timestamp() - min(one[1]).timestamp()))[0]


def moment_of(text: str, form: str) -> datetime | None:
    """The moment that a stamp names, in UTC where it names no zone; None when it is of another form."""
    try:
        found = parsed(text, form)
    except ValueError:
        return None
    # A spread is the same whatever the zone.
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _fits(text: str, form: str) -> bool:
    try:
        parsed(text, form)
    except ValueError:
        return False
    return True


def parsed(text: str, form: str) -> datetime:
    """The moment that a stamp names, without a zone where it names none; raises ValueError."""
    if form in (EPOCH, EPOCH_MS):
        if re.fullmatch(r"\d{9,10}" if form == EPOCH else r"(?!19|20)\d{12,13}", text, re.ASCII) is None:
            raise ValueError(f"{text[:40]!r} is not {form}")
        return datetime.fromtimestamp(int(text) // (1 if form == EPOCH else 1000), UTC)
    if last := LAST_MIDNIGHT.match(text):
        # The end of a day, as many meters write it.
        return parsed(f"{last[1]}00:00{last[2] or ''}", form) + timedelta(days=1)
    if form == ISO:
        if len(text) < 8 or text.isdecimal():
            raise ValueError(f"{text[:40]!r} is no time")
        return datetime.fromisoformat(text)
    if form in DIGITS and len(text) != DIGITS[form]:
        raise ValueError(f"{text[:40]!r} has not {DIGITS[form]} digits")
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
