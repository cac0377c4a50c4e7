"""Stamps as head-ends write them to epoch seconds UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pipeline.reading_frames import EARLIEST, LATEST

ISO, EPOCH, EPOCH_MS = "iso", "epoch", "epoch_ms"
_END_OF_DAY = re.compile(r"([T ])24:00(:00(\.0+)?)?(?=$|Z|[+-])")


def stamp_of(text: str, form: str, zone: ZoneInfo) -> int:
    """Epoch seconds of a stamp; raises ValueError with a reason. `form`: iso, epoch, epoch_ms, or as of strptime.

    A stamp with an offset says what it is; one without is local time of `zone`, and refused where that time does not
    occur or occurs twice. 24:00 is midnight at the end of the day. Fractions of a second are left out.
    """
    text = text.strip()
    if not text:
        raise ValueError("no stamp")
    if form in (EPOCH, EPOCH_MS):
        time = _number(text) // (1000 if form == EPOCH_MS else 1)
    else:
        time = _utc(_parsed(text, form), zone)
    if not EARLIEST <= time < LATEST:
        raise ValueError(f"{text[:40]!r} is not in the years 2000 to 2099")
    return time


def _number(text: str) -> int:
    if not re.fullmatch(r"\d{1,15}(\.0*)?", text):
        raise ValueError(f"{text[:40]!r} is no number of seconds")
    return int(text.partition(".")[0])


def _parsed(text: str, form: str) -> datetime:
    try:
        if form != ISO:
            return datetime.strptime(text, form)  # noqa: DTZ007 (the zone is told where there is none)
        day_end = _END_OF_DAY.search(text)
        if day_end is None:
            return datetime.fromisoformat(text)
        start = text[: day_end.start()] + day_end[1] + "00:00" + text[day_end.end() :]
        return datetime.fromisoformat(start) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text[:40]!r} is no time ({form})") from error


def _utc(moment: datetime, zone: ZoneInfo) -> int:
    if moment.tzinfo is None:
        first, second = (moment.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
        if first is None or second is None:
            raise ValueError(f"{zone.key} has no offset then")
        if first != second:
            how = "occurs twice" if first > second else "does not occur"
            raise ValueError(f"{moment.isoformat()} {how} in {zone.key}: write it with its offset")
        moment = moment.replace(tzinfo=zone)
    try:
        return int(moment.astimezone(UTC).timestamp() // 1)
    except OverflowError as error:
        raise ValueError(f"{moment.isoformat()} is no time") from error
