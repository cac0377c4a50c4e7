"""The usage step: days that leave the hot window become months, and months are judged against those before them.

Readings and settlements pass unchanged. What is found are exceptions, of the same queue as those of single days
(`agents.exceptions`): a run of months at which a rule fails is one, open while it goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from agents.exceptions.figures import figured
from agents.exceptions.records import exceptions_of
from agents.usage import limits
from agents.usage.calendar import FIRST_DAY, MONTH_OF_DAY
from agents.usage.config import UsageConfig
from agents.usage.demands import judge_demands, see_demands
from agents.usage.items import items_of
from agents.usage.kernels import CHANGE, MOST_CHANGES, fold
from agents.usage.limits import Prepared
from agents.usage.state import SPAN, layout
from pipeline.batch import ReadingBatch
from pipeline.columns import Array
from pipeline.errors import ContractError
from pipeline.localtime import DAY_SECS
from pipeline.reference import References
from pipeline.state import StateStore
from pipeline.step import Advance, Emission, Parcel

FIRST_CHANGES = 1024


class Calendar(NamedTuple):
    """Tables of `agents.usage.calendar`."""

    month_of_day: Array
    first_day: Array


CALENDAR = Calendar(MONTH_OF_DAY, FIRST_DAY)


class State(NamedTuple):
    """The store as the kernels take it; `spans` SPAN (slots,), none where V20 is not judged."""

    points: Array
    points_changed: Array
    points_dirty: Array
    months: Array
    months_changed: Array
    months_dirty: Array
    spans: Array
    spans_changed: Array
    spans_dirty: Array
    capacity: int


def state_of(store: StateStore) -> State:
    """Views of a store, good until it grows."""
    points, months, spans = store.areas["points"], store.areas["months"], store.areas.get("spans")
    return State(
        points.flat[0], points.marks, points.dirty, months.flat, months.marks, months.dirty,
        np.zeros(0, SPAN) if spans is None else spans.flat[0],
        np.zeros((1, 0), np.uint64) if spans is None else spans.marks,
        np.zeros((1, 0), np.uint8) if spans is None else spans.dirty,
        store.capacity,
    )  # fmt: skip


class UsageStep:
    """Months of one partition's service points."""

    name = "usage"
    outputs: Mapping[str, str] = {"exceptions": "ReadingException"}

    def __init__(self, config: UsageConfig) -> None:
        self.config = config
        self.layout = layout(config)

    def prepare(self, references: References) -> Prepared:
        """Limits in force and lengths of intervals; raises ConfigError for a rule set that is not right."""
        return limits.prepare(self.config, references)

    def advance(self, parcel: Parcel, store: StateStore, prepared: Prepared) -> Advance:
        """Take the days that leave the hot window with a parcel; it goes on unchanged."""
        batch = parcel.batch
        if batch is None:
            return Advance(parcel)
        if not isinstance(batch, ReadingBatch):
            raise ContractError(
                "NOT_READINGS", where="usage", what=type(batch).__name__, do="put vee before usage in the topology"
            )
        if "demands" in store.areas:
            see_demands(batch, store, self.config.offset_secs)
        if not len(batch.day_service_point):
            return Advance(parcel)
        # A point has its place from its first settlement on, so that state is as large from the start as it will be.
        points = np.ascontiguousarray(batch.day_service_point)
        store.locate(points, points)
        offset, last = self.config.offset_secs, None
        if parcel.tick is not None:
            last = (parcel.tick.time + offset) // DAY_SECS - self.config.hot_days
        items = items_of(batch, prepared, offset, last)
        if not len(items):
            return Advance(parcel)
        changes = self._changes(items, store, prepared, batch)
        if not len(changes):
            return Advance(parcel)
        time = int(batch.day_start.max()) + DAY_SECS if parcel.tick is None else parcel.tick.time
        made = exceptions_of(changes, batch, offset, self.config.paise_per_kwh, time, parcel.origin, self.name)
        return Advance(parcel, [Emission("exceptions", made)])

    def _changes(self, items: Array, store: StateStore, prepared: Prepared, batch: ReadingBatch) -> Array:
        """FIGURED (n,) of items, in order."""
        points = np.ascontiguousarray(items["point"])
        slots, state = store.locate(points, points), state_of(store)
        room, parts, at = np.empty(FIRST_CHANGES + MOST_CHANGES, CHANGE), [], 0
        while at < len(items):
            at, made = fold(at, items, slots, state, prepared.limits, CALENDAR, room)
            if made:
                parts.append(room[:made].copy())
        found = [figured(part) for part in parts]
        if "demands" in store.areas:
            found.append(judge_demands(items, slots, batch, store, prepared, self.config))
        changes: Array = np.concatenate(found) if found else figured(room[:0])
        return changes


def make(config: UsageConfig) -> UsageStep:
    """The stage's factory."""
    return UsageStep(config)
