"""What is said of one interval, beside that interval: other points, rule sets, estimates of intervals behind it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.codes import RULE_BIT, Flag, Method, Quality
from pipeline.reference import FOREVER
from tests.builders_vee import MIDNIGHT, POINTS, Vee, blocks
from tests.oracles.statements_oracle import DISCARD, EDIT, OUTAGE, WITHDRAW, Said
from tests.oracles.vee_oracle import DAY, Link
from tests.unit.agents.vee.test_statements import MANUAL, METER, NEXT, NOON, POINT, edit, found, of, place, running

V01, V02, V14 = (1 << RULE_BIT[code] for code in ("V01", "V02", "V14"))


@pytest.mark.parametrize("said", [0, 1])
def test_what_is_said_of_a_point_is_not_told_of_another(said: int) -> None:
    links = [Link(1007 + place, point, 0, FOREVER) for place, point in enumerate(POINTS[:2])]
    vee = Vee(links)
    vee.tick(MIDNIGHT)
    vee.tick(NEXT - 1, DAY)
    energies = [100] * 48
    energies[20] = 5000
    plain = 1 - said
    rows = [row for link in (0, 1) for row in blocks(link, MIDNIGHT, energies) if (link, row.time) != (plain, place(6))]
    vee.arrive(rows)
    vee.state([replace(of(DISCARD, 0, 1), point=POINTS[said])])
    vee.tick(NEXT)
    assert vee.flags_of(POINTS[said])[MIDNIGHT] == Flag.DISCARDED
    assert set(vee.flags_of(POINTS[plain]).values()) == {0}
    readings = [vee.final[POINTS[plain], place(number)] for number in (5, 20)]
    assert [(one.rules, Method(one.method)) for one in readings] == [(V01, Method.LINEAR), (V14, Method.LINEAR)]


@pytest.mark.parametrize(("run", "flags", "rules"), [("on", 0, V02), ("off", 0, 0), ("shadow", Flag.SHADOW, V02)])
def test_rule_sets_hold_for_what_a_statement_publishes(run: str, flags: int, rules: int) -> None:
    vee = Vee([METER], documents={"rules/x.yaml": f"rules: {{V02: {run}}}".encode()})
    vee.tick(MIDNIGHT)
    vee.tick(NOON, DAY // 2)
    vee.arrive(blocks(0, place(3), [100]))
    vee.arrive(blocks(0, place(3), [99]))
    vee.state([edit(3, 70)])
    assert found(vee, 3) == MANUAL
    assert (vee.final[POINT, place(3)].rules, vee.batches[-1].flags.tolist()) == (rules, [flags])


# ------------------------------------------------------------------------------------------- no pattern


@pytest.mark.parametrize(
    ("said", "at", "expected"),
    [
        ([edit(23, 7000)], 24, 100),
        ([of(DISCARD, 23, 1)], 24, 100),
        ([Said(OUTAGE, POINT, place(24), 4 * 1800, 1)], 28, 9000),
        ([Said(OUTAGE, POINT, place(23) + 60, 60, 1)], 24, 100),
        ([edit(number, 7000) for number in range(24)], 24, 0),  # nothing is left to be carried on
    ],
)
def test_an_estimate_for_now_is_not_carried_on_from_what_is_said(said: list[Said], at: int, expected: int) -> None:
    vee = running(missing=(23,))
    vee.arrive(blocks(0, place(23), [9000]))  # nobody has measured that at any other time
    vee.state(said)
    vee.tick(place(at + 1))
    quality = Quality.ESTIMATED if expected else Quality.MISSING
    assert found(vee, at)[:2] == (expected, quality)


@pytest.mark.parametrize("kind", [EDIT, DISCARD, OUTAGE, WITHDRAW])
def test_an_estimate_for_now_has_no_like_day_of_which_something_is_said(kind: int) -> None:
    vee = running(energy=300)
    vee.state([Said(kind, POINT, place(3), 1800, 1, (9, 9, 0, 0))])
    vee.tick(place(48 + 3), 0)
    vee.tick(place(48 + 4), 0)
    method = Method.LIKE_DAY if kind == WITHDRAW else Method.CARRIED
    assert found(vee, 48 + 3) == (300, Quality.ESTIMATED, method)
