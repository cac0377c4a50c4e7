"""The rating step: readings and settlements in, determinants out; the readings go on as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from agents.rating.bills import bill
from agents.rating.charges import TariffBook, compile_tariffs
from agents.rating.config import RatingConfig
from agents.rating.corrections import billed, parted, priors_of, rejects_of
from agents.rating.determinants import Determinants
from agents.rating.edited import edits_in, note_edits, say_edited
from agents.rating.encode import Texts, text_table
from agents.rating.fine import Extras, figures, joined, keep
from agents.rating.fine_corrections import amended
from agents.rating.fine_tariffs import FineTariffs, fine_tariffs
from agents.rating.kernels import accumulate, ends, withdraw
from agents.rating.kernels_correct import correct, scratch
from agents.rating.kernels_settle import settle
from agents.rating.kernels_slot import DONE, NARROW, OUTSIDE, TOO_LARGE
from agents.rating.rows import new_rows
from agents.rating.second_slots import give_second_slot
from agents.rating.state import SPARE_DAYS, layout
from agents.rating.tables import BILLED, Tariffs, items_of, state_of, tariff_of_links, tariffs_of, zones_of
from agents.rating.tariff import shipped_in_force, tariffs_in_force
from agents.rating.work import Work, new_work
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
KEPT = ("point", "point_from", "role", "account", "tariff", "interval_secs", "sanctioned_w")
"""Columns of the registry that are asked for while it is in force."""


@dataclass(frozen=True)
class Prepared:
    """Tables of the versions in force, of the registry the columns KEPT; link_tariff i16 (links,) is the place of a
    link's tariff in `tariffs`.

    `versions` are those that determinants name, in order of kind; `fine` says which tariffs ask for fine state, None
    when none does.
    """

    registry: Registry
    book: TariffBook
    texts: Texts
    tariffs: Tariffs
    link_tariff: Array
    versions: tuple[tuple[str, str], ...]
    fine: FineTariffs | None = None


class RatingStep:
    """Time-of-use registers, demand and bills by service point."""

    name = "rating"
    outputs: Mapping[str, str] = {"determinants": "Determinant", "rejects": "Reject"}

    def __init__(self, config: RatingConfig) -> None:
        self.config = config
        self.layout: Layout = layout(config.hot_days)
        self._shipped = tuple(shipped_in_force(name) for name in config.tariffs)
        self._offset = OFFSETS[config.timezone]

    def prepare(self, references: References) -> Prepared:
        """Compile the tariffs in force and find each link's tariff; raises ConfigError for a faulty tariff."""
        in_force = tariffs_in_force(self._shipped, references.documents)
        book = compile_tariffs(tuple(tariff.rated for tariff in in_force))
        tariffs = tariffs_of(book)
        named = tuple((kind, version) for kind, version in sorted(references.versions.items()) if kind in NAMED)
        link_tariff = tariff_of_links(references.registry, tariffs)
        registry = references.registry.holding(*KEPT)
        fine = fine_tariffs([tariff.whole for tariff in in_force], link_tariff, tariffs.first, tariffs.last)
        return Prepared(registry, book, text_table(book), tariffs, link_tariff, named, fine)

    def advance(self, parcel: Parcel, store: StateStore, prepared: Prepared) -> Advance:
        """Rate one parcel; it goes on unchanged."""
        batch = parcel.batch
        if batch is None:
            return Advance(parcel)
        if not isinstance(batch, ReadingBatch):
            raise ContractError(
                "NOT_READINGS", where="rating", what=type(batch).__name__, do="put vee before rating in the topology"
            )
        work, capacity = new_work(self.config.hot_days + SPARE_DAYS), store.capacity
        batch, gone = parted(batch, store, self._offset)
        items = items_of(batch, prepared.registry, self.config.network_meters)
        parts, emissions, extras = [], [], list[Extras]()
        for readings, settlements in self._passes(batch.interval_start, items["begin"]):
            self._accumulate(batch, readings, store, prepared, work)
            if len(items):
                parts.append(self._settle(items[settlements], store, work))
                self._refine(parts[-1], extras, store, prepared)
        if gone is not None:
            corrected, closed = self._correct(gone, store, prepared, work, parcel)
            parts.append(corrected)
            say_edited(corrected, gone, self._offset)
            self._amend(gone, corrected, extras, store, prepared)
            emissions = [Emission("rejects", rejects_of(closed, parcel.origin))] if len(closed) else []
        if not any(len(part) for part in parts):
            return Advance(parcel, emissions)
        rows = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if store.capacity != capacity:  # pages have grown, which moves slots
            points = rows["service_point"].astype(np.uint64)
            rows["slot"] = store.locate(points, points)
        months = state_of(store, self._offset).months
        base, paise = bill(rows, prepared.registry, prepared.tariffs, prepared.book, months)
        made = Determinants(
            rows, base, paise, prepared.book, prepared.texts, prepared.versions, parcel.origin, joined(extras),
            prepared.fine,
        )  # fmt: skip
        return Advance(parcel, [Emission("determinants", made), *emissions])

    def _correct(
        self, batch: ReadingBatch, store: StateStore, prepared: Prepared, work: Work, parcel: Parcel
    ) -> tuple[Array, Array]:
        """(rows, settlements ITEM (n,) of months that are not kept) of days that have left the window."""
        items = items_of(batch, prepared.registry, self.config.network_meters)
        place = batch.prior_reading.astype(np.int64)
        zones = [np.empty(len(batch.service_point), np.uint8), np.empty(len(place), np.uint8)]
        tables = self._offset, prepared.link_tariff, prepared.tariffs
        zones_of(batch.quality, batch.link, batch.interval_start, *tables, zones[0])
        prior = batch.link[place], batch.interval_start[place]
        zones_of(billed(batch.prior_quality), *prior, *tables, zones[1])
        rows, closed = new_rows(MOST_ROWS * len(items)), np.zeros(len(items), np.uint8)
        if not len(items):
            return rows, items
        priors, points = priors_of(batch, items, *zones), np.ascontiguousarray(items["point"])
        made, at, status = 0, 0, NARROW
        while status != DONE:
            slots = store.locate(points, points)
            made, at, status = correct(
                items, priors, slots, state_of(store, self._offset), self.config.month_to_date, parcel.origin.offset,
                *scratch(), work, rows, made, at, closed,
            )  # fmt: skip
            if status != DONE:
                _go_on(status, store, int(points[at]), int(items["begin"][at]))
        return rows[:made], items[closed != 0]

    def _passes(self, readings: Array, settlements: Array) -> Iterator[tuple[Rows, Rows]]:
        """Which readings and settlements, by their begin i64 (n,), to take together.

        All at once, unless they reach over more days than the window has (a tick after a long silence): then day by
        day, so that a day is settled before a later one takes its place.
        """
        found = [end for begins in (readings, settlements) if len(begins) for end in ends(np.ascontiguousarray(begins))]
        if not found:
            return
        window = self.config.hot_days + SPARE_DAYS
        if (max(found) + self._offset) // DAY_SECS - (min(found) + self._offset) // DAY_SECS < window:
            yield slice(None), slice(None)
            return
        days = (np.concatenate((readings, settlements)) + self._offset) // DAY_SECS
        for day in np.unique(days):
            yield np.flatnonzero(days[: len(readings)] == day), np.flatnonzero(days[len(readings) :] == day)

    def _accumulate(self, batch: ReadingBatch, rows: Rows, store: StateStore, prepared: Prepared, work: Work) -> None:
        points, start, link = batch.service_point[rows], batch.interval_start[rows], batch.link[rows]
        if not len(points):
            return
        zone = np.empty(len(points), np.uint8)
        zones_of(batch.quality[rows], link, start, self._offset, prepared.link_tariff, prepared.tariffs, zone)
        if prepared.fine is not None:
            keep(batch, np.arange(len(batch.service_point))[rows], store, self._offset, prepared.fine)
        revision, energy, at = batch.revision[rows], batch.energy[rows], 0
        while True:
            slots = store.locate(points, points)
            at, status = accumulate(slots, start, revision, zone, energy, state_of(store, self._offset), work, at)
            if status == DONE:
                break
            _go_on(status, store, int(points[at]), int(start[at]))
        note_edits(points, start, edits_in(batch)[rows], store, self._offset)
        if not len(batch.prior_reading):
            return
        replaced = np.arange(len(batch.service_point))[rows]
        billed = (BILLED >> batch.prior_quality.astype(np.int64)) & 1 != 0
        prior = np.flatnonzero(billed & np.isin(batch.prior_reading, replaced))
        place = np.searchsorted(replaced, batch.prior_reading[prior])
        quality = np.full(len(prior), int(Quality.ACTUAL), np.uint64)
        zone = np.empty(len(prior), np.uint8)
        zones_of(quality, link[place], start[place], self._offset, prepared.link_tariff, prepared.tariffs, zone)
        self._withdraw(points[place], start[place], zone, batch.prior_energy[prior, 0], store)

    def _refine(self, rows: Array, extras: list[Extras], store: StateStore, prepared: Prepared) -> None:
        """Add to determinants ROW (n,) what fine state knows."""
        if prepared.fine is not None and len(rows):
            before = sum(len(part.figures) for part in extras)
            registry, tariffs = prepared.registry, prepared.tariffs
            extras.append(figures(rows, store, self._offset, prepared.fine, registry, tariffs, before))

    def _amend(
        self, batch: ReadingBatch, rows: Array, extras: list[Extras], store: StateStore, prepared: Prepared
    ) -> None:
        """The same for determinants of days that have left the window."""
        if prepared.fine is not None and len(rows):
            before = sum(len(part.figures) for part in extras)
            registry, tariffs = prepared.registry, prepared.tariffs
            extras.append(amended(
                batch, rows, store, self._offset, prepared.fine, registry, tariffs, prepared.link_tariff, before
            ))  # fmt: skip

    def _withdraw(self, points: Array, start: Array, zone: Array, wh: Array, store: StateStore) -> None:
        at, status = 0, NARROW
        while status != DONE:
            slots = store.locate(points, points)
            at, status = withdraw(slots, start, zone, wh, state_of(store, self._offset), at)
            if status != DONE:
                _go_on(status, store, int(points[at]), int(start[at]))

    def _settle(self, items: Array, store: StateStore, work: Work) -> Array:
        rows = new_rows(MOST_ROWS * len(items))
        if not len(items):
            return rows
        points, made, at = np.ascontiguousarray(items["point"]), 0, 0
        while True:
            slots = store.locate(points, points)
            state = state_of(store, self._offset)
            made, at, status = settle(items, slots, state, self.config.month_to_date, work, rows, made, at)
            if status == DONE:
                break
            _go_on(status, store, int(points[at]), int(items["begin"][at]))
        # When pages have grown meanwhile, `advance` finds the slots of all rows again.
        return rows[:made]


def _go_on(status: int, store: StateStore, service_point: int, time: int) -> None:
    """Give the point at which a kernel stopped what it lacks, else raise Fatal."""
    if status == OUTSIDE:
        raise Fatal(
            "DAY_OUTSIDE_WINDOW",
            where=f"service point {service_point}, {time}",
            what="the reading's day has left the window of rating",
            do="set hot_days of rating to that of vee",
        )
    if status == TOO_LARGE:
        raise Fatal(
            "DAY_TOO_LARGE",
            where=f"service point {service_point}, {time}",
            what="a day's energy is 140 TWh or more, or its demand as many watts",
            do="look for the reading in `readings`, and report it: VEE lets no such interval pass",
        )
    give_second_slot(store, service_point)
