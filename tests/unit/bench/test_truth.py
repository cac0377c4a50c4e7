"""The truth of a burst: what becomes of lost pushes and spikes, and what bills and balances must say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents.rating.tariff import shipped_tariff
from bench.case import Load, read_case
from bench.truth import balances, determinants, readings
from bench.truth.check import TARIFF
from bench.truth.history import PER_DAY, V01, V14, Energy, Meter
from bench.truth.published import Published, publish
from bench.truth.rows import KEY, Rows, compare
from bench.truth.sent import sent_by
from connectors.simulator import Fault
from connectors.simulator.burst import POINTS_PER_DT
from pipeline.codes import Flag, Method, Quality
from pipeline.errors import ConfigError

EVENING = range(41, 51)


def flat(numbers: range, wh: int = 300, **other: int) -> dict[int, Energy]:
    """The same energy in every interval, but `n41=...`."""
    sent = dict.fromkeys(numbers, (wh, wh + 30, 0, 0))
    return sent | {int(name[1:]): (value, value + 30, 0, 0) for name, value in other.items()}


def lived(
    numbers: range, lost: set[int], sent: dict[int, Energy] | None = None, late: dict[int, int] | None = None
) -> Meter:
    return Meter(numbers, sent or flat(numbers), frozenset(lost), late or {}).live()


def said(meter: Meter, number: int) -> list[tuple[int, Quality, Method, int]]:
    return [(v.energy[0], v.quality, v.method, v.rules) for v in meter.versions if v.number == number]


def test_an_interval_that_came_is_as_sent_and_stays_so() -> None:
    meter = lived(EVENING, set())
    assert all(len(said(meter, number)) == 1 for number in EVENING)
    assert said(meter, 44) == [(300, Quality.ACTUAL, Method.NONE, 0)]


def test_a_lost_interval_is_carried_on_and_at_midnight_gets_a_line_between_its_neighbours() -> None:
    meter = lived(EVENING, {44}, flat(EVENING, n43=100, n45=201))
    assert said(meter, 44) == [
        (100, Quality.ESTIMATED, Method.CARRIED, V01), (150, Quality.ESTIMATED, Method.LINEAR, V01),
    ]  # fmt: skip


def test_a_first_interval_that_is_lost_is_missing_until_a_later_one_can_be_carried_back() -> None:
    assert said(lived(EVENING, {41}), 41) == [
        (0, Quality.MISSING, Method.NONE, V01), (300, Quality.ESTIMATED, Method.CARRIED, V01),
    ]  # fmt: skip


def test_a_gap_of_more_than_two_hours_gets_no_line() -> None:
    lost = {43, 44, 45, 46, 47}
    assert said(lived(EVENING, lost, flat(EVENING, n48=800)), 45)[-1][:3] == (300, Quality.ESTIMATED, Method.CARRIED)
    assert said(lived(EVENING, lost - {47}, flat(EVENING, n47=800)), 44)[-1][:3] == (
        300 + 500 * 2 // 5, Quality.ESTIMATED, Method.LINEAR,
    )  # fmt: skip


def test_a_day_later_the_same_interval_of_the_day_before_is_the_substitute() -> None:
    numbers = range(41, 97)
    assert said(lived(numbers, {45 + PER_DAY}, flat(numbers, n45=777)), 45 + PER_DAY)[0] == (
        777, Quality.ESTIMATED, Method.LIKE_DAY, V01,
    )  # fmt: skip


def test_the_second_midnight_revises_what_a_like_day_now_explains_better() -> None:
    numbers = range(41, 97)
    lost = {48}  # the last of its day: no line at the first midnight
    assert [row[2] for row in said(lived(numbers, lost), 48)] == [Method.CARRIED, Method.LINEAR]
    lost = set(range(43, 49))
    assert [row[2] for row in said(lived(numbers, lost), 44)] == [Method.CARRIED, Method.LIKE_DAY]


def test_a_spike_is_taken_as_sent_until_its_day_closes() -> None:
    meter = lived(EVENING, set(), flat(EVENING, n44=4300))
    assert said(meter, 44) == [
        (4300, Quality.ACTUAL, Method.NONE, 0), (300, Quality.ESTIMATED, Method.LINEAR, V14),
    ]  # fmt: skip
    assert [len(said(lived(EVENING, set(), flat(EVENING, n49=4300)), 49))] == [1]  # its day is still open


@pytest.mark.parametrize(("wh", "spikes"), [(500, 1), (840, 1), (841, 2)])
def test_a_spike_stands_far_above_the_third_highest_and_the_floor(wh: int, spikes: int) -> None:
    assert len(said(lived(EVENING, set(), flat(EVENING, n44=wh)), 44)) == spikes


def test_a_meter_that_never_came_stays_missing_without_a_revision() -> None:
    meter = lived(EVENING, set(EVENING))
    assert [said(meter, number)[0][1] for number in EVENING] == [Quality.MISSING] * 10
    assert len(meter.versions) == 10


# ------------------------------------------------------------------------------------------------ late pushes


def test_a_late_push_is_estimated_by_the_tick_and_actual_when_it_comes() -> None:
    meter = lived(EVENING, set(), flat(EVENING, n43=100, n44=222), late={44: 46})
    assert said(meter, 44) == [(100, Quality.ESTIMATED, Method.CARRIED, V01), (222, Quality.ACTUAL, Method.NONE, 0)]
    assert [(v.arrived, v.flags) for v in meter.versions if v.number == 44] == [(False, 0), (True, Flag.COUNTER_LATE)]


def test_a_late_push_that_no_newer_one_has_passed_carries_no_flag() -> None:
    meter = lived(EVENING, {45}, late={44: 45})
    assert [v.flags for v in meter.versions if v.arrived and v.number == 44] == [0]


def test_what_was_carried_on_from_an_estimate_stays_when_the_late_push_comes() -> None:
    meter = lived(EVENING, {45}, flat(EVENING, n43=100, n44=200, n46=400), late={44: 47})
    assert said(meter, 45) == [
        (100, Quality.ESTIMATED, Method.CARRIED, V01), (300, Quality.ESTIMATED, Method.LINEAR, V01),
    ]  # fmt: skip
    # In the same interval it is there before the tick.
    assert said(lived(EVENING, {45}, flat(EVENING, n43=100, n44=200), late={44: 45}), 45)[0][0] == 200


def test_a_late_push_of_a_closed_day_settles_it_again_with_the_estimates_that_lean_on_it() -> None:
    meter = lived(EVENING, {47}, flat(EVENING, n46=100, n48=300), late={48: 49})
    assert said(meter, 47) == [
        (100, Quality.ESTIMATED, Method.CARRIED, V01), (200, Quality.ESTIMATED, Method.LINEAR, V01),
    ]  # fmt: skip
    assert [(one.tick, set(one.changed)) for one in meter.settlements] == [(48, {0}), (49, {0})]
    assert [len(one.used) for one in meter.settlements] == [6, 7]


# ------------------------------------------------------------------------------------------------ slices of meters

LOAD = Load(meters=3_000, frames=45_000, seed=5)
PLAN = LOAD.plan(1)


@pytest.fixture(scope="module")
def published() -> Published:
    return publish(sent_by(PLAN, LOAD.numbers, np.arange(PLAN.meters)))


def test_every_push_has_its_row_and_every_lost_one_a_substitute(published: Published) -> None:
    rows = readings.expected(published)
    assert int(rows["from_frame"].sum()) == int(published.sent.good.sum())
    first = rows[KEY] % readings.MOST_REVISIONS == 0
    assert int(first.sum()) == PLAN.meters * len(LOAD.numbers)
    lost = int((~published.sent.good).sum())
    assert int((first & (rows["from_frame"] == 0)).sum()) == lost > 0


def test_spikes_of_the_closed_day_are_replaced_and_those_of_the_open_one_are_not(published: Published) -> None:
    spike = published.sent.fault == Fault.SPIKE
    closed = np.array([number <= PER_DAY for number in LOAD.numbers])
    final = published.final.quality
    assert spike[closed].any()
    assert spike[~closed].any()
    # In daylight export meters import nothing, but evenings are all import: 4,000 Wh stand out.
    assert (final[closed][spike[closed]] == Quality.ESTIMATED).all()
    assert (final[~closed][spike[~closed]] == Quality.ACTUAL).all()


def late_slice() -> Published:
    return publish(sent_by(replace(PLAN, late_permille=60), LOAD.numbers, np.arange(PLAN.meters)))


def test_late_pushes_have_their_row_as_well_and_those_due_behind_the_end_are_lost() -> None:
    published = late_slice()
    sent, rows = published.sent, readings.expected(published)
    due = sent.arrival > LOAD.numbers[-1]
    assert due.any()
    assert not sent.good[due].any()
    assert int(rows["from_frame"].sum()) == int(sent.good.sum())
    first = rows[KEY] % readings.MOST_REVISIONS == 0
    assert int((first & (rows["from_frame"] == 0)).sum()) == int((~sent.good).sum() + sent.late.sum())
    assert 0.9 < (rows["flags"] == Flag.COUNTER_LATE).sum() / sent.late.sum() < 1


def test_a_day_with_late_pushes_is_billed_again_as_late_data_at_each_tick_that_brought_some() -> None:
    published = late_slice()
    rows = determinants.expected(published, shipped_tariff(TARIFF))
    again = sum(len(closing.places) for closing in published.closings if closing.tick != PER_DAY)
    assert [closing.tick for closing in published.closings] == [48, 49, 50, 51]
    late = rows["reason"] == determinants.REASONS["LATE_DATA"]
    assert int(late.sum()) == 2 * again > 0
    assert int((rows["reason"] == determinants.REASONS["FIRST"]).sum()) == 2 * PLAN.meters
    assert (rows["supersedes"][late] == rows["revision"][late] - 1).all()
    last = rows["wh_imp"][rows["kind"] == determinants.KINDS["MONTH"]]
    delta = rows["delta_wh_imp"][rows["kind"] == determinants.KINDS["MONTH"]]
    newest = {}
    for point, revision, wh in zip(rows["point"].tolist(), rows["revision"].tolist(), rows["wh_imp"].tolist(),
                                   strict=True):  # fmt: skip
        newest[point] = max(newest.get(point, (0, 0)), (revision, wh))
    assert len(last) > PLAN.meters
    assert int(delta.sum()) == sum(wh for _, wh in newest.values())


def one_wrong(rows: Rows, column: str) -> Rows:
    values = rows[column].copy()
    values[len(values) // 2] += 1
    return {**rows, column: values}


@pytest.mark.parametrize("column", [name for name in readings.COLUMNS if name not in ("point", "start")])
def test_one_wrong_value_in_readings_is_found(published: Published, column: str) -> None:
    rows = readings.expected(published)
    assert compare(rows, rows).different == 0
    assert compare(rows, one_wrong(rows, column)).different == 1


@pytest.mark.parametrize("column", [name for name in determinants.COLUMNS if name not in ("kind", "point", "begin")])
def test_one_wrong_value_in_determinants_is_found(published: Published, column: str) -> None:
    rows = determinants.expected(published, shipped_tariff(TARIFF))
    assert compare(rows, rows).different == 0
    assert compare(rows, one_wrong(rows, column)).different == 1


def test_a_day_and_its_month_are_billed_for_each_meter(published: Published) -> None:
    rows = determinants.expected(published, shipped_tariff(TARIFF))
    assert len(rows[KEY]) == 2 * PLAN.meters == len(np.unique(rows[KEY]))
    counts = sum(rows[f"intervals_{name}"] for name in ("actual", "estimated", "missing", "suspect"))
    assert (np.asarray(counts) == 8).all()
    zones = np.asarray(sum(rows[f"zone_{number}"] for number in range(4)))
    assert (zones == rows["wh_imp"]).all()
    assert (rows["zone_1"] == 0).all()  # 20:00 to 24:00: evening peak until 22:00, then night
    assert (rows["zone_3"] > 0).any()


@pytest.mark.parametrize(
    ("wh", "paise"),
    [
        (999, 10_000 + 1_600),  # no whole unit: the fixed charge and its duty of 16 %
        # EC 100 x 3.46 + 50 x 7.43, wheeling 150 x 1.45, FAC 100 x 0.50 + 50 x 0.84, fixed 100; duty 180.32.
        (150_500, 71_750 + 21_750 + 9_200 + 10_000 + 18_032),
        # The third slab as well; duty 481.3952, rounded to the paisa.
        (333_000, 217_256 + 48_285 + 25_331 + 10_000 + 48_140),
    ],
)
def test_a_bill_is_the_tariffs_to_the_paisa(wh: int, paise: int) -> None:
    assert determinants.bill(np.array([wh]), shipped_tariff(TARIFF)).tolist() == [paise]


def test_balances_are_the_sums_of_what_is_in_force_however_meters_are_sliced(published: Published) -> None:
    whole, sliced = balances.Balances(PLAN, LOAD.numbers), balances.Balances(PLAN, LOAD.numbers)
    whole.add(published)
    for begin in range(0, PLAN.meters, 701):  # not a multiple of the points of a transformer
        meters = np.arange(begin, min(begin + 701, PLAN.meters))
        sliced.add(publish(sent_by(PLAN, LOAD.numbers, meters)))
    rows = whole.expected()
    assert compare(rows, sliced.expected()).different == 0
    assert len(rows[KEY]) == (len(LOAD.numbers) + 1) * PLAN.meters // POINTS_PER_DT
    interval = rows["span"] == balances.SPANS["INTERVAL"]
    final = published.final
    billed = final.energy[:, :, 0] - final.energy[:, :, 2]
    counted = (final.quality == Quality.ACTUAL) | (final.quality == Quality.ESTIMATED)
    assert int(rows["output_wh"][interval].sum()) == int((billed * counted).sum())
    assert (rows["expected"][interval] == POINTS_PER_DT).all()
    for column in ("output_wh", "coverage", "estimated", "input_wh", "secs"):
        assert compare(rows, one_wrong(rows, column)).different == 1


# ------------------------------------------------------------------------------------------------ cases


def test_the_case_sends_whole_intervals_with_a_midnight_inside() -> None:
    load = read_case("throughput").load
    assert load.meters == 1_000_000
    assert load.first <= PER_DAY < load.numbers[-1]
    assert Load(meters=10, frames=95).intervals == 11
    assert Load(meters=10, frames=10).numbers == range(PER_DAY, PER_DAY + 2)


def test_a_run_beyond_what_the_truth_knows_is_refused() -> None:
    most = replace(Load(meters=10, frames=1).plan(1)).interval_secs
    assert most == 1800
    Load(meters=10, frames=10 * (8 + 4 * PER_DAY - 2)).plan(1)
    with pytest.raises(ConfigError, match="BENCH_TOO_LONG"):
        Load(meters=10, frames=10 * (8 + 4 * PER_DAY - 1)).plan(1)


def test_frames_of_whole_days_begin_with_a_day_that_opens_the_log() -> None:
    load = Load(meters=10, frames=25, rows=48)
    assert (load.pushes, load.numbers, load.intervals) == (range(1, 5), range(1, 4 * PER_DAY + 1), 4 * PER_DAY)
    assert load.plan(1).rows == PER_DAY
    with pytest.raises(ConfigError, match="BENCH_TOO_LONG"):
        Load(meters=10, frames=35, rows=48).plan(1).rows  # noqa: B018


def test_a_load_of_single_intervals_is_written_down_as_before_there_were_profiles() -> None:
    assert "rows" not in Load(meters=10, frames=10).model_dump()
    assert Load(meters=10, frames=10, rows=48).model_dump()["rows"] == 48


DAYS = range(1, 3 * PER_DAY + 1)


def test_a_lost_day_is_like_the_day_before_and_at_its_end_like_all_days_that_came() -> None:
    sent = {number: (number, number + 30, 0, 0) for number in DAYS}
    lost = frozenset(range(PER_DAY + 1, 2 * PER_DAY + 1))
    meter = Meter(DAYS, sent, lost, rows=PER_DAY).live()
    number = PER_DAY + 7
    assert [told[:3] for told in said(meter, number)] == [
        (7, Quality.ESTIMATED, Method.LIKE_DAY), (2 * PER_DAY + 7, Quality.ESTIMATED, Method.LIKE_DAY),
    ]  # fmt: skip


def test_a_day_that_has_left_the_window_stays_as_it_was() -> None:
    sent = {number: (number, number + 30, 0, 0) for number in DAYS}
    meter = Meter(DAYS, sent, frozenset(range(1, PER_DAY + 1)), rows=PER_DAY).live()
    assert [told[:2] for told in said(meter, 7)] == [(0, Quality.MISSING), (PER_DAY + 7, Quality.ESTIMATED)]
    assert meter.settlements[-1].published[7].energy[0] == PER_DAY + 7
    assert meter.settlements[-1].days == range(3)


def test_a_day_gets_a_last_determinant_when_it_leaves_the_window() -> None:
    plan = Load(meters=3, frames=9, seed=3, faults=False, rows=48).plan(1)
    rows = determinants.expected(
        publish(sent_by(plan, range(1, 4 * PER_DAY + 1), np.arange(3))), shipped_tariff(TARIFF)
    )
    days = rows["kind"] == determinants.KINDS["DAY"]
    final = rows["state"] == determinants.STATES["FINAL"]
    assert not (final & ~days).any()
    begins = (rows["begin"] - plan.start) // 86_400
    assert sorted(begins[final].tolist()) == [0, 0, 0, 1, 1, 1]
    assert (rows["revision"][final] == 2).all()
    assert (rows["delta_wh_imp"][final] == 0).all()
    first = days & (begins == 0) & ~final
    assert (rows["wh_imp"][first] == rows["wh_imp"][final & (begins == 0)]).all()
