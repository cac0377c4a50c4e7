"""Edits, withdrawals, discards and outages, one by one: what is published at once, and when the day is settled."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from agents.vee.kernels_publish import OUTAGE_IN_DAY, USE_IN_OUTAGE, USE_IN_OUTAGE_SHADOW
from agents.vee.state import PLANE
from pipeline.codes import RULE_BIT, Flag, Method, Quality
from pipeline.reference import FOREVER
from pipeline.statement_frames import Statement
from tests.builders_vee import MIDNIGHT, POINTS, Vee, blocks, register
from tests.oracles.statements_oracle import DISCARD, EDIT, OUTAGE, WITHDRAW, Said
from tests.oracles.vee_oracle import DAY, Link

POINT = POINTS[0]
METER = Link(1007, POINT, 0, FOREVER)
NOON, NEXT = MIDNIGHT + DAY // 2, MIDNIGHT + DAY
TODAY = (MIDNIGHT + 19_800) // DAY
V01, V12 = 1 << RULE_BIT["V01"], 1 << RULE_BIT["V12"]


def place(number: int) -> int:
    return MIDNIGHT + 1800 * number


def edit(number: int, wh: int, order: int = 1) -> Said:
    return Said(EDIT, POINT, place(number), 1800, order, (wh, wh, 0, 0))


def of(kind: int, number: int, order: int) -> Said:
    return Said(kind, POINT, place(number), 1800, order)


def found(vee: Vee, number: int) -> tuple[int, Quality, Method]:
    reading = vee.final[POINT, place(number)]
    return reading.energy[0], Quality(reading.quality[0]), Method(reading.method)


def running(missing: tuple[int, ...] = (), energy: int = 100) -> Vee:
    """Half a day of equal half hours."""
    vee = Vee([METER])
    vee.tick(MIDNIGHT)
    vee.tick(NOON, DAY // 2)
    for number in range(24):
        if number not in missing:
            vee.arrive(blocks(0, place(number), [energy]))
    vee.tick(NOON)
    return vee


def closed(vee: Vee) -> Vee:
    """The day is over, every other half hour of it has come, and registers that say 4,800 Wh."""
    vee.tick(NEXT, DAY // 2)
    vee.arrive([*blocks(0, place(24), [100] * 24), register(0, MIDNIGHT, 1000), register(0, NEXT, 5800)])
    vee.tick(NEXT + 3600)
    return vee


MANUAL = (70, Quality.MANUAL, Method.MANUAL)
SENT = (100, Quality.ACTUAL, Method.NONE)


def test_an_edit_is_published_at_once_and_says_what_it_replaces() -> None:
    vee = running()
    vee.state([edit(3, 70)])
    assert found(vee, 3) == MANUAL
    batch = vee.batches[-1]
    assert batch.frame.tolist() == [20_000]
    assert batch.prior_energy[:, 0].tolist() == [100]
    assert batch.prior_quality.tolist() == [Quality.ACTUAL]


def test_what_the_meter_sends_later_is_stored_behind_an_edit() -> None:
    vee = running(missing=(3,))
    vee.state([edit(3, 70)])
    assert vee.final[POINT, place(3)].rules == V01
    vee.arrive(blocks(0, place(3), [99]))
    assert found(vee, 3) == MANUAL
    assert vee.final[POINT, place(3)].rules == 0
    vee.state([of(WITHDRAW, 3, 2)])
    assert found(vee, 3) == (99, Quality.ACTUAL, Method.NONE)
    assert not vee.rejects


def test_of_an_interval_that_did_not_come_the_estimate_comes_back() -> None:
    vee = running(missing=(3,))
    before = found(vee, 3)
    vee.state([edit(3, 70)])
    vee.state([of(WITHDRAW, 3, 2)])
    assert found(vee, 3) == before


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_the_larger_number_holds_in_any_order(order: tuple[int, int]) -> None:
    vee = running()
    for number in order:
        vee.state([edit(3, 60 + 10 * number, number)])
    assert found(vee, 3) == (80, Quality.MANUAL, Method.MANUAL)
    vee.state([of(WITHDRAW, 3, 3), edit(3, 90, 2)])
    assert found(vee, 3) == SENT


def test_a_discarded_value_is_estimated_and_the_reading_says_so() -> None:
    vee = running()
    vee.state([of(DISCARD, 3, 1)])
    assert found(vee, 3) == (100, Quality.ESTIMATED, Method.CARRIED)
    assert vee.batches[-1].flags.tolist() == [Flag.DISCARDED]
    assert vee.final[POINT, place(3)].rules == 0
    closed(vee)
    assert found(vee, 3)[1:] == (Quality.ESTIMATED, Method.SCALED)
    vee.arrive(blocks(0, place(3), [101]))
    vee.tick(NEXT + 7200)
    assert found(vee, 3)[1] == Quality.ESTIMATED


def test_an_interval_that_does_not_come_after_it_was_discarded_is_estimated_as_ever() -> None:
    vee = running(missing=(23,))
    vee.state([of(DISCARD, 23, 1)])
    vee.arrive(blocks(0, place(23), [5000]))
    assert found(vee, 23)[:2] == (100, Quality.ESTIMATED)


# ------------------------------------------------------------------------------------------- settlement


def test_an_edit_counts_as_good_and_only_estimates_are_scaled() -> None:
    vee = closed(running(missing=(5, 6)))
    vee.state([edit(3, 70)])
    vee.tick(NEXT + 7200)
    assert found(vee, 3) == MANUAL
    assert [found(vee, number) for number in (5, 6)] == [(115, Quality.ESTIMATED, Method.SCALED)] * 2
    settled = vee.days[POINT, TODAY]
    assert settled.actual[0] == 4570
    assert settled.estimated[0] == 230
    assert settled.unexplained[0] == 0
    assert settled.counts == [46, 2, 0, 0]


def test_what_contradicts_the_registers_scales_the_rest_and_never_the_edit() -> None:
    vee = closed(running())
    vee.state([edit(3, 2450)])
    vee.tick(NEXT + 7200)
    assert found(vee, 3) == (2450, Quality.MANUAL, Method.MANUAL)
    assert found(vee, 4) == (50, Quality.ESTIMATED, Method.SCALED)
    assert vee.final[POINT, place(4)].rules & V12
    assert vee.days[POINT, TODAY].unexplained[0] == 0


def test_edits_above_the_registers_leave_something_unexplained() -> None:
    vee = closed(running())
    vee.state([edit(3, 5000)])
    vee.tick(NEXT + 7200)
    assert found(vee, 4)[0] == 0
    assert vee.days[POINT, TODAY].unexplained[0] == -200


def test_demand_takes_an_edit_as_it_was_edited() -> None:
    vee = closed(running())
    vee.state([edit(3, 140), edit(4, 60)])
    vee.tick(NEXT + 7200)
    settled = vee.days[POINT, TODAY]
    assert (settled.demand[0], settled.demand_start[0]) == (140, place(3))


def test_undone_the_day_is_what_it_was() -> None:
    vee = closed(running(missing=(5,)))
    readings, day = dict(vee.final), vee.days[POINT, TODAY]
    said = [edit(3, 2450), edit(5, 1), of(DISCARD, 7, 1), Said(OUTAGE, POINT, place(9), 4000, 1)]
    vee.state(said)
    vee.tick(NEXT + 7200)
    assert vee.days[POINT, TODAY] != day
    vee.state(
        [replace(one, kind=OUTAGE, secs=0, number=2) if one.kind == OUTAGE else replace(one, kind=WITHDRAW, number=2)
         for one in said]
    )  # fmt: skip
    vee.tick(NEXT + 10_800)
    assert {key: vee.final[key] for key in readings} == readings
    assert vee.days[POINT, TODAY] == day


# ------------------------------------------------------------------------------------------- outages


def test_what_did_not_come_in_an_outage_is_an_actual_zero() -> None:
    vee = running(missing=(5, 6, 7))
    vee.state([Said(OUTAGE, POINT, place(5) + 600, 2 * 1800, 1)])
    assert found(vee, 6) == (0, Quality.ACTUAL, Method.OUTAGE)
    assert found(vee, 5)[1] == found(vee, 7)[1] == Quality.ESTIMATED
    vee.tick(NEXT + 3600)
    assert found(vee, 6) == (0, Quality.ACTUAL, Method.OUTAGE)
    assert vee.days[POINT, TODAY].registers & OUTAGE_IN_DAY
    vee.state([Said(OUTAGE, POINT, place(5) + 600, 0, 2)])
    vee.tick(NEXT + 7200)
    assert found(vee, 6)[1] == Quality.ESTIMATED


def test_in_an_outage_that_is_known_nothing_is_estimated() -> None:
    vee = running()
    vee.state([Said(OUTAGE, POINT, place(24), 4 * 1800, 1)])
    vee.tick(place(29))
    assert [found(vee, number)[2] for number in (24, 27, 28)] == [Method.OUTAGE, Method.OUTAGE, Method.CARRIED]


def test_an_interval_with_an_outage_is_no_end_of_a_line() -> None:
    def line(said: list[Said]) -> Method:
        vee = running(missing=(5,))
        vee.state(said)
        vee.tick(NEXT, DAY // 2)
        vee.arrive(blocks(0, place(24), [100] * 24))
        vee.tick(NEXT + 3600)
        return found(vee, 5)[2]

    assert line([]) == Method.LINEAR
    assert line([Said(OUTAGE, POINT, place(4) + 60, 60, 1)]) == Method.CARRIED


def v26(vee: Vee) -> int:
    return vee.days[POINT, TODAY].registers & (USE_IN_OUTAGE | USE_IN_OUTAGE_SHADOW)


def test_energy_that_the_meter_sent_of_an_outage_is_told_of_the_day_until_the_outage_is_taken_back() -> None:
    vee = closed(running())
    assert v26(vee) == 0
    vee.state([Said(OUTAGE, POINT, place(5), 1800, 1)])
    vee.tick(NEXT + 7200)
    assert (v26(vee), found(vee, 5)) == (USE_IN_OUTAGE, SENT), "nobody knows which of the two is wrong"
    vee.state([Said(OUTAGE, POINT, place(5), 0, 2)])
    vee.tick(NEXT + 9000)
    assert v26(vee) == 0


@pytest.mark.parametrize(
    ("energy", "said"),
    [
        (100, [Said(OUTAGE, POINT, place(5), 1799, 1)]),  # in the last second there was supply
        (0, [Said(OUTAGE, POINT, place(5), 1800, 1)]),
        (100, [Said(OUTAGE, POINT, place(5), 1800, 1), edit(5, 80)]),  # somebody has looked at it
        (100, [Said(OUTAGE, POINT, place(5), 1800, 1), of(DISCARD, 5, 1)]),
    ],
)
def test_what_may_be_used_is_not_told_of(energy: int, said: list[Said]) -> None:
    vee = closed(running(energy=energy))
    vee.state(said)
    vee.tick(NEXT + 7200)
    assert v26(vee) == 0


@pytest.mark.parametrize(("run", "bit"), [("off", 0), ("shadow", USE_IN_OUTAGE_SHADOW), ("on", USE_IN_OUTAGE)])
def test_a_rule_set_switches_what_is_told_of_outages(run: str, bit: int) -> None:
    vee = Vee([METER], documents={"rules/x.yaml": f"rules: {{V26: {run}}}".encode()})
    vee.tick(MIDNIGHT)
    vee.tick(NEXT, DAY // 2)
    vee.state([Said(OUTAGE, POINT, place(5), 1800, 1)], blocks(0, place(0), [100] * 48))
    vee.tick(NEXT + 3600)
    assert v26(vee) == bit


# ------------------------------------------------------------------------------------------- refused, forgotten


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (replace(edit(3, 1), point=POINTS[9]), "STATEMENT_POINT"),
        (replace(edit(3, 1), start=place(3) + 60), "STATEMENT_INTERVAL"),
        (replace(edit(3, 1), secs=900), "STATEMENT_INTERVAL"),
        (replace(edit(3, 1), energy=(-1, 0, 0, 0)), "STATEMENT_VALUE"),
        (replace(edit(3, 1), energy=(2**31, 0, 0, 0)), "STATEMENT_VALUE"),
        (edit(3 - 3 * 48, 1), "TOO_OLD"),
        (edit(30, 1), "IN_FUTURE"),
        (Said(OUTAGE, POINT, NEXT, 60, 1), "IN_FUTURE"),
        (Said(OUTAGE, POINT, MIDNIGHT - 9 * DAY, 60, 1), "TOO_OLD"),
        (Said(OUTAGE, POINTS[9], MIDNIGHT, 60, 1), "STATEMENT_POINT"),
    ],
)
def test_what_cannot_be_is_refused_by_name(said: Said, code: str) -> None:
    vee = running()
    readings = dict(vee.final)
    vee.state([said])
    assert vee.rejects == {code: 1}
    assert vee.final == readings


def test_all_intervals_of_the_window_can_be_edited_and_their_planes_go_back() -> None:
    vee = Vee([METER])
    for day in range(3):
        vee.tick(MIDNIGHT + day * DAY)
    vee.tick(MIDNIGHT + 3 * DAY - 1)
    vee.state([edit(number, 9000 + number, 7) for number in range(144)])
    assert not vee.rejects
    assert [found(vee, number)[0] for number in range(144)] == [9000 + number for number in range(144)]
    planes = vee.store.areas["hot"].flat[0]["kind"]
    assert (planes == PLANE).sum() > 10
    for day in range(3, 7):
        vee.tick(MIDNIGHT + day * DAY + 3600)
    planes = vee.store.areas["hot"].flat[0]["kind"]
    assert (planes == PLANE).sum() == 0


def test_of_ten_thousand_edits_of_as_many_points_each_is_published() -> None:
    points = np.arange(1, 10_001)
    vee = Vee([Link(100_000 + point, point, 0, FOREVER) for point in points.tolist()])
    vee.tick(MIDNIGHT)
    vee.tick(NOON, DAY // 2)
    said = [Said(EDIT, point, place(3), 1800, 1, (70, 70, 0, 0)) for point in points.tolist()]
    vee.state(said[:1])
    begin = time.process_time()
    vee.state(said)
    assert time.process_time() - begin < 5
    assert len(vee.final) == len(points)
    assert {reading.energy for reading in vee.final.values()} == {(70, 70, 0, 0)}


def test_what_a_check_meter_measured_passes_and_takes_no_state() -> None:
    vee = running()
    used = vee.store.used.tolist()
    told, nothing = (70, 0, 0, 0), (0, 0, 0, 0)
    vee.state([Said(Statement.CHECK, POINT, place(3), 1800, 5, told, 1), of(Statement.CHECK, 4, 6)])
    assert vee.store.used.tolist() == used
    vee.state([replace(of(Statement.CHECK, 5, 7), energy=nothing, present=0), edit(3, 80)])
    first, second = vee.batches[-2:]
    assert not len(first.service_point)
    assert first.check_service_point.tolist() == [POINT, POINT]
    assert (first.check_start.tolist(), first.check_secs.tolist()) == ([place(3), place(4)], [1800, 1800])
    assert (first.check_number.tolist(), first.check_energy.tolist()) == ([5, 6], [70, 0])
    assert (first.check_present.tolist(), second.check_present.tolist()) == ([1, 1], [0])
    assert found(vee, 3) == (80, Quality.MANUAL, Method.MANUAL)
    assert not vee.rejects
