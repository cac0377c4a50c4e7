"""The exceptions stage says what plain Python says, in any cut; what it forgets does not matter."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.exceptions.config import ExceptionsConfig
from agents.exceptions.inactive import Spans
from agents.exceptions.step import ExceptionsStep, Prepared
from pipeline.batch import ReadingBatch
from pipeline.channels import N_ENERGY
from pipeline.columns import Array, empty
from pipeline.localtime import DAY_SECS
from pipeline.rules import RULE_BIT
from pipeline.state import StateStore
from pipeline.step import Origin, Parcel, Tick
from tests.oracles.exceptions_oracle import Change, Day, Oracle

OFFSET = 19_800
FIRST_DAY = 20_000
CONFIG = ExceptionsConfig(zero_days=3, estimated_days=4)
NONE = Spans(np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(0, np.int64))
NOBODY = Prepared(NONE, NONE)
SEEN = ("V07", "V09", "V14", "V26")

POINTS = st.integers(1, 3)
DAYS = st.integers(FIRST_DAY, FIRST_DAY + 20)
COUNTS = st.sampled_from([(48, 0, 0, 0), (0, 48, 0, 0), (0, 0, 48, 0), (40, 8, 0, 0), (30, 10, 8, 0), (47, 0, 0, 1)])


@st.composite
def settled(draw: st.DrawFn) -> Day:
    known = draw(st.booleans())
    return Day(
        draw(POINTS), draw(DAYS), draw(COUNTS), used=draw(st.sampled_from([0, 0, 5_000])),
        unexplained=draw(st.sampled_from([0, -150, 400])),
        registers=(3 if known else 1) | draw(st.sampled_from([0, 0, 512])),
        register_energy=draw(st.sampled_from([5_000, 60_000])),
    )  # fmt: skip


READING = st.tuples(POINTS, DAYS, st.sets(st.sampled_from(SEEN), min_size=1))
RECORD = st.tuples(st.lists(READING, max_size=3), st.lists(settled(), max_size=5))


def batch_of(readings: list[tuple[int, int, set[str]]], days: list[Day]) -> ReadingBatch:
    batch = empty(ReadingBatch)
    starts = [day * DAY_SECS - OFFSET + 3_600 for _, day, _ in readings]
    batch.service_point = np.array([point for point, _, _ in readings], "<u8")
    batch.interval_start = np.array(starts, "<i8")
    batch.rules = np.array([sum(1 << RULE_BIT[rule] for rule in rules) for _, _, rules in readings], "<u4")
    batch.flags = np.zeros(len(readings), "<u2")
    batch.day_service_point = np.array([day.point for day in days], "<u8")
    batch.day_start = np.array([day.day * DAY_SECS - OFFSET for day in days], "<i8")
    batch.day_registers = np.array([day.registers for day in days], "<u2")
    batch.day_counts = np.array([day.counts for day in days], "<u2").reshape(-1, 4)
    for name, values in (
        ("actual", [day.used for day in days]),
        ("estimated", [day.estimated for day in days]),
        ("unexplained", [day.unexplained for day in days]),
        ("register_energy", [day.register_energy for day in days]),
        ("suspect", [0 for _ in days]),
    ):
        column: Array = np.zeros((len(days), N_ENERGY), "<i8")
        column[:, 0] = values
        setattr(batch, f"day_{name}", column)
    return batch


def changes_of(step: ExceptionsStep, store: StateStore, offset: int, batch: ReadingBatch) -> list[Change]:
    parcel = Parcel(Origin("log", 0, offset), batch)
    found: list[Change] = []
    for emission in step.advance(parcel, store, NOBODY).emissions:
        for record in emission.value.records():
            first = (record["period_start"] + OFFSET) // DAY_SECS
            last = (record["period_end"] + OFFSET) // DAY_SECS - 1
            found.append((record["service_point"], record["rule"], record["state"], first, last))
    return found


@settings(max_examples=200)
@given(st.lists(RECORD, max_size=12))
def test_it_says_what_plain_python_says(records: list[tuple[list[tuple[int, int, set[str]]], list[Day]]]) -> None:
    step, oracle = ExceptionsStep(CONFIG), Oracle(zero_days=3, estimated_days=4)
    store = StateStore(step.layout, range(4))
    for offset, (readings, days) in enumerate(records):
        for point, day, rules in readings:
            oracle.reading(point, day, rules)
        expected = [sorted(oracle.settled(day)) for day in days]
        found = changes_of(step, store, offset, batch_of(readings, days))
        assert sorted(found) == sorted(change for changes in expected for change in changes)


@settings(max_examples=100)
@given(st.lists(settled(), max_size=12), st.integers(0, 12))
def test_the_cut_of_batches_does_not_matter(days: list[Day], cut: int) -> None:
    step = ExceptionsStep(CONFIG)
    whole, parts = StateStore(step.layout, range(4)), StateStore(step.layout, range(4))
    found = changes_of(step, whole, 0, batch_of([], days))
    cut_in_two = [changes_of(step, parts, at, batch_of([], part)) for at, part in enumerate((days[:cut], days[cut:]))]
    assert found == [change for changes in cut_in_two for change in changes]


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(1, 5), COUNTS, st.sampled_from([0, 900])), min_size=1, max_size=40))
def test_what_is_forgotten_at_midnight_changes_nothing(days: list[tuple[int, tuple[int, int, int, int], int]]) -> None:
    """Days in order, each with a tick behind it that sweeps; the other run never sweeps."""
    step = ExceptionsStep(CONFIG)
    swept, kept = StateStore(step.layout, range(4)), StateStore(step.layout, range(4))
    for number, (point, counts, used) in enumerate(days):
        day = Day(point, FIRST_DAY + number, counts, used)
        batch = batch_of([], [day])
        assert changes_of(step, swept, 2 * number, batch) == changes_of(step, kept, 2 * number, batch)
        tick = Tick((FIRST_DAY + number + 1) * DAY_SECS - OFFSET, 0)
        step.advance(Parcel(Origin("log", 0, 2 * number + 1), None, tick), swept, NOBODY)
    assert int(swept.used.sum()) <= int(kept.used.sum()) + 1


def test_a_point_with_nothing_to_look_at_takes_no_memory() -> None:
    step = ExceptionsStep(CONFIG)
    store = StateStore(step.layout, range(4))
    days = [Day(point, FIRST_DAY, (48, 0, 0, 0)) for point in range(1, 500)]
    assert changes_of(step, store, 0, batch_of([], days)) == []
    assert int(store.used.sum()) == 0
    bad = [Day(7, FIRST_DAY + 1, (10, 38, 0, 0))]
    assert changes_of(step, store, 1, batch_of([], bad)) == [(7, "V01", "OPEN", FIRST_DAY + 1, FIRST_DAY + 1)]
    good = [Day(7, FIRST_DAY + 1, (48, 0, 0, 0))]
    assert changes_of(step, store, 2, batch_of([], good)) == [(7, "V01", "CLOSED", FIRST_DAY + 1, FIRST_DAY + 1)]
    step.advance(Parcel(Origin("log", 0, 3), None, Tick((FIRST_DAY + 30) * DAY_SECS, 0)), store, NOBODY)
    assert int(store.used.sum()) == 1  # the row that says when it was swept


def test_energy_at_stake_has_a_price() -> None:
    step = ExceptionsStep(ExceptionsConfig(paise_per_kwh=650))
    batch = batch_of([], [Day(7, FIRST_DAY, (10, 38, 0, 0), unexplained=-2_000, registers=3, register_energy=5_000)])
    batch.day_estimated[:, 0] = 4_000
    (emission,) = step.advance(Parcel(Origin("log", 0, 9), batch), StateStore(step.layout, range(4)), NOBODY).emissions
    records = emission.value.records()
    assert [(record["rule"], record["wh_at_stake"], record["paise_at_stake"]) for record in records] == [
        ("V01", 6_000, 3_900), ("V12", 6_000, 3_900),
    ]  # fmt: skip
    assert [record["revision"] for record in records] == [9 << 20, (9 << 20) + 1]


def test_a_factory_without_use_is_told_sooner_and_only_while_it_is_one() -> None:
    step, opened = ExceptionsStep(ExceptionsConfig(zero_days=3, zero_days_industry=1)), []
    store = StateStore(step.layout, range(4))
    until = (FIRST_DAY + 1) * DAY_SECS - OFFSET
    industry = Prepared(Spans(np.array([3, 2], np.uint64), np.array([0, 0]), np.array([2**62, until])), NONE)
    for number in range(3):
        zeros = [Day(point, FIRST_DAY + number, (48, 0, 0, 0), used=0) for point in (1, 2, 3)]
        parcel = Parcel(Origin("log", 0, number), batch_of([], zeros))
        for emission in step.advance(parcel, store, industry).emissions:
            opened += [(number, one["service_point"], one["rule"], one["state"]) for one in emission.value.records()]
    assert opened == [
        (0, 2, "V23", "OPEN"), (0, 3, "V23", "OPEN"), (1, 2, "V23", "CLOSED"), (2, 1, "V23", "OPEN"),
        (2, 2, "V23", "OPEN"),
    ]  # fmt: skip


def test_an_industrial_point_is_one_of_a_tariff_that_the_options_name() -> None:
    from tests.builders_vee import references
    from tests.oracles.vee_oracle import Link

    known = references([Link(device, device, 0, 2**62) for device in (1, 2)])
    known.registry.tariff[:] = (4, 9)
    industry = ExceptionsStep(ExceptionsConfig(industry_tariffs=(9,))).prepare(known).industry
    assert industry.among(np.array([1, 2], np.uint64), np.array([500, 500])).tolist() == [False, True]
    nobody = ExceptionsStep(ExceptionsConfig()).prepare(known).industry
    assert not nobody.among(np.array([1, 2], np.uint64), np.array([500, 500])).any()


def test_rules_that_are_left_out_make_no_exceptions() -> None:
    step = ExceptionsStep(ExceptionsConfig(without=("V01", "V07")))
    store = StateStore(step.layout, range(4))
    batch = batch_of([(7, FIRST_DAY, {"V07", "V09"})], [Day(7, FIRST_DAY, (10, 38, 0, 0))])
    assert changes_of(step, store, 0, batch) == [(7, "V09", "OPEN", FIRST_DAY, FIRST_DAY)]


def test_encoded_records_are_the_plain_ones() -> None:
    from schemas.load import load_contracts

    contracts = load_contracts()
    step = ExceptionsStep(CONFIG)
    days = [Day(point, FIRST_DAY, (10, 38, 0, 0), unexplained=500, registers=3) for point in (3, 9)]
    (emission,) = step.advance(
        Parcel(Origin("log", 2, 5), batch_of([], days)), StateStore(step.layout, range(4)), NOBODY
    ).emissions
    encoded = emission.value.encode(contracts)
    values = [contracts.decode(bytes(value), "ReadingException") for value in encoded.values]
    assert values == emission.value.records()
    assert [int.from_bytes(bytes(key), "big") for key in encoded.keys] == [3, 3, 9, 9]
