"""Series of interval data out of files, as accuracy is measured on them: CSV, NEM12, Green Button; also compressed."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

import numpy as np

from agents.vee.estimate.model import Grid
from connectors.readings_in.formats.parts import UnreadableError
from connectors.readings_in.formats.xml import parse, text_at
from pipeline.errors import ConfigError
from pipeline.localtime import DAY_SECS

Rows = dict[int, int]
"""Start of the interval, epoch seconds of the file's own clock -> Wh (varh)."""

POWERS = {"": 0, "K": 3, "M": 6}


class Named(NamedTuple):
    """One series of a file."""

    file: str
    name: str
    grid: Grid


def read_series(path: Path) -> list[Named]:
    """All series of a file that have an interval; raises ConfigError when there are none.

    Stamps are taken by the file's own clock, as starts of intervals. Of an interval that comes twice the first counts.
    """
    octets = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    try:
        found = _parsed(octets)
    except (UnreadableError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError("INPUT_UNREADABLE", where=str(path), what=str(error), do="give interval data") from error
    series = [Named(path.name, name, grid) for name, rows in found.items() if (grid := grid_of(rows)) is not None]
    if not series:
        raise ConfigError(
            "INPUT_WITHOUT_INTERVALS",
            where=str(path),
            what="no column of stamps with energies beside it",
            do="give CSV with a header, NEM12 or Green Button XML",
        )
    return series


def _parsed(octets: bytes) -> dict[str, Rows]:
    if octets.lstrip()[:1] == b"<":
        return {"1": _green_button(octets)}
    lines = octets.decode("utf-8-sig").splitlines()
    if lines and lines[0].startswith("100,NEM12"):
        return _nem12(lines)
    return _csv(lines)


def _csv(lines: list[str]) -> dict[str, Rows]:
    """The first column with stamps is the time, columns with numbers are energies in kWh, others name the series."""
    found: dict[str, Rows] = {}
    for row in csv.DictReader(lines):
        cells = {name: (text or "").strip() for name, text in row.items() if name}
        at = next((name for name, text in cells.items() if _stamp(text) is not None), None)
        stamp = _stamp(cells.pop(at)) if at else None
        if stamp is None:
            continue
        numbers = {name: _wh(text, 3) for name, text in cells.items()}
        key = [text for name, text in cells.items() if numbers[name] is None and text not in ("", "NA")]
        for name, number in numbers.items():
            if number is not None:
                found.setdefault("/".join([*key, name]), {}).setdefault(stamp, number)
    return found


def _nem12(lines: list[str]) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    name, interval, power = "", 0, 0
    for cells in csv.reader(lines):
        if cells[0] == "200" and len(cells) > 8:
            name, interval = f"{cells[1]}/{cells[4]}", int(cells[8]) * 60
            power = POWERS.get(cells[7].upper().removesuffix("H").removesuffix("VAR").removesuffix("W"), 3)
        elif cells[0] == "300" and interval and (day := _stamp(cells[1])) is not None:
            for place, text in enumerate(cells[2 : 2 + DAY_SECS // interval]):
                if (energy := _wh(text, power)) is not None:
                    found.setdefault(name, {}).setdefault(day + place * interval, energy)
    return found


def _green_button(octets: bytes) -> Rows:
    """Of readings of several lengths those of the most frequent one."""
    root = parse(octets)
    power = int(text_at(root, ".//powerOfTenMultiplier") or 0)
    rows: dict[str, Rows] = {}
    for reading in root.iter("IntervalReading"):
        energy = _wh(text_at(reading, "value"), power)
        start = text_at(reading, "timePeriod/start")
        if energy is not None and start:
            rows.setdefault(text_at(reading, "timePeriod/duration"), {}).setdefault(int(start), energy)
    return max(rows.values(), key=len, default={})


def _stamp(text: str) -> int | None:
    if not text[:4].isdigit() or len(text) < 8:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int(found.replace(tzinfo=UTC).timestamp())


def _wh(text: str, power: int) -> int | None:
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        return None
    return int((found.scaleb(power)).to_integral_value()) if found.is_finite() else None


def grid_of(rows: Rows) -> Grid | None:
    """A grid of whole days from the first midnight on; None for less than two intervals.

    The interval is the most frequent distance that divides a day; what stands off the grid is left out.
    """
    stamps = sorted(rows)
    steps = Counter(step for step in _steps(stamps) if DAY_SECS % step == 0)
    if not steps:
        return None
    interval = min(steps, key=lambda step: (-steps[step], step))
    origin = stamps[0] // DAY_SECS * DAY_SECS
    count = (stamps[-1] // DAY_SECS + 1) * DAY_SECS // interval - origin // interval
    value, standing = np.zeros(count, np.int64), np.zeros(count, np.uint8)
    for stamp in stamps:
        if (stamp - origin) % interval == 0 and rows[stamp] >= 0:
            value[(stamp - origin) // interval], standing[(stamp - origin) // interval] = rows[stamp], 1
    number, places = np.arange(count), DAY_SECS // interval
    first = origin // DAY_SECS
    return Grid(
        start=origin + number * interval,
        interval=interval,
        value=value,
        standing=standing,
        place=(number % places).astype(np.int32),
        day=(first + number // places).astype(np.int32),
        day_type=((np.arange(count // places) + first + 3) % 7).astype(np.uint8),
    )


def _steps(stamps: Iterable[int]) -> Iterator[int]:
    before: int | None = None
    for stamp in stamps:
        if before is not None:
            yield stamp - before
        before = stamp
