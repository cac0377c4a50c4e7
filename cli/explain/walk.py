"""The whole way back of a bill: lines, registers, days, intervals, frames; and where something is no longer there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agents.decode.single.ciphering import Keys
from agents.rating.engine.exact import rupees
from agents.rating.tables import BILLED_QUALITIES
from cli.explain.bill import NAMES, Ask, Row, days_of, intervals_of, midnights_of
from cli.explain.frames import Frame, Place, described, frames_at, hash_of
from cli.explain.logs import FrameLog
from pipeline.errors import KvarnError
from pipeline.wire import Contracts

COUNTED = tuple(quality.name for quality in BILLED_QUALITIES)
"""Qualities whose energy is in a bill."""
ALL = -1


@dataclass(frozen=True)
class Wanted:
    """How far to go: frames to show (ALL: all), the interval to begin with, and whether to hash all of them."""

    frames: int = 3
    at: int | None = None
    hashed: bool = False


def walk(ask: Ask, bill: Row, sources: Sources, wanted: Wanted) -> dict[str, Any]:
    """Everything of one revision of a bill (`bill_of`), for JSON. Raises ConfigError when the warehouse cannot answer;
    a log that is away, or has forgotten, is said in `missing`."""
    days, intervals, midnights = days_of(ask, bill), intervals_of(ask, bill), midnights_of(ask, bill)
    missing = list(_lacking(bill, days, intervals))
    said = {
        "bill": {name: value for name, value in bill.items() if name not in ("lines", "registers", "day")},
        "lines": [_line(line) for line in bill["lines"]],
        "registers": bill["registers"],
        "midnights": midnights,
        "days": days,
        "intervals": intervals,
        "sums": _sums(bill, intervals),
        "frames": [],
        "lineage": {"topic_id": bill["source_topic_id"], "partition": bill["source_partition"],
                    "from": bill["lineage_from"], "to": bill["lineage_to"]},
    }  # fmt: skip
    _follow(said, midnights, intervals, bill, sources, wanted, missing)
    return {**said, "missing": missing}


@dataclass(frozen=True)
class Sources:
    """Contracts, the log of the frames (why there is none, where it is None), and keys to read them with."""

    contracts: Contracts
    log: FrameLog | None
    keys: Keys
    no_log: str = "no log was named"


def _line(line: Row) -> Row:
    """A line with its arithmetic: what paise are base x rate, before they are rounded."""
    per = {"Wh": "kWh", "VAh": "kVAh", "W": "kW", "VA": "kVA"}.get(line["base_unit"])
    if line["base_unit"] == "paise":
        words = f"{line['base']} paise x {line['rate']} %"
    elif per is None:
        words = f"{line['base']} {line['base_unit']} x Rs {line['rate']}"
    else:
        words = f"{_thousandths(line['base'])} {per} x Rs {line['rate']}"
    return {**line, "words": f"{words} = Rs {rupees(line['paise'])}"}


def _thousandths(number: int) -> str:
    sign = "-" if number < 0 else ""
    return f"{sign}{abs(number) // 1000}.{abs(number) % 1000:03d}"


def _lacking(bill: Row, days: Sequence[Row], intervals: Sequence[Row]) -> list[str]:
    found = []
    if not days:
        found.append("the warehouse has no settled day of the period: its rows have been deleted, or never came")
    expected, there = bill["intervals_actual"] + bill["intervals_estimated"], len(intervals)
    if there < expected:
        found.append(f"the warehouse has {there} intervals of the period, and the bill counts {expected}")
    return found


def _sums(bill: Row, intervals: Sequence[Row]) -> Row:
    """The bill's energies beside the sums of its intervals, and how many there are of each quality and method."""
    energies = {
        name: {"bill": bill[name],
               "intervals": sum(row[name] for row in intervals if row[f"{name}_quality"] in COUNTED)}
        for name in NAMES
    }  # fmt: skip
    return {
        "energies": energies,
        "agree": all(one["bill"] == one["intervals"] for one in energies.values()),
        "quality": dict(sorted(Counter(row["wh_imp_quality"] for row in intervals).items())),
        "method": dict(sorted(Counter(row["method"] for row in intervals).items())),
        "rules": dict(sorted(Counter(rule for row in intervals for rule in row["failed_rules"]).items())),
    }


def _follow(said: dict[str, Any], midnights: Sequence[Row], intervals: Sequence[Row], bill: Row, sources: Sources,
            wanted: Wanted, missing: list[str]) -> None:  # fmt: skip
    """Frames of the registers and of the intervals asked for, and the hash."""
    shown = _chosen(midnights, intervals, bill, wanted)
    every = {place: device for place, device, _ in _places(intervals)} if wanted.hashed else {}
    if not shown and not every:
        return
    if sources.log is None:
        missing.append(f"frames: {sources.no_log}")
        return
    places = {place: device for place, device, _ in shown} | every
    try:
        found, gone = frames_at(sources.contracts, sources.log, places)
    except KvarnError as error:
        missing.append(f"frames: {error}")
        return
    for place, _, why in shown:
        for frame in found.get(place, []):
            said["frames"].append({"of": why, **described(frame, sources.keys)})
        if place in gone:
            missing.append(f"{why}: {gone[place]}")
    if every:
        said["lineage"] |= _hashed(every, found)
        lost = sum(place in gone for place in every)
        if lost:
            missing.append(f"{lost} of {len(every)} frames of the period are no longer in {sources.log.where}")


def _hashed(every: dict[Place, int], found: dict[Place, list[Frame]]) -> Row:
    frames = [frame for place in every for frame in found.get(place, [])]
    return {"frames": len(every), "frames_there": len(frames), "sha256": hash_of(frames)}


def _places(intervals: Sequence[Row]) -> list[tuple[Place, int, str]]:
    """(place, device, what for) of the frames that intervals came from, each once."""
    found: dict[Place, tuple[int, str]] = {}
    for row in intervals:
        if row["frame"] >= 0:
            place = row["origin_partition"], row["origin_offset"], row["frame"]
            found.setdefault(place, (row["device"], f"interval {row['start']}"))
    return [(place, device, why) for place, (device, why) in found.items()]


def _chosen(
    midnights: Sequence[Row], intervals: Sequence[Row], bill: Row, wanted: Wanted
) -> list[tuple[Place, int, str]]:
    """Frames to show: of the interval asked for, else of that of the demand and those with most energy; then of the
    registers at both ends."""
    if wanted.at is not None:
        rows = [row for row in intervals if row["start"] <= wanted.at < row["start"] + row["secs"]]
        return _places(rows)
    first = [row for row in intervals if row["start"] == bill["demand_start"]]
    rest = sorted(intervals, key=lambda row: (-row["wh_imp"], row["start"]))
    of_intervals = _places([*first, *rest])
    limit = len(of_intervals) if wanted.frames == ALL else wanted.frames
    registers = [
        ((row["origin_partition"], row["origin_offset"], -1), row["device"], f"registers {row['start']}")
        for row in midnights
    ]
    return [*of_intervals[:limit], *(registers if limit else [])]
