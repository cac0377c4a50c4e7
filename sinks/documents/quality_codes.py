"""What our qualities and methods are called by the formats of others (IEC 61968-9, NAESB REQ.21, EDI@Energy)."""

from __future__ import annotations

from sinks.documents.intervals import Interval

CIM = {
    "ACTUAL": "2.0.0", "SUSPECT": "2.10.0", "ESTIMATED": "2.8.0", "MANUAL": "2.7.0", "DERIVED": "2.11.0",
}  # fmt: skip
"""Quality -> system.category.index of ReadingQualityType: system 2 is a meter data management system."""

ESPI = {"ACTUAL": "17", "SUSPECT": "10", "ESTIMATED": "8", "MANUAL": "7", "DERIVED": "11"}
"""Quality -> `quality` of ReadingQuality: 17 validated, 10 questionable, 8 estimated by a reference day."""
ESPI_LINEAR = "9"

MSCONS = {"ACTUAL": "220", "SUSPECT": "20", "ESTIMATED": "67", "MANUAL": "67", "DERIVED": "220"}
"""Quality -> qualifier of QTY: 220 true value, 67 substitute, 20 not to be used."""


def cim_quality(interval: Interval, channel: str) -> str:
    """ReadingQualityType of a value."""
    return CIM[interval.qualities[channel]]


def espi_quality(interval: Interval, channel: str) -> str:
    """`quality` of a value; a line between two values has a code of its own."""
    quality = interval.qualities[channel]
    return ESPI_LINEAR if quality == "ESTIMATED" and interval.method == "LINEAR" else ESPI[quality]


def mscons_quality(interval: Interval, channel: str) -> str:
    """Qualifier of QTY of a value."""
    return MSCONS[interval.qualities[channel]]
