"""Green Button: an Atom feed of ESPI (NAESB REQ.21, ESPI 1.1).

Each usage point, meter reading, reading type and interval block is an entry, tied together by links. A usage point is
called by the meter's system title at the service point's number. Stamps open their intervals, in epoch seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5
from xml.etree.ElementTree import Element, SubElement, tostring

from sinks.documents.intervals import Interval, intervals_of, series_of
from sinks.documents.quality_codes import espi_quality
from sinks.documents.quantities import DELTA, ELECTRICITY, ENERGY, flow_of, uom_of
from sinks.records import Record

ATOM, ESPI = "http://www.w3.org/2005/Atom", "http://naesb.org/espi"
ROOT = "espi/1_1/resource"
SERVICE_ELECTRICITY = "0"


def espi(records: Sequence[Record], name: str, zone: str) -> bytes:
    """See FORMATS. Intervals that follow one another are one IntervalBlock."""
    intervals = list(intervals_of(records))
    feed = Element("feed", {"xmlns": ATOM})
    _text(feed, "id", _urn(name))
    _text(feed, "title", "Meter readings")
    _text(feed, "updated", _stamp(max((interval.end for interval in intervals), default=0)))
    writer = _Feed(feed)
    for first, channel, series in series_of(intervals):
        writer.series(first, channel, series)
    octets: bytes = tostring(feed, encoding="utf-8", xml_declaration=True)
    return octets


def _stamp(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _urn(text: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, text)}"


def _text(parent: Element, name: str, value: str | int) -> Element:
    child = SubElement(parent, name)
    child.text = str(value)
    return child


class _Feed:
    """Entries are written once each, in the order in which they are first needed."""

    def __init__(self, feed: Element) -> None:
        self._feed = feed
        self._known: set[str] = set()

    def _entry(self, path: str, up: str, *related: str) -> Element | None:
        """The content of a new entry; None when it is there."""
        if path in self._known:
            return None
        self._known.add(path)
        entry = SubElement(self._feed, "entry")
        _text(entry, "id", _urn(path))
        SubElement(entry, "link", {"rel": "self", "href": path})
        SubElement(entry, "link", {"rel": "up", "href": up})
        for other in related:
            SubElement(entry, "link", {"rel": "related", "href": other})
        return SubElement(entry, "content")

    def series(self, first: Interval, channel: str, intervals: list[Interval]) -> None:
        """One channel of one meter: its entries."""
        customer = f"{ROOT}/RetailCustomer/{first.service_point}"
        point = f"{customer}/UsagePoint/{first.meter}"
        self._point(point, customer)
        kind = f"{ROOT}/ReadingType/{channel}-{first.secs}"
        self._kind(kind, channel, first.secs)
        reading = f"{point}/MeterReading/{channel}-{first.secs}"
        content = self._entry(reading, f"{point}/MeterReading", f"{reading}/IntervalBlock", kind)
        if content is not None:
            SubElement(content, "MeterReading", {"xmlns": ESPI})
        for run in _runs(intervals):
            self._block(reading, channel, run)

    def _point(self, path: str, customer: str) -> None:
        content = self._entry(path, f"{customer}/UsagePoint", f"{path}/MeterReading")
        if content is not None:
            category = SubElement(SubElement(content, "UsagePoint", {"xmlns": ESPI}), "ServiceCategory")
            _text(category, "kind", SERVICE_ELECTRICITY)

    def _kind(self, path: str, channel: str, secs: int) -> None:
        content = self._entry(path, f"{ROOT}/ReadingType")
        if content is None:
            return
        kind = SubElement(content, "ReadingType", {"xmlns": ESPI})
        _text(kind, "accumulationBehaviour", DELTA)
        _text(kind, "commodity", ELECTRICITY)
        _text(kind, "flowDirection", flow_of(channel))
        _text(kind, "intervalLength", secs)
        _text(kind, "kind", ENERGY)
        _text(kind, "powerOfTenMultiplier", 0)
        _text(kind, "uom", uom_of(channel))

    def _block(self, reading: str, channel: str, run: list[Interval]) -> None:
        content = self._entry(f"{reading}/IntervalBlock/{run[0].start}", f"{reading}/IntervalBlock")
        assert content is not None, "runs of one series begin at different times"
        block = SubElement(content, "IntervalBlock", {"xmlns": ESPI})
        span = SubElement(block, "interval")
        _text(span, "duration", run[-1].end - run[0].start)
        _text(span, "start", run[0].start)
        for interval in run:
            element = SubElement(block, "IntervalReading")
            _text(SubElement(element, "ReadingQuality"), "quality", espi_quality(interval, channel))
            period = SubElement(element, "timePeriod")
            _text(period, "duration", interval.secs)
            _text(period, "start", interval.start)
            _text(element, "value", interval.values[channel])


def _runs(intervals: list[Interval]) -> list[list[Interval]]:
    runs: list[list[Interval]] = []
    for interval in intervals:
        if runs and runs[-1][-1].end == interval.start:
            runs[-1].append(interval)
        else:
            runs.append([interval])
    return runs
