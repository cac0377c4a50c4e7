"""Corrections of days that have left the window of rating: parted from the other readings, and rated.

A day that VEE has let go may still be open here, where the window has a day more, or a service point has no later
readings yet. Such a day takes the usual way.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from agents.rating.kernels_correct import FIGURES, PRIOR
from agents.rating.tables import BILLED, ITEM, NOT_BILLED
from pipeline.answers import of_corrected_days
from pipeline.batch import ReadingBatch
from pipeline.codes import REJECT_NUMBER, Quality
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.rejects import MEANINGS, Rejects
from pipeline.state import StateStore
from pipeline.step import Origin

PERIOD_CLOSED = REJECT_NUMBER["PERIOD_CLOSED"]
SECTIONS = {
    name: tuple(column.name for column in ReadingBatch.COLUMNS if column.section == name)
    for name in ("reading", "prior", "settlement", "correction")
}


def parted(batch: ReadingBatch, store: StateStore, offset_secs: int) -> tuple[ReadingBatch, ReadingBatch | None]:
    """(what takes the usual way, the days that have left the window)."""
    if not len(batch.correction_day):
        return batch, None
    rows = batch.correction_day.astype(np.int64)
    points = np.ascontiguousarray(batch.day_service_point[rows])
    days = (batch.day_start[rows] + offset_secs) // DAY_SECS
    slots = store.locate(points, points)
    open_days = store.areas["day"].flat["day"].astype(np.int64)
    gone = open_days[days % len(open_days), slots] > days
    usual = _without_corrections(batch)
    if not gone.any():
        return usual, None
    # Of the corrections those of days that are gone, so that their readings are found by them.
    chosen = _taken(batch, np.arange(len(batch.service_point)), np.arange(len(batch.day_start)), np.flatnonzero(gone))
    of_gone = of_corrected_days(chosen)
    day_gone = np.zeros(len(batch.day_start), bool)
    day_gone[rows[gone]] = True
    nothing = np.zeros(0, np.int64)
    return (
        _taken(batch, np.flatnonzero(~of_gone), np.flatnonzero(~day_gone), nothing),
        _taken(batch, np.flatnonzero(of_gone), np.flatnonzero(day_gone), np.flatnonzero(gone)),
    )


def _without_corrections(batch: ReadingBatch) -> ReadingBatch:
    nothing = np.zeros(0, np.int64)
    return _taken(batch, np.arange(len(batch.service_point)), np.arange(len(batch.day_start)), nothing)


def _taken(batch: ReadingBatch, readings: Array, days: Array, corrections: Array) -> ReadingBatch:
    """These rows of the sections, rising; places that point into others are those of the new batch."""
    columns = {column.name: getattr(batch, column.name) for column in ReadingBatch.COLUMNS}
    at = np.searchsorted(readings, batch.prior_reading)
    priors = np.flatnonzero(np.isin(batch.prior_reading, readings))
    for section, rows in (("reading", readings), ("prior", priors), ("settlement", days), ("correction", corrections)):
        columns |= {name: columns[name][rows] for name in SECTIONS[section]}
    columns["prior_reading"] = at[priors].astype(np.uint32)
    columns["correction_day"] = np.searchsorted(days, columns["correction_day"]).astype(np.uint32)
    return ReadingBatch(**columns)


def priors_of(batch: ReadingBatch, items: Array, zone: Array, prior_zone: Array) -> Array:
    """PRIOR (n,) of items ITEM (n,); zone u8 of each reading, prior_zone u8 of each prior."""
    at = {
        (int(batch.day_service_point[row]), int(batch.day_start[row])): place
        for place, row in enumerate(batch.correction_day.tolist())
    }
    where = {key: place for place, key in enumerate(_keys(items))}
    places = [at[key] for key in where]
    priors = np.zeros(len(items), PRIOR)
    for name in ("revision", "registers", "energy", "estimated", "counts", "demand_start", "zones"):
        priors[name] = getattr(batch, f"correction_{name}")[places]
    priors["demand"] = batch.correction_demand[places] * 3600 // items["secs"][:, None]
    figures = np.ascontiguousarray(batch.correction_month[places][:, : FIGURES.itemsize // 8], "<i8")
    priors["month"] = figures.view(FIGURES).reshape(-1)
    for rows, zones, energy, sign in (
        (np.arange(len(zone)), zone, batch.energy, 1),
        (batch.prior_reading.astype(np.int64), prior_zone, batch.prior_energy, -1),
    ):
        counted = np.flatnonzero(zones != NOT_BILLED)
        item = _items_at(batch, rows[counted], where)
        found = item >= 0
        wh = sign * energy[counted[found], 0]
        np.add.at(priors["change"], (item[found], zones[counted[found]].astype(np.int64)), wh)
    return priors


def _keys(items: Array) -> Iterable[tuple[int, int]]:
    return zip(items["point"].tolist(), items["begin"].tolist(), strict=True)


def _items_at(batch: ReadingBatch, rows: Array, where: dict[tuple[int, int], int]) -> Array:
    """Item i64 (n,) of each reading; -1: its point is not billed."""
    phase = int(batch.day_start[0]) % DAY_SECS
    starts = (batch.interval_start[rows] - phase) // DAY_SECS * DAY_SECS + phase
    keys = zip(batch.service_point[rows].tolist(), starts.tolist(), strict=True)
    return np.array([where.get(key, -1) for key in keys], np.int64)


def billed(quality: Array) -> Array:
    """Mask of the qualities u8 (n,) that count, as qualities u64 for `zones_of`: ACTUAL, or 0."""
    counts = (BILLED >> quality.astype(np.int64)) & 1 != 0
    return np.where(counts, int(Quality.ACTUAL), 0).astype(np.uint64)


def rejects_of(items: Array, origin: Origin) -> Rejects:
    """Days ITEM (n,) of months whose bills are no longer revised, as rejects."""
    count = len(items)
    code = np.full(count, PERIOD_CLOSED, np.uint8)
    return Rejects(
        stage="rating", topic=origin.topic_id, origin=origin, code=code, frame=np.full(count, -1, np.int64),
        service_point=items["point"].copy(), device=np.zeros(count, np.uint64), received_at=np.zeros(count, np.int64),
        time=items["begin"].copy(), detail=MEANINGS[code], raw=np.zeros(0, np.uint8),
        raw_length=np.zeros(count, np.int64),
    )  # fmt: skip


assert ITEM.names is not None
