"""The VEE step: judge, store and publish what arrives; estimate what is due; settle days to their registers.

State changes with frames and ticks only. What is published for a closed day is a function of what was sent for the
window's closed days and of the registers (`kernels_decide`), so neither the order of frames nor the cut of batches
leaves a trace in the final readings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple, cast

import numpy as np

from agents.vee import (
    answers,
    cold_requests,
    cold_statements,
    improve,
    kernels_arrival,
    kernels_settle,
    kernels_statements,
    kernels_tick,
    output,
    planes,
)
from agents.vee.config import VeeConfig
from agents.vee.kernels_rows import asks_for_rows, judge_rows
from agents.vee.output import AT, DAYS, FULL, LACKING, PLANE_NEEDED, READINGS, REJECTS, SLOT, STATUS, Buffers
from agents.vee.state import ALL_PLANES, BEGIN, CLOSED, EXPORT, TAG, TIME, Clock, layout, pages_of
from agents.vee.statements import Said, known_among, new_refused, said_in, statement_rejects, usual_planes
from agents.vee.tables import Prepared, page_of, prepare
from agents.vee.work import COUNTS, WANTED, Work, make_work
from pipeline.batch import DecodedBatch
from pipeline.channels import N_ENERGY
from pipeline.codes import Kind
from pipeline.columns import Array, empty
from pipeline.localtime import DAY_SECS
from pipeline.reference import References
from pipeline.state import StateStore
from pipeline.step import Advance, Emission, Parcel, Tick

PHASES = 4
"""Revisions of a tick: an interval may change once in each part of each day that the tick passes."""


_EXPORT_CHANNELS = slice(2, N_ENERGY)
"""wh_exp and vah_exp among the energies."""


class DecodedRows(NamedTuple):
    """The columns of DecodedBatch that kernels read."""

    frame: Array
    service_point: Array
    device: Array
    link: Array
    kind: Array
    time: Array
    flags: Array
    counter: Array
    present: Array
    energy: Array


class VeeStep:
    """Validation, estimation and settlement of one partition's service points."""

    name = "vee"
    outputs: Mapping[str, str] = {"cold_requests": "ColdRequest", "rejects": "Reject"}

    def __init__(self, config: VeeConfig) -> None:
        self.config = config
        self.layout = layout(config)

    def prepare(self, references: References) -> Prepared:
        """Links and points as tables."""
        return prepare(references, self.config)

    def advance(self, parcel: Parcel, store: StateStore, prepared: Any) -> Advance:
        """Rows become readings; a tick becomes estimates and settlements."""
        session = _Session(store, cast(Prepared, prepared), parcel.origin.offset, self.config)
        emissions: list[Emission] = []
        batch = None
        if parcel.batch is not None:
            batch, emissions = session.arrive(cast(DecodedBatch, parcel.batch), parcel)
            batch = session.answered(cast(DecodedBatch, parcel.batch), batch)
        if parcel.tick is not None:
            ticked = session.tick(parcel.tick, 0 if batch is None else _revisions(cast(DecodedBatch, parcel.batch)))
            batch = ticked if batch is None else output.joined(batch, ticked)
            if session.long_gaps:
                before = sum(one.output == cold_requests.OUTPUT for one in emissions)
                emissions += improve.emissions(session.long_gaps, parcel.origin, session.limits.offset, before)
        return Advance(replace(parcel, batch=batch), emissions)


def _revisions(decoded: DecodedBatch) -> int:
    """Places among the revisions of a record that its batch takes."""
    return len(decoded.kind) + len(decoded.statement_kind)


class _Session:
    """One parcel's work on one store."""

    def __init__(self, store: StateStore, prepared: Prepared, offset: int, config: VeeConfig) -> None:
        self.store, self.prepared, self.offset = store, prepared, offset
        self.cold_secs, self.final_secs = config.cold_days * DAY_SECS, config.final_after_secs
        self.improve_secs = config.improve_secs
        self.long_gaps: list[improve.Long] = []
        self.limits = prepared.limits
        # Views are good until the store grows.
        self.pages = pages_of(store, planes.page_records(store))
        words = np.zeros(TAG + 1, np.int64)
        kernels_tick.read_clock(self.pages, words)
        self.words = words.tolist()
        if self.words[TAG] != prepared.tag:
            self._enter_registry()

    # ------------------------------------------------------------------------------------------- state

    @property
    def clock(self) -> Clock:
        """Log time; before the first tick TIME is that of the first frames, as a negative."""
        time = self.words[TIME]
        return Clock(abs(time), self.words[CLOSED], self.words[BEGIN], int(time > 0))

    def _set_clock(self, time: int, closed: int, begin: int) -> None:
        self.words = [time, closed, begin, self.prepared.tag]
        kernels_tick.write_clock(self.pages, np.array(self.words, np.int64))

    def _enter_registry(self) -> None:
        """Every service point of the registry is expected from now on, whether it ever sends or not."""
        prepared, own = self.prepared, self.store.pages
        here = (prepared.pages >= own.start) & (prepared.pages < own.stop)
        points = prepared.points[here]
        slots = self._located(points)
        kernels_tick.enter_points(self.pages, slots)
        here = (prepared.plane_pages >= own.start) & (prepared.plane_pages < own.stop)
        self._grant(prepared.plane_points[here], prepared.plane_pages[here], prepared.plane_numbers[here])
        kernels_tick.relink(self.pages, prepared.tables, abs(self.words[TIME]))
        self._set_clock(*self.words[:TAG])

    def _located(self, points: Array) -> Array:
        """Slots of service points, entered where new; the views are of the store with them."""
        slots = self.store.locate(points, points)
        if self.store.capacity != self.pages.capacity:
            self.pages = pages_of(self.store, planes.page_records(self.store))
        return slots

    def _grant(self, points: Array, pages: Array, numbers: Array) -> None:
        self.pages = planes.grant(self.store, self.pages, points, pages - self.store.pages.start, numbers)

    def _grant_lacking(self, cursor: Array) -> None:
        """Give the point at which a kernel stopped what it asked for."""
        numbers = planes.lacking_planes(int(cursor[LACKING]))
        point = np.full(len(numbers), self.store.keys[cursor[SLOT]], np.uint64)
        self._grant(point, page_of(point), np.array(numbers, np.uint8))

    # ------------------------------------------------------------------------------------------- frames

    def arrive(self, decoded: DecodedBatch, parcel: Parcel) -> tuple[Any, list[Emission]]:
        """Readings and snapshots of a batch, and its refused rows."""
        rows = DecodedRows(*(np.ascontiguousarray(getattr(decoded, name)) for name in DecodedRows._fields))
        count = len(rows.kind)
        buffers, refused = Buffers(count, 0), np.zeros(count, output.REJECT)
        if count:
            self._anchor(rows)
            self._arrive(rows, buffers, refused)
        refused = refused[: buffers.cursor[REJECTS]]
        # Readings that statements make are judged too, with those of rows.
        told = self._state(said_in(decoded), count, buffers) if len(decoded.statement_kind) else None
        if self.prepared.every_row or asks_for_rows(decoded, self.prepared.measured):
            self._judge_rows(buffers, rows, decoded)
        cold, refused = cold_requests.parted(refused, rows.time, self.clock.time - self.cold_secs)
        emissions = cold_requests.emissions(cold, decoded, parcel.origin, self.limits.offset, self.clock.time)
        asked = len(emissions)
        emissions += output.reject_emissions(refused, decoded, parcel.origin)
        if told is not None:
            cold, told = cold_statements.parted(told, decoded, self.prepared, self.clock.time - self.cold_secs)
            emissions += cold_statements.emissions(
                cold, decoded, self.prepared, parcel.origin, self.clock.time, asked
            )  # fmt: skip
            emissions += statement_rejects(told, decoded, parcel.origin)
        batch = buffers.batch(decoded, self._factors(rows) if decoded.reactive.any() else None)
        output.add_snapshots(batch, decoded, self.offset)
        if len(decoded.statement_kind):
            output.add_checks(batch, decoded)
        return batch, emissions

    def _state(self, said: Said, rows: int, buffers: Buffers) -> Array:
        """Take statements; the refused ones, REJECT. rows: of the same record, whose revisions come before."""
        refused, work = new_refused(said), np.zeros((kernels_statements.WORK, ALL_PLANES), np.int64)
        known = known_among(said.service_point, self.prepared.points)
        # An unknown point gets no slot: the kernel finds no meter of it, and asks for none.
        slots, revision = np.zeros(len(known), np.int64), np.uint64((self.offset << 20) + rows)
        buffers.cursor[[AT, REJECTS]] = 0
        buffers.need(2 * self.limits.slices)
        self._located(said.service_point[known])
        oldest = kernels_settle.oldest_day(self.limits, self.clock) * DAY_SECS - self.limits.offset
        points, numbers = usual_planes(said, known & (said.start >= oldest))
        self._grant(points, page_of(points), numbers)
        capacity = -1
        while True:
            if capacity != self.store.capacity:  # slots have moved
                slots[known] = self._located(said.service_point[known])
                capacity = self.store.capacity
            kernels_statements.take_statements(
                self.pages, self.prepared.tables, self.limits, self.clock, said, slots, revision, work,
                buffers.readings, refused, buffers.cursor,
            )  # fmt: skip
            if buffers.cursor[STATUS] == FULL:
                buffers.need(2 * self.limits.slices)
            elif buffers.cursor[STATUS] == PLANE_NEEDED:
                self._grant_lacking(buffers.cursor)
            else:
                return refused[: buffers.cursor[REJECTS]]

    def _judge_rows(self, buffers: Buffers, rows: DecodedRows, decoded: DecodedBatch) -> None:
        """Rules of what stands beside the energies, and what rule sets say of what has been found."""
        judge_rows(
            buffers.readings[: buffers.cursor[READINGS]], self.prepared.tables, self.limits.offset, rows.present,
            rows.energy, np.require(decoded.reactive, "<i8", ["C", "W"]),
            np.require(decoded.physical, "<i4", ["C", "W"]),
        )  # fmt: skip

    def _factors(self, rows: DecodedRows) -> tuple[Array, Array]:
        links = self.prepared.tables.links
        return links["numerator"][rows.link].astype(np.int64), links["denominator"][rows.link].astype(np.int64)

    def _arrive(self, rows: DecodedRows, buffers: Buffers, refused: Array) -> None:
        scratch = np.zeros((4, ALL_PLANES), np.int64)
        while True:
            slots = self._located(rows.service_point)
            kernels_arrival.arrive(
                self.pages, self.prepared.tables, self.limits, self.clock, rows, slots, self.offset, scratch,
                buffers.readings, refused, buffers.cursor,
            )  # fmt: skip
            if buffers.cursor[STATUS] == FULL:
                buffers.grow(len(buffers.readings) + 1, 0)
            elif buffers.cursor[STATUS] == PLANE_NEEDED:
                self._grant_lacking(buffers.cursor)
                if buffers.cursor[LACKING] == 1 << EXPORT:
                    self._grant_export(rows, int(buffers.cursor[AT]))
            else:
                return

    def _grant_export(self, rows: DecodedRows, first: int) -> None:
        """Give the plane of export to all points that export in the rows from `first` on.

        In the first hour of sun these are many, and at each of them the kernel would stop.
        """
        exports = (rows.energy[first:, _EXPORT_CHANNELS] > 0).any(axis=1)
        points = np.unique(rows.service_point[first:][exports])
        self._grant(points, page_of(points), np.full(len(points), EXPORT, np.uint8))

    def _anchor(self, rows: DecodedRows) -> None:
        """Before the first tick the window is about the middle of the first frames, and the log begins with them.

        A stamp of long ago or far ahead is one of few, so it does not move the window.
        """
        profile = np.flatnonzero((rows.kind == Kind.BLOCK) | (rows.kind == Kind.DAILY))
        if self.words[TIME] or not len(profile):
            return
        intervals = self.prepared.tables.links["interval"][rows.link[profile]].astype(np.int64)
        starts = np.sort(rows.time[profile] - np.where(rows.kind[profile] == Kind.BLOCK, intervals, 0))
        time, offset = int(starts[len(starts) // 2]), self.limits.offset
        oldest = ((time + offset) // DAY_SECS - self.limits.hot_days + 1) * DAY_SECS - offset
        first = int(starts[starts >= oldest][0])
        begin = first - (first + offset) % self.limits.slot_secs
        self._set_clock(-time, begin, begin)

    def answered(self, decoded: DecodedBatch, batch: Any) -> Any:
        """`batch` with what answers of the cold lane change."""
        said = answers.answers_in(decoded)
        if not said:
            return batch
        oldest = kernels_settle.oldest_day(self.limits, self.clock) * DAY_SECS - self.limits.offset
        made = answers.take(said, self.store, self.prepared, oldest, self.offset, len(decoded.kind))
        if self.store.capacity != self.pages.capacity:
            self.pages = pages_of(self.store, planes.page_records(self.store))
        return output.joined(batch, made)

    # ------------------------------------------------------------------------------------------- ticks

    def tick(self, tick: Tick, rows: int) -> Any:
        """Estimates and settlements up to `tick`, midnight by midnight when it passes several.

        rows: of the same record's batch, whose revisions come before.
        """
        days = self._days_due(tick)
        # Of what lacks in a day there are several readings; what is not written to takes no memory.
        buffers, work = Buffers(4 * days, days), make_work(self.limits)
        phase = (self.offset << 20) + rows
        if not self.words[TIME]:
            self._set_clock(tick.time, tick.closes, tick.closes)
        begin = self.clock
        midnight, time = self._next_midnight(begin.time), max(tick.time, begin.time)
        while True:
            until = min(midnight, time)
            self._tick(until, until - tick.lateness_secs, phase, buffers, work)
            phase += PHASES
            if until == time:
                break
            midnight += DAY_SECS
        if self.prepared.every_row and buffers.cursor[READINGS]:
            nothing = empty(DecodedBatch)
            self._judge_rows(buffers, DecodedRows(*(getattr(nothing, name) for name in DecodedRows._fields)), nothing)
        return buffers.batch() if buffers.cursor[READINGS] or buffers.cursor[DAYS] else None

    def _days_due(self, tick: Tick) -> int:
        """Rows of the settlement buffer to begin with: a day of every point when one closes, seldom too few."""
        closes = (tick.closes + self.limits.offset) // DAY_SECS > (self.clock.closed + self.limits.offset) // DAY_SECS
        return int(self.store.used.sum()) + output.FIRST_ROWS if closes else output.FIRST_ROWS

    def _next_midnight(self, time: int) -> int:
        local = time + self.limits.offset
        return (local // DAY_SECS + 1) * DAY_SECS - self.limits.offset

    def _tick(self, time: int, closes: int, phase: int, buffers: Buffers, work: Work) -> None:
        before, settled = self.clock, int(buffers.cursor[DAYS])
        for day in self._days_cut_off(time):
            kernels_tick.close_day(self.pages, day)
        self._settle(phase, buffers, work)
        offset = self.limits.offset
        today = (time + offset) // DAY_SECS
        if today > (before.time + offset) // DAY_SECS:
            self._settle(phase + 1, buffers, work, final=True)
            if self.improve_secs:
                self._note_long_gaps(today - self.limits.hot_days, time)
            kernels_tick.clear_day(self.pages, self.limits, today - self.limits.hot_days)
            planes.release(self.pages, self.limits, (today - self.limits.hot_days + 1) * DAY_SECS)
        # A day must have been closed for one whole day before it leaves the window, however late frames may be.
        oldest = (today - self.limits.hot_days + 2) * DAY_SECS - offset
        closed = max(closes, before.closed, min(oldest, time))
        self._set_clock(time, before.closed, before.begin)
        self._sweep(before.closed, closed, phase + 2, buffers)
        self._set_clock(time, closed, before.begin)
        first_closed, next_closed = (before.closed + offset) // DAY_SECS, (closed + offset) // DAY_SECS
        for day in range(first_closed, next_closed):
            kernels_tick.close_day(self.pages, day)
        if next_closed > first_closed:
            self._settle(phase + 3, buffers, work)
        if self.final_secs:
            made = buffers.days[settled : buffers.cursor[DAYS]]
            made["state"][made["start"] + DAY_SECS + self.final_secs <= time] = kernels_settle.FINAL

    def _days_cut_off(self, time: int) -> range:
        """Closed local days of the window whose cut-off lies behind the log's time and not behind `time`."""
        if not self.final_secs:
            return range(0)
        before, cut = self.clock, self.limits.offset - self.final_secs
        first, days = kernels_settle.closed_days(self.limits, before)
        return range(max(first, (before.time + cut) // DAY_SECS), min(first + days, (time + cut) // DAY_SECS))

    def _note_long_gaps(self, leaving: int, time: int) -> None:
        links = self.prepared.tables.links
        found = improve.long_gaps(self.pages, links, self.limits, leaving, time, self.improve_secs)
        if len(found.points):
            self.long_gaps.append(found)

    def _sweep(self, closed: int, closes: int, revision: int, buffers: Buffers) -> None:
        offset, step = self.limits.offset, int(self.prepared.tables.shortest)
        scratch = np.zeros((4, ALL_PLANES), np.int64)
        due = ((closed + offset) // step + 1) * step
        while due <= closes + offset:
            buffers.cursor[AT] = 0
            while True:
                kernels_tick.sweep(self.pages, self.prepared.tables, self.limits, self.clock, due, np.uint64(revision),
                                   scratch, buffers.readings, buffers.cursor)  # fmt: skip
                if not self._went_on(buffers):
                    break
            due += step

    def _settle(self, revision: int, buffers: Buffers, work: Work, *, final: bool = False) -> None:
        first, days = kernels_settle.closed_days(self.limits, self.clock)
        if days == 0 or (final and first != kernels_settle.oldest_day(self.limits, self.clock)):
            return
        buffers.cursor[AT] = 0
        while True:
            kernels_settle.settle(
                self.pages, self.prepared.tables, self.limits, self.clock, np.uint64(revision), int(final), work,
                buffers.readings, buffers.days, buffers.cursor,
            )  # fmt: skip
            if buffers.cursor[STATUS] == PLANE_NEEDED:
                self._grant_wanted(work)
                buffers.cursor[AT] = 0  # slots may have moved; what is done is skipped
            elif not self._went_on(buffers):
                return

    def _grant_wanted(self, work: Work) -> None:
        """Give planes to all points that a settlement has noted."""
        count = work.pad[COUNTS, WANTED]
        slots, numbers = planes.lacking_of(work.wanted[:count, 0], work.wanted[:count, 1])
        points = self.store.keys[slots]
        self._grant(points, page_of(points), numbers)

    def _went_on(self, buffers: Buffers) -> bool:
        """Whether the kernel must be called again, having been given what it lacked."""
        status = buffers.cursor[STATUS]
        if status == FULL:
            buffers.grow(2 * self.limits.slices, self.limits.hot_days)
        elif status == PLANE_NEEDED:
            capacity = self.store.capacity
            self._grant_lacking(buffers.cursor)
            if self.store.capacity != capacity:  # slots have moved; what is done is skipped
                buffers.cursor[AT] = 0
        else:
            return False
        return True


def make(config: VeeConfig) -> VeeStep:
    """The stage's factory."""
    return VeeStep(config)
