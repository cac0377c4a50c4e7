"""CIM: MeterReadings of IEC 61968-9 in an EventMessage of IEC 61968-100, as XML or as JSON.

A MeterReading is of one meter at one usage point, an IntervalBlock of one quantity; stamps close their intervals. The
message's Timestamp is the end of its latest interval: rendered again, the same readings give the same message.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from sinks.documents.intervals import Interval, intervals_of, series_of
from sinks.documents.quality_codes import cim_quality
from sinks.documents.quantities import reading_type
from sinks.documents.tables import to_json
from sinks.records import Record

MESSAGE = "http://iec.ch/TC57/2011/schema/message"
READINGS = "http://iec.ch/TC57/2011/MeterReadings#"
SOURCE = "Kvarn"

Tree = dict[str, Any]
"""Elements by name in their order; a list: the element comes so often; a text: its content; `@name`: an attribute."""


def _stamp(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def message(records: Sequence[Record], name: str) -> Tree:
    """The message as a tree; its MessageID is the name of the document."""
    intervals = list(intervals_of(records))
    meters = groupby(series_of(intervals), key=lambda one: (one[0].service_point, one[0].meter))
    readings = [_meter(point, meter, list(series)) for (point, meter), series in meters]
    return {
        "Header": {
            "Verb": "created",
            "Noun": "MeterReadings",
            "Timestamp": _stamp(max((interval.end for interval in intervals), default=0)),
            "Source": SOURCE,
            "MessageID": name,
        },
        "Payload": {"MeterReadings": {"@xmlns": READINGS, "MeterReading": readings}},
    }


def _meter(point: int, meter: str, series: Iterable[tuple[Interval, str, list[Interval]]]) -> Tree:
    return {
        "IntervalBlocks": [
            {
                "IntervalReadings": [
                    {
                        "timeStamp": _stamp(interval.end),
                        "value": str(interval.values[channel]),
                        "ReadingQualities": {"ReadingQualityType": {"@ref": cim_quality(interval, channel)}},
                    }
                    for interval in intervals
                ],
                "ReadingType": {"@ref": reading_type(channel, first.secs)},
            }
            for first, channel, intervals in series
        ],
        "Meter": {"Names": {"name": meter}},
        "UsagePoint": {"Names": {"name": str(point)}},
    }


def cim_xml(records: Sequence[Record], name: str, zone: str) -> bytes:
    """See FORMATS."""
    root = Element("EventMessage", {"xmlns": MESSAGE})
    _grow(root, message(records, name))
    octets: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return octets


def _grow(parent: Element, tree: Tree) -> None:
    for name, value in tree.items():
        if name.startswith("@"):
            parent.set(name[1:], value)
            continue
        for each in value if isinstance(value, list) else [value]:
            child = SubElement(parent, name)
            if isinstance(each, dict):
                _grow(child, each)
            else:
                child.text = each


def cim_json(records: Sequence[Record], name: str, zone: str) -> bytes:
    """See FORMATS. Attributes are named without `@`; what may come several times is a list."""
    return (to_json({"EventMessage": _plain(message(records, name))}) + "\n").encode()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name.removeprefix("@"): _plain(part) for name, part in value.items() if name != "@xmlns"}
    return [_plain(part) for part in value] if isinstance(value, list) else value
