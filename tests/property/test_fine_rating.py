"""What fine state adds to determinants, against an oracle that recomputes it from the intervals, in any order."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.rating.config import RatingConfig
from agents.rating.step import RatingStep
from pipeline.codes import Method, Quality
from pipeline.state import StateStore
from schemas.load import load_contracts
from tests.builders_rating import DAY, IST, SECS, SLOTS, Meters, Point, ist, references, registry
from tests.oracles.fine_oracle import LOAD_W, TARIFF, Cell, expected
from tests.property.test_rating_corrections import DAYS as CORRECTED_DAYS
from tests.property.test_rating_corrections import FIRST as CORRECTED_FROM
from tests.property.test_rating_corrections import World
from tests.property.test_rating_corrections import puts as corrections
from tests.property.test_rating_slots import again

FIRST_DAY = ist("2026-01-27")  # a Tuesday; a weekend and the month's end are within the window of the days behind it
DAYS = 9
POINTS = (Point(11, account=901, tariff=2), Point(12, account=902, tariff=1))
COUNTED = (Quality.ACTUAL, Quality.ESTIMATED)
OWN = {"KVARH_LAG", "KVARH_LEAD", "MD_0622", "BILL_DEMAND", "EXCESS_DEMAND", "OUTAGE_MIN", "OUTAGE_COUNT"}

puts = st.tuples(
    st.sampled_from([11, 11, 12]),
    st.integers(0, 2),
    st.lists(
        st.tuples(
            st.integers(0, SLOTS - 1), st.integers(0, 30_000), st.integers(0, 9_000),
            st.sampled_from([Quality.ACTUAL, Quality.ACTUAL, Quality.ESTIMATED, Quality.SUSPECT, Quality.MISSING]),
        ),
        min_size=1, max_size=8,
    ),
)  # fmt: skip


def cell_of(start: int, cell: tuple[Any, ...]) -> Cell:
    quality, wh, vah, export, _ = cell
    counted = quality in COUNTED
    return Cell(start, SECS, counted, quality == Quality.ACTUAL, quality == Quality.ESTIMATED and wh % 5 == 0,
                wh, vah, export, wh // 3, wh // 7)  # fmt: skip


def dressed(meters: Meters) -> Any:
    """The batch with what the builder does not make: reactive energy, and estimates of outages."""
    parcel = meters.take()
    batch: Any = parcel.batch
    batch.quality[:] = (batch.quality & np.uint64(15)) * np.uint64(0x1111_1111)
    batch.reactive[:, 0], batch.reactive[:, 3] = batch.energy[:, 0] // 3, batch.energy[:, 0] // 7
    estimated = batch.quality & np.uint64(15) == int(Quality.ESTIMATED)
    batch.method[:] = np.where(estimated & (batch.energy[:, 0] % 5 == 0), int(Method.OUTAGE), int(Method.NONE))
    return parcel


def fine_of(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Items by code; each code stands once, in the order of the schema."""
    codes = [item["code"] for item in record["quantities"]]
    assert len(set(codes)) == len(codes)
    return {item["code"]: item for item in record["quantities"]}


@settings(deadline=None, max_examples=40)
@given(st.lists(puts, min_size=1, max_size=30), st.lists(st.integers(1, 6), min_size=1, max_size=8), st.integers(0, 8))
def test_the_last_revisions_say_what_the_intervals_say_and_the_deltas_add_up(
    events: list[tuple[int, int, Any]], cuts: list[int], restart: int
) -> None:
    made = registry(POINTS)
    made.sanctioned_w[:] = LOAD_W
    meters, contracts = Meters(made), load_contracts()
    step = RatingStep(RatingConfig())
    store, prepared = StateStore(step.layout, range(512)), step.prepare(references(made, {"tariffs/t.yaml": TARIFF}))
    last: dict[tuple[int, str, int], dict[str, Any]] = {}
    totals: dict[tuple[int, str, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    turn, settled, number = 0, set(), 0
    while turn < len(events):
        size = cuts[number % len(cuts)]
        touched = set()
        for place, (point, back, cells) in enumerate(events[turn : turn + size], turn):
            day = FIRST_DAY + max(0, place * DAYS // len(events) - back) * DAY
            for slot, wh, exported, quality in cells:
                meters.put(point, day + slot * SECS, wh, quality, exported)
            touched.add((point, day))
        turn, number = turn + size, number + 1
        for point, day in sorted(touched):
            meters.settle(point, day)
        settled |= touched
        for emission in step.advance(dressed(meters), store, prepared).emissions:
            records = emission.value.records()
            assert [contracts.encode("Determinant", record) for record in records] == list(
                emission.value.encode(contracts).values
            )
            for record in records:
                key = (record["service_point"], record["kind"], record["period_start"])
                for code, item in fine_of(record).items():
                    totals[key][code] += item["delta"] or 0
                last[key] = record
        store = again(store) if number == restart else store
    for (point, kind, start), record in last.items():
        found = fine_of(record)
        assert (record["total_paise"] is None) == (point == 11 or kind == "DAY")
        if point == 12:
            assert not OWN & found.keys()
            continue
        cells = [
            cell_of(begin, cell) for (holder, begin), cell in meters.cells.items()
            if holder == point and start <= begin < record["period_end"]
            and (holder, (begin + IST) // DAY * DAY - IST) in settled
        ]  # fmt: skip
        truth = expected(cells)
        assert {code: (item["value"], item["at"]) for code, item in found.items() if code in truth} == truth
        assert not [code for code in found if ("_TZ" in code or code in OWN) and code not in truth]
        for code, item in found.items():
            if item["delta"] is not None:
                assert totals[point, kind, start][code] == item["value"], code


def others_of(quality: int, wh: int) -> int:
    """Quality of an interval's other energies: of some another than that of import."""
    counted = quality in COUNTED
    if counted and wh % 8 == 3:
        return int(Quality.SUSPECT)
    if (not counted and wh % 8 == 5) or (quality == Quality.ESTIMATED and wh % 8 == 1):
        return int(Quality.ACTUAL)
    return quality


class FineWorld(World):
    """The world of corrections, its first point on the tariff that asks. alike: energies of an interval have the same
    quality."""

    def __init__(self, *, alike: bool = True) -> None:
        super().__init__(POINTS)
        self.alike = alike
        self.meters.made.sanctioned_w[:] = LOAD_W
        self.prepared = self.step.prepare(references(self.meters.made, {"tariffs/t.yaml": TARIFF}))
        self.deltas: dict[tuple[int, str, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def send(self, parcel: Any) -> None:
        batch = parcel.batch
        batch.quality[:] = (batch.quality & np.uint64(15)) * np.uint64(0x1111_1111)
        if not self.alike:
            self._differ(batch)
        batch.reactive[:, 0], batch.reactive[:, 3] = batch.energy[:, 0] // 3, batch.energy[:, 0] // 7
        before = dict(self.last)
        super().send(parcel)
        for key, record in self.last.items():
            if record is not before.get(key):
                for code, item in fine_of(record).items():
                    self.deltas[key][code] += item["delta"] or 0

    def _differ(self, batch: Any) -> None:
        """Qualities of the other energies, and the sums of days that follow from them."""
        wh, imported = batch.energy[:, 0].tolist(), (batch.quality & np.uint64(15)).tolist()
        others = np.array([others_of(*pair) for pair in zip(imported, wh, strict=True)], np.uint64)
        batch.quality[:] = imported + others * np.uint64(0x1111_1110)
        for row, (point, day) in enumerate(
            zip(batch.day_service_point.tolist(), batch.day_start.tolist(), strict=True)
        ):
            batch.day_actual[row, 1:], batch.day_estimated[row, 1:] = 0, 0
            for start in range(day, day + DAY, SECS):
                quality, *energy = self.meters.cells.get((point, start), (Quality.MISSING, 0, 0, 0, 0))
                other = others_of(quality, energy[0])
                if other in COUNTED:
                    sums = batch.day_actual if other == Quality.ACTUAL else batch.day_estimated
                    sums[row, 1:] += energy[1:]

    def cell(self, start: int, cell: tuple[Any, ...]) -> Cell:
        """An interval for the oracle, without outages."""
        other = others_of(cell[0], cell[1])
        others = None if self.alike else (other in COUNTED, other == Quality.ACTUAL)
        return replace(cell_of(start, cell), outage=False, others=others)


@settings(deadline=None, max_examples=40)
@given(st.lists(corrections, min_size=1, max_size=6), st.booleans())
def test_a_corrected_day_goes_into_its_month_and_what_is_not_known_is_not_said(
    events: list[tuple[int, int, Any]], alike: bool
) -> None:
    world = FineWorld(alike=alike)
    world.history(CORRECTED_DAYS)
    for point, number, cells in events:
        day = CORRECTED_FROM + number * DAY
        for slot, wh, quality in cells:
            world.meters.put(point, day + slot * SECS, wh, quality, wh // 3)
        world.correct(point, day)
    for (point, kind, start), record in world.last.items():
        if point == 11 and kind == "MONTH":
            found = fine_of(record)
            cells_ = [
                world.cell(begin, cell) for (holder, begin), cell in world.meters.cells.items()
                if holder == point and start <= begin < record["period_end"]
            ]  # fmt: skip
            truth = expected(cells_)
            zoned = {f"{code}_TZ{zone}" for code in ("KWH", "KVAH", "KWH_EXP", "NET") for zone in range(1, 7)}
            assert not alike or zoned <= set(found)
            for code in found.keys() & truth.keys():
                assert (code, found[code]["value"], found[code]["at"]) == (code, *truth[code])
                if found[code]["delta"] is not None:
                    assert world.deltas[point, kind, start][code] == found[code]["value"], code


@pytest.mark.parametrize(
    ("prior", "said"),
    [((Quality.ACTUAL, 8_003), False), ((Quality.SUSPECT, 8_005), False), ((Quality.ACTUAL, 8_000), True)],
)
def test_zones_are_said_no_more_once_another_energy_had_another_quality_than_import(
    prior: tuple[Quality, int], said: bool
) -> None:
    world, slot = FineWorld(alike=False), CORRECTED_FROM + 20 * SECS
    world.history(1)
    world.meters.put(11, slot, prior[1], prior[0], 900)
    world.meters.settle(11, CORRECTED_FROM, state=1)
    world.send(world.meters.take())
    before = fine_of(last_month(world))
    world.history(CORRECTED_DAYS)
    world.meters.put(11, slot, 16_000, Quality.ACTUAL, 300)
    world.correct(11, CORRECTED_FROM)
    after = fine_of(last_month(world))
    assert "KVAH_TZ1" in before
    assert ("KVAH_TZ1" in after, "KWH_EXP_TZ1" in after) == (said, said)
    assert "KVARH_LAG" not in after


def test_two_days_that_one_record_corrects_are_in_the_deltas_of_their_month() -> None:
    world = FineWorld()
    world.history(CORRECTED_DAYS)
    days = [ist("2026-02-02"), ist("2026-02-03")]
    for number, day in enumerate(days, 1):
        world.meters.put(11, day + 20 * SECS, 16_000 * number, Quality.ACTUAL, 300)
    world.correct(11, *days)
    ((key, record),) = [
        item for item in world.last.items() if item[0][:2] == (11, "MONTH") and item[0][2] == ist("2026-02-01")
    ]
    found = fine_of(record)
    assert found["KWH_EXP_TZ3"]["value"] == world.deltas[key]["KWH_EXP_TZ3"] == 600
    assert found["KWH_TZ3"]["value"] == world.deltas[key]["KWH_TZ3"]


def last_month(world: FineWorld) -> dict[str, Any]:
    """The last determinant of the month that the corrected days begin in."""
    return next(one for (point, kind, start), one in sorted(world.last.items())
                if point == 11 and kind == "MONTH" and start <= CORRECTED_FROM < one["period_end"])  # fmt: skip


def test_a_point_whose_tariff_asks_for_nothing_takes_one_slot() -> None:
    made = registry((Point(12, account=902, tariff=1), Point(13, account=903, tariff=2)))
    meters, step = Meters(made), RatingStep(RatingConfig())
    store, prepared = StateStore(step.layout, range(512)), step.prepare(references(made, {"tariffs/t.yaml": TARIFF}))
    for slot in range(SLOTS):
        meters.put(12, FIRST_DAY + slot * SECS, 100)
    meters.settle(12, FIRST_DAY)
    step.advance(dressed(meters), store, prepared)
    assert int(store.used.sum()) == 1
    for slot in range(SLOTS):
        meters.put(13, FIRST_DAY + slot * SECS, 100)
    meters.settle(13, FIRST_DAY)
    step.advance(dressed(meters), store, prepared)
    # Its own, six of what was said, and six each of import, export and reactive energy of 48 half hours.
    assert int(store.used.sum()) == 2 + 6 + 3 * 6
