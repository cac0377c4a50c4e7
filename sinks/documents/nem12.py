"""NEM12 (AEMO, MDFF Specification NEM12 & NEM13): days of market time, qualities in records 400 where they vary.

What a day needs of records is here for the file sink and `kvarn vee --output` alike. A document of the sink has whole
days of the intervals that are in it: what is not there is null (quality N), and whoever reads several documents of a
day keeps what is not null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

from pipeline.errors import ContractError
from sinks.documents.intervals import Interval, intervals_of, series_of
from sinks.documents.quality_codes import nem12_quality
from sinks.records import Record

DAY_SECS, MARKET_SECS = 86_400, 36_000
"""Market time is ten hours ahead of UTC the whole year."""
LENGTHS = (5, 15, 30)
"""Minutes of an interval."""
SUFFIXES = {"wh_imp": "E", "wh_exp": "B", "varh_q1": "Q", "varh_q4": "K", "vah_imp": "T"}
"""Channel -> first letter of an NMI suffix; others have none and are left out."""
UNITS = {"wh": "KWH", "varh": "KVARH", "vah": "KVAH"}
"""Begin of a channel's name -> UOM."""
NULL_DATA, FAILED_VALIDATION = "78", "45"
"""Reason codes of substitutes: nothing came; what came failed a rule."""
LONGEST_NMI, LONGEST_SERIAL = 10, 12
END = "900"


class Slot(NamedTuple):
    """An interval of a day: Wh (VAh, varh; None: nothing), QualityMethod (A, N, S14, ...), reason code or empty."""

    value: int | None
    quality: str
    reason: str = ""


NOTHING = Slot(None, "N")


def header(to: str = "KVARN") -> str:
    """Record 100. The time of creation is that of no data: the same series gives the same bytes."""
    return f"100,NEM12,200001010000,{to},{to}"


def details(nmi: str, channel: str, secs: int, element: str = "1", serial: str = "") -> str:
    """Record 200 of a channel that has a suffix. secs: of an interval.

    Raises ContractError for an NMI that is too long: two that are cut off would be one.
    """
    if len(nmi) > LONGEST_NMI:
        raise ContractError(
            "NEM12_NMI", where=f"service point {nmi}", what=f"an NMI has at most {LONGEST_NMI} characters",
            do="write another format",
        )  # fmt: skip
    suffix = f"{SUFFIXES[channel]}{element}"
    unit = UNITS[channel.partition("_")[0]]
    return f"200,{nmi},{suffix},{suffix},{suffix},,{serial[-LONGEST_SERIAL:]},{unit},{secs // 60},"


def days(slots: Mapping[int, Slot], secs: int) -> Iterator[str]:
    """Records 300 and 400 of intervals by their begin (epoch seconds UTC), in whole days; days without any are left
    out unless others are on both sides."""
    if not slots:
        return
    first, last = min(slots), max(slots)
    begin = first - (first + MARKET_SECS) % DAY_SECS
    for start in range(begin, last + 1, DAY_SECS):
        yield from _day(start, [slots.get(start + place, NOTHING) for place in range(0, DAY_SECS, secs)])


def _day(start: int, slots: Sequence[Slot]) -> Iterator[str]:
    runs = [(code, len(list(group))) for code, group in groupby(f"{slot.quality},{slot.reason}" for slot in slots)]
    date = datetime.fromtimestamp(start + MARKET_SECS, UTC)
    values = ",".join(_value(slot) for slot in slots)
    whole = f"{runs[0][0]},," if len(runs) == 1 else "V,,,"
    yield f"300,{date:%Y%m%d},{values},{whole},"
    low = 1
    for code, length in runs if len(runs) > 1 else []:
        yield f"400,{low},{low + length - 1},{code},"
        low += length


def _value(slot: Slot) -> str:
    if slot.value is None:
        return "0"
    whole, rest = divmod(abs(slot.value), 1000)
    return f"{'-' if slot.value < 0 else ''}{whole}.{rest:03}"


def nem12(records: Sequence[Record], name: str, zone: str) -> bytes:
    """See FORMATS. The NMI is the service point, the serial number the end of the meter's system title.

    Raises ContractError for intervals of a length, and service points with more digits, than NEM12 has.
    """
    lines = [header()]
    for first, channel, intervals in series_of(list(intervals_of(records))):
        if channel not in SUFFIXES:
            continue
        if first.secs not in {60 * length for length in LENGTHS} or any(one.start % first.secs for one in intervals):
            raise ContractError(
                "NEM12_INTERVAL", where=f"service point {first.service_point}",
                what=f"NEM12 has no intervals of {first.secs} s at {first.start}", do="write another format",
            )  # fmt: skip
        lines.append(details(str(first.service_point), channel, first.secs, serial=first.meter))
        lines += days({interval.start: _slot(interval, channel) for interval in intervals}, first.secs)
    return "".join(f"{line}\n" for line in (*lines, END)).encode("ascii")


def _slot(interval: Interval, channel: str) -> Slot:
    quality = nem12_quality(interval, channel)
    reason = "" if quality in ("A", "N") else FAILED_VALIDATION if interval.rules else NULL_DATA
    return Slot(interval.values[channel], quality, reason)
