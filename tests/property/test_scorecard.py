"""The scorecard stage says what plain Python says; neither the order of readings nor the cut of batches matters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.scorecard.classes import Classes, classes_of
from agents.scorecard.config import ScorecardConfig
from agents.scorecard.kernels import pick, threshold, unfold
from agents.scorecard.state import CLOCK, longs_of, words_of
from agents.scorecard.step import Prepared, ScorecardStep
from agents.vee.estimate.document import Document, StepKeys
from pipeline.batch import ReadingBatch
from pipeline.channels import N_ENERGY
from pipeline.codes import Method, Quality, Role
from pipeline.columns import empty
from pipeline.localtime import DAY_SECS
from pipeline.reference import References, Registry
from pipeline.state import StateStore
from pipeline.step import Emission, Origin, Parcel, Tick
from schemas.load import load_contracts
from tests.oracles.scorecard_oracle import ORDER, Key, Oracle, Reading, Tried

OFFSET = 19_800
FIRST_DAY = 20_000
HOT_DAYS = 2
NOBODY = Prepared(Classes(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.uint32)), Document())
CONFIG = ScorecardConfig(sample_permille=1000, days=21, hot_days=HOT_DAYS, half_days=3, enough_gaps=3)
INTERVALS = (900, 1800, 3600, 7200)
DAYS = 8 * DAY_SECS
OTHER_ORDER: tuple[Tried, ...] = (("CARRIED", 0, 3600, 0), ("LIKE_DAY", 0, DAYS, 2), ("LINEAR", 7200, 21_600, 0))


def step_of(config: ScorecardConfig = CONFIG) -> ScorecardStep:
    return ScorecardStep(config)


def store_of(step: ScorecardStep) -> StateStore:
    return StateStore(step.layout, range(4))


def batch_of(readings: Sequence[Reading]) -> ReadingBatch:
    batch = empty(ReadingBatch)
    count = len(readings)
    batch.service_point = np.array([one.point for one in readings], "<u8")
    batch.interval_start = np.array([one.start - OFFSET for one in readings], "<i8")
    batch.interval_secs = np.array([one.interval for one in readings], "<u4")
    batch.quality = np.array([Quality.ACTUAL if one.good else Quality.ESTIMATED for one in readings], "<u8")
    batch.method = np.array([Method.NONE if one.good else Method.LINEAR for one in readings], "<u1")
    batch.energy = np.zeros((count, N_ENERGY), "<i8")
    batch.energy[:, 0] = [one.wh for one in readings]
    return batch


def sent(step: ScorecardStep, store: StateStore, readings: Sequence[Reading], offset: int = 0) -> None:
    step.advance(Parcel(Origin("log", 0, offset), batch_of(readings)), store, NOBODY)


def midnight(
    step: ScorecardStep, store: StateStore, day: int, offset: int = 0, order: Sequence[Tried] = ORDER
) -> list[Emission]:
    tick = Tick(day * DAY_SECS - OFFSET, 3600)
    prepared = NOBODY
    if order is not ORDER:
        steps = tuple(
            StepKeys(method=method, shortest_secs=shortest, longest_secs=longest, least_days=least)
            for method, shortest, longest, least in order
        )
        prepared = Prepared(NOBODY.classes, Document(order=steps))
    return step.advance(Parcel(Origin("log", 0, offset), None, tick), store, prepared).emissions


def scores(emissions: Sequence[Emission]) -> dict[Key, list[int]]:
    return {
        (record["lane"], record["method"], record["gap_secs"]): [
            record["gaps"], record["wrong_wh"], record["over_wh"], record["energy_wh"],
        ]
        for emission in emissions
        for record in emission.value.records()
    }  # fmt: skip


def window(store: StateStore, interval: int = 1800, point: int = 1) -> list[tuple[int, int]]:
    """(Wh, standing) of the intervals that are kept of a service point in the days around FIRST_DAY."""
    places = DAY_SECS // interval
    values, standings = np.zeros((1, 20 * places), np.int64), np.zeros((1, 20 * places), np.uint8)
    unfold(
        np.array([point], np.uint64), interval, FIRST_DAY * places, CONFIG.days, store.keys, len(store.pages),
        store.capacity, words_of(store.areas["rows"].octets), longs_of(store.areas["rows"].octets), values, standings,
    )  # fmt: skip
    return list(zip(values[0].tolist(), standings[0].tolist(), strict=True))


def days_of(point: int, interval: int, first: int, count: int, seed: int, lost: float) -> list[Reading]:
    random = np.random.default_rng((seed, point))
    wh = random.gamma(1.2, 200, DAY_SECS // interval * count).astype(int).tolist()
    good = (random.random(len(wh)) >= lost).tolist()
    start = first * DAY_SECS
    return [Reading(point, start + at * interval, interval, one, good[at]) for at, one in enumerate(wh)]


def registry(*rows: tuple[int, int, int, int, Role]) -> Registry:
    """Service points: id, from when, tariff, sanctioned load, role."""
    made = Registry(**{column.name: column.empty() for column in Registry.COLUMNS})
    point, since, tariff, load, role = zip(*rows, strict=True)
    made.point, made.point_from = np.array(point, "<u8"), np.array(since, "<i8")
    made.tariff, made.sanctioned_w, made.role = np.array(tariff, "<u2"), np.array(load, "<u4"), np.array(role, "<u1")
    return made


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.sampled_from(INTERVALS), min_size=1, max_size=3), st.integers(0, 10**6), st.sampled_from([0.0, 0.02]),
    st.integers(9, 25), st.sampled_from([ORDER, OTHER_ORDER]),
)  # fmt: skip
def test_it_says_what_plain_python_says(
    intervals: list[int], seed: int, lost: float, count: int, order: Sequence[Tried]
) -> None:
    step, oracle = step_of(), Oracle(CONFIG.days, HOT_DAYS, CONFIG.linear_secs, CONFIG.half_days, order)
    store = store_of(step)
    midnight(step, store, FIRST_DAY)
    readings = [
        one
        for number, interval in enumerate(intervals, 1)
        for one in days_of(number, interval, FIRST_DAY, count, seed, lost)
    ]
    for one in readings:
        oracle.reading(one)
    sent(step, store, readings)
    for day in range(FIRST_DAY + count, FIRST_DAY + count + 2):
        oracle_sums = oracle.midnight(day)
        if day == FIRST_DAY + count:  # the stage catches up over the days before; the oracle begins here
            store.areas["rows"].flat[0]["tag"][store.keys == CLOCK] = day - 1
        assert scores(midnight(step, store, day, order=order)) == oracle_sums


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(30)), st.lists(st.integers(0, 29), max_size=4), st.integers(1, 29))
def test_the_order_and_the_cut_of_readings_do_not_matter(order: list[int], again: list[int], cut: int) -> None:
    """Readings of the hot days in any order, some twice, in two records: the same state."""
    step = step_of()
    before = days_of(1, 1800, FIRST_DAY, 12, 7, 0.0)
    late = days_of(1, 1800, FIRST_DAY + 12, 2, 8, 0.0)[20:50]
    shuffled = [late[place] for place in [*order, *again]]
    straight, other = store_of(step), store_of(step)
    sent(step, straight, [*before, *late])
    sent(step, other, before)
    sent(step, other, shuffled[:cut])
    sent(step, other, shuffled[cut:])
    assert window(straight) == window(other)


def test_a_revision_takes_an_interval_away_and_gives_it_back() -> None:
    step = step_of()
    first, other = store_of(step), store_of(step)
    readings = days_of(1, 1800, FIRST_DAY, 3, 3, 0.0)
    sent(step, first, readings)
    sent(step, other, readings)
    sent(step, other, [readings[70]._replace(good=False)])
    assert window(first) != window(other)
    sent(step, other, [readings[70]])
    assert window(first) == window(other)


def test_an_exchange_for_a_meter_of_other_intervals_begins_the_window_anew() -> None:
    step = step_of()
    store, fresh = store_of(step), store_of(step)
    old, new = days_of(1, 1800, FIRST_DAY, 3, 3, 0.0), days_of(1, 900, FIRST_DAY + 3, 2, 4, 0.0)
    sent(step, store, [*old, *new, old[-1]])
    sent(step, fresh, new)
    assert window(store, 900) == window(fresh, 900)
    assert sum(word != 0 for word, _ in window(fresh, 900)) > 100


def test_sums_are_halved_and_never_grow_beyond_what_is_kept() -> None:
    step = step_of(CONFIG.model_copy(update={"half_days": 1}))
    store = store_of(step)
    midnight(step, store, FIRST_DAY)
    gaps = []
    for day in range(20):
        sent(step, store, [one for point in range(1, 5) for one in days_of(point, 1800, FIRST_DAY + day, 1, day, 0.0)])
        found = scores(midnight(step, store, FIRST_DAY + day + 1))
        gaps.append(found.get(("COLD", "LINEAR", 3600), [0])[0])
    assert 4 < max(gaps) <= 8, "4 a day and half of what was there before"


def test_no_more_gaps_are_tried_than_allowed() -> None:
    step = step_of(CONFIG.model_copy(update={"masks_per_tick": 8}))
    store = store_of(step)
    midnight(step, store, FIRST_DAY + 13)
    for point in range(1, 40):
        sent(step, store, days_of(point, 1800, FIRST_DAY, 14, 1, 0.0))
    found = scores(midnight(step, store, FIRST_DAY + 14))
    tried = {gap: max(sums[0] for key, sums in found.items() if key[2] == gap) for _, _, gap in found}
    assert tried[3600] == 2
    assert sum(tried.values()) <= 8


def test_the_sample_is_the_share_that_was_asked_for_and_takes_no_more_memory() -> None:
    points = np.arange(1, 100_001, dtype=np.uint64)
    rows = np.empty(len(points), np.int64)
    for permille in (0, 4, 500, 1000):
        assert pick(points, threshold(permille), rows) == pytest.approx(permille * 100, rel=0.1, abs=1)
    step = step_of(ScorecardConfig())
    store = store_of(step)
    for point in range(1, 2_000):
        sent(step, store, [Reading(point, FIRST_DAY * DAY_SECS, 1800, 5, True)])
    assert 2 <= int(store.used.sum()) <= 40, "a head and a part each"


def test_a_class_is_of_the_registry_at_the_day() -> None:
    versions = registry(
        (7, 0, 3, 4_000, Role.CONSUMER), (7, 1_000, 4, 200_000, Role.CONSUMER), (8, 0, 0, 0, Role.DT_METER)
    )
    found = classes_of(versions, threshold(1000))
    points = np.array([7, 8, 9], np.uint64)
    assert [number & 0xFFFF for number in found.of(points, 500).tolist()] == [3, 0, 0]
    assert [number >> 16 & 15 for number in found.of(points, 500).tolist()] == [2, 0, 0]
    assert [number >> 16 & 15 for number in found.of(points, 1_000).tolist()] == [5, 0, 0]
    assert [number >> 20 for number in found.of(points, 1_000).tolist()] == [Role.CONSUMER, Role.DT_METER, 0]


def test_encoded_records_are_the_plain_ones() -> None:
    contracts = load_contracts()
    step = step_of()
    store = store_of(step)
    midnight(step, store, FIRST_DAY + 13)
    for point in range(1, 6):
        sent(step, store, days_of(point, 1800, FIRST_DAY, 14, 1, 0.0))
    (emission,) = midnight(step, store, FIRST_DAY + 14, offset=5)
    encoded = emission.value.encode(contracts)
    values = [contracts.decode(bytes(value), "EstimateScore") for value in encoded.values]
    assert values == emission.value.records()
    assert len({bytes(key) for key in encoded.keys}) == len(values)
    assert {value["state"] for value in values} == {"LEARNING", "KNOWN"}
    assert all(value["wape_permille"] > 0 for value in values if value["wrong_wh"])


def test_prepare_takes_the_sample_alone() -> None:
    versions = registry(*((number, 0, 1, 1_000, Role.CONSUMER) for number in range(1, 400)))
    references = References(versions, None, {})  # type: ignore[arg-type]
    assert len(step_of(ScorecardConfig()).prepare(references).classes.point) < 20
