"""Why a determinant was revised: a person changed a reading, or a late one came."""

from __future__ import annotations

from typing import Any

from agents.rating.config import RatingConfig
from agents.rating.step import RatingStep
from pipeline.codes import Method, Quality
from pipeline.state import StateStore
from tests.builders_rating import DAY, SECS, Meters, Point, ist, references, registry
from tests.builders_records import records_of

FIRST = ist("2026-02-09")
POINTS = (Point(11, account=901), Point(12, account=902))


class World:
    def __init__(self) -> None:
        self.meters = Meters(registry(POINTS))
        self.step = RatingStep(RatingConfig())
        self.store = StateStore(self.step.layout, range(512))
        self.prepared = self.step.prepare(references(self.meters.made))

    def put(self, point: int, day: int, wh: int) -> None:
        """A reading, and its day settled."""
        self.meters.put(point, day + 20 * SECS, wh)
        self.meters.settle(point, day)

    def reasons(self, *, edited: int = 0, withdrawn: int = 0) -> dict[tuple[int, str, int], str]:
        """Reason by service point, kind and start, of what was put; the readings of these points are of people."""
        parcel = self.meters.take()
        batch: Any = parcel.batch
        batch.method[batch.service_point == edited] = int(Method.MANUAL)
        batch.prior_quality[batch.service_point[batch.prior_reading] == withdrawn] = int(Quality.MANUAL)
        found = {}
        for emission in self.step.advance(parcel, self.store, self.prepared).emissions:
            for record in records_of(emission):
                found[record["service_point"], record["kind"], record["period_start"]] = record["reason"]
        return found


MONTH = ist("2026-02-01")


def test_a_day_and_its_month_say_that_a_person_changed_them_and_others_that_data_were_late() -> None:
    world = World()
    for point in (11, 12):
        world.put(point, FIRST, 1_000)
    assert set(world.reasons(edited=11).values()) == {"FIRST"}
    for point in (11, 12):
        world.put(point, FIRST, 2_000)
    assert world.reasons(edited=11) == {
        (11, "DAY", FIRST): "EDITED", (11, "MONTH", MONTH): "EDITED",
        (12, "DAY", FIRST): "LATE_DATA", (12, "MONTH", MONTH): "LATE_DATA",
    }  # fmt: skip
    for point in (11, 12):
        world.put(point, FIRST, 1_500)
    assert world.reasons(withdrawn=12) == {
        (11, "DAY", FIRST): "LATE_DATA", (11, "MONTH", MONTH): "LATE_DATA",
        (12, "DAY", FIRST): "EDITED", (12, "MONTH", MONTH): "EDITED",
    }  # fmt: skip


def test_an_edit_is_remembered_until_its_day_is_settled_and_no_longer() -> None:
    world = World()
    world.put(11, FIRST, 1_000)
    world.reasons()
    world.meters.put(11, FIRST + 20 * SECS, 2_000)
    assert world.reasons(edited=11) == {}
    world.meters.put(11, FIRST + DAY, 500)  # the next day begins, and the slot is packed anew
    assert world.reasons() == {}
    world.meters.settle(11, FIRST)
    assert world.reasons()[11, "DAY", FIRST] == "EDITED"
    world.put(11, FIRST, 2_500)
    assert world.reasons() == {(11, "DAY", FIRST): "LATE_DATA", (11, "MONTH", MONTH): "LATE_DATA"}


def test_an_edit_of_one_day_is_no_reason_of_another_but_of_their_month() -> None:
    world = World()
    for day in (FIRST, FIRST + DAY):
        world.put(11, day, 1_000)
    world.reasons()
    world.put(11, FIRST, 2_000)
    world.meters.put(11, FIRST + DAY + 30 * SECS, 700)
    world.meters.settle(11, FIRST + DAY)
    parcel = world.meters.take()
    batch: Any = parcel.batch
    batch.method[0] = int(Method.MANUAL)
    found = [
        (record["kind"], record["period_start"], record["reason"])
        for emission in world.step.advance(parcel, world.store, world.prepared).emissions
        for record in records_of(emission)
    ]
    assert found == [
        ("DAY", FIRST, "EDITED"), ("DAY", FIRST + DAY, "LATE_DATA"), ("MONTH", MONTH, "EDITED"),
    ]  # fmt: skip
