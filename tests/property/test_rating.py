"""Determinants against an oracle that recomputes everything from the intervals, for any order of events and any cut."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.nodes.config import NodesConfig
from agents.nodes.step import NodesStep
from agents.rating.config import RatingConfig
from agents.rating.step import RatingStep
from pipeline.codes import Level, Quality
from pipeline.state import StateStore
from tests.builders_rating import BILLED, DAY, IST, SECS, SLOTS, Meters, Point, ist, references, registry

FIRST_DAY = ist("2026-01-29")  # the month ends within the window
POINTS = (Point(11, account=901, dt=21, feeder=10), Point(12, account=902, dt=22, feeder=10))
NODES = {10: (Level.FEEDER, 0), 21: (Level.DT, 10), 22: (Level.DT, 10)}
ZONE_OF_HOUR = "AAAAAABBBCCCBBBBBBDDDDAA"

puts = st.tuples(
    st.sampled_from([11, 12]),
    st.integers(0, 3),
    st.integers(0, SLOTS - 1),
    st.integers(0, 40_000),
    st.sampled_from([Quality.ACTUAL, Quality.ESTIMATED, Quality.SUSPECT, Quality.MISSING]),
)


def month_start(time: int) -> int:
    """Start of the Indian month that `time` lies in."""
    return ist("2026-02-01") if time >= ist("2026-02-01") else ist("2026-01-01")


def zones(cells: dict[int, int]) -> dict[str, int]:
    """Zone -> Wh of start -> Wh."""
    found = dict.fromkeys("ABCD", 0)
    for start, wh in cells.items():
        found[ZONE_OF_HOUR[(start + IST) % DAY // 3600]] += wh
    return found


def energy_charge(units: int) -> int:
    """Paise of the MSEDCL slabs, 2020."""
    slabs = ((100, "3.46"), (300, "7.43"), (500, "10.32"), (10**9, "11.71"))
    amount, below = Decimal(0), 0
    for bound, price in slabs:
        amount += Decimal(max(0, min(units, bound) - below)) * Decimal(price)
        below = bound
    return int(amount * 100)


def expected(meters: Meters, point: int, settled: set[tuple[int, int]]) -> dict[tuple[str, int], dict[str, Any]]:
    """Days and months of one point as they must stand in the end."""
    found: dict[tuple[str, int], dict[int, int]] = defaultdict(dict)
    for (holder, start), (quality, wh, *_) in sorted(meters.cells.items()):
        day = (start + IST) // DAY * DAY - IST
        if holder == point and (point, day) in settled:
            counted = wh if quality in BILLED else 0
            found["DAY", day][start] = found["MONTH", month_start(start)][start] = counted
    carry, whole = 0, {}
    for (kind, start), cells in sorted(found.items(), key=lambda item: item[0][1]):
        wh = sum(cells.values())
        whole[kind, start] = {"wh_imp": wh, "zones": zones(cells)}
        if kind == "MONTH":
            whole[kind, start]["energy_paise"] = energy_charge((carry + wh) // 1000)
            carry = (carry + wh) % 1000
    return whole


@settings(deadline=None, max_examples=60)
@given(st.lists(puts, min_size=1, max_size=60), st.lists(st.integers(1, 12), min_size=1, max_size=30))
def test_the_last_revisions_are_what_the_intervals_say_and_the_deltas_add_up(
    events: list[tuple[int, int, int, int, Quality]], cuts: list[int]
) -> None:
    meters = Meters(registry(POINTS, NODES))
    step = RatingStep(RatingConfig())
    store, prepared = StateStore(step.layout, range(512)), step.prepare(references(meters.made))
    last: dict[tuple[int, str, int], dict[str, Any]] = {}
    totals: dict[tuple[int, str, int], int] = defaultdict(int)
    money: dict[tuple[int, str, int], int] = defaultdict(int)
    settled: set[tuple[int, int]] = set()
    turn = 0
    while turn < len(events):
        size = cuts[turn % len(cuts)]
        for point, day, slot, wh, quality in events[turn : turn + size]:
            meters.put(point, FIRST_DAY + day * DAY + slot * SECS, wh, quality)
            settled.add((point, FIRST_DAY + day * DAY))
        turn += size
        for point, day in sorted(settled):
            meters.settle(point, day)
        for emission in step.advance(meters.take(), store, prepared).emissions:
            for record in emission.value.records():
                key = (record["service_point"], record["kind"], record["period_start"])
                assert record["revision"] == (last[key]["revision"] if key in last else 0) + 1
                totals[key] += record["delta_wh_imp"]
                money[key] += record["delta_paise"] or 0
                last[key] = record
    for point in {point for point, _ in settled}:
        for kind_start, truth in expected(meters, point, settled).items():
            record = last[(point, *kind_start)]
            assert record["wh_imp"] == truth["wh_imp"] == totals[(point, *kind_start)]
            assert {zone["zone"]: zone["wh"] for zone in record["zones"]} == truth["zones"]
            assert (record["total_paise"] or 0) == money[(point, *kind_start)]
            if kind_start[0] == "MONTH":
                paise = sum(line["paise"] for line in record["lines"] if line["code"].startswith("EC"))
                assert paise == truth["energy_paise"]


@settings(deadline=None, max_examples=40)
@given(st.lists(puts, min_size=1, max_size=60), st.lists(st.integers(1, 12), min_size=1, max_size=30))
def test_node_energy_adds_up_to_the_intervals_for_any_cut_into_batches_and_ticks(
    events: list[tuple[int, int, int, int, Quality]], cuts: list[int]
) -> None:
    meters = Meters(registry(POINTS, NODES))
    step = NodesStep(NodesConfig(partitions=3))
    store, prepared = StateStore(step.layout, range(512)), step.prepare(references(meters.made))
    found: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    turn = 0
    while turn <= len(events):
        size = cuts[turn % len(cuts)]
        for point, day, slot, wh, quality in events[turn : turn + size]:
            meters.put(point, FIRST_DAY + day * DAY + slot * SECS, wh, quality)
        turn += size
        tick = turn if size % 2 or turn > len(events) else None
        for emission in step.advance(meters.take(tick), store, prepared).emissions:
            batch = emission.value
            for row in range(len(batch.node)):
                total = found[int(batch.node[row]), int(batch.interval_start[row])]
                for place, name in enumerate(("output_wh", "estimated_wh", "expected", "actual")):
                    total[place] += int(getattr(batch, name)[row])
    truth = {}
    for (point, start), (quality, wh, *_) in meters.cells.items():
        counted, estimated = wh * (quality in BILLED), wh * (quality == Quality.ESTIMATED)
        truth[21 if point == 11 else 22, start] = [counted, estimated, 1, int(quality == Quality.ACTUAL)]
    assert found == truth
