"""What the kernels of rating are handed: state, tariffs, points and settlements as named tuples of arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agents.rating.charges import TariffBook
from pipeline.batch import ReadingBatch
from pipeline.codes import Role
from pipeline.columns import Array
from pipeline.lookup import find_many
from pipeline.reference import Registry
from pipeline.state import StateStore

TARIFF_NUMBERS = 65_536


class Marked(NamedTuple):
    """One table of the state: rows (slices, slots), changed u64 (slices, slots / 64), dirty u8 (slices, pages)."""

    rows: Array
    changed: Array
    dirty: Array


class State(NamedTuple):
    """The state of one partition; `offset` are the seconds of local time east of UTC."""

    days: Marked
    settled: Marked
    months: Marked
    capacity: int
    offset: int


class Tariffs(NamedTuple):
    """The tariff book by number: place i32 (65536,) number -> place in first and last, -1 for none; first, last i64 are
    rows of versions."""

    place: Array
    first: Array
    last: Array
    versions: Array
    calendars: Array


class Points(NamedTuple):
    """Who is billed: (table, rows) finds the first row of a service point; the others are columns of the registry."""

    table: Array
    rows: Array
    point: Array
    since: Array
    account: Array
    tariff: Array
    role: Array


class Links(NamedTuple):
    """Columns by link: place of its tariff number i32 (-1: none), length of its intervals u32."""

    tariff: Array
    secs: Array


class Readings(NamedTuple):
    """The reading and prior sections of a ReadingBatch, as far as they are billed."""

    point: Array
    link: Array
    start: Array
    quality: Array
    revision: Array
    energy: Array
    prior: Array
    prior_quality: Array
    prior_energy: Array


class Settlements(NamedTuple):
    """The settlement section of a ReadingBatch."""

    point: Array
    link: Array
    begin: Array
    state: Array
    registers: Array
    opening: Array
    closing: Array
    actual: Array
    estimated: Array
    counts: Array
    demand: Array
    demand_begin: Array


def state_of(store: StateStore, offset: int) -> State:
    """Good until the store grows."""
    return State(
        _marked(store, "day"), _marked(store, "settled"), _marked(store, "month"), store.capacity, offset
    )  # fmt: skip


def _marked(store: StateStore, table: str) -> Marked:
    area = store.areas[table]
    return Marked(area.flat, area.changed.reshape(area.table.slices, -1), area.dirty)


def tariffs_of(book: TariffBook) -> Tariffs:
    """The book by number."""
    numbers, first, count = np.unique(book.versions["number"], return_index=True, return_counts=True)
    place = np.full(TARIFF_NUMBERS, -1, np.int32)
    place[numbers] = np.arange(len(numbers))
    first = first.astype(np.int64)
    return Tariffs(place, first, first + count - 1, book.versions, book.calendars)


def points_of(registry: Registry) -> Points:
    """The registry's points."""
    return Points(
        *registry.by_point, registry.point, registry.point_from, registry.account, registry.tariff, registry.role
    )


def links_of(registry: Registry, tariffs: Tariffs) -> Links:
    """The tariff of each link's service point when the link began (its first row's before that), if it is billed."""
    if not len(registry.point):
        return Links(np.full(len(registry.service_point), -1, np.int32), registry.interval_secs)
    rows = np.empty(len(registry.service_point), np.int64)
    find_many(*registry.by_point, np.ascontiguousarray(registry.service_point), rows)
    found = rows >= 0
    while True:
        after = np.minimum(rows + 1, len(registry.point) - 1)
        same = found & (after > rows) & (registry.point[after] == registry.service_point)
        moves = same & (registry.point_from[after] <= registry.valid_from)
        if not moves.any():
            break
        rows[moves] += 1
    billed = found & (registry.role[rows] == Role.CONSUMER)
    return Links(np.where(billed, tariffs.place[registry.tariff[rows]], -1).astype(np.int32), registry.interval_secs)


def readings_of(batch: ReadingBatch, rows: Array | None) -> Readings:
    """The readings of a batch, or some of them: `rows` are rising row numbers."""
    whole = Readings(
        batch.service_point, batch.link, batch.interval_start, batch.quality, batch.revision, batch.energy,
        batch.prior_reading, batch.prior_quality, batch.prior_energy,
    )  # fmt: skip
    if rows is None:
        return whole
    chosen = np.isin(whole.prior, rows)
    prior = np.searchsorted(rows, whole.prior[chosen]).astype(whole.prior.dtype)
    return Readings(
        whole.point[rows], whole.link[rows], whole.start[rows], whole.quality[rows], whole.revision[rows],
        whole.energy[rows], prior, whole.prior_quality[chosen], whole.prior_energy[chosen],
    )  # fmt: skip


def settlements_of(batch: ReadingBatch) -> Settlements:
    """The settlement section of a batch."""
    return Settlements(
        batch.day_service_point, batch.day_link, batch.day_start, batch.day_state, batch.day_registers,
        batch.day_opening, batch.day_closing, batch.day_actual, batch.day_estimated, batch.day_counts,
        batch.day_demand, batch.day_demand_start,
    )  # fmt: skip
