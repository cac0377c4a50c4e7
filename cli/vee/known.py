"""Files of facts beside a file of interval data: --outages, --temperatures, --check, --neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from agents.vee.config import Thresholds
from agents.vee.series.facts import outages_on, standing_of, temperatures_on
from agents.vee.series.model import Beside, Grid
from agents.vee.series.placing import place
from cli.vee.csv_file import USUAL_ZONE
from cli.vee.source import Asked, Content, read
from connectors.facts.files import FactFile
from connectors.facts.model import Fact, FactKind
from pipeline.columns import Array
from pipeline.errors import ConfigError

EVERY = ""
"""In place of a series' id: the row names none, so it is of every series."""
NO_END = 2**62


@dataclass(frozen=True)
class Given:
    """Files that the command line names."""

    outages: Path | None = None
    temperatures: Path | None = None
    check: Path | None = None
    neighbours: Path | None = None


@dataclass
class Known:
    """What the files say, by series; None: no such file was named. notes: what a person should know of them."""

    outages: dict[str, list[tuple[int, int]]] | None = None
    temperatures: dict[str, tuple[Array, Array]] | None = None
    check: Content | None = None
    neighbours: dict[str, tuple[str, ...]] | None = None
    content: Content | None = None
    """The input, in which neighbours' values stand."""
    notes: list[str] = field(default_factory=list)

    def beside(self, id: str, grid: Grid, thresholds: Thresholds) -> Beside:
        """What is known of a series, on its grid."""
        beside = Beside()
        if self.outages is not None:
            beside.outage = outages_on(grid, [*self.outages.get(EVERY, ()), *self.outages.get(id, ())])
        if self.temperatures is not None:
            found = self.temperatures.get(id) or self.temperatures.get(EVERY)
            beside.temperature = temperatures_on(grid, *found) if found is not None else None
        self._check(id, grid, thresholds, beside)
        self._neighbours(id, grid, thresholds, beside)
        return beside

    def _check(self, id: str, grid: Grid, thresholds: Thresholds, beside: Beside) -> None:
        if self.check is None:
            return
        whole = [one for one in self.check.readings if one.name == beside.check_channel]
        # A file of one meter has no column that could name it.
        mine = [one for one in whole if one.id == id] or (whole if len({one.id for one in whole}) == 1 else [])
        if not mine:
            self.notes.append(f"{id}: no check meter of that name in the file of --check")
            return
        channel, _ = place(mine[0], grid, thresholds)
        if not channel.there.any():
            self.notes.append(f"{id}: no interval of the check meter begins and ends with one of the meter")
            return
        beside.check, beside.check_there = channel.value, standing_of(channel)

    def _neighbours(self, id: str, grid: Grid, thresholds: Thresholds, beside: Beside) -> None:
        if self.neighbours is None or self.content is None:
            return
        wanted = set(self.neighbours.get(id, ()) or self.neighbours.get(EVERY, ())) - {id}
        found = [one for one in self.content.readings if one.id in wanted and one.name == beside.neighbours_channel]
        lacking = wanted - {one.id for one in found}
        if lacking:
            self.notes.append(f"{id}: {len(lacking)} neighbours are not in the file: {', '.join(sorted(lacking)[:5])}")
        placed = [channel for one in found for channel, _ in (place(one, grid, thresholds),) if channel.there.any()]
        if placed:
            beside.neighbours = np.stack([channel.value for channel in placed])
            beside.neighbours_standing = np.stack([standing_of(channel) for channel in placed])


NOTHING = Known()


def known(given: Given, asked: Asked, content: Content) -> Known:
    """What the files say; raises ConfigError for one that cannot be used, and for rows that cannot be read."""
    zone = ZoneInfo(asked.timezone or content.zone or USUAL_ZONE)
    found = Known(content=content)
    if given.outages is not None:
        found.outages = _outages(given.outages, zone, found.notes)
    if given.temperatures is not None:
        found.temperatures = _temperatures(given.temperatures, zone)
    if given.neighbours is not None:
        found.neighbours = {
            fact.point: fact.neighbours for fact in _facts(given.neighbours, FactKind.NEIGHBOURS, zone)
        }  # fmt: skip
    if given.check is not None:
        found.check = read(given.check, Asked(timezone=asked.timezone, interval=asked.interval), lambda _count: None)
        faults = [f"{given.check.name}: {fault}" for fault in found.check.faults]
        found.notes += faults[:10] + [f"{given.check.name}: {note}" for note in found.check.notes]
    return found


def _facts(path: Path, kind: FactKind, zone: ZoneInfo) -> Iterator[Fact]:
    file = FactFile(path, zone, kind)
    count = 0
    for _, fact in file.facts():
        if fact.kind is kind:
            count += 1
            yield fact
    if file.fault_count:
        # What is left out here would silently change what is billed.
        raise ConfigError(
            "FACTS_UNREADABLE", where=f"{path.name}, {file.faults[0].partition(',')[0]}",
            what=f"{file.fault_count} rows cannot be read: {'; '.join(file.faults[:3])}",
            do="correct them; docs/facts.md has the columns",
        )  # fmt: skip
    if not count:
        raise ConfigError(
            "FACTS_EMPTY", where=path.name, what=f"no {kind.lower()} is in it", do="docs/facts.md has the columns"
        )


def _outages(path: Path, zone: ZoneInfo, notes: list[str]) -> dict[str, list[tuple[int, int]]]:
    spans: dict[str, list[tuple[int, int]]] = {}
    unconfirmed = nodes = 0
    for fact in _latest(_facts(path, FactKind.OUTAGE, zone)):
        if fact.node or fact.place:
            nodes += 1
        elif not fact.confirmed:
            unconfirmed += 1
        else:
            spans.setdefault(fact.point, []).append((fact.start, fact.until or NO_END))
    if unconfirmed:
        notes.append(f"{path.name}: {unconfirmed} outages are not confirmed and not used")
    if nodes:
        notes.append(
            f"{path.name}: {nodes} outages of nodes or places are not used: a file does not say which meters are below"
        )
    return spans


def _latest(facts: Iterator[Fact]) -> list[Fact]:
    """Of facts of one id that was given the one with the largest revision, the last of the same."""
    found: dict[object, Fact] = {}
    for number, fact in enumerate(facts):
        key: object = (fact.id, fact.point) if fact.id else number
        if key not in found or found[key].revision <= fact.revision:
            found[key] = fact
    return list(found.values())


def _temperatures(path: Path, zone: ZoneInfo) -> dict[str, tuple[Array, Array]]:
    rows: dict[str, list[tuple[int, int]]] = {}
    places: set[str] = set()
    for fact in _facts(path, FactKind.TEMPERATURE, zone):
        if not fact.point:
            places.add(fact.place or str(fact.node or ""))
        rows.setdefault(fact.point, []).append((fact.start, fact.value))
    if len(places) > 1:
        raise ConfigError(
            "PLACES_SEVERAL", where=path.name, what=f"it has {len(places)} places: {', '.join(sorted(places)[:5])}",
            do="leave the one that is meant, or name the series in a column `meter`",
        )  # fmt: skip
    found = {id: np.array(pairs, np.int64) for id, pairs in rows.items()}
    return {id: (pairs[:, 0].copy(), pairs[:, 1].copy()) for id, pairs in found.items()}
