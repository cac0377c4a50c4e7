"""Intervals that a clock set has cut or repeated: their rows are put together by time, none lost, none twice."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from agents.vee.kernels_part_rows import MOST_ROWS
from pipeline.codes import RULE_BIT, Method, Quality
from pipeline.reference import FOREVER
from tests.builders_vee import MIDNIGHT, POINTS, Vee, blocks, register
from tests.oracles.settlement_oracle import Published
from tests.oracles.vee_oracle import DAY, NOT_KNOWN, Link, Row

POINT = POINTS[0]
METER = Link(1007, POINT, 0, FOREVER, limit=4000)
NOON = MIDNIGHT + DAY // 2
V02, V03 = 1 << RULE_BIT["V02"], 1 << RULE_BIT["V03"]


def running(link: Link = METER) -> Vee:
    """One meter; the log's time is one in the afternoon."""
    vee = Vee([link])
    vee.tick(MIDNIGHT)
    vee.tick(NOON + 3600, 12 * 3600)
    return vee


def row(stamp: int, wh: int, frame: int = 0) -> Row:
    """A block row that ends at `stamp`."""
    return Row(0, True, stamp, (wh, wh, 0, 0), frame=frame)


def value(vee: Vee, start: int) -> tuple[int, Quality, Method, int]:
    """(Wh, quality, method, rules) in force for the interval from `start`."""
    found = vee.final[POINT, start]
    assert len(set(found.quality)) == 1
    return found.energy[0], Quality(found.quality[0]), Method(found.method), found.rules


def parted(wh: int, rules: int = V03) -> tuple[int, Quality, Method, int]:
    return wh, Quality.ESTIMATED, Method.CLOCK_SET, rules


def actual(wh: int, rules: int = 0) -> tuple[int, Quality, Method, int]:
    return wh, Quality.ACTUAL, Method.NONE, rules


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_two_parts_of_an_interval_are_added_up_in_any_order(order: tuple[int, ...]) -> None:
    vee = running()
    sent = [row(NOON, 300), row(NOON + 17 * 60, 170), row(NOON + 1800, 131)]
    for place in order:
        vee.arrive([sent[place]])
    assert value(vee, NOON - 1800) == actual(300)
    assert value(vee, NOON) == parted(301)
    assert not vee.rejects


def test_a_part_over_a_boundary_is_shared_by_seconds_to_the_watt_hour() -> None:
    vee = running()
    vee.arrive([row(NOON - 1800, 300), row(NOON + 17 * 60, 200), row(NOON + 1800, 50)])
    # 30 minutes up to 12:17, of which 13 before noon: 86.67 and 113.33.
    assert value(vee, NOON - 1800) == parted(87)
    assert value(vee, NOON) == parted(113 + 50)


def test_an_interval_is_as_it_was_sent_again_once_its_own_row_has_come() -> None:
    vee = running()
    vee.arrive([row(NOON + 17 * 60, 200)])
    assert value(vee, NOON - 1800) == parted(87)
    vee.arrive([row(NOON, 300)])
    assert value(vee, NOON - 1800) == actual(300)
    assert value(vee, NOON) == parted(200)


def test_a_shifted_grid_is_split_as_it_lies() -> None:
    vee = running()
    vee.arrive([row(NOON + 600 + 1800 * number, 300) for number in range(-1, 2)])
    assert [value(vee, NOON + 1800 * number) for number in range(-2, 2)] == [
        parted(200), parted(300), parted(300), parted(100),
    ]  # fmt: skip


@pytest.mark.parametrize("cut", [1, 2, 3, 6])
def test_rows_of_one_stamp_in_one_frame_all_count_and_are_known_when_they_are_read_again(cut: int) -> None:
    back = [
        row(NOON - 1800, 290, 1), row(NOON, 300, 1), row(NOON - 600, 100, 1), row(NOON, 60, 1),
        row(NOON + 1800, 250, 1),
    ]  # fmt: skip
    again = [replace(one, frame=2) for one in back]
    vee = running()
    vee.arrive(back)
    assert value(vee, NOON - 1800) == parted(460)
    assert value(vee, NOON) == actual(250)
    for begin in range(0, 5, cut):
        vee.arrive(again[begin : begin + cut])
    assert value(vee, NOON - 1800) == parted(460)
    assert vee.rejects == {"DUPLICATE_INTERVAL": 5}


def test_rows_of_one_stamp_in_several_frames_stay_a_doubt() -> None:
    vee = running()
    vee.arrive([row(NOON - 1800, 290), row(NOON, 300), row(NOON, 60)])
    assert value(vee, NOON - 1800) == actual(300, V02)
    vee.arrive([row(NOON - 600, 100)])
    assert value(vee, NOON - 1800) == parted(400, V02 | V03)


def test_what_one_frame_shows_goes_before_what_came_alone() -> None:
    both = [row(NOON, 300, 1), row(NOON, 60, 1)]
    alone = [row(NOON, 310), row(NOON, 60)]
    found = set()
    for first, second in ((both, alone), (alone, both)):
        vee = running()
        vee.arrive(first)
        vee.arrive(second)
        found.add(value(vee, NOON - 1800))
    assert found == {parted(360)}


def test_stamps_that_go_back_in_a_frame_without_coming_again_are_rows_as_ever() -> None:
    vee = running()
    vee.arrive([row(NOON - 1800 * number, 100 + number, 1) for number in range(20)])
    for number in range(20):
        assert value(vee, NOON - 1800 * (number + 1)) == actual(100 + number)


def test_a_part_within_the_tolerance_of_a_stamp_that_the_frame_has_is_a_part() -> None:
    vee = running()
    vee.arrive([row(NOON, 300, 1), row(NOON + 240, 40, 1), row(NOON + 1800, 250, 1)])
    assert value(vee, NOON - 1800) == actual(300)
    assert value(vee, NOON) == parted(290)


def test_a_part_does_not_cross_midnight() -> None:
    vee = running()
    vee.tick(MIDNIGHT + DAY + 3600, 30 * 3600)
    vee.arrive([row(MIDNIGHT + DAY + 600, 120)])
    assert value(vee, MIDNIGHT + DAY) == parted(120)
    assert (POINT, MIDNIGHT + DAY - 1800) not in vee.final


@pytest.mark.parametrize("wh", [-5, 4801])
def test_a_part_that_is_bad_by_itself_is_refused(wh: int) -> None:
    vee = running()
    vee.arrive([row(NOON + 1000, wh)])
    assert vee.rejects == {"OFF_GRID": 1}
    assert (POINT, NOON) not in vee.final


def test_a_part_in_an_interval_within_which_the_meter_is_exchanged_is_refused() -> None:
    vee = Vee([replace(METER, until=NOON + 1200), replace(METER, device=2001, start=NOON + 1200)])
    vee.tick(MIDNIGHT)
    vee.tick(NOON + 3600)
    vee.arrive([row(NOON + 1000, 100)])
    assert vee.rejects == {"OFF_GRID": 1}


def test_a_suspect_value_of_an_interval_is_no_part_of_it_whatever_came_first() -> None:
    found = set()
    for order in itertools.permutations([row(NOON + 600, 100), row(NOON + 1800, -7), row(NOON, 300)]):
        vee = running()
        for one in order:
            vee.arrive([one])
        found.add((value(vee, NOON), value(vee, NOON - 1800)))
    assert found == {(parted(100, V02 | V03), actual(300))}


def test_more_parts_than_are_kept_are_refused_and_those_that_are_kept_stay() -> None:
    vee = running()
    vee.tick(MIDNIGHT + DAY - 1, 30 * 3600)
    sent = [row(MIDNIGHT + 600 + 1800 * number, 90) for number in range(MOST_ROWS + 3)]
    for one in sent:
        vee.arrive([one])
    assert vee.rejects == {"OFF_GRID": 3}
    assert sum(published.energy[0] for published in vee.final.values() if published.method == Method.CLOCK_SET) == (
        90 * MOST_ROWS
    )
    for _ in range(3):
        vee.tick(vee.step.config.hot_days * DAY + MIDNIGHT + 600, 0)
    vee.arrive([row(MIDNIGHT + vee.step.config.hot_days * DAY + 600, 90)])
    assert vee.rejects == {"OFF_GRID": 3}, "places become free when their rows leave the window"


def test_one_record_may_make_more_readings_than_it_has_rows() -> None:
    vee = running()
    vee.arrive([row(NOON + 600 - 3600 * number, 90) for number in range(5)])
    readings = vee.batches[-1]
    assert len(readings.service_point) == 10
    assert sum(readings.energy[:, 0].tolist()) == 450


@pytest.mark.parametrize(("interval", "factor"), [(900, 1), (3600, 1), (1800, 1000), (900, 1000)])
def test_parts_of_other_intervals_and_large_energies_are_put_together_alike(interval: int, factor: int) -> None:
    vee = running(replace(METER, interval=interval, numerator=factor, limit=0))
    part = NOON + interval // 2
    vee.arrive([row(NOON, 100), row(part, 50), row(NOON + interval, 70)])
    assert value(vee, NOON) == parted(120 * factor)
    assert value(vee, NOON - interval) == actual(100 * factor)


def test_a_day_with_a_clock_set_meets_its_registers_as_it_was_sent() -> None:
    vee = Vee([METER])
    vee.tick(MIDNIGHT)
    vee.tick(MIDNIGHT + DAY - 1, 25 * 3600)
    whole = blocks(0, MIDNIGHT, range(100, 148))
    cut = [one for one in whole if one.time != NOON + 1800]
    parts = [row(NOON + 1020, 80), row(NOON + 1800, 45)]
    vee.arrive([register(0, MIDNIGHT, 0), *cut, *parts])
    total = sum(one.energy[0] for one in (*cut, *parts))
    vee.arrive([register(0, MIDNIGHT + DAY, total)])
    vee.tick(MIDNIGHT + DAY + 1800)
    settled = vee.days[POINT, MIDNIGHT // DAY + 1]
    assert (settled.counts, settled.unexplained[0]) == ([47, 1, 0, 0], 0)
    assert settled.actual[0] + settled.estimated[0] == total
    assert value(vee, NOON) == parted(125)


def test_what_is_lost_of_a_cut_interval_is_made_up_from_the_registers() -> None:
    vee = Vee([METER])
    vee.tick(MIDNIGHT)
    vee.tick(MIDNIGHT + DAY - 1, 25 * 3600)
    whole = [one for one in blocks(0, MIDNIGHT, range(100, 148)) if one.time != NOON + 1800]
    total = sum(one.energy[0] for one in whole) + 125
    vee.arrive([register(0, MIDNIGHT, 0), *whole, row(NOON + 1020, 80), register(0, MIDNIGHT + DAY, total)])
    vee.tick(MIDNIGHT + DAY + 1800)
    assert value(vee, NOON) == (125, Quality.ESTIMATED, Method.SCALED, V03)
    assert vee.days[POINT, MIDNIGHT // DAY + 1].unexplained[0] == 0


def test_readings_say_what_they_replace() -> None:
    vee = running()
    vee.arrive([row(NOON, 30), row(NOON + 1800, 50)])
    vee.arrive([row(NOON + 600, 20)])
    assert vee.final[POINT, NOON] == Published(
        (70, 70, 0, 0), (Quality.ESTIMATED,) * 4, Method.CLOCK_SET, V03, 1800, NOT_KNOWN
    )  # fmt: skip
    assert vee.batches[-1].prior_energy.tolist() == [[50, 50, 0, 0]]
