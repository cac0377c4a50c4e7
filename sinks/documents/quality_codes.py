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

NEM12_TYPES = {
    "OUTAGE": 19, "CHECK_METER": 11, "LINEAR": 17, "LIKE_DAY": 15, "NEAR_DAY": 14, "SCALED": 15, "ZONE_SCALED": 15,
    "FLAT": 17, "CARRIED": 17, "ROUNDING": 12, "HEAD_END": 18, "CLOCK_SET": 12, "PREVIOUS_PERIOD": 51,
    "CLASS_PROFILE": 57, "NEIGHBOURS": 57, "TEMPERATURE": 15, "REGISTER": 65, "REGISTER_LINE": 65, "AGREED": 16,
    "WEIGHTED_DAYS": 15, "MEDIAN_DAYS": 15, "BRIDGE": 15, "MANUAL": 16,
}  # fmt: skip
"""Method -> substitution type of NEM12."""


def nem12_quality(interval: Interval, channel: str) -> str:
    """QualityMethod of a value: A, N, or S and the substitution type."""
    quality = interval.qualities[channel]
    if quality == "ACTUAL":
        return "A"
    if quality == "SUSPECT":
        return "N"
    return f"S{NEM12_TYPES.get(interval.method, {'DERIVED': 12, 'MANUAL': 16}.get(quality, 18))}"


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
