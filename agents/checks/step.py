"""The checks step: main meters against their check meters, day by day (V34).

Energies of check meters come as facts, in the partition of their service point; readings and settlements pass
unchanged. A run of days at which both differ is one exception of the queue (`agents.exceptions`). A partition without
check meters keeps the time of the last tick here, and is looked at no further.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from agents.checks import energies, limits, mains, runs
from agents.checks.config import ChecksConfig
from agents.checks.limits import CODE, Prepared
from agents.checks.state import LARGEST_POINT, LAYOUT, POINT_BITS, TODAY, known_slots, rows_of
from agents.checks.state import OPEN as GOES_ON
from agents.exceptions.records import CLOSED, OPEN, Exceptions, exceptions_beside
from pipeline.batch import ReadingBatch
from pipeline.columns import Array
from pipeline.errors import ContractError
from pipeline.keyed import locate, retain
from pipeline.localtime import DAY_SECS
from pipeline.reference import References
from pipeline.state import Layout, StateStore
from pipeline.step import Advance, Emission, Parcel

KEPT_DAYS = 62
"""Behind the last day of which its check meter told something that a point is remembered."""
AHEAD = 1
"""Days ahead of the last tick: ticks may be late."""


class ChecksStep:
    """Main against check of one partition's service points."""

    name = "checks"
    outputs: Mapping[str, str] = {"exceptions": "ReadingException"}
    layout: Layout = LAYOUT

    def __init__(self, config: ChecksConfig) -> None:
        self.config = config

    def prepare(self, references: References) -> Prepared:
        """Tolerances in force; raises ConfigError for a rule set that is not right."""
        return limits.prepare(self.config, references)

    def advance(self, parcel: Parcel, store: StateStore, prepared: Prepared) -> Advance:
        """Compare what one parcel's settlements and check energies complete; it goes on unchanged."""
        batch = parcel.batch
        if batch is not None and not isinstance(batch, ReadingBatch):
            raise ContractError("NOT_READINGS", where=self.name, what=type(batch).__name__, do="put vee before checks")
        if parcel.tick is not None:
            self._pass(parcel.tick.time, store)
        if not isinstance(batch, ReadingBatch):
            return Advance(parcel)
        told = energies.told_in(batch, self.config.offset_secs) if len(batch.check_service_point) else None
        if int(store.used.sum()) <= 1 and (told is None or not len(told.day)):
            return Advance(parcel)  # the tick's row is there alone
        today, time = self._now(store, told)
        days, changed = self._days(today), [np.zeros(0, np.uint64)]
        if told is not None:
            told = told.take(np.flatnonzero((told.day >= days.start) & (told.day < days.stop)))
            changed.append(energies.take(told, store) if len(told.day) else told.point)
        if len(batch.day_service_point):
            changed.append(mains.take(batch, store, prepared, self.config.offset_secs, days))
        points = np.unique(np.concatenate(changed))
        found = runs.judge(points, store, days) if len(points) else np.zeros(0, runs.FINDING)
        if not len(found):
            return Advance(parcel)
        return Advance(parcel, [Emission("exceptions", self._exceptions(found, time, parcel))])

    def _days(self, today: int) -> range:
        """Local days that are compared."""
        return range(today - self.config.late_days + 1, today + AHEAD + 1)

    def _now(self, store: StateStore, told: energies.Told | None) -> tuple[int, int]:
        """(local day, epoch seconds) of the last tick; before the first one those of the newest statement."""
        slot = int(known_slots(store, np.array([TODAY], np.uint64))[0])
        if slot >= 0:
            row = rows_of(store)[slot]
            return int(row["day"]), int(row["last"])
        newest = 0 if told is None or not len(told.day) else int(told.day.max())
        return newest, newest * DAY_SECS - self.config.offset_secs

    def _exceptions(self, found: Array, time: int, parcel: Parcel) -> Exceptions:
        offset = self.config.offset_secs
        columns = {
            "service_point": found["point"].astype(np.int64),
            "rule": np.full(len(found), CODE),
            "start": found["first"] * DAY_SECS - offset,
            "end": (found["last"] + 1) * DAY_SECS - offset,
            "state": np.where(found["said"] == GOES_ON, OPEN, CLOSED),
            "found": found["main"],
            "expected": found["check"],
            "wh": found["wh"],
        }
        return exceptions_beside(columns, self.config.paise_per_kwh, time, parcel.origin, self.name)

    def _pass(self, time: int, store: StateStore) -> None:
        """Let the log's time be `time`; on a new local day what can no longer change is left behind."""
        slot = int(locate(store, np.array([TODAY], np.uint64))[0])
        row, today = rows_of(store)[slot], (time + self.config.offset_secs) // DAY_SECS
        before, row["day"], row["last"] = int(row["day"]), today, time
        store.touch("rows", slot)
        if today != before:
            self._leave(today, store)

    def _leave(self, today: int, store: StateStore) -> None:
        days, keys = self._days(today), store.keys
        slots = np.flatnonzero((keys != 0) & (keys != TODAY))
        points, of_day = keys[slots] & np.uint64(LARGEST_POINT), keys[slots] >> np.uint64(POINT_BITS) != 0
        owners, kept = known_slots(store, points), rows_of(store)
        day = kept["day"][slots]
        gone = of_day & ((day < days.start) | (day >= days.stop))
        for one in np.unique(day[gone & (day < days.start)]).tolist():
            here = of_day & (day == one)
            runs.carry_on(slots[here], owners[here], store)
        gone |= kept["heard"][owners] < today - KEPT_DAYS
        if gone.any():
            stays = keys != 0
            stays[slots[gone]] = False
            retain(store, np.flatnonzero(stays))


def make(config: ChecksConfig) -> ChecksStep:
    """The stage's factory."""
    return ChecksStep(config)
