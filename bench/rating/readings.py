"""What VEE publishes, day by day, through the rating step; and what its determinants said last."""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np

from agents.rating.config import RatingConfig
from agents.rating.engine.quantities import Quantities
from agents.rating.engine.rate import rate
from agents.rating.engine.upgrade import upgraded
from agents.rating.rows import DAY_KIND, MONTH_KIND
from agents.rating.step import RatingStep
from agents.rating.tariff import parse_tariff, shipped_tariff
from bench.rating.case import RatingCase
from bench.vee.meters import Meters
from bench.vee.stream import Content, Stream
from connectors.simulator.burst import BurstPlan
from pipeline.channels import N_ENERGY
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.lookup import pages_of_partition
from pipeline.reference import KeyRing, References
from pipeline.state import StateStore
from pipeline.step import Origin, Parcel

SHIPPED = "msedcl-lt1b-2020"
ZONED = """
zones:
  - {code: SOLAR, windows: ["09:00-17:00"]}
  - {code: PEAK, windows: ["18:00-22:00"]}
  - {code: REST, windows: ["17:00-18:00", "22:00-09:00"]}
"""
DOCUMENTS = {
    f"tariffs/bench-{number}.yaml": (
        f"version: 1\ncode: bench-{number}\nnumber: {number}\nname: bench {number}\nvalid_from: 2020-01-01\n"
        f"{ZONED if number % 2 else ''}charges:\n{charges}"
    ).encode()
    for number, charges in {
        102: "  - {code: EC, kind: slabs, slabs: [{to: 50, rate: 3.15}, {rate: 5.80, all_units: true}]}\n",
        103: "  - {code: EC, kind: energy, rate: 7.31}\n  - {code: FIXED, kind: fixed, rate: 113.37}\n",
        104: "  - {code: EC, kind: slabs, slabs: [{to: 200, rate: 3}, {rate: 4.5}]}\n"
        "  - {code: TAX, kind: percent, of: [EC], rate: 5}\n",
        105: "  - {code: EC, kind: slabs, slabs: [{to: 100, rate: 4.2}, {to: 300, rate: 7.1}, {rate: 9.85}]}\n"
        "  - {code: FIXED, kind: fixed, rate: 80}\n  - {code: DUTY, kind: percent, of: [EC, FIXED], rate: 16}\n",
    }.items()
}
"""Tariffs of the subset that the stage knows, beside the one that is shipped; two have zones."""


class Rating(Stream):
    """One partition with all meters, day profiles of half hours; what is timed is the rating step alone."""

    def __init__(self, case: RatingCase) -> None:
        plan = BurstPlan(case.meters, 1, seed=case.seed, interval_secs=1800, faults=False, plants=16)
        meters = Meters(plan, case.missing, 0.0)
        self.tariffs = (shipped_tariff(SHIPPED), *(parse_tariff(raw, name) for name, raw in DOCUMENTS.items()))
        numbers = np.array([tariff.number for tariff in self.tariffs], np.uint16)
        meters.registry.tariff[:] = numbers[np.arange(case.meters) % len(numbers)]
        self._rating = RatingStep(RatingConfig(tariffs=(SHIPPED,)))
        no_keys = KeyRing(np.zeros(0, np.uint64), np.zeros((0, 16), np.uint8), np.zeros((0, 16), np.uint8))
        self._rating_prepared = self._rating.prepare(References(meters.registry, no_keys, DOCUMENTS))
        self._rating_store = StateStore(self._rating.layout, pages_of_partition(0, 1))
        self._days_rated: dict[int, Array] = {}
        self._month = np.zeros((case.meters, N_ENERGY), np.int64)
        self._paise = np.zeros(case.meters, np.int64)
        super().__init__(meters, profile=True, batch_frames=case.batch_frames)

    def _take(self, contents: Iterable[Content]) -> None:
        taken = []
        for content in contents:
            parcel = Parcel(Origin("bench", 0, self._offset), **content)
            taken.append(self._step.advance(parcel, self._store, self._prepared).parcel)
            self._offset += 1
        begin = time.thread_time_ns()
        found = [self._rating.advance(parcel, self._rating_store, self._rating_prepared) for parcel in taken]
        self.nanoseconds += time.thread_time_ns() - begin
        for advance in found:
            for emission in advance.emissions:
                if emission.output == "determinants":
                    self._note(emission.value.rows)

    def _note(self, rows: Array) -> None:
        """What determinants say last; they come in their order."""
        meter = (rows["service_point"] - int(self.meters.registry.service_point[0])).astype(np.int64)
        days = rows["kind"] == DAY_KIND
        number = (rows["period_start"] - self.meters.plan.start) // DAY_SECS
        for day in np.unique(number[days]).tolist():
            here = days & (number == day)
            room = self._days_rated.setdefault(day, np.full((self.meters.plan.meters, N_ENERGY), -1, np.int64))
            room[meter[here]] = rows["energy"][here]
        months = rows["kind"] == MONTH_KIND
        self._month[meter[months]] = rows["energy"][months]
        self._paise[meter[months]] = rows["total_paise"][months]

    def differences(self, days: int, sample: int) -> dict[str, int]:
        """Days whose energies are not the truth, months that are not the sum of their days, and bills that are not what
        the reference engine says of `sample` meters."""
        wrong, whole = 0, np.zeros_like(self._month)
        for day in range(days):
            truth = self.meters.day(day).truth.sum(axis=1, dtype="i8")
            wrong += int((self._days_rated.get(day, -1) != truth).any(axis=1).sum())
            whole += truth
        chosen = np.linspace(0, self.meters.plan.meters - 1, min(sample, self.meters.plan.meters)).astype(np.int64)
        bills = 0
        for meter in np.unique(chosen).tolist():
            tariff = upgraded(self.tariffs[meter % len(self.tariffs)])
            bills += rate(tariff, Quantities(wh=int(whole[meter, 0]))).total_paise != int(self._paise[meter])
        return {"days": wrong, "months": int((self._month != whole).any(axis=1).sum()), "bills": bills}
