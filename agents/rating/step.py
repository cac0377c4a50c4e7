"""The rating step: readings and settlements in, determinants out; the readings go on as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from agents.rating.charges import TariffBook, compile_tariffs, rate_periods
from agents.rating.config import RatingConfig
from agents.rating.determinants import Determinants, empty_bill
from agents.rating.encode import Texts, text_table
from agents.rating.kernels import accumulate
from agents.rating.kernels_settle import post_money, price_units, settle
from agents.rating.rows import ROW
from agents.rating.state import MONTH, SPARE_DAYS, layout
from agents.rating.tables import (
    Links,
    Points,
    Tariffs,
    links_of,
    points_of,
    readings_of,
    settlements_of,
    state_of,
    tariffs_of,
)
from agents.rating.tariff import shipped_tariff, tariffs_in_force
from pipeline.batch import ReadingBatch
from pipeline.columns import Array
from pipeline.errors import ContractError, Fatal
from pipeline.localtime import DAY_SECS, OFFSETS
from pipeline.reference import References
from pipeline.state import Layout, StateStore
from pipeline.step import Advance, Emission, Parcel

MOST_ROWS = 3
"""Determinants of one settlement: its day, its month, and the month after when what is carried into it changes."""
NAMED = ("documents", "registry")
"""Versions that a determinant names; keys have no part in it."""


@dataclass(frozen=True)
class Prepared:
    """Tables of the versions in force; `versions` are those that determinants name, in order of kind."""

    book: TariffBook
    texts: Texts
    tariffs: Tariffs
    points: Points
    links: Links
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
        book = compile_tariffs(tariffs_in_force(self._shipped, references.documents))
        tariffs = tariffs_of(book)
        named = tuple((kind, version) for kind, version in sorted(references.versions.items()) if kind in NAMED)
        registry = references.registry
        return Prepared(book, text_table(book), tariffs, points_of(registry), links_of(registry, tariffs), named)

    def advance(self, parcel: Parcel, store: StateStore, prepared: Prepared) -> Advance:
        """Rate one parcel; it goes on unchanged."""
        batch = parcel.batch
        if batch is None:
            return Advance(parcel)
        if not isinstance(batch, ReadingBatch):
            raise ContractError(
                "NOT_READINGS", where="rating", what=type(batch).__name__, do="put vee before rating in the topology"
            )
        parts = []
        for readings, settlements in self._passes(batch):
            self._accumulate(batch, readings, store, prepared)
            parts.append(self._settle(batch, settlements, store, prepared))
        made = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if not len(made):
            return Advance(parcel)
        return Advance(parcel, [Emission("determinants", _rated(made, parcel, store, prepared))])

    def _passes(self, batch: ReadingBatch) -> Iterator[tuple[Array | None, Array | None]]:
        """(readings, settlements) to take together, as row numbers; None: all.

        One pass, unless the batch reaches over more days than the window has (a tick after a long silence): then one a
        day, so that a day is settled before a later one takes its place.
        """
        begins = np.concatenate((batch.interval_start, batch.day_start))
        days = (begins + self._offset) // DAY_SECS
        if not len(days) or int(days.max() - days.min()) < self.config.hot_days + SPARE_DAYS:
            yield None, None
            return
        of_readings, of_settlements = days[: len(batch.interval_start)], days[len(batch.interval_start) :]
        for day in np.unique(days):
            yield np.flatnonzero(of_readings == day), np.flatnonzero(of_settlements == day)

    def _accumulate(self, batch: ReadingBatch, rows: Array | None, store: StateStore, prepared: Prepared) -> None:
        readings = readings_of(batch, rows)
        if not len(readings.point):
            return
        slots = store.locate(readings.point, readings.point)
        state = state_of(store, self._offset)
        late = accumulate(slots, readings, state, prepared.links, prepared.tariffs)
        if late >= 0:
            raise _outside(int(readings.point[late]), int(readings.start[late]))

    def _settle(self, batch: ReadingBatch, rows: Array | None, store: StateStore, prepared: Prepared) -> Array:
        settlements = settlements_of(batch)
        points = settlements.point
        made = np.zeros(MOST_ROWS * (len(points) if rows is None else len(rows)), ROW)
        if not len(made):
            return made
        slots = store.locate(points, points)
        # By service point, not by slot: the order of slots depends on when pages grew.
        order = np.lexsort((settlements.begin, points))
        if rows is not None:
            order = order[np.isin(order, rows)]
        state = state_of(store, self._offset)
        count, late = settle(
            order, slots, settlements, state, prepared.points, prepared.links, prepared.tariffs,
            self.config.network_meters, self.config.month_to_date, np.zeros(1, MONTH), made,
        )  # fmt: skip
        if late >= 0:
            raise _outside(int(points[late]), int(settlements.begin[late]))
        return made[:count]


def _rated(rows: Array, parcel: Parcel, store: StateStore, prepared: Prepared) -> Determinants:
    """Price the months, and note what they came to."""
    book = prepared.book
    units, months, version = (np.zeros(len(rows), kind) for kind in (np.int64, np.int64, np.int32))
    base, paise, total = empty_bill(len(rows), book.widest)
    price_units(rows, book.versions, units, months, version)
    rate_periods(units, months, version, book.versions, book.lines, base, paise, total)
    post_money(rows, version, total, store.areas["month"].flat)
    return Determinants(rows, version, base, paise, total, book, prepared.texts, prepared.versions, parcel.origin)


def _outside(service_point: int, time: int) -> Fatal:
    return Fatal(
        "DAY_OUTSIDE_WINDOW",
        where=f"service point {service_point}, {time}",
        what="the reading's day has left the window of rating",
        do="set hot_days of rating to that of vee",
    )
