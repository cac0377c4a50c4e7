"""IES MeterData (India Energy Stack, draft v0.6): profile INTERVAL as JSON, a document a meter and run of intervals.

Payloads are in the order of the descriptors. What was substituted, edited or doubted is an override of its interval:
`changeMethod` says how, `failCode` which rule failed. No personal data: a service point and a meter, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from pipeline.codes import RULES
from sinks.documents.intervals import Interval, intervals_of, series_of
from sinks.documents.quantities import OBIS
from sinks.documents.tables import to_json
from sinks.records import Record

PROFILE, ACCUMULATION, MODE = "INTERVAL", "DELTA", "USAGE"
STATUS = {"ACTUAL": "VALID", "DERIVED": "VALID", "ESTIMATED": "ESTIMATED", "MANUAL": "MANUAL", "SUSPECT": "SUSPECT"}
"""Quality -> validationStatus."""
SOURCE = {
    "ACTUAL": "METER",
    "DERIVED": "MDM_COMPUTED",
    "ESTIMATED": "ESTIMATED",
    "MANUAL": "MANUAL",
    "SUSPECT": "METER",
}
"""Quality -> source."""
METHODS = {"LINEAR": "linear-interpolation", "HEAD_END": "head-end-estimate"}
"""Names of methods that are not ours in small letters."""
MISSING = "VEE-MISSING-INTERVAL"
FAIL = {rule.code: MISSING if rule.code == "V01" else "VEE-" + rule.name.upper().replace(" ", "-") for rule in RULES}
"""Rule -> failCode."""

Values = dict[str, Interval]
"""Channel -> interval; all of one start."""


def ies(records: Sequence[Record], name: str, zone: str) -> bytes:
    """See FORMATS."""
    series = series_of(list(intervals_of(records)))
    documents: list[dict[str, Any]] = []
    for _, group in groupby(series, key=lambda one: (one[0].service_point, one[0].device, one[0].secs)):
        documents += _documents(list(group))
    return (to_json({"messageId": name, "meterData": documents}) + "\n").encode()


def _documents(series: list[tuple[Interval, str, list[Interval]]]) -> list[dict[str, Any]]:
    """One for each run of intervals that follow one another; a channel that lacks somewhere is null there."""
    first, channels = series[0][0], [channel for _, channel, _ in series]
    slots: dict[int, Values] = {}
    for _, channel, intervals in series:
        for interval in intervals:
            slots.setdefault(interval.start, {})[channel] = interval
    runs: list[list[int]] = []
    for start in sorted(slots):
        if runs and runs[-1][-1] + first.secs == start:
            runs[-1].append(start)
        else:
            runs.append([start])
    return [_document(first, channels, [slots[start] for start in run], run[0]) for run in runs]


def _document(first: Interval, channels: list[str], slots: list[Values], start: int) -> dict[str, Any]:
    return {
        "profile": PROFILE,
        "servicePoint": first.service_point,
        "meter": first.meter,
        "descriptors": [_descriptor(channel) for channel in channels],
        "intervalPeriod": {
            "start": datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "duration": f"PT{first.secs // 60}M" if first.secs % 60 == 0 else f"PT{first.secs}S",
        },
        "intervals": [_interval(number, channels, values) for number, values in enumerate(slots)],
    }


def _descriptor(channel: str) -> dict[str, Any]:
    unit = {"wh": "Wh", "vah": "VAh", "varh": "varh"}[channel.partition("_")[0]]
    obis = f"1.0.{OBIS[channel]}.29.0.255"
    return {"readingType": obis, "unit": unit, "accumulation": ACCUMULATION, "mode": MODE}


def _interval(number: int, channels: list[str], values: Values) -> dict[str, Any]:
    payloads = [values[channel].values[channel] if channel in values else None for channel in channels]
    found: dict[str, Any] = {"id": number, "payloads": payloads}
    overrides = [
        _override(place, values[channel], values[channel].qualities[channel])
        for place, channel in enumerate(channels)
        if channel in values and values[channel].qualities[channel] != "ACTUAL"
    ]
    if overrides:
        found["overrides"] = overrides
    return found


def _override(place: int, interval: Interval, quality: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "descriptorIndex": place,
        "validationStatus": STATUS[quality],
        "source": SOURCE[quality],
    }
    if interval.method != "NONE":
        found["changeMethod"] = METHODS.get(interval.method, interval.method.lower().replace("_", "-"))
    if interval.rules:
        found["failCode"] = FAIL[interval.rules[0]]
    return found
