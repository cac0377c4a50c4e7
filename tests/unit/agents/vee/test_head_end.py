"""What VEE makes of a head-end's own quality: its estimates, its edits, its doubts."""

from __future__ import annotations

from itertools import permutations

import pytest

from pipeline.codes import RULE_BIT, Flag, Method, Quality
from pipeline.reference import FOREVER
from tests.builders_vee import MIDNIGHT, Vee, register
from tests.oracles.vee_oracle import DAY, Link, Row

POINT, METER = 7, Link(1007, 7, 0, FOREVER)
NOON = MIDNIGHT + DAY // 2
FIRST = MIDNIGHT // DAY + 1


def rule(code: str) -> int:
    return 1 << RULE_BIT[code]


def sent(energy: int, said: str = "", end: int = NOON) -> Row:
    """A half hour with the energy."""
    return Row(0, True, end, (energy, energy, 0, 0), said)


def running() -> Vee:
    vee = Vee([METER])
    vee.tick(MIDNIGHT)
    vee.tick(NOON, DAY // 2)
    return vee


def found(vee: Vee) -> tuple[int, Quality, Method, int]:
    """wh_imp, its quality, method and rules of the half hour before noon."""
    reading = vee.final[POINT, NOON - 1800]
    return reading.energy[0], Quality(reading.quality[0]), Method(reading.method), reading.rules


OFFERED = (100, Quality.ESTIMATED, Method.HEAD_END, rule("V01"))
ACTUAL = (90, Quality.ACTUAL, Method.NONE, 0)


@pytest.mark.parametrize(("said", "flag"), [("estimate", Flag.HEAD_END_ESTIMATED), ("edit", Flag.HEAD_END_EDITED)])
def test_an_estimate_of_the_head_end_is_an_estimate_with_a_method_of_its_own(said: str, flag: Flag) -> None:
    vee = running()
    vee.arrive([sent(100, said)])
    assert found(vee) == OFFERED
    assert vee.batches[-1].flags.tolist() == [Flag.HEAD_END | flag]


def test_the_meters_own_value_replaces_it_without_a_contradiction() -> None:
    vee = running()
    vee.arrive([sent(100, "estimate")])
    vee.arrive([sent(90)])
    assert found(vee) == ACTUAL
    assert vee.batches[-1].prior_quality.tolist() == [Quality.ESTIMATED]
    assert not vee.rejects


def test_it_never_replaces_the_meters_own_value() -> None:
    vee = running()
    vee.arrive([sent(90)])
    vee.arrive([sent(100, "estimate"), sent(90, "edit")])
    assert found(vee) == ACTUAL
    assert vee.rejects == {"ESTIMATE_UNUSED": 2}


def test_of_two_estimates_the_larger_counts_and_the_other_is_told() -> None:
    vee = running()
    vee.arrive([sent(80, "estimate"), sent(100, "estimate"), sent(90, "estimate"), sent(100, "estimate")])
    assert found(vee) == OFFERED
    assert vee.rejects == {"ESTIMATE_UNUSED": 1, "DUPLICATE_INTERVAL": 1}


def test_what_the_head_end_calls_suspect_is_suspect_here() -> None:
    vee = running()
    vee.arrive([sent(100, "suspect")])
    assert found(vee) == (100, Quality.SUSPECT, Method.NONE, rule("V37"))


@pytest.mark.parametrize("order", list(permutations(("", "estimate", "suspect"))))
def test_whatever_comes_first_the_meters_sound_value_ends_in_force(order: tuple[str, ...]) -> None:
    vee = running()
    energies = {"": 90, "estimate": 100, "suspect": 500}
    for said in order:
        vee.arrive([sent(energies[said], said)])
    # The meter has told two values of the interval, the head-end's estimate is none of them.
    assert found(vee) == (90, Quality.ACTUAL, Method.NONE, rule("V02"))


@pytest.mark.parametrize("order", list(permutations(("estimate", "suspect"))))
def test_an_estimate_stands_in_for_a_suspect_value(order: tuple[str, ...]) -> None:
    vee = running()
    for said in order:
        vee.arrive([sent({"estimate": 100, "suspect": 500}[said], said)])
    assert found(vee) == (100, Quality.ESTIMATED, Method.HEAD_END, rule("V01") | rule("V02"))


def test_an_estimate_that_cannot_be_is_suspect_as_any_value() -> None:
    vee = running()
    vee.arrive([sent(-5, "estimate")])
    assert found(vee) == (-5, Quality.SUSPECT, Method.NONE, rule("V07"))


def test_an_interval_that_the_head_end_has_estimated_is_not_estimated_again() -> None:
    vee = running()
    vee.arrive([sent(100, "estimate")])
    vee.tick(NOON + 3600)
    assert found(vee) == OFFERED
    # What follows it may be carried on from it, as from any other estimate.
    assert vee.final[POINT, NOON].energy[0] == 100
    assert vee.final[POINT, NOON].method == Method.CARRIED


def day(estimate: int, closing: int | None) -> Vee:
    """A closed day of 47 half hours of 100 Wh and one estimate, with registers or without."""
    vee = running()
    rows = [sent(100, "", MIDNIGHT + 1800 * place) for place in range(1, 49) if place != 24]
    vee.tick(MIDNIGHT + DAY - 1, DAY)
    vee.arrive([register(0, MIDNIGHT, 1000), *rows, sent(estimate, "estimate")])
    if closing is not None:
        vee.arrive([register(0, MIDNIGHT + DAY, closing)])
    vee.tick(MIDNIGHT + DAY)
    return vee


@pytest.mark.parametrize(
    ("estimate", "closing", "energy", "method"),
    [
        (250, None, 250, Method.HEAD_END),
        (250, 1000 + 4700 + 250, 250, Method.HEAD_END),
        (250, 1000 + 4700 + 180, 180, Method.SCALED),
        (0, 1000 + 4700, 0, Method.HEAD_END),
        (0, 1000 + 4700 + 180, 180, Method.FLAT),
    ],
)
def test_a_settled_day_takes_the_estimate_as_far_as_the_registers_allow(
    estimate: int, closing: int | None, energy: int, method: Method
) -> None:
    vee = day(estimate, closing)
    assert found(vee) == (energy, Quality.ESTIMATED, method, rule("V01"))
    settled = vee.days[POINT, FIRST]
    assert (settled.actual[0], settled.estimated[0], settled.counts) == (4700, energy, [47, 1, 0, 0])
    assert settled.unexplained[0] == 0


def test_a_late_value_of_the_meter_settles_the_day_again() -> None:
    vee = day(250, 1000 + 4700 + 180)
    vee.arrive([sent(180)])
    vee.tick(MIDNIGHT + DAY + 1800)
    assert found(vee) == (180, Quality.ACTUAL, Method.NONE, 0)
    assert vee.days[POINT, FIRST].counts == [48, 0, 0, 0]


@pytest.mark.parametrize("said", ["estimate", "edit", "suspect"])
def test_a_register_that_is_not_actual_settles_no_day(said: str) -> None:
    vee = day(250, None)
    vee.arrive([Row(0, False, MIDNIGHT + DAY, (9000, 9000, 0, 0), said)])
    vee.tick(MIDNIGHT + DAY + 1800)
    assert vee.rejects == {"REGISTER_NOT_ACTUAL": 1}
    assert found(vee)[0] == 250
    assert vee.days[POINT, FIRST].registers & 2 == 0
