"""MSCONS: metered services consumption report of UN/EDIFACT D.04B, version 2.4c of EDI@Energy.

A message is of one metering point (LOC+172, the meter's system title); a line item (LIN, PIA) of one OBIS code. Values
are kWh, kVAh, kvarh with three decimal places and a decimal comma. References are made of the document's name.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from sinks.documents.intervals import Interval, intervals_of, series_of
from sinks.documents.quality_codes import mscons_quality
from sinks.documents.quantities import OBIS
from sinks.records import Record

UNA = "UNA:+,? '"
SENDER, RECEIVER, AGENCY = "KVARN", "RECEIVER", "293"
"""Names of the parties until they are replaced on the way, and the agency that party codes are of."""
LOAD_PROFILE, ORIGINAL = "Z48", "9"

Series = tuple[Interval, str, list[Interval]]


def mscons(records: Sequence[Record], name: str, zone: str) -> bytes:
    """See FORMATS."""
    reference = f"{zlib.crc32(name.encode()):08X}"
    intervals = list(intervals_of(records))
    made = _local(max((interval.end for interval in intervals), default=0), ZoneInfo(zone))
    meters = [
        list(series)
        for _, series in groupby(series_of(intervals), key=lambda one: (one[0].service_point, one[0].device))
    ]
    segments = [f"UNB+UNOC:3+{SENDER}:500+{RECEIVER}:500+{made:%y%m%d:%H%M}+{reference}++TL"]
    for number, series in enumerate(meters, 1):
        segments += _message(f"{reference}{number:06}"[:14], made, series, ZoneInfo(zone))
    segments.append(f"UNZ+{len(meters)}+{reference}")
    return (UNA + "".join(f"{segment}'" for segment in segments)).encode("latin-1")


def _local(time: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(time, zone)


def _stamp(qualifier: int, time: datetime) -> str:
    """DTM in format 303: CCYYMMDDHHMMZZZ; the plus sign is released. Zones of half an hour have four digits."""
    offset = f"{time:%z}"
    digits = offset[1:3] if offset[3:] == "00" else offset[1:]
    sign = "?+" if offset[0] == "+" else "-"
    return f"DTM+{qualifier}:{time:%Y%m%d%H%M}{sign}{digits}:303"


def _message(reference: str, made: datetime, series: list[Series], zone: ZoneInfo) -> list[str]:
    first = min(intervals[0].start for _, _, intervals in series)
    last = max(intervals[-1].end for _, _, intervals in series)
    segments = [
        f"UNH+{reference}+MSCONS:D:04B:UN:2.4c",
        f"BGM+{LOAD_PROFILE}+{reference}+{ORIGINAL}",
        _stamp(137, made),
        f"NAD+MS+{SENDER}::{AGENCY}",
        f"NAD+MR+{RECEIVER}::{AGENCY}",
        "UNS+D",
        "NAD+DP",
        f"LOC+172+{series[0][0].meter}",
        _stamp(163, _local(first, zone)),
        _stamp(164, _local(last, zone)),
    ]
    for number, (_, channel, intervals) in enumerate(series, 1):
        segments += [f"LIN+{number}", f"PIA+5+1-1?:{OBIS[channel]}.29.0:SRW"]
        for interval in intervals:
            segments += _value(interval, channel, zone)
    return [*segments, f"UNT+{len(segments) + 1}+{reference}"]


def _value(interval: Interval, channel: str, zone: ZoneInfo) -> list[str]:
    whole, rest = divmod(abs(interval.values[channel]), 1000)
    sign = "-" if interval.values[channel] < 0 else ""
    return [
        f"QTY+{mscons_quality(interval, channel)}:{sign}{whole},{rest:03}",
        _stamp(163, _local(interval.start, zone)),
        _stamp(164, _local(interval.end, zone)),
    ]
