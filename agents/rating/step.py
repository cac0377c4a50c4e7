"""The rating step: readings and settlements in, determinants out; the readings go on as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from agents.rating.bills import bill
from agents.rating.charges import TariffBook, compile_tariffs
from agents.rating.config import RatingConfig
from agents.rating.determinants import Determinants
from agents.rating.encode import Texts, text_table
from agents.rating.kernels import accumulate, withdraw
from agents.rating.kernels_settle import settle
from agents.rating.rows import new_rows
from agents.rating.state import MONTH, SPARE_DAYS, layout
from agents.rating.tables import BILLED, Tariffs, items_of, state_of, tariff_of_links, tariffs_of, zones_of
from agents.rating.tariff import shipped_tariff, tariffs_in_force
from pipeline.batch import ReadingBatch
from pipeline.codes import Quality
from pipeline.columns import Array
from pipeline.errors import ContractError, Fatal
from pipeline.localtime import DAY_SECS, OFFSETS
from pipeline.reference import References, Registry
from pipeline.state import Layout, StateStore
from pipeline.step import Advance, Emission, Parcel

MOST_ROWS = 3
"""Determinants of one settlement: its day, its month, and the month after when what is carried into it changes."""
Rows = slice | Array
"""Some rows of a section, rising."""
NAMED = ("documents", "registry")
"""Versions that a determinant names; keys have no part in it."""
KEPT = ("point", "point_from", "role", "account", "tariff", "interval_secs")
"""Columns of the registry that are asked for while it is in force."""


@dataclass(frozen=True)
class Prepared:
    """Tables of the versions in force, of the registry the columns KEPT; link_tariff i16 (links,) is the place of a
    link's tariff in `tariffs`.

    `versions` are those that determinants name, in order of kind.
    """

    registry: Registry
    book: TariffBook
    texts: Texts
    tariffs: Tariffs
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
        book = compile_tariffs(tariffs_in_force(self._shipped, references.documents))
        tariffs = tariffs_of(book)
        named = tuple((kind, version) for kind, version in sorted(references.versions.items()) if kind in NAMED)
        link_tariff = tariff_of_links(references.registry, tariffs)
        registry = references.registry.holding(*KEPT)
        return Prepared(registry, book, text_table(book), tariffs, link_tariff, named)

    def advance(self, parcel: Parcel, store: StateStore, prepared: Prepared) -> Advance:
        """Rate one parcel; it goes on unchanged."""
        batch = parcel.batch
        if batch is None:
            return Advance(parcel)
        if not isinstance(batch, ReadingBatch):
            raise ContractError(
                "NOT_READINGS", where="rating", what=type(batch).__name__, do="put vee before rating in the topology"
            )
        items = items_of(batch, prepared.registry, self.config.network_meters)
        parts, passes = [], list(self._passes(batch.interval_start, items["begin"]))
        if len(passes) > 1:
            # Pages may grow for points that are new, which moves slots: once, before rows hold some.
            points = np.concatenate((batch.service_point, items["point"])).astype(np.uint64)
            store.locate(points, points)
        for readings, settlements in passes:
            self._accumulate(batch, readings, store, prepared)
            parts.append(self._settle(items[settlements], store))
        rows = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if not len(rows):
            return Advance(parcel)
        months = state_of(store, self._offset).months
        base, paise = bill(rows, prepared.registry, prepared.tariffs, prepared.book, months)
        made = Determinants(rows, base, paise, prepared.book, prepared.texts, prepared.versions, parcel.origin)
        return Advance(parcel, [Emission("determinants", made)])

    def _passes(self, readings: Array, settlements: Array) -> Iterator[tuple[Rows, Rows]]:
        """Which readings and settlements, by their begin i64 (n,), to take together.

        All at once, unless they reach over more days than the window has (a tick after a long silence): then day by
        day, so that a day is settled before a later one takes its place.
        """
        ends = [int(end) for begins in (readings, settlements) if len(begins) for end in (begins.min(), begins.max())]
        # A day less than the window has: the ends lie somewhere in their days.
        if not ends or max(ends) - min(ends) < (self.config.hot_days + SPARE_DAYS - 1) * DAY_SECS:
            yield slice(None), slice(None)
            return
        days = (np.concatenate((readings, settlements)) + self._offset) // DAY_SECS
        for day in np.unique(days):
            yield np.flatnonzero(days[: len(readings)] == day), np.flatnonzero(days[len(readings) :] == day)

    def _accumulate(self, batch: ReadingBatch, rows: Rows, store: StateStore, prepared: Prepared) -> None:
        points, start, link = batch.service_point[rows], batch.interval_start[rows], batch.link[rows]
        if not len(points):
            return
        zone = np.empty(len(points), np.uint8)
        zones_of(batch.quality[rows], link, start, self._offset, prepared.link_tariff, prepared.tariffs, zone)
        slots = store.locate(points, points)
        state = state_of(store, self._offset)
        late = accumulate(slots, start, batch.revision[rows], zone, batch.energy[rows], state)
        if late >= 0:
            raise _outside(int(points[late]), int(start[late]))
        if not len(batch.prior_reading):
            return
        replaced = np.arange(len(batch.service_point))[rows]
        billed = (BILLED >> batch.prior_quality.astype(np.int64)) & 1 != 0
        prior = np.flatnonzero(billed & np.isin(batch.prior_reading, replaced))
        place = np.searchsorted(replaced, batch.prior_reading[prior])
        quality = np.full(len(prior), int(Quality.ACTUAL), np.uint64)
        zone = np.empty(len(prior), np.uint8)
        zones_of(quality, link[place], start[place], self._offset, prepared.link_tariff, prepared.tariffs, zone)
        wh = batch.prior_energy[prior, 0]
        withdraw(slots[place], start[place], zone, wh, state.days.rows, self._offset)

    def _settle(self, items: Array, store: StateStore) -> Array:
        rows = new_rows(MOST_ROWS * len(items))
        if not len(items):
            return rows
        points = np.ascontiguousarray(items["point"])
        slots = store.locate(points, points)
        made, late = settle(
            items, slots, state_of(store, self._offset), self.config.month_to_date, np.zeros(1, MONTH), rows
        )
        if late >= 0:
            raise _outside(int(points[late]), int(items["begin"][late]))
        return rows[:made]


def _outside(service_point: int, time: int) -> Fatal:
    return Fatal(
        "DAY_OUTSIDE_WINDOW",
        where=f"service point {service_point}, {time}",
        what="the reading's day has left the window of rating",
        do="set hot_days of rating to that of vee",
    )
