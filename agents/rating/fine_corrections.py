"""Corrections of days that have left the window, in the months of points with fine state.

A correction brings what it replaces of the four energies, and the quality of import alone. So sums by zone follow, a
larger demand is taken over, and what cannot be known any longer is no longer said (LACKS_DEMAND, LACKS_CAUSES). Where
another energy had another quality than import, the zones no longer make up the determinant, and nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from agents.rating.calendar import QUARTERS, month_first, month_of
from agents.rating.fine import Extras, chosen, finished, new_extras, no_extras
from agents.rating.fine_kernels import amend_months
from agents.rating.fine_state import (
    DEMAND_VA_AT,
    DEMAND_W_AT,
    EXPORT_AT,
    LACKS_CAUSES,
    LAG_AT,
    LARGEST,
    LAST_TIME,
    LEAD_AT,
    SUMS,
    TIME_BITS,
    VAH_AT,
    WH_AT,
    WINDOW_AT,
)
from agents.rating.fine_tariffs import FineTariffs
from agents.rating.tables import BILLED, Tariffs, state_of, version_at
from pipeline.batch import ReadingBatch
from pipeline.channels import FIRST_REACTIVE, N_ENERGY, VAH_IMP, WH_EXP, WH_IMP
from pipeline.codes import Method, Quality
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.reference import Registry
from pipeline.state import StateStore

ACTUAL = int(Quality.ACTUAL)


@dataclass
class Change:
    """What corrections do to a month's figures."""

    sums: Array = field(default_factory=lambda: np.zeros(SUMS, np.int64))
    raised: Array = field(default_factory=lambda: np.zeros(LARGEST, np.int64))
    gone: Array = field(default_factory=lambda: np.zeros(LARGEST, np.int64))
    lacking: int = 0

    def put(self, largest: Array, place: int, power: int, time: int) -> None:
        """A mean power that counts, W or VA, at so many quarter hours of the month."""
        largest[place] = max(int(largest[place]), max(power, 0) << TIME_BITS | (LAST_TIME - time))


def amended(
    batch: ReadingBatch, rows: Array, store: StateStore, offset: int, fine: FineTariffs, registry: Registry,
    tariffs: Tariffs, link_tariff: Array, before: int,
) -> Extras:  # fmt: skip
    """What fine state adds to the determinants ROW (n,) of corrected days and their months: to the months alone, since
    state has no intervals of such days. As `fine.figures`."""
    found = chosen(rows, store, fine, registry, tariffs, months=True)
    if found is None:
        return no_extras()
    changes = _changes(batch, offset, fine, tariffs, link_tariff)
    count = len(found.at)
    made, known = new_extras(count), np.zeros(count, np.uint8)
    raised, gone = np.zeros((count, LARGEST), np.int64), np.zeros((count, LARGEST), np.int64)
    lacking, change = np.zeros(count, np.int64), made.delta
    for place in reversed(range(count)):
        # A month that has several determinants here takes its changes with the last: that has the energy of them all.
        row = found.rows[place]
        own = changes.pop((int(row["service_point"]), int(row["month"])), None)
        if own is not None:
            change[place], raised[place], gone[place], lacking[place] = own.sums, own.raised, own.gone, own.lacking
    amend_months(
        found.rows, found.said, fine.asks[found.version], state_of(store, offset), change, raised, gone, lacking,
        made.figures, made.lacks, known,
    )  # fmt: skip
    first = found.rows["revision"] == 1
    made.delta[first] = made.figures[first, :SUMS]
    return finished(rows, found, made, known, fine, registry, before)


def _changes(
    batch: ReadingBatch, offset: int, fine: FineTariffs, tariffs: Tariffs, link_tariff: Array
) -> dict[tuple[int, int], Change]:
    """By service point and month. Such records are few: one reading after the other."""
    priors = {int(reading): place for place, reading in enumerate(batch.prior_reading.tolist())}
    found: dict[tuple[int, int], Change] = {}
    for row in range(len(batch.service_point)):
        link, start = int(batch.link[row]), int(batch.interval_start[row])
        if link >= len(fine.links) or not fine.links[link]:
            continue
        version = int(version_at(int(link_tariff[link]), start, tariffs.first, tariffs.last, tariffs.versions))
        if version < 0 or not fine.asks[version]:
            continue
        day, second = divmod(start + offset, DAY_SECS)
        month = int(month_of(day))
        quarter = second * QUARTERS // DAY_SECS
        change = found.setdefault((int(batch.service_point[row]), month), Change())
        place = _Place(
            int(fine.zones_of_day(version, day)[quarter]), int(fine.windows[version, quarter]),
            (day - int(month_first(month))) * QUARTERS + quarter, int(batch.interval_secs[row]),
        )  # fmt: skip
        _add_new(change, batch, row, place)
        if row in priors:
            _take_old(change, batch, priors[row], place)
    return found


@dataclass(frozen=True)
class _Place:
    """Where an interval stands: its zone, whose demand counts in the window there (1 W, 2 VA), quarter hours since the
    month began, length in seconds."""

    zone: int
    window: int
    time: int
    secs: int

    def demand(self, change: Change, largest: Array, first: int, energy: int) -> None:
        """Let the mean power of an energy count."""
        power, unit = energy * 3600 // self.secs, 1 if first == DEMAND_W_AT else 2
        change.put(largest, first + self.zone - SUMS, power, self.time)
        if self.window == unit:
            change.put(largest, WINDOW_AT - SUMS, power, self.time)


def _add_new(change: Change, batch: ReadingBatch, row: int, place: _Place) -> None:
    word = int(batch.quality[row])

    def quality(channel: int) -> int:
        return word >> 4 * channel & 15

    for channel, first in ((WH_IMP, WH_AT), (VAH_IMP, VAH_AT), (WH_EXP, EXPORT_AT)):
        if BILLED >> quality(channel) & 1:
            change.sums[first + place.zone] += int(batch.energy[row, channel])
    for channel, first in ((WH_IMP, DEMAND_W_AT), (VAH_IMP, DEMAND_VA_AT)):
        if quality(channel) == ACTUAL:
            place.demand(change, change.raised, first, int(batch.energy[row, channel]))
    for quadrant, at in ((0, LAG_AT), (3, LEAD_AT)):
        if BILLED >> quality(FIRST_REACTIVE + quadrant) & 1:
            change.sums[at] += int(batch.reactive[row, quadrant])
    if int(batch.method[row]) == int(Method.OUTAGE):
        change.lacking |= LACKS_CAUSES


def _take_old(change: Change, batch: ReadingBatch, prior: int, place: _Place) -> None:
    quality = int(batch.prior_quality[prior])
    change.lacking |= LACKS_CAUSES
    energy = [int(batch.prior_energy[prior, channel]) for channel in range(N_ENERGY)]
    # Whether apparent energy was measured nobody says, so that its demand may have been there.
    place.demand(change, change.gone, DEMAND_VA_AT, energy[VAH_IMP])
    if not BILLED >> quality & 1:
        return
    for channel, first in ((WH_IMP, WH_AT), (VAH_IMP, VAH_AT), (WH_EXP, EXPORT_AT)):
        change.sums[first + place.zone] -= energy[channel]
    if quality == ACTUAL:
        place.demand(change, change.gone, DEMAND_W_AT, energy[WH_IMP])
