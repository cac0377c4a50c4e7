"""A slot of rating's state: what is stored is what was reckoned with, however large, and large points stay right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.rating.config import RatingConfig
from agents.rating.kernels_slot import DONE, NARROW, TOO_LARGE, pack, unpack
from agents.rating.second_slots import give_second_slot
from agents.rating.state import DAY, MONTH, SETTLED, layout
from agents.rating.step import RatingStep
from agents.rating.tables import state_of
from agents.rating.work import Work, new_work
from pipeline.blocks import Ledger
from pipeline.columns import Array
from pipeline.pages import copy_pages, encode
from pipeline.restore import restore
from pipeline.state import StateStore
from tests.builders_rating import DAY as DAY_SECS
from tests.builders_rating import IST, SECS, SLOTS, Meters, Point, ist, references, registry

POINT = np.array([4711], np.uint64)
SLICES = 4
FIRST = 20_400
"""A local day."""

small = st.integers(0, 2**24 - 1)
large = st.integers(-(2**46), 2**46)
numbers = st.one_of(small, small, large)
offsets = st.one_of(st.integers(0, 2**40 - 2), st.integers(0, 2**43))


@st.composite
def slots(draw: st.DrawFn) -> Work:
    """A slot as kernels leave it: sums in one of the months, registers of both but the newer one's closing, or of the
    newer one alone."""
    work = new_work(SLICES)
    for slice_ in range(SLICES):
        day, known = work.days[slice_], work.settled[slice_]
        day["day"], day["touched"] = FIRST + slice_, draw(st.integers(0, 1))
        day["zones"] = draw(st.lists(numbers, min_size=5, max_size=5))
        day["first_offset"] = draw(st.one_of(st.just(-1), offsets))
        day["last_offset"] = day["first_offset"] + (draw(st.integers(0, 2**34)) if day["first_offset"] >= 0 else 0)
        known["energy"], known["estimated"] = draw(st.lists(numbers, min_size=4, max_size=4)), draw(numbers)
        known["revision"], known["state"] = draw(st.integers(0, 65_535)), draw(st.integers(0, 1))
        known["registers"] = draw(st.integers(0, 127))
        known["counts"] = draw(st.lists(st.integers(0, 65_535), min_size=4, max_size=4))
        for name in ("demand_w", "demand_va"):
            known[name] = draw(numbers)
        for name in ("demand_start", "demand_va_start"):
            begin = (FIRST + slice_) * DAY_SECS - IST
            known[name] = draw(st.one_of(st.just(0), st.integers(begin, begin + DAY_SECS - 1)))
    newer = draw(st.integers(0, 1))
    for place in range(2):
        month = work.months[place]
        month["month"] = 24_300 + 2 * (place == newer) + place
        month["revision"], month["state"] = draw(st.integers(0, 65_535)), draw(st.integers(0, 1))
        month["known"], month["carry_wh"] = draw(st.integers(0, 1)), draw(st.integers(0, 999))
        month["first_offset"] = month["last_offset"] = -1
    sums = work.months[draw(st.integers(0, 1))]
    sums["days"] = draw(st.integers(1, 31))
    for name in ("register_days", "exchange_days"):
        sums[name] = draw(st.integers(0, 31))
    sums["last_day"] = draw(st.integers(0, 1))
    for name in ("demand_start", "demand_va_start"):
        sums[name] = draw(st.integers(0, 2**32 - 1))
    for name, width in (("zones", 5), ("energy", 4)):
        sums[name] = draw(st.lists(st.integers(-(2**62), 2**62), min_size=width, max_size=width))
    for name in ("estimated", "demand_w", "demand_va"):
        sums[name] = draw(numbers)
    sums["counts"] = draw(st.lists(st.integers(0, 65_535), min_size=4, max_size=4))
    sums["first_offset"] = draw(offsets)
    sums["last_offset"] = sums["first_offset"] + draw(st.integers(0, 2**34))
    registers = st.lists(st.integers(-1, 2**62), min_size=4, max_size=4)
    if draw(st.booleans()):
        work.months[newer]["opening"], work.months[newer]["closing"] = draw(registers), draw(registers)
        work.months[newer]["known"] |= 2
    else:
        work.months[newer]["opening"], work.months[1 - newer]["opening"] = draw(registers), draw(registers)
        work.months[1 - newer]["closing"] = draw(registers)
    work.days_changed[:] = work.settled_changed[:] = work.month_changed[:] = 1
    return work


def copied(work: Work) -> list[Array]:
    return [array.copy() for array in (work.days, work.settled, work.months)]


@settings(deadline=None, max_examples=150)
@given(slots())
def test_a_slot_is_taken_apart_as_it_was_put_together_whatever_its_numbers_are(work: Work) -> None:
    store = StateStore(layout(SLICES - 1), range(512))
    slot = int(store.locate(POINT, POINT)[0])
    expected, wide = copied(work), -1
    if pack(state_of(store, IST), slot, wide, work) == NARROW:
        assert not any(store.areas[name].rows.view(np.uint8).any() for name in ("day", "settled", "month"))
        give_second_slot(store, int(POINT[0]))
        slot = int(store.locate(POINT, POINT)[0])
        wide = unpack(state_of(store, IST), slot, new_work(SLICES))
        assert store.keys[wide] == ~POINT[0]
        assert pack(state_of(store, IST), slot, wide, work) == DONE
    newer = int(work.months["month"][1] > work.months["month"][0])
    older = expected[2][1 - newer]
    if expected[2][newer]["days"]:  # what the older month carries on stands for its sums
        older["carry_wh"] = (older["carry_wh"] + older["energy"][0]) % 1000
    found = new_work(SLICES)
    assert unpack(state_of(store, IST), slot, found) == wide
    for was, now in zip(expected, (found.days, found.settled, found.months), strict=True):
        for name in was.dtype.names or ():
            assert was[name].tolist() == now[name].tolist(), name


def test_a_number_that_no_two_slots_hold_is_refused_and_changes_nothing() -> None:
    store, work = StateStore(layout(SLICES - 1), range(512)), new_work(SLICES)
    slot = int(store.locate(POINT, POINT)[0])
    work.settled["energy"][1, 2], work.settled_changed[1] = 2**47, 1
    assert pack(state_of(store, IST), slot, -1, work) == TOO_LARGE
    work.settled["energy"][1, 2] = -(2**47) - 1
    assert pack(state_of(store, IST), slot, -1, work) == TOO_LARGE
    assert not store.areas["settled"].rows.view(np.uint8).any()


def test_a_service_point_takes_less_than_500_octets_and_a_reading_touches_one_cache_line() -> None:
    assert 64 % DAY.itemsize == 0
    octets = sum(table.dtype.itemsize * table.slices for table in layout(3).tables)
    assert octets == SLICES * (DAY.itemsize + SETTLED.itemsize) + MONTH.itemsize < 500


def again(store: StateStore) -> StateStore:
    """The store as it is restored from a checkpoint."""
    ledger = Ledger()
    records = [encode(copy, ledger) for copy in copy_pages(store, ledger, 1)]
    return restore(store.layout, store.pages, store.capacity, {one.key: one.value for one in records})[0]


@pytest.mark.parametrize("offset", [0, 2**40 - 20])
def test_a_plant_of_100_mva_is_billed_to_the_watt_hour_over_months_and_restarts(offset: int) -> None:
    plant, house = 11, 12
    meters = Meters(registry((Point(plant, account=901), Point(house, account=902))))
    meters.offset = offset
    step = RatingStep(RatingConfig())
    store, prepared = StateStore(step.layout, range(512)), step.prepare(references(meters.made))
    begin, last = ist("2026-01-20"), {}
    for number in range(50):
        day = begin + number * DAY_SECS
        for slot in range(SLOTS):
            meters.put(plant, day + slot * SECS, 50_000_000 + number * 1_001 + slot)
            meters.put(house, day + slot * SECS, 200 + slot)
        if number >= 2:  # a late value, before its day leaves the window
            meters.put(plant, day - 2 * DAY_SECS, 93_000_000 + number)
        for point in (plant, house):
            for back in (2, 1, 0)[max(0, 2 - number) :]:
                meters.settle(point, day - back * DAY_SECS, state=int(back == 2))
        for emission in step.advance(meters.take(), store, prepared).emissions:
            for record in emission.value.records():
                last[record["service_point"], record["kind"], record["period_start"]] = record
        store = again(store) if number % 7 == 3 else store
    assert int(store.used.sum()) == (3 if offset == 0 else 4)  # offsets of 2^40 and more do not fit either
    for point in (plant, house):
        for month, end in (("2026-01-01", "2026-02-01"), ("2026-02-01", "2026-03-01")):
            record: dict[str, Any] = last[point, "MONTH", ist(month)]
            cells = {
                start: cell for (holder, start), cell in meters.cells.items()
                if holder == point and ist(month) <= start < ist(end)
            }  # fmt: skip
            assert record["wh_imp"] == sum(cell[1] for cell in cells.values())
            assert record["vah_imp"] == sum(cell[2] for cell in cells.values())
            assert sum(zone["wh"] for zone in record["zones"]) == record["wh_imp"]
            assert record["demand_w"] == max(cell[1] for cell in cells.values()) * 2
            assert record["intervals_actual"] == len(cells)
            assert record["lineage_from"] >= offset
            assert record["total_paise"] == sum(line["paise"] for line in record["lines"])
    assert last[plant, "MONTH", ist("2026-02-01")]["wh_imp"] > 2**35
