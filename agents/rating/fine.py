"""Fine state of the points whose tariff asks for it: their intervals kept, and the figures of their determinants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from agents.rating.calendar import QUARTERS
from agents.rating.fine_kernels import figures_of, keep_intervals, versions_of
from agents.rating.fine_state import (
    ACTUAL_VAH_BIT,
    ACTUAL_WH_BIT,
    DEMAND_VA_AT,
    DEMAND_W_AT,
    EXPORT,
    FIGURES,
    IMPORT,
    LARGEST_POINT,
    OUTAGE_BIT,
    PART_WORDS,
    REACTIVE,
    SAID,
    SAID_PARTS,
    SUMS,
    TIME_BITS,
    VAH_BITS,
    WH_BITS,
    WINDOW_AT,
    Ask,
    part_keys,
    places_of,
)
from agents.rating.fine_tariffs import FineTariffs, demands
from agents.rating.rows import DAY_KIND
from agents.rating.tables import BILLED, Tariffs, state_of
from pipeline.batch import ReadingBatch
from pipeline.channels import FIRST_REACTIVE, VAH_IMP, WH_EXP, WH_IMP
from pipeline.codes import Method, Quality
from pipeline.columns import Array
from pipeline.errors import Fatal
from pipeline.localtime import DAY_SECS
from pipeline.reference import Registry
from pipeline.state import StateStore
from schemas.quantities import TIME_ZONES

QUADRANT_1, QUADRANT_4 = 0, 3
"""Places in `reactive`: lagging and leading while importing (IEC 62053-23)."""


class Extras(NamedTuple):
    """What fine state adds to some determinants, which name a row of it: figures i64 (m, FIGURES), delta i64 (m, SUMS),
    demands i64 (m, 2) billing and excess demand, -1 where not known, lacks i64 (m,) LACKS_DEMAND, LACKS_CAUSES."""

    figures: Array
    delta: Array
    demands: Array
    lacks: Array


def no_extras() -> Extras:
    """None at all."""
    return new_extras(0)


def new_extras(count: int) -> Extras:
    """Room for some."""
    figures_, delta, demands_ = (np.zeros((count, width), np.int64) for width in (FIGURES, SUMS, 2))
    return Extras(figures_, delta, demands_, np.zeros(count, np.int64))


def joined(parts: Sequence[Extras]) -> Extras:
    """Those of several passes, one after the other."""
    if not parts:
        return no_extras()
    return Extras(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def keep(batch: ReadingBatch, rows: Array, store: StateStore, offset: int, fine: FineTariffs) -> None:
    """Keep those of the readings `rows` i64 (n,) whose point has a tariff that asks for more; the store may grow.

    Raises Fatal for a service point or an energy that has no room.
    """
    link = batch.link[rows].astype(np.int64)
    asks = np.zeros(len(rows), np.int64)
    known = link < len(fine.links)
    asks[known] = fine.links[link[known]]
    rows, asks = rows[asks != 0], asks[asks != 0]
    if not len(rows):
        return
    points, start = np.ascontiguousarray(batch.service_point[rows]), np.ascontiguousarray(batch.interval_start[rows])
    place = places_of(start, offset)
    words = np.stack((_import(batch, rows), _export(batch, rows), _reactive(batch, rows)), axis=1)
    part = place // PART_WORDS
    kinds = ((IMPORT, asks != 0), (EXPORT, asks & Ask.EXPORT != 0), (REACTIVE, asks & Ask.REACTIVE != 0))
    wanted = [part_keys(points[there], first + part[there]) for first, there in kinds]
    found = located(store, points, [(points[there], keys) for (_, there), keys in zip(kinds, wanted, strict=True)])
    said, slots = found[0], np.full((len(rows), 3), -1, np.int64)
    for kind, (_, there) in enumerate(kinds):
        slots[there, kind] = found[1 + kind]
    keep_intervals(said, slots, start, place, np.ascontiguousarray(words), state_of(store, offset))


def located(store: StateStore, points: Array, others: Sequence[tuple[Array, Array]]) -> list[Array]:
    """Slots (n, SAID_PARTS) of the points u64 (n,), then of others (points, keys): all good at once."""
    if int(points.max()) > LARGEST_POINT:
        raise Fatal(
            "POINT_TOO_LARGE", where=f"service point {int(points.max())}",
            what="its tariff asks for zones, and ids of such points are below 2^56",
            do="give the service point a smaller id in the registry",
        )  # fmt: skip
    unique, place = np.unique(points, return_inverse=True)
    owners = np.repeat(unique, SAID_PARTS)
    own = part_keys(owners, SAID + np.tile(np.arange(SAID_PARTS), len(unique)))
    slots = store.locate(
        np.concatenate([owners, *(point for point, _ in others)]), np.concatenate([own, *(keys for _, keys in others)])
    )
    cut = np.cumsum([len(own), *(len(keys) for _, keys in others)])
    said, *rest = np.split(slots, cut[:-1])
    return [np.ascontiguousarray(said.reshape(-1, SAID_PARTS)[place]), *rest]


def _counted(batch: ReadingBatch, rows: Array, channel: int) -> tuple[Array, Array]:
    """(whether the channel counts, whether it is actual) bool (n,)."""
    quality = ((batch.quality[rows] >> np.uint64(4 * channel)) & np.uint64(15)).astype(np.int64)
    return (BILLED >> quality) & 1 != 0, quality == int(Quality.ACTUAL)


def _packed(low: Array, high: Array) -> Array:
    """Two numbers i64 (n,) in a word; raises Fatal where one has no room."""
    for value, bits in ((low, WH_BITS), (high, VAH_BITS)):
        beyond = np.flatnonzero((value >> (bits - 1) != 0) & (value >> (bits - 1) != -1))
        if len(beyond):
            raise Fatal(
                "INTERVAL_TOO_LARGE", where=f"{int(value[beyond[0]])} Wh, VAh or varh in one interval",
                what="no consumer has as much", do="look for the reading in `readings`, and report it",
            )  # fmt: skip
    return (low & ((1 << WH_BITS) - 1)) | ((high & ((1 << VAH_BITS) - 1)) << WH_BITS)


def _import(batch: ReadingBatch, rows: Array) -> Array:
    """Wh and VAh that count, and the marks: whether they are actual, and whether there was no supply."""
    energies, marks = [], np.zeros(len(rows), np.int64)
    for channel, bit in ((WH_IMP, ACTUAL_WH_BIT), (VAH_IMP, ACTUAL_VAH_BIT)):
        counts, actual = _counted(batch, rows, channel)
        energies.append(np.where(counts, batch.energy[rows, channel], 0))
        marks |= actual.astype(np.int64) << bit
    marks |= (batch.method[rows] == int(Method.OUTAGE)).astype(np.int64) << OUTAGE_BIT
    return _packed(energies[0], energies[1]) | marks


def _export(batch: ReadingBatch, rows: Array) -> Array:
    counts, _ = _counted(batch, rows, WH_EXP)
    return _packed(np.where(counts, batch.energy[rows, WH_EXP], 0), np.zeros(len(rows), np.int64))


def _reactive(batch: ReadingBatch, rows: Array) -> Array:
    energies = []
    for quadrant in (QUADRANT_1, QUADRANT_4):
        counts, _ = _counted(batch, rows, FIRST_REACTIVE + quadrant)
        energies.append(np.where(counts, batch.reactive[rows, quadrant], 0))
    return _packed(energies[0], energies[1])


@dataclass(frozen=True)
class Chosen:
    """Determinants of tariffs that ask for more: `at` i64 (m,) their places, rows ROW (m,), version i64 (m,), said i64
    (m, SAID_PARTS) slots."""

    at: Array
    rows: Array
    version: Array
    said: Array


def chosen(
    rows: Array, store: StateStore, fine: FineTariffs, registry: Registry, tariffs: Tariffs, *, months: bool = False
) -> Chosen | None:
    """Those among determinants ROW (n,), or the months among them; None when there are none. The store may grow."""
    version = np.empty(len(rows), np.int64)
    versions_of(rows, registry.tariff, tariffs.place, tariffs.first, tariffs.last, tariffs.versions, version)
    meant = (version >= 0) & (fine.asks[np.maximum(version, 0)] != 0) & (not months or rows["kind"] != DAY_KIND)
    at = np.flatnonzero(meant)
    if not len(at):
        return None
    own = np.ascontiguousarray(rows[at])
    said = located(store, own["service_point"].astype(np.uint64), ())[0]
    return Chosen(at, own, np.ascontiguousarray(version[at]), said)


def figures(
    rows: Array, store: StateStore, offset: int, fine: FineTariffs, registry: Registry, tariffs: Tariffs, before: int
) -> Extras:
    """What fine state adds to determinants ROW (n,), days before their month; `extra` of the rows that get something
    names its place, counted from `before`."""
    found = chosen(rows, store, fine, registry, tariffs)
    if found is None:
        return no_extras()
    zones, table = _zone_tables(found.rows, found.version, offset, fine)
    made, known = new_extras(len(found.at)), np.zeros(len(found.at), np.uint8)
    figures_of(
        found.rows, found.said, table, zones, fine.windows, fine.asks, found.version, state_of(store, offset),
        made.figures, made.delta, made.lacks, known, np.zeros(SUMS, np.int64), np.zeros(QUARTERS, np.int64),
    )  # fmt: skip
    return finished(rows, found, made, known, fine, registry, before)


def finished(
    rows: Array, found: Chosen, made: Extras, known: Array, fine: FineTariffs, registry: Registry, before: int
) -> Extras:
    """Reckon the demands that are billed, and let the rows ROW (n,) name those that are known."""
    sanctioned = registry.sanctioned_w[found.rows["holder"]].astype(np.int64)
    made.demands[:] = demands(fine, found.version, _recorded(made.figures, found.version, fine), sanctioned)
    there = np.flatnonzero(known)
    rows["extra"][found.at[there]] = before + np.arange(len(there))
    return Extras(*(column[there] for column in made))


def _recorded(figures_: Array, version: Array, fine: FineTariffs) -> Array:
    """Largest demand i64 (m,) of figures i64 (m, FIGURES) in the unit and window of each tariff, -1 without one."""
    active, apparent = (figures_[:, first : first + TIME_ZONES].max(axis=1) for first in (DEMAND_W_AT, DEMAND_VA_AT))
    windowed, unit = fine.windows.max(axis=1)[version] != 0, fine.unit[version]
    packed = np.where(windowed, figures_[:, WINDOW_AT], np.where(unit == 1, active, apparent))
    return np.where(packed != 0, packed >> TIME_BITS, -1)


def _zone_tables(rows: Array, version: Array, offset: int, fine: FineTariffs) -> tuple[Array, Array]:
    """(zones u1 (tables, 96), table i64 (n,) that each row uses); a month uses none."""
    days = np.where(rows["kind"] == DAY_KIND, (rows["period_start"] + offset) // DAY_SECS, 0)
    pairs, table = np.unique(np.stack((version, days), axis=1), axis=0, return_inverse=True)
    zones = np.zeros((len(pairs), QUARTERS), np.uint8)
    for place, (row, day) in enumerate(pairs.tolist()):
        if day:
            zones[place] = fine.zones_of_day(row, day)
    return zones, table.reshape(-1).astype(np.int64)
