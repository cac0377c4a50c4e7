"""Corrections of days that rating has closed, against an oracle that recomputes everything from the intervals."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.cold.bills import figures_of, of_month, prior_zones
from agents.cold.history import BILL, DAY
from agents.rating.config import RatingConfig
from agents.rating.step import RatingStep
from pipeline.batch import ReadingBatch
from pipeline.codes import Quality
from pipeline.state import StateStore
from pipeline.step import Parcel
from tests.builders_cold import bill_of
from tests.builders_rating import DAY as DAY_SECS
from tests.builders_rating import IST, SECS, SLOTS, Meters, Point, ist, references, registry
from tests.builders_records import records_of
from tests.property.test_rating import NODES, POINTS, energy_charge, month_start, zones

FIRST, LAST = ist("2026-01-26"), ist("2026-02-09")
DAYS = (LAST - FIRST) // DAY_SECS
COUNTED = (Quality.ACTUAL, Quality.ESTIMATED)

puts = st.tuples(
    st.sampled_from([11, 12]),
    st.integers(0, DAYS - 5),
    st.lists(
        st.tuples(
            st.integers(0, SLOTS - 1), st.integers(0, 40_000),
            st.sampled_from([Quality.ACTUAL, Quality.ESTIMATED, Quality.SUSPECT, Quality.MISSING]),
        ),
        min_size=1, max_size=6,
    ),
)  # fmt: skip


class World:
    """Rating, the intervals, and what a warehouse would have."""

    def __init__(self, points: tuple[Point, ...] = POINTS) -> None:
        self.meters = Meters(registry(points, NODES))
        self.step = RatingStep(RatingConfig())
        self.store = StateStore(self.step.layout, range(512))
        self.prepared = self.step.prepare(references(self.meters.made))
        self.last: dict[tuple[int, str, int], dict[str, Any]] = {}
        self.days: dict[tuple[int, int], Any] = {}
        self.totals: dict[tuple[int, str, int], int] = defaultdict(int)
        self.money: dict[tuple[int, str, int], int] = defaultdict(int)
        self.rejects: list[Any] = []

    def send(self, parcel: Parcel) -> None:
        """Take a parcel, and note what it gives as the warehouse does."""
        for emission in self.step.advance(parcel, self.store, self.prepared).emissions:
            for record in records_of(emission):
                if emission.output == "rejects":
                    self.rejects.append(record)
                    continue
                key = (record["service_point"], record["kind"], record["period_start"])
                assert record["revision"] == (self.last[key]["revision"] if key in self.last else 0) + 1
                self.totals[key] += record["delta_wh_imp"]
                self.money[key] += record["delta_paise"] or 0
                self.last[key] = record
        batch = parcel.batch
        assert isinstance(batch, ReadingBatch)
        for row in range(len(batch.day_start)):
            day = np.zeros((), DAY)
            for name in DAY.names or ():
                day[name] = getattr(batch, f"day_{name}")[row]
            self.days[int(day["service_point"]), int(day["start"])] = day

    def history(self, days: int) -> None:
        """Some intervals of each day, settled in time."""
        for number in range(days):
            day = FIRST + number * DAY_SECS
            for point in (11, 12):
                for slot in range(number % 3, SLOTS, 7):
                    self.meters.put(point, day + slot * SECS, 700 * slot + 13 * number)
                self.meters.settle(point, day, state=1)
            self.send(self.meters.take())

    def correct(self, point: int, *days: int, said: bool = True) -> None:
        """Settle days as the intervals stand now, as answers in one record do."""
        for day in days:
            self.meters.settle(point, day, state=1)
        parcel = self.meters.take()
        batch: Any = parcel.batch
        bills = np.array([bill_of(record) for record in self.last.values()], BILL)
        for column in ReadingBatch.COLUMNS:
            if column.section == "correction":
                setattr(batch, column.name, column.empty(len(days)))
        for row, day in enumerate(days):
            before = self.days.get((point, day))
            batch.correction_day[row] = row
            batch.correction_revision[row], batch.correction_zones[row] = prior_zones(bills, point, day)
            if before is not None:
                for name in ("registers", "counts", "demand", "demand_start"):
                    getattr(batch, f"correction_{name}")[row] = before[name]
                batch.correction_energy[row] = before["actual"] + before["estimated"]
                batch.correction_estimated[row] = before["estimated"][0]
            if said:
                known = np.array(list(self.days.values()), DAY)
                figures = figures_of(of_month(bills, point, day, IST), known, self.meters.made, point, day, IST)
                batch.correction_month[row, : len(figures)] = figures
        self.send(parcel)

    def truth(self, point: int) -> dict[tuple[str, int], dict[str, Any]]:
        """Days and months as they must stand in the end."""
        found: dict[tuple[str, int], dict[int, tuple[Quality, int]]] = defaultdict(dict)
        for (holder, start), (quality, wh, *_) in sorted(self.meters.cells.items()):
            if holder == point:
                day = (start + IST) // DAY_SECS * DAY_SECS - IST
                found["DAY", day][start] = found["MONTH", month_start(start)][start] = quality, wh
        carry, whole = 0, {}
        for (kind, start), cells in sorted(found.items(), key=lambda item: item[0][1]):
            billed = {at: wh if quality in COUNTED else 0 for at, (quality, wh) in cells.items()}
            peak = max(((wh, -at) for at, (quality, wh) in cells.items() if quality == Quality.ACTUAL), default=None)
            whole[kind, start] = {
                "wh_imp": sum(billed.values()),
                "zones": zones(billed),
                "estimated_wh": sum(wh for quality, wh in cells.values() if quality == Quality.ESTIMATED),
                "intervals_actual": sum(quality == Quality.ACTUAL for quality, _ in cells.values()),
                "demand_w": None if peak is None else peak[0] * 2,
                "demand_start": None if peak is None else -peak[1],
            }
            if kind == "MONTH":
                whole[kind, start]["energy_paise"] = energy_charge((carry + sum(billed.values())) // 1000)
                carry = (carry + sum(billed.values())) % 1000
        return whole

    def check(self) -> None:
        """The last determinants are the truth, and their differences add up."""
        for point in (11, 12):
            for (kind, start), wanted in self.truth(point).items():
                record = self.last[point, kind, start]
                assert self.totals[point, kind, start] == wanted["wh_imp"]
                assert (record["total_paise"] or 0) == self.money[point, kind, start]
                made = {name: record[name] for name in wanted if name not in ("zones", "energy_paise")}
                made["zones"] = {zone["zone"]: zone["wh"] for zone in record["zones"]}
                if kind == "MONTH":
                    made["energy_paise"] = sum(
                        line["paise"] for line in record["lines"] if line["code"].startswith("EC")
                    )
                assert (kind, start, made) == (kind, start, wanted)


@settings(deadline=None, max_examples=40)
@given(st.lists(puts, min_size=1, max_size=8))
def test_corrected_days_of_this_month_and_the_last_end_as_if_in_time(
    events: list[tuple[int, int, list[tuple[int, int, Quality]]]],
) -> None:
    world = World()
    world.history(DAYS)
    world.check()
    for point, number, cells in events:
        day = FIRST + number * DAY_SECS
        for slot, wh, quality in cells:
            world.meters.put(point, day + slot * SECS, wh, quality)
        world.correct(point, day)
    world.check()
    assert world.rejects == []


def test_a_day_that_was_never_settled_is_added_to_its_month() -> None:
    world = World()
    world.history(DAYS)
    day = FIRST - DAY_SECS
    world.meters.put(11, day + 20 * SECS, 9_000)
    world.correct(11, day)
    world.check()
    assert world.last[11, "DAY", day]["reason"] == "FIRST"
    assert world.last[11, "MONTH", month_start(day)]["reason"] == "LATE_DATA"


def test_a_month_before_the_last_is_not_billed_again_and_somebody_is_told() -> None:
    world = World()
    world.history(DAYS)
    day, before = ist("2025-12-30"), dict(world.last)
    world.meters.put(11, day + 20 * SECS, 9_000)
    world.correct(11, day)
    assert [(one["code"], one["service_point"], one["time"]) for one in world.rejects] == [("PERIOD_CLOSED", 11, day)]
    assert {key for key in world.last if world.last[key] is not before.get(key)} == {(11, "DAY", day)}


def test_sums_that_nobody_says_are_not_made_up() -> None:
    world = World()
    world.history(DAYS)
    month = world.last[11, "MONTH", month_start(FIRST)]
    world.meters.put(11, FIRST + 3 * SECS, 9_000)
    world.correct(11, FIRST, said=False)
    assert [one["code"] for one in world.rejects] == ["PERIOD_CLOSED"]
    assert world.last[11, "MONTH", month_start(FIRST)] is month
