"""Outages as the facts said so far have them, and what has to be said of service points when one more fact comes.

Pure: no socket, no clock. A statement of an outage is known by its begin, so of one begin and one service point there
is one: the longest of all that hold. A fact that corrects its begin takes back what it said of the former one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from connectors.facts.network import points_below
from pipeline.columns import Array
from pipeline.reading_frames import EARLIEST, LATEST
from pipeline.reference import FOREVER, Registry
from pipeline.statement_frames import MOST_SECS, ROW, Statement, StatementFrame


@dataclass(frozen=True)
class Outage:
    """What the newest revision of a fact says; until None: it goes on."""

    point: int
    node: int
    start: int
    until: int | None
    confirmed: bool
    revision: int

    def secs(self, open_secs: int) -> int:
        """How long it counts."""
        return min(open_secs if self.until is None else self.until - self.start, MOST_SECS)

    def points(self, registry: Registry) -> Array:
        """Service points that it is of, u8, ascending."""
        if self.point:
            return np.array([self.point], np.uint64)
        return points_below(registry, self.node, self.start, int(FOREVER) if self.until is None else self.until)


@dataclass(frozen=True)
class Said:
    """What is to be said of service points u8 (n,) about one begin: seconds i64 (n,), 0: no outage began then."""

    start: int
    points: Array
    secs: Array

    def frames(self, number: int, record: Mapping[str, Any]) -> Iterator[StatementFrame]:
        """A statement each; `record` is the fact that gave rise to them."""
        for point, secs in zip(self.points.tolist(), self.secs.tolist(), strict=True):
            rows = np.zeros(1, ROW)
            rows["start"], rows["secs"] = self.start, secs
            yield StatementFrame(
                Statement.OUTAGE, point, number, record["said_at"], rows, record["id"],
                record["who"] or record["source"], record["why"],
            )  # fmt: skip


@dataclass
class Outages:
    """The newest revision of each fact of an outage, by id, and their ids by begin."""

    open_secs: int
    _newest: dict[str, Outage] = field(default_factory=dict)
    _by_start: dict[int, set[str]] = field(default_factory=dict)

    def note(self, record: Mapping[str, Any]) -> tuple[Outage | None, Outage] | None:
        """Take a fact down: (what it was before, what it is now); None for one that is no outage, or an old revision.

        Raises ValueError for an outage that cannot be.
        """
        if record["kind"] != "OUTAGE":
            return None
        now = _outage(record)
        before = self._newest.get(record["id"])
        if before is not None and before.revision > now.revision:
            return None
        if before is not None:
            self._by_start[before.start].discard(record["id"])
            if not self._by_start[before.start]:
                del self._by_start[before.start]
        self._newest[record["id"]] = now
        self._by_start.setdefault(now.start, set()).add(record["id"])
        return before, now

    def said(self, before: Outage | None, now: Outage, registry: Registry) -> list[Said]:
        """What is to be said after a fact was noted."""
        changed: dict[int, list[Array]] = {}
        for one in (before, now):
            # Of what was not sure nothing was said.
            if one is not None and one.confirmed:
                changed.setdefault(one.start, []).append(one.points(registry))
        return [self._of(start, np.unique(np.concatenate(points)), registry) for start, points in changed.items()]

    def _of(self, start: int, points: Array, registry: Registry) -> Said:
        secs = np.zeros(len(points), np.int64)
        for id in self._by_start.get(start, ()):
            outage = self._newest[id]
            if outage.confirmed:
                inside = np.isin(points, outage.points(registry))
                secs[inside] = np.maximum(secs[inside], outage.secs(self.open_secs))
        return Said(start, points, secs)


def _outage(record: Mapping[str, Any]) -> Outage:
    start, until = record["from_time"], record["until_time"]
    point, node = record["service_point"], record["node"]
    if not EARLIEST <= start < LATEST:
        raise ValueError(f"it begins at {start}, which is not in the years 2000 to 2099")
    if until is not None and not start < until <= start + MOST_SECS:
        raise ValueError("it does not end within a year behind its begin")
    if (point > 0) == (node > 0):
        raise ValueError("it is of a service point or of a node, not of both or of neither")
    if record["said_at"] < 0:
        raise ValueError("it was said before 1970")
    return Outage(point, node, start, until, record["confirmed"], record["revision"])
