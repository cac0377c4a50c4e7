"""Losses against an oracle in plain Python: whatever the order and the lead of the sources, and over many days."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.losses.config import LossesConfig
from agents.losses.state import FIRST_WAITING, PLACE, PLACES, WAITING
from agents.losses.step import LossesStep
from pipeline.batch import NodeEnergy
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.state import StateStore
from pipeline.step import Origin, Parcel, Tick
from tests.builders_rating import references, registry

SECS = 1800
MIDNIGHT = 1_767_551_400
"""2026-01-05 in Asia/Kolkata."""

SOURCES = 3
Partial = tuple[int, int, int]
"""Node, interval of the day before the tick that it is for, Wh."""
Sent = tuple[list[Partial], bool]
"""Partials of a record, and whether its tick closes an interval."""

partials = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 5), st.integers(0, 999)), max_size=7)
logs = st.lists(
    st.lists(st.tuples(partials, st.booleans()), max_size=12), min_size=SOURCES, max_size=SOURCES
)  # fmt: skip


def node_energy(rows: list[Partial], before: int) -> NodeEnergy:
    """A batch of partials whose intervals begin so many intervals in front of `before`."""
    columns = {column.name: np.zeros(len(rows), column.dtype) for column in NodeEnergy.COLUMNS}
    for place, (node, back, energy) in enumerate(rows):
        columns["node"][place], columns["interval_secs"][place] = node, SECS
        columns["interval_start"][place], columns["input_wh"][place] = before - (back + 1) * SECS, energy
    return NodeEnergy(**columns)


def balances(made: Any) -> set[tuple[int, int, str, int, int]]:
    """What an emission says: node, start, span, revision, energy."""
    return {(r["node"], r["start"], r["span"], r["revision"], r["input_wh"]) for r in made.records()}


class Oracle:
    """Sums by interval and day, counted when all sources have said a tick that is not before the partial's."""

    def __init__(self) -> None:
        self.waiting: list[list[tuple[int, int, int, int | None]]] = [[] for _ in range(SOURCES)]
        self.ticks = [0] * SOURCES
        self.sums: dict[tuple[int, int, str], int] = defaultdict(int)
        self.revisions: dict[tuple[int, int, str], int] = defaultdict(int)
        self.changed: set[tuple[int, int, str]] = set()

    def feed(self, source: int, rows: list[tuple[int, int, int]], tick: int | None) -> set[Any]:
        """What is said after this record; rows are node, start, Wh."""
        before = min(self.ticks)
        self.waiting[source] += [(*row, None) for row in rows]
        if tick is None:
            return set()
        self.ticks[source] = tick
        self.waiting[source] = [(*row[:3], tick if row[3] is None else row[3]) for row in self.waiting[source]]
        now = min(self.ticks)
        if now in (0, before):
            return set()
        for number in range(SOURCES):
            for node, start, energy, when in self.waiting[number]:
                if when is not None and when <= now:
                    self._add(node, start, energy)
            self.waiting[number] = [row for row in self.waiting[number] if row[3] is None or row[3] > now]
        return self._say(now)

    def _add(self, node: int, start: int, energy: int) -> None:
        day = (start - MIDNIGHT) // DAY_SECS * DAY_SECS + MIDNIGHT
        for key in ((node, start, "INTERVAL"), (node, day, "DAY")):
            self.sums[key] += energy
            self.changed.add(key)

    def _say(self, now: int) -> set[Any]:
        oldest = (now - MIDNIGHT) // DAY_SECS * DAY_SECS + MIDNIGHT - 2 * DAY_SECS
        said = set()
        for key in sorted(self.sums):
            node, start, span = key
            ended = start + (SECS if span == "INTERVAL" else DAY_SECS) <= now
            if (ended and key in self.changed) or (span == "DAY" and start < oldest):
                self.revisions[key] += 1
                self.changed.discard(key)
                said.add((node, start, span, self.revisions[key], self.sums[key]))
            if start < oldest:
                del self.sums[key]
        return said


@given(logs, st.lists(st.integers(0, SOURCES - 1), max_size=60), st.integers(1, 30))
@settings(deadline=None)
def test_balances_are_those_of_the_oracle(sent: list[list[Sent]], order: list[int], stride: int) -> None:
    step, oracle = LossesStep(LossesConfig(sources=SOURCES, hot_days=1)), Oracle()
    store, prepared = StateStore(step.layout, range(7, 9)), step.prepare(references(registry(())))
    places, offsets, ticks = [0] * SOURCES, [-1] * SOURCES, [MIDNIGHT] * SOURCES
    rest = [source for source in range(SOURCES) for _ in range(12)]
    for source in order + rest:
        if places[source] == len(sent[source]):
            continue
        rows, closes = sent[source][places[source]]
        places[source] += 1
        offsets[source], previous = offsets[source] + 2, offsets[source]
        ticks[source] += stride * SECS if closes else 0
        before = ticks[source]
        tick = before if closes else None
        moment = None if tick is None else Tick(tick, 0)
        parcel = Parcel(Origin("nodes", source, offsets[source]), node_energy(rows, before), moment, None, previous)
        emissions = step.advance(parcel, store, prepared).emissions
        expected = oracle.feed(source, [(n, before - (back + 1) * SECS, wh) for n, back, wh in rows], tick)
        assert set().union(*(balances(emission.value) for emission in emissions)) == expected
        _places_are_in_order(store, sum(map(len, oracle.waiting)))


def _places_are_in_order(store: StateStore, waiting: int) -> None:
    """Each partial that waits has a place, and each other place that was given is in the list of free ones."""
    rows: Array = store.areas["balance"].flat[0]
    by_serial = {int(key) - FIRST_WAITING: row for key, row in zip(store.keys, rows, strict=True) if int(key) < 2**32}
    assert sum(int(row["row"]) == WAITING for row in by_serial.values()) == waiting
    head = by_serial.get(0)
    if head is None or head["row"] != PLACES:
        return
    free, serial = 0, int(head["behind"])
    while serial:
        assert by_serial[serial]["row"] == PLACE
        free, serial = free + 1, int(by_serial[serial]["behind"])
    assert free + waiting == head["last"]
