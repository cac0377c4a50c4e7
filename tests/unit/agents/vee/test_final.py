"""The cut-off of a topology: when a day is final, and what still changes it then."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from agents.vee.config import VeeConfig
from pipeline.batch import ReadingBatch
from pipeline.codes import Quality
from pipeline.reference import FOREVER
from pipeline.state import StateStore
from tests.builders_vee import MIDNIGHT, POINTS, Vee, blocks, register
from tests.oracles.vee_oracle import DAY, Link

POINT, OTHER = POINTS[:2]
LINKS = [Link(901, POINT, 0, FOREVER), Link(902, OTHER, 0, FOREVER)]
HOUR = 3600
CUT = 6 * HOUR
PROVISIONAL, FINAL = 0, 1


def world(final_after_secs: int = CUT, **options: int) -> Vee:
    """Two meters, of which the second has not sent one interval; the day has just closed."""
    vee = Vee(LINKS, VeeConfig(final_after_secs=final_after_secs, **options))
    vee.tick(MIDNIGHT)
    for hour in range(0, 24, 6):
        vee.tick(MIDNIGHT + (hour + 6) * HOUR, 6 * HOUR)
        for row in range(2):
            sent = blocks(row, MIDNIGHT + hour * HOUR, [100 + hour] * 12)
            vee.arrive([one for one in sent if row == 0 or one.time != MIDNIGHT + 10 * HOUR])
    vee.tick(MIDNIGHT + DAY + HOUR, HOUR)
    return vee


def states(batch: ReadingBatch) -> list[tuple[int, int]]:
    """(point, state) of the settlements of the first day."""
    first = batch.day_start == MIDNIGHT
    return list(zip(batch.day_service_point[first].tolist(), batch.day_state[first].tolist(), strict=True))


def ticked(vee: Vee, time: int, lateness: int = HOUR) -> list[tuple[int, int]]:
    """What a tick says of the first day."""
    before = len(vee.batches)
    vee.tick(time, lateness)
    return [one for batch in vee.batches[before:] for one in states(batch)]


def test_a_day_is_final_once_the_cut_off_has_passed() -> None:
    vee = world()
    assert {state for one in vee.batches for _, state in states(one)} == {PROVISIONAL}
    assert ticked(vee, MIDNIGHT + DAY + CUT - 1) == []
    assert sorted(ticked(vee, MIDNIGHT + DAY + CUT)) == sorted([(POINT, FINAL), (OTHER, FINAL)])
    assert ticked(vee, MIDNIGHT + DAY + CUT + HOUR) == []


def test_without_a_cut_off_it_is_final_when_it_leaves_the_window() -> None:
    vee = world(0)
    assert ticked(vee, MIDNIGHT + 2 * DAY + CUT) == []
    assert sorted(ticked(vee, MIDNIGHT + 3 * DAY + HOUR)) == sorted([(POINT, FINAL), (OTHER, FINAL)])


def test_an_actual_value_still_replaces_the_estimate_of_a_final_day() -> None:
    vee = world()
    vee.tick(MIDNIGHT + DAY + CUT, HOUR)
    key = (OTHER, MIDNIGHT + 10 * HOUR - 1800)
    assert vee.final[key].quality[0] == Quality.ESTIMATED
    vee.arrive(blocks(1, key[1], [444]))
    assert (vee.final[key].energy[0], vee.final[key].quality[0]) == (444, Quality.ACTUAL)
    assert ticked(vee, MIDNIGHT + DAY + CUT + HOUR) == [(OTHER, FINAL)]
    assert vee.days[OTHER, (MIDNIGHT + 19_800) // DAY].counts[:2] == [48, 0]
    # Never the reverse: nothing of the day is an estimate again, nor provisional.
    vee.tick(MIDNIGHT + DAY + 12 * HOUR, HOUR)
    assert vee.final[key].quality[0] == Quality.ACTUAL
    assert vee.days[OTHER, (MIDNIGHT + 19_800) // DAY].state == FINAL


def test_a_register_that_comes_after_the_cut_off_scales_a_final_day() -> None:
    vee = world()
    vee.tick(MIDNIGHT + DAY + CUT, HOUR)
    vee.arrive([register(1, MIDNIGHT, 1_000), register(1, MIDNIGHT + DAY, 1_000 + 47 * 109 + 250)])
    assert ticked(vee, MIDNIGHT + DAY + CUT + HOUR) == [(OTHER, FINAL)]
    day = vee.days[OTHER, (MIDNIGHT + 19_800) // DAY]
    assert day.actual[0] + day.estimated[0] == 47 * 109 + 250


def test_a_day_that_closes_behind_its_cut_off_is_final_at_once() -> None:
    vee = Vee(LINKS, VeeConfig(final_after_secs=HOUR))
    vee.tick(MIDNIGHT, 0)
    vee.tick(MIDNIGHT + DAY + 2 * HOUR, 4 * HOUR)
    assert ticked(vee, MIDNIGHT + DAY + 3 * HOUR, 4 * HOUR) == []
    assert {state for _, state in ticked(vee, MIDNIGHT + DAY + 5 * HOUR, 4 * HOUR)} == {FINAL}


def test_a_tick_that_passes_several_midnights_leaves_no_day_out() -> None:
    slow, quick = world(), world()
    for hour in range(2, 51):
        slow.tick(MIDNIGHT + DAY + hour * HOUR, HOUR)
    quick.tick(MIDNIGHT + DAY + 50 * HOUR, HOUR)
    assert {key: day.state for key, day in slow.days.items()} == {key: day.state for key, day in quick.days.items()}
    assert sorted({day.state for day in quick.days.values()}) == [PROVISIONAL, FINAL]


def test_the_cut_off_outlives_a_restart() -> None:
    vee = world()
    assert isinstance(vee.store, StateStore)
    vee.store = vee.store.copy()
    assert len(ticked(vee, MIDNIGHT + DAY + CUT)) == 2
    vee.store = vee.store.copy()
    assert ticked(vee, MIDNIGHT + DAY + CUT + HOUR) == []


def test_a_cut_off_behind_the_window_is_refused() -> None:
    VeeConfig(hot_days=3, final_after_secs=2 * DAY)
    with pytest.raises(ValidationError, match="final_after_secs"):
        VeeConfig(hot_days=3, final_after_secs=2 * DAY + 1)
