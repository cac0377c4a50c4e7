"""The exceptions step: settled days at which rules have failed become a queue, and leave it by themselves.

An exception is of (service point, rule, first day). It opens when a day is settled at which the rule has failed, and is
closed when late data have put the day right. A day that was final and has changed (V36) is one too; nothing closes it
but a person. Readings pass unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from agents.exceptions.config import ExceptionsConfig
from agents.exceptions.figures import corrections, with_figures
from agents.exceptions.inactive import Spans, inactive_of
from agents.exceptions.kernels import CHANGE, LIMITS, RUN_BITS, V24, follow, judge_days, known, see, sweep
from agents.exceptions.records import exceptions_of
from agents.exceptions.relays import see_switches
from agents.exceptions.state import LAYOUT, SWEPT
from pipeline.batch import ReadingBatch
from pipeline.codes import Flag
from pipeline.columns import Array
from pipeline.errors import ContractError
from pipeline.keyed import locate, retain
from pipeline.localtime import DAY_SECS
from pipeline.reference import References
from pipeline.rules import READING_BITS, RULES, Scope, Severity
from pipeline.state import Layout, StateStore
from pipeline.step import Advance, Emission, Parcel

FIRST_CHANGES = 1024
NEVER = 2**62
"""Days of a run that is none."""
OF_DAYS = ("V01", "V12", "V23", "V30")
"""Rules that settled days are judged by; of the others the readings say that they failed."""


class Prepared(NamedTuple):
    """Who is commercial or industrial, and who has no account, by the registry in force."""

    industry: Spans
    inactive: Spans


class ExceptionsStep:
    """What somebody should look at, of one partition's service points."""

    name = "exceptions"
    outputs: Mapping[str, str] = {"exceptions": "ReadingException"}
    layout: Layout = LAYOUT

    def __init__(self, config: ExceptionsConfig) -> None:
        self.config = config
        self._wanted = _bits(rule.bit for rule in RULES if rule.code not in config.without)
        self._at_readings = self._wanted & _bits(
            rule.bit
            for rule in RULES
            if rule.bit < READING_BITS
            and rule.scope is Scope.INTERVAL
            and rule.severity is not Severity.INFORMATION
            and rule.code not in OF_DAYS
        )
        self._limits = np.zeros(1, LIMITS)
        self._limits[0] = (
            config.missing_percent, config.sum_tolerance_wh, config.sum_tolerance_permille,
            config.estimated_days or NEVER, config.offset_secs, config.inactive_tolerance_wh,
        )  # fmt: skip

    def prepare(self, references: References) -> Prepared:
        """Who is commercial or industrial, and who is no customer."""
        registry = references.registry
        rows = np.flatnonzero(np.isin(registry.tariff, self.config.industry_tariffs))
        industry = Spans(registry.point[rows], registry.point_from[rows], registry.point_to[rows])
        return Prepared(industry, inactive_of(registry))

    def advance(self, parcel: Parcel, store: StateStore, prepared: Prepared) -> Advance:
        """Look at one parcel's readings and settled days; it goes on unchanged."""
        batch = parcel.batch
        if batch is not None and not isinstance(batch, ReadingBatch):
            raise ContractError(
                "NOT_READINGS", where="exceptions", what=type(batch).__name__, do="put vee before exceptions"
            )
        emissions: list[Emission] = []
        if isinstance(batch, ReadingBatch):
            self._see(batch, store)
            see_switches(batch, store)
            emissions = self._follow(batch, parcel, store, prepared)
        if parcel.tick is not None:
            self._sweep((parcel.tick.time + self.config.offset_secs) // DAY_SECS, store)
        return Advance(parcel, emissions)

    def _see(self, batch: ReadingBatch, store: StateStore) -> None:
        rows = np.flatnonzero(batch.rules & np.uint32(self._at_readings))
        rows = rows[(batch.flags[rows] & np.uint16(Flag.SHADOW)) == 0]
        if not len(rows):
            return
        points = np.ascontiguousarray(batch.service_point[rows])
        days = (batch.interval_start[rows] + self.config.offset_secs) // DAY_SECS
        bits = (batch.rules[rows] & np.uint32(self._at_readings)).astype(np.uint64)
        slots = locate(store, points)
        area = store.areas["points"]
        see(slots, days, bits, area.flat[0], area.changed.reshape(1, -1), area.dirty, store.capacity)

    def _follow(self, batch: ReadingBatch, parcel: Parcel, store: StateStore, known_of: Prepared) -> list[Emission]:
        count = len(batch.day_service_point)
        if not count:
            return []
        rules, kind = np.empty(count, np.uint64), np.empty(count, np.uint8)
        judge_days(
            batch.day_registers, batch.day_counts, batch.day_unexplained, batch.day_register_energy, batch.day_actual,
            batch.day_estimated, self._limits, rules, kind,
        )  # fmt: skip
        without = known_of.inactive.among(batch.day_service_point, batch.day_start, DAY_SECS)
        without &= batch.day_actual[:, 0] > self.config.inactive_tolerance_wh
        rules[without] |= np.uint64(1 << V24)
        rules &= np.uint64(self._wanted)
        rows, slots = self._rows(np.ascontiguousarray(batch.day_service_point), (rules != 0) | (kind != 0), store)
        final = self._corrected(batch)
        if not len(rows) and not len(final):
            return []
        day = (batch.day_start + self.config.offset_secs) // DAY_SECS
        of_industry = known_of.industry.among(batch.day_service_point[rows], batch.day_start[rows])
        zero_days = np.where(of_industry, self.config.zero_days_industry, self.config.zero_days)
        changes = self._changes(batch, rows, slots, day, rules, kind, zero_days, store)
        changes = np.concatenate([with_figures(changes, batch, self.config.inactive_tolerance_wh), final])
        if not len(changes):
            return []
        time = batch.day_start.max() + DAY_SECS if parcel.tick is None else parcel.tick.time
        made = exceptions_of(
            changes, batch, self.config.offset_secs, self.config.paise_per_kwh, int(time), parcel.origin, self.name
        )
        return [Emission("exceptions", made)]

    def _corrected(self, batch: ReadingBatch) -> Array:
        found = corrections(batch, self.config.offset_secs, self.config.final_change_permille)
        return found if "V36" not in self.config.without else found[:0]

    @staticmethod
    def _rows(points: Array, striking: Array, store: StateStore) -> tuple[Array, Array]:
        """(rows, slots) i64 of the days that matter: striking ones, and all of points that have a row or get one."""
        new = np.flatnonzero(striking)
        if len(new):
            locate(store, points[new])
        if not store.used.any():
            return new, new
        slots = np.empty(len(points), np.int64)
        known(points, store.keys, len(store.pages), store.capacity, slots)
        rows = np.flatnonzero(slots >= 0)
        return rows, slots[rows]

    def _changes(
        self, batch: ReadingBatch, rows: Array, slots: Array, day: Array, rules: Array, kind: Array, zero_days: Array,
        store: StateStore,
    ) -> Array:  # fmt: skip
        """CHANGE (n,) of settled days, in order; those of rules that are left out do not count."""
        area = store.areas["points"]
        room, parts, first = np.empty(FIRST_CHANGES + 2 * RUN_BITS, CHANGE), [], 0
        while first < len(rows):
            first, made = follow(
                first, rows, slots, day, rules, kind, batch.day_counts, batch.day_actual, zero_days, self._limits,
                area.flat[0], area.changed.reshape(1, -1), area.dirty, store.capacity, room,
            )  # fmt: skip
            parts.append(room[:made].copy())
        changes: Array = np.concatenate(parts) if parts else room[:0]
        kept: Array = changes[(np.uint64(self._wanted) >> changes["bit"].astype(np.uint64)) & np.uint64(1) != 0]
        return kept

    def _sweep(self, today: int, store: StateStore) -> None:
        """Forget, once a local day, service points of which nothing matters any more."""
        if not store.used.any():
            return
        slot = int(locate(store, np.array([SWEPT], np.uint64))[0])
        area = store.areas["points"]
        if int(area.flat[0]["newest"][slot]) >= today:
            return
        area.flat[0]["newest"][slot] = today
        store.touch("points", slot)
        keep = np.empty(len(store.keys), np.int64)
        kept = sweep(store.keys, area.flat[0], today, keep)
        if kept < int(store.used.sum()):
            retain(store, keep[:kept])


def _bits(numbers: Iterable[int]) -> int:
    return sum(1 << number for number in numbers)


def make(config: ExceptionsConfig) -> ExceptionsStep:
    """The stage's factory."""
    return ExceptionsStep(config)
