"""What a person wants changed, from options or a CSV file, as proposals: one a service point, and more of long ones."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from bench.replay.times import epoch_ms
from connectors.edits.event import Event, intervals_of, rows_of
from pipeline.channels import ENERGY
from pipeline.edits import EditEvent, EditWhat
from pipeline.errors import ConfigError
from pipeline.lookup import find
from pipeline.reading_frames import LARGEST
from pipeline.reference import Registry

CHANNELS = tuple(channel.name for channel in ENERGY)
MOST_FAULTS = 10


@dataclass(frozen=True)
class Asked:
    """Who asks, why, and what is to be done with the intervals."""

    what: EditWhat
    reason: str
    why: str
    author: str
    at: int
    batch: str = ""
    override: bool = False
    anew: bool = False
    """Ask for it although the same was asked before."""


@dataclass
class Wanted:
    """Intervals of one service point: start -> values by channel; `lines` say where each stands."""

    service_point: int
    values: dict[int, dict[str, int]] = field(default_factory=dict)
    lines: dict[int, str] = field(default_factory=dict)


def from_range(
    service_point: int, start: int, end: int | None, values: dict[str, int], registry: Registry, place: str
) -> Wanted:
    """Every interval of the meter in [start, end), epoch seconds UTC; without an end the one that begins at `start`."""
    made = Wanted(service_point)
    at = start
    while at < (start + 1 if end is None else end):
        made.values[at], made.lines[at] = dict(values), place
        at += interval_at(registry, service_point, at)
    return made


def from_csv(file: Path, zone: ZoneInfo, what: EditWhat) -> list[Wanted]:
    """Rows service_point, start, channel, value; the last two only of values. Raises ConfigError naming every fault."""
    columns = ("service_point", "start", "channel", "value") if what is EditWhat.VALUES else ("service_point", "start")
    made: dict[int, Wanted] = {}
    faults: list[str] = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise ConfigError("CSV_COLUMN_MISSING", where=str(file), what=f"no column {', '.join(missing)}",
                                  do=f"begin the file with {','.join(columns)}")  # fmt: skip
            for row in reader:
                try:
                    _add(made, row, zone, what, f"{file.name} line {reader.line_num}")
                except (ValueError, ConfigError) as error:
                    faults.append(f"line {reader.line_num}: {getattr(error, 'what', error)}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError("CSV_UNREADABLE", where=str(file), what=str(error), do="give a CSV file in UTF-8") from error
    refuse_faults(str(file), faults)
    if not made:
        raise ConfigError("CSV_EMPTY", where=str(file), what="it has no rows", do="write a row an interval")
    return list(made.values())


def _add(made: dict[int, Wanted], row: dict[str, Any], zone: ZoneInfo, what: EditWhat, line: str) -> None:
    point = _whole(row["service_point"], "service point", least=1)
    text = row["start"] or ""
    start = _whole(text, "start", least=0) if text.isdigit() else (epoch_ms(text, zone) or 0) // 1000
    wanted = made.setdefault(point, Wanted(point))
    values = wanted.values.setdefault(start, {})
    wanted.lines.setdefault(start, line)
    if what is not EditWhat.VALUES:
        return
    channel, value = row["channel"] or "", row["value"]
    if channel not in CHANNELS:
        raise ValueError(f"channel {channel!r} is none of {', '.join(CHANNELS)}")
    if channel in values:
        raise ValueError(f"{channel} of this interval is there twice")
    values[channel] = _whole(value, channel, least=-LARGEST)


def _whole(text: str | None, name: str, least: int) -> int:
    try:
        number = int(text or "")
    except ValueError as error:
        raise ValueError(f"{name} {text!r} is no whole number") from error
    if not least <= number <= LARGEST:
        raise ValueError(f"{name} {text!r} is no number that can be")
    return number


def refuse_faults(where: str, faults: list[str]) -> None:
    """Raises ConfigError with the first of all faults, if there are any."""
    if faults:
        more = f"; and {len(faults) - MOST_FAULTS:,} more" if len(faults) > MOST_FAULTS else ""
        raise ConfigError("EDITS_WRONG", where=where, what="; ".join(faults[:MOST_FAULTS]) + more,
                          do="correct them: nothing was written")  # fmt: skip


def interval_at(registry: Registry, service_point: int, start: int) -> int:
    """[s] Length of the meter's intervals at `start`; of a time without a meter 1800, which is judged later."""
    order, index = registry.links_of_point
    place = int(find(*index, np.uint64(service_point)))
    while 0 <= place < len(order) and int(registry.service_point[order[place]]) == service_point:
        link = order[place]
        if registry.valid_from[link] <= start < registry.valid_to[link]:
            return int(registry.interval_secs[link]) or 1800
        place += 1
    return 1800


def proposals(wanted: Iterable[Wanted], asked: Asked, registry: Registry, most: int) -> Iterator[Event]:
    """PROPOSED events of at most `most` intervals."""
    for one in wanted:
        starts = sorted(one.values)
        rows = [_row(start, interval_at(registry, one.service_point, start), one.values[start]) for start in starts]
        for place in range(0, len(rows), most):
            yield _proposal(one.service_point, rows[place : place + most], asked)


def _row(start: int, secs: int, values: dict[str, int]) -> dict[str, Any]:
    return {"start": start, "secs": secs, **{name: values.get(name) for name in CHANNELS}}


def _proposal(service_point: int, rows: list[dict[str, Any]], asked: Asked) -> Event:
    event = Event(
        -1, "", EditEvent.PROPOSED, service_point, asked.what, intervals_of(rows), asked.override, asked.reason,
        asked.why, asked.author, asked.batch, asked.at, 0,
    )  # fmt: skip
    return Event(**{**vars(event), "id": id_of(event, asked.anew)})


def id_of(event: Event, anew: bool = False) -> str:
    """Of the same intervals, values, reason and author the same id, so that a file given twice is one edit."""
    said = [event.service_point, event.what.name, rows_of(event.intervals), event.override, event.reason, event.why,
            event.author]  # fmt: skip
    salt = os.urandom(16) if anew else b""
    return hashlib.blake2b(json.dumps(said).encode() + salt, digest_size=12).hexdigest()
