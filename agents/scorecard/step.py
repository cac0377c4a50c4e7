"""The scorecard step: good intervals of sampled service points are taken away, estimated by every method, and compared.

A local day is tried when it and all days that its estimates may go by are closed for good. What is compared is then a
function of the final readings alone, so the order of frames within the hot window changes nothing. Readings pass
unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from agents.scorecard.classes import Classes, classes_of, parts_of
from agents.scorecard.config import ScorecardConfig
from agents.scorecard.kernels import address, draw, keep, pick, threshold, unfold
from agents.scorecard.records import scores_of
from agents.scorecard.state import CLOCK, LAYOUT, SUMS, figures, longs_of, set_figures, sum_keys, words_of
from agents.scorecard.trials import days_of, room_for
from agents.vee.estimate.document import Document
from agents.vee.estimate.errors import LENGTHS
from agents.vee.estimate.kernels_trial import COLUMNS, GAPS, try_gaps
from agents.vee.estimate.kernels_trial import SUMS as FIGURES
from agents.vee.estimate.order import Tuning, decay_of
from agents.vee.estimate.stream import document_in_force, rows_of_classes, whole_orders
from pipeline.batch import ReadingBatch
from pipeline.columns import Array
from pipeline.errors import ContractError
from pipeline.keyed import locate
from pipeline.localtime import DAY_SECS
from pipeline.reference import References
from pipeline.state import Layout, StateStore
from pipeline.step import Advance, Emission, Origin, Parcel, Tick

TOGETHER = 256
"""Service points whose windows are unfolded at once."""


@dataclass(frozen=True)
class Prepared:
    """Classes of the sampled service points, and the order of the stream's methods that is in force."""

    classes: Classes
    document: Document


class Stream(NamedTuple):
    """orders: see `kernels_trial.Days`; rows i64 (s,): which of them each service point has."""

    orders: Array
    rows: Array


class Series(NamedTuple):
    """Service points u64 (s,) that are tried, their hashes u64, groups of sums i64, and orders i64."""

    points: Array
    drawn: Array
    group: Array
    rows: Array


@dataclass(frozen=True)
class Moment:
    """A midnight at which a day is tried."""

    today: int
    tick: int
    origin: Origin


class ScorecardStep:
    """How far estimates are off, of one partition's sampled service points."""

    name = "scorecard"
    outputs: Mapping[str, str] = {"estimate_scores": "EstimateScore"}
    layout: Layout = LAYOUT

    def __init__(self, config: ScorecardConfig) -> None:
        self.config = config
        self._below = threshold(config.sample_permille)
        self._tuning = Tuning()

    def prepare(self, references: References) -> Prepared:
        """Classes of the sampled service points; raises ConfigError for a bad order of estimates."""
        return Prepared(classes_of(references.registry, self._below), document_in_force(references.documents))

    def advance(self, parcel: Parcel, store: StateStore, prepared: Prepared) -> Advance:
        """Keep one parcel's readings of sampled points; at midnight try a day. The parcel goes on unchanged."""
        batch = parcel.batch
        if batch is not None and not isinstance(batch, ReadingBatch):
            raise ContractError(
                "NOT_READINGS", where="scorecard", what=type(batch).__name__, do="put vee before scorecard"
            )
        if isinstance(batch, ReadingBatch):
            self._keep(batch, store)
        if parcel.tick is None or not self.config.sample_permille:
            return Advance(parcel)
        return Advance(parcel, self._tick(parcel.tick, parcel.origin, store, prepared))

    def _keep(self, batch: ReadingBatch, store: StateStore) -> None:
        rows = np.empty(len(batch.service_point), np.int64)
        rows = rows[: pick(batch.service_point, self._below, rows)]
        if not len(rows):
            return
        points = np.ascontiguousarray(batch.service_point, np.uint64)
        keys = np.empty(len(rows), np.uint64)
        count = address(
            rows, points, batch.interval_start, batch.interval_secs, self.config.offset_secs, self.config.days,
            self.config.least_days, keys,
        )  # fmt: skip
        rows = rows[:count]
        # All at once: slots are good until the next call.
        slots = locate(store, np.concatenate((points[rows], keys[:count])))
        area = store.areas["rows"]
        keep(
            slots[:count], slots[count:], rows, points, batch.interval_start, batch.interval_secs, batch.quality,
            batch.method, batch.energy, self.config.offset_secs, words_of(area.octets), longs_of(area.octets),
            area.marks, area.dirty, store.capacity,
        )  # fmt: skip

    def _tick(self, tick: Tick, origin: Origin, store: StateStore, prepared: Prepared) -> list[Emission]:
        """Scores of each local day that a tick ends."""
        slot = int(locate(store, np.array([CLOCK], np.uint64))[0])
        rows = store.areas["rows"].flat[0]
        today, before = (tick.time + self.config.offset_secs) // DAY_SECS, int(rows["tag"][slot])
        if today <= before:
            return []
        rows["tag"][slot] = today
        store.touch("rows", slot)
        emissions: list[Emission] = []
        made = 0
        # A log that begins, or stood still for long, has no days of which a window knows more.
        for day in range(max(before + 1, today - self.config.days) if before else today, today + 1):
            emission = self._score(Moment(day, tick.time, origin), made, store, prepared)
            if emission is not None:
                emissions.append(emission)
                made += len(emission.value)
        return emissions

    def _score(self, now: Moment, made: int, store: StateStore, prepared: Prepared) -> Emission | None:
        config = self.config
        # The last settlement of a day goes by the days behind it, all but one of the hot ones; these are final too.
        tried = now.today - 2 * config.hot_days + 2
        if tried % config.half_days == 0:
            self._halve(store)
        points, intervals, drawn = self._chosen(store, tried)
        if not len(points):
            return None
        found = prepared.classes.of(points, tried * DAY_SECS - config.offset_secs)
        numbers, group = np.unique(found, return_inverse=True)
        parts = parts_of(numbers)
        rows = rows_of_classes(prepared.document, parts.role, parts.tariff, parts.load_class).astype(np.int64)
        stream = Stream(whole_orders(prepared.document, config.linear_secs), rows[group])
        sums: Array = np.zeros((len(numbers), len(LENGTHS), COLUMNS, FIGURES), np.int64)
        for interval in np.unique(intervals).tolist():
            mine = np.flatnonzero(intervals == interval)
            series = Series(points[mine], drawn[mine], group[mine], stream.rows[mine])
            self._try(now.today, tried, interval, series, stream.orders, store, sums)
        changed = sums[..., GAPS] > 0
        if not changed.any():
            return None
        kept = self._add(store, numbers, sums)
        start = tried * DAY_SECS - config.offset_secs
        scores = scores_of(numbers, kept, changed, start, config.enough_gaps, now.tick, now.origin, made)
        return Emission("estimate_scores", scores)

    def _chosen(self, store: StateStore, day: int) -> tuple[Array, Array, Array]:
        """(service points u64, lengths of their intervals i64, hashes u64) that are tried, in order of the hashes."""
        rows = store.areas["rows"].flat[0]
        heads = np.flatnonzero((store.keys != 0) & (store.keys == rows["owner"]))
        points, drawn = store.keys[heads], np.empty(len(heads), np.uint64)
        draw(points, day, drawn)
        order = np.lexsort((points, drawn))[: self.config.masks_per_tick // len(LENGTHS)]
        return points[order], rows["interval"][heads[order]].astype(np.int64), drawn[order]

    def _try(
        self, today: int, tried: int, interval: int, series: Series, orders: Array, store: StateStore, sums: Array
    ) -> None:
        """Try a day of service points with intervals of the same length."""
        config, places = self.config, DAY_SECS // interval
        # The newest reading may be of today, and at once before midnight a clock may be ahead: two days are left out.
        first = today - min(config.days, config.places // places) + 2
        count = today - config.hot_days - first + 1
        days = days_of(first, count, tried - first, interval, config.hot_days, orders)
        room, decay = room_for(count, places), decay_of(self._tuning, interval)
        octets = store.areas["rows"].octets
        for begin in range(0, len(series.points), TOGETHER):
            points, drawn, group, rows = (column[begin : begin + TOGETHER] for column in series)
            values = np.empty((len(points), count * places), np.int64)
            standings = np.empty(values.shape, np.uint8)
            unfold(
                points, interval, first * places, config.days, store.keys, len(store.pages), store.capacity,
                words_of(octets), longs_of(octets), values, standings,
            )  # fmt: skip
            try_gaps(values, standings, drawn, group, rows, days, self._tuning, decay, room, sums)

    @staticmethod
    def _add(store: StateStore, numbers: Array, sums: Array) -> Array:
        """Add sums to those that are kept of classes u32 (c,), and return these."""
        found = np.zeros_like(sums)
        for group, number in enumerate(numbers.tolist()):
            for length in np.flatnonzero(sums[group].any(axis=(1, 2))).tolist():
                slots = locate(store, sum_keys(number, length))
                rows = store.areas["rows"].flat[0]
                found[group, length] = figures(rows, slots) + sums[group, length]
                set_figures(rows, slots, found[group, length])
                for slot in slots.tolist():
                    store.touch("rows", slot)
        return found

    @staticmethod
    def _halve(store: StateStore) -> None:
        slots = np.flatnonzero((store.keys >= np.uint64(SUMS)) & (store.keys != CLOCK))
        rows = store.areas["rows"].flat[0]
        kept = np.ascontiguousarray(rows["value"][slots]).view(np.int64)
        rows["value"][slots] = (np.sign(kept) * (np.abs(kept) // 2)).view(np.uint32)
        for slot in slots.tolist():
            store.touch("rows", slot)


def make(config: ScorecardConfig) -> ScorecardStep:
    """The stage's factory."""
    return ScorecardStep(config)
