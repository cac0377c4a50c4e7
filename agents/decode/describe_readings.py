"""Frames of readings that another head-end has decoded, for people: what `kvarn decode` says of them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from pipeline.channels import CHANNELS, SNAPSHOT
from pipeline.codes import Flag, Kind
from pipeline.reading_frames import N_CHANNELS, Reading, ReadingFrame

_BASE = {"mV": "V", "mA": "A", "mHz": "Hz", "1/1000": "1"}


def describe_readings(frame: ReadingFrame, offset_secs: int) -> tuple[dict[str, Any], dict[str, str]]:
    """(values, units): source and kind, and the readings, each with its stamp, the head-end's own quality and id, and
    values by OBIS code in V, A and watt-hours.

    `offset_secs`: of the zone in which stamps are shown.
    """
    units: dict[str, str] = {}
    zone = timezone(timedelta(seconds=offset_secs))
    readings = [_reading(one, frame.kind, zone, units) for one in frame.readings]
    return {"source": frame.source, "kind": frame.kind.name, "readings": readings}, units


def _reading(reading: Reading, kind: Kind, zone: timezone, units: dict[str, str]) -> dict[str, Any]:
    said: dict[str, Any] = {"time": datetime.fromtimestamp(reading.time, zone).isoformat()}
    said |= {name: text for name, text in (("quality", reading.quality), ("id", reading.id)) if text}
    if reading.interval:
        said["interval_secs"] = reading.interval
    if reading.flags:
        said["flags"] = [(flag.name or "").lower() for flag in Flag if flag in reading.flags]
    for target, value in reading.values.items():
        obis, unit, scale = _quantity(target, kind)
        said[obis] = value / 10**scale if scale else value
        units[obis] = _BASE.get(unit, unit)
    return said


def _quantity(target: int, kind: Kind) -> tuple[str, str, int]:
    if target >= N_CHANNELS:
        field = SNAPSHOT[target - N_CHANNELS]
        return field.obis, field.unit, field.scale
    channel = CHANNELS[target]
    codes = channel.block_obis if kind == Kind.BLOCK or not channel.register_obis else channel.register_obis
    return codes[0], channel.unit, channel.scale
