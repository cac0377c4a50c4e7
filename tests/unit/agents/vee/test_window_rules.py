"""What rule sets make of rules of the window: suspect and in force, told, estimated, off, from a day on."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from agents.vee.kernels_window import CHANGED, REPEATS, STANDS_OUT
from pipeline.codes import RULE_BIT, Flag, Method, Quality
from pipeline.reference import FOREVER
from tests.builders_vee import MIDNIGHT, POINTS, Vee
from tests.oracles.settlement_oracle import Settled
from tests.oracles.statements_oracle import EDIT, Said
from tests.oracles.vee_oracle import DAY, OFFSET, Link, Row

POINT = POINTS[0]
LINK = Link(7, POINT, 0, FOREVER, limit=4000)
TODAY = (MIDNIGHT + OFFSET) // DAY
V09, V11, V14, V25, V37 = (1 << RULE_BIT[code] for code in ("V09", "V11", "V14", "V25", "V37"))
PLAIN = [400 + 10 * (place % 7) for place in range(48)]


def local(days: int) -> str:
    return str(date(1970, 1, 1) + timedelta(days=TODAY + days))


def with_values(values: dict[int, int], of: list[int] = PLAIN) -> list[int]:
    return [values.get(place, value) for place, value in enumerate(of)]


def played(document: str, *days: list[int]) -> Vee:
    """Days of one meter, each closed; no registers."""
    vee = Vee([LINK], documents={"rules/x.yaml": document.encode()} if document else {})
    vee.tick(MIDNIGHT)
    for day, energies in enumerate(days):
        passed(vee, energies, day)
    return vee


def passed(vee: Vee, energies: list[int], day: int = 0, said: str = "") -> None:
    """A day, interval by interval; below 0: it does not come. `said`: by the head-end, of the first."""
    for place, energy in enumerate(energies):
        begin = MIDNIGHT + day * DAY + place * 1800
        if energy >= 0:
            vee.arrive([Row(0, True, begin + 1800, (energy, energy, 0, 0), said if place == 0 else "")])
        vee.tick(begin + 1800)


def day_of(vee: Vee, day: int) -> Settled:
    return vee.days[POINT, TODAY + day]


def reading(vee: Vee, place: int, day: int = 0) -> tuple[int, int, int, int]:
    """(wh_imp, quality, method, rules) in force."""
    one = vee.final[POINT, MIDNIGHT + day * DAY + place * 1800]
    return one.energy[0], one.quality[0], one.method, one.rules


def flags(vee: Vee) -> int:
    return sum(int((batch.flags & Flag.SHADOW != 0).sum()) for batch in vee.batches)


def test_a_range_is_an_error_unless_a_rule_set_says_otherwise() -> None:
    values = with_values({20: 9000})
    assert reading(played("", values), 20)[1:3] == (Quality.ESTIMATED, Method.LINEAR)

    held = played("rules: {V09: {severity: warning}}", values)
    assert reading(held, 20) == (9000, Quality.SUSPECT, 0, V09)
    day = day_of(held, 0)
    assert (day.counts, day.suspect[0], day.estimated[0]) == ([47, 0, 0, 1], 9000, 0)
    assert day.actual[0] == sum(values) - 9000

    told = played("rules: {V09: {severity: information}, V14: off}", values)
    assert reading(told, 20) == (9000, Quality.ACTUAL, 0, V09)
    assert (day_of(told, 0).counts, flags(told)) == ([48, 0, 0, 0], 0)

    shadow = played("rules: {V09: shadow, V14: off}", values)
    assert reading(shadow, 20) == (9000, Quality.ACTUAL, 0, V09)
    assert (day_of(shadow, 0).counts, flags(shadow)) == ([48, 0, 0, 0], 1)

    off = played("rules: {V09: off, V14: off}", values)
    assert reading(off, 20) == (9000, Quality.ACTUAL, 0, 0)


def test_a_held_value_is_no_pattern_and_counts_against_the_registers() -> None:
    values = with_values({20: 9000, 30: -1})
    vee = Vee([LINK], documents={"rules/x.yaml": b"rules: {V09: {severity: warning}}"})
    vee.tick(MIDNIGHT)
    vee.arrive([Row(0, False, MIDNIGHT, (1000, 1000, 0, 0))])
    passed(vee, values)
    end = 1000 + sum(value for value in values if value > 0) + 333
    vee.arrive([Row(0, False, MIDNIGHT + DAY, (end, end, 0, 0))])
    vee.tick(MIDNIGHT + DAY + 1800)
    assert reading(vee, 20)[:2] == (9000, Quality.SUSPECT)
    assert reading(vee, 30)[:3] == (333, Quality.ESTIMATED, Method.SCALED)


def beside_an_edit(document: bytes, kind: str, *, late: bool) -> tuple[list[int], list[int]]:
    """Energies of the first interval, suspect by `kind`, of which VAh alone is edited: at once, and when it is settled.

    late: it comes when it has been edited already.
    """
    vee = Vee([LINK], documents={"rules/x.yaml": document} if document else {})
    vee.tick(MIDNIGHT)
    vee.tick(MIDNIGHT + DAY - 1, DAY)
    energy = 9000 if kind == "range" else 600
    row = Row(0, True, MIDNIGHT + 1800, (energy, energy + 50, 0, 0), "suspect" if kind == "doubted" else "")
    said = Said(EDIT, POINT, MIDNIGHT, 1800, 1, (0, 8000, 0, 0), present=2)
    if late:
        vee.state([said])
        vee.arrive([row])
    else:
        vee.arrive([row])
        vee.state([said])
    at_once = list(vee.final[POINT, MIDNIGHT].energy)
    vee.arrive([Row(0, True, MIDNIGHT + place * 1800, (400, 400, 0, 0)) for place in range(2, 49)])
    vee.tick(MIDNIGHT + DAY)
    vee.tick(MIDNIGHT + DAY + 1800)
    return at_once, list(vee.final[POINT, MIDNIGHT].energy)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(("rule", "kind", "energy"), [("V09", "range", 9000), ("V37", "doubted", 600)])
def test_an_edit_of_one_energy_leaves_the_others_of_a_held_value(
    rule: str, kind: str, energy: int, *, late: bool
) -> None:
    document = f"rules: {{{rule}: {{severity: warning}}}}".encode()
    assert beside_an_edit(document, kind, late=late) == ([energy, 8000, 0, 0],) * 2
    assert beside_an_edit(b"", kind, late=late) == ([0, 8000, 0, 0],) * 2


def test_what_a_head_end_doubts_may_stay_or_be_told() -> None:
    def sent(document: bytes) -> Vee:
        vee = Vee([LINK], documents={"rules/x.yaml": document} if document else {})
        vee.tick(MIDNIGHT)
        passed(vee, [500, *PLAIN[1:]], said="suspect")
        return vee

    assert reading(sent(b""), 0)[1] == Quality.ESTIMATED
    assert reading(sent(b"rules: {V37: {severity: warning}}"), 0) == (500, Quality.SUSPECT, 0, V37)
    assert reading(sent(b"rules: {V37: {severity: information}}"), 0) == (500, Quality.ACTUAL, 0, V37)
    assert reading(sent(b"rules: {V37: off}"), 0) == (500, Quality.ACTUAL, 0, 0)


def test_a_spike_that_is_only_told_stands_in_the_day_s_row() -> None:
    values = with_values({20: 3000})
    assert reading(played("", values), 20)[1:] == (Quality.ESTIMATED, Method.LINEAR, V14)
    for said in ("shadow", "{severity: information}"):
        vee = played(f"rules: {{V14: {said}}}", values, PLAIN)
        assert reading(vee, 20) == (3000, Quality.ACTUAL, 0, 0)
        assert (day_of(vee, 0).registers, day_of(vee, 1).registers) == (STANDS_OUT, 0)
        assert day_of(vee, 0).counts == [48, 0, 0, 0]
    off = played("rules: {V14: off}", values)
    assert (reading(off, 20)[0], day_of(off, 0).registers) == (3000, 0)


def test_an_override_holds_from_its_day_until_its_end() -> None:
    override = f"""
overrides:
  - {{service_point: {POINT}, start: {local(1)}, end: {local(2)}, reason: r, author: a, spike_ratio_percent: 5000}}
"""
    values = with_values({20: 3000})
    vee = played(override, values, values, values)
    assert [reading(vee, 20, day)[1] for day in range(3)] == [Quality.ESTIMATED, Quality.ACTUAL, Quality.ESTIMATED]


def test_repeated_values_are_judged_where_a_rule_set_asks_for_it() -> None:
    stuck = with_values(dict.fromkeys(range(10, 24), 777))
    assert reading(played("", stuck), 15) == (777, Quality.ACTUAL, 0, 0)

    vee = played("rules: {V25: on}\nlinear_secs: 86400", stuck)
    assert reading(vee, 10)[:2] == (777, Quality.ACTUAL)  # the first of them was measured
    assert [reading(vee, place)[1:] for place in (11, 23)] == [(Quality.ESTIMATED, Method.LINEAR, V25)] * 2
    assert reading(vee, 24)[1] == Quality.ACTUAL

    told = played("rules: {V25: {severity: information}}", stuck, PLAIN)
    assert reading(told, 15) == (777, Quality.ACTUAL, 0, 0)
    assert (day_of(told, 0).registers, day_of(told, 1).registers) == (REPEATS, 0)

    few = with_values(dict.fromkeys(range(10, 21), 777))
    assert day_of(played("rules: {V25: on}", few), 0).counts == [48, 0, 0, 0]


def test_a_change_is_told_where_a_rule_set_asks_for_it() -> None:
    values = with_values({20: 100, 21: 501})
    assert day_of(played("", values), 0).registers == 0
    vee = played("rules: {V21: on}", values, with_values({20: 100, 21: 400}))
    assert (day_of(vee, 0).registers, day_of(vee, 1).registers) == (CHANGED, 0)
    assert reading(vee, 21) == (501, Quality.ACTUAL, 0, 0)


def test_days_on_which_a_meter_is_tested_are_told_of_every_revision_and_change_nothing() -> None:
    said = (
        f"service_point: {POINT}, start: {local(0)}, end: {local(1)}, reason: commissioning, author: Asha, testing: 1"
    )
    vee = played(f"overrides: [{{{said}}}]", with_values({20: -1}), PLAIN)
    assert [reading(vee, place)[3] & V11 for place in (0, 20, 47)] == [V11] * 3
    assert (reading(vee, 0)[1], reading(vee, 20)[1]) == (Quality.ACTUAL, Quality.ESTIMATED)
    assert [reading(vee, place, 1)[3] & V11 for place in (0, 47)] == [0, 0], "the test is over"
    vee.arrive([Row(0, True, MIDNIGHT + 21 * 1800, (411, 411, 0, 0), "")])
    vee.tick(MIDNIGHT + 2 * DAY + 1800)
    assert reading(vee, 20) == (411, Quality.ACTUAL, 0, V11)
    off = played(f"rules: {{V11: off}}\noverrides: [{{{said}}}]", PLAIN)
    assert reading(off, 0)[3] == 0
