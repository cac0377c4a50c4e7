"""The rating step: readings and settlements in, determinants out; the readings go on as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from agents.rating.charges import TariffBook, compile_tariffs, rate_periods
from agents.rating.config import RatingConfig
from agents.rating.determinants import Determinants, empty_bill
from agents.rating.encode import Texts, text_table
from agents.rating.kernels import accumulate
from agents.rating.kernels_settle import post_money, price_units, settle
from agents.rating.rows import ROW
from agents.rating.state import MONTH, layout
from agents.rating.tariff import shipped_tariff, tariffs_in_force
from pipeline.batch import ReadingBatch
from pipeline.codes import Role
from pipeline.columns import Array
from pipeline.errors import ContractError, Fatal
from pipeline.localtime import OFFSETS
from pipeline.lookup import find_many
from pipeline.reference import References, Registry
from pipeline.state import Area, Layout, StateStore
from pipeline.step import Advance, Emission, Parcel

TARIFF_NUMBERS = 65_536
NAMED = ("documents", "registry")
"""Versions that a determinant names; keys have no part in it."""


@dataclass(frozen=True)
class Prepared:
    """Tables of the versions in force.

    number_index i32 (65536,) tariff number -> place in number_first, number_count i64 (rows of versions); -1: not in
    the book. link_tariff i32 (links,) the same of the service point that a link measures. versions are what
    determinants name.
    """

    registry: Registry
    book: TariffBook
    texts: Texts
    number_index: Array
    number_first: Array
    number_count: Array
    link_tariff: Array
    versions: tuple[tuple[str, str], ...]


class RatingStep:
    """Time-of-use registers, demand and bills by service point."""

    name = "rating"
    outputs: Mapping[str, str] = {"determinants": "Determinant"}

    def __init__(self, config: RatingConfig) -> None:
        self.config = config
        self.layout: Layout = layout(config.hot_days)
        self._shipped = tuple(shipped_tariff(name) for name in config.tariffs)
        self._offset = OFFSETS[config.timezone]

    def prepare(self, references: References) -> Prepared:
        """Compile the tariffs in force and find each link's tariff; raises ConfigError for a faulty tariff."""
        registry = references.registry
        book = compile_tariffs(tariffs_in_force(self._shipped, references.documents))
        numbers, first, count = np.unique(book.versions["number"], return_index=True, return_counts=True)
        number_index = np.full(TARIFF_NUMBERS, -1, np.int32)
        number_index[numbers] = np.arange(len(numbers))
        return Prepared(
            registry,
            book,
            text_table(book),
            number_index,
            first.astype(np.int64),
            count.astype(np.int64),
            _link_tariffs(registry, number_index),
            tuple(
                (kind, references.versions[kind]) for kind in ("documents", "registry") if kind in references.versions
            ),
        )

    def advance(self, parcel: Parcel, store: StateStore, prepared: Prepared) -> Advance:
        """Rate one parcel; it goes on unchanged."""
        batch = parcel.batch
        if batch is None:
            return Advance(parcel)
        if not isinstance(batch, ReadingBatch):
            raise ContractError(
                "NOT_READINGS", where="rating", what=type(batch).__name__, do="put vee before rating in the topology"
            )
        self._accumulate(batch, store, prepared)
        made = self._settle(batch, store, prepared)
        if not len(made):
            return Advance(parcel)
        return Advance(parcel, [Emission("determinants", _rated(made, parcel, store, prepared))])

    def _accumulate(self, batch: ReadingBatch, store: StateStore, prepared: Prepared) -> None:
        if not len(batch.service_point):
            return
        slots = store.locate(batch.service_point, batch.service_point)
        late = accumulate(
            slots, batch.link, batch.interval_start, batch.quality, batch.revision, batch.energy,
            batch.prior_reading, batch.prior_quality, batch.prior_energy, prepared.link_tariff, self._offset,
            store.capacity, prepared.number_first, prepared.number_count, prepared.book.versions,
            prepared.book.calendars, *_marked(store, "day"), *_marked(store, "settled"), *_marked(store, "month"),
        )  # fmt: skip
        if late >= 0:
            raise _outside(int(batch.service_point[late]), int(batch.interval_start[late]))

    def _settle(self, batch: ReadingBatch, store: StateStore, prepared: Prepared) -> Array:
        rows = np.zeros(2 * len(batch.day_service_point), ROW)
        if not len(rows):
            return rows
        slots = store.locate(batch.day_service_point, batch.day_service_point)
        # By service point, not by slot: the order of slots depends on when pages grew.
        order = np.lexsort((batch.day_start, batch.day_service_point))
        registry = prepared.registry
        made, late = settle(
            order, slots, batch.day_service_point, batch.day_link, batch.day_start, batch.day_state,
            batch.day_registers, batch.day_opening, batch.day_closing, batch.day_actual, batch.day_estimated,
            batch.day_counts, batch.day_demand, batch.day_demand_start, *registry.by_point, registry.point,
            registry.point_from, registry.account, registry.tariff, registry.role, registry.interval_secs,
            prepared.number_index, prepared.number_first, prepared.number_count, prepared.book.versions, self._offset,
            store.capacity, self.config.network_meters, self.config.month_to_date, *_marked(store, "day"),
            *_marked(store, "settled"), *_marked(store, "month"), np.zeros(1, MONTH), rows,
        )  # fmt: skip
        if late >= 0:
            raise _outside(int(batch.day_service_point[late]), int(batch.day_start[late]))
        return rows[:made]


def _rated(rows: Array, parcel: Parcel, store: StateStore, prepared: Prepared) -> Determinants:
    """Price the months, and note what they came to."""
    units, months, version = (np.zeros(len(rows), kind) for kind in (np.int64, np.int64, np.int32))
    base, paise, total = empty_bill(len(rows), prepared.book.widest)
    price_units(rows, prepared.book.versions, units, months, version)
    rate_periods(units, months, version, prepared.book.versions, prepared.book.lines, base, paise, total)
    post_money(rows, version, total, store.areas["month"].flat)
    return Determinants(
        rows, version, base, paise, total, prepared.book, prepared.texts, prepared.versions, parcel.origin
    )


def _marked(store: StateStore, table: str) -> tuple[Array, Array, Array]:
    area: Area = store.areas[table]
    return area.flat, area.changed.reshape(area.table.slices, -1), area.dirty


def _link_tariffs(registry: Registry, number_index: Array) -> Array:
    """The tariff of each link's service point, at the time the link began (its first row before that)."""
    rows = np.empty(len(registry.service_point), np.int64)
    find_many(*registry.by_point, np.ascontiguousarray(registry.service_point), rows)
    found = rows >= 0
    while True:
        after = np.minimum(rows + 1, len(registry.point) - 1)
        moves = (
            found
            & (after > rows)
            & (registry.point[after] == registry.service_point)
            & (registry.point_from[after] <= registry.valid_from)
        )
        if not moves.any():
            break
        rows[moves] += 1
    billed = found & (registry.role[rows] == Role.CONSUMER) if len(registry.role) else found
    return np.where(billed, number_index[registry.tariff[rows]], -1).astype(np.int32) if len(registry.tariff) else rows


def _outside(service_point: int, time: int) -> Fatal:
    return Fatal(
        "DAY_OUTSIDE_WINDOW",
        where=f"service point {service_point}, {time}",
        what="the reading's day has left the window of rating",
        do="set hot_days of rating to that of vee",
    )
