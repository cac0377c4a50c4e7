"""What rules in shadow and people did to an interval behind the window is told of it as in the window."""

from __future__ import annotations

import pytest

from agents.cold.answer import judge
from agents.vee.config import VeeConfig
from pipeline.codes import RULE_BIT, Flag, Quality
from tests.builders_cold import asked_of, history_of, requested, stated, told
from tests.builders_vee import MIDNIGHT, POINTS, Vee, blocks, references
from tests.oracles.statements_oracle import DISCARD, WITHDRAW, Said
from tests.oracles.vee_oracle import DAY, OFFSET, Link, Row

POINT, CONFIG = POINTS[0], VeeConfig(cold_days=40)
LINKS = [Link(device=901, point=POINT, start=MIDNIGHT - DAY, until=2**40)]
LATE = MIDNIGHT + 10 * 1800
"""Begin of the interval that is spoken of."""
V37 = 1 << RULE_BIT["V37"]


def world(document: bytes = b"", *, missing: bool = False) -> Vee:
    """Seven days of a meter; missing: an interval of the first has not come."""
    vee = Vee(LINKS, CONFIG, documents={"rules/x.yaml": document} if document else {})
    vee.tick(MIDNIGHT)
    for day in range(7):
        begin = MIDNIGHT + day * DAY
        rows = blocks(0, begin, [300 + place for place in range(48)])
        vee.tick(begin + DAY, 3600)
        vee.arrive([row for row in rows if not (missing and row.time == LATE + 1800)])
        vee.tick(begin + DAY + 7200, 3600)
    return vee


def answered(vee: Vee) -> None:
    """Judge the last request, and take the answers."""
    last = len(vee.requests) - 1
    records = list(enumerate(vee.requests))
    history = history_of(
        vee.batches, [row for one in records for row in requested(*one)], MIDNIGHT,
        [said for one in records for said in told(*one)],
    )  # fmt: skip
    judged = judge(
        CONFIG, references(LINKS, vee.documents), history, [asked_of(last, vee.requests[last], OFFSET)],
        history.requests["offset"] == last, history.said["offset"] == last,
    )  # fmt: skip
    assert judged.frames
    for frame in judged.frames:
        vee.decoded(stated(frame))


def reading(vee: Vee) -> tuple[int, int, int]:
    """(quality, rules, flags of rules and people) of the interval."""
    one = vee.final[POINT, LATE]
    return one.quality[0], one.rules, vee.flags_of(POINT)[LATE] & (Flag.SHADOW | Flag.DISCARDED)


@pytest.mark.parametrize(
    ("run", "found"),
    [
        ("shadow", (Quality.ACTUAL, V37, Flag.SHADOW)),
        ("off", (Quality.ACTUAL, 0, 0)),
        ("on", (Quality.ESTIMATED, V37, 0)),
    ],
)
def test_a_rule_in_shadow_is_so_of_a_row_that_comes_behind_the_window(run: str, found: tuple[int, int, int]) -> None:
    row = Row(0, True, LATE + 1800, (310, 310, 0, 0), "suspect")
    document = f"rules: {{V37: {run}}}".encode()
    late = world(document, missing=True)
    late.arrive([row])
    answered(late)
    assert reading(late) == found
    punctual = Vee(LINKS, CONFIG, documents={"rules/x.yaml": document})
    punctual.tick(MIDNIGHT)
    punctual.tick(MIDNIGHT + DAY, 3600)
    punctual.arrive([row, *blocks(0, MIDNIGHT, [300] * 10), *blocks(0, LATE + 1800, [300] * 37)])
    punctual.tick(MIDNIGHT + DAY + 7200, 3600)
    assert reading(punctual) == found


def test_what_is_discarded_behind_the_window_says_so_until_that_is_taken_back() -> None:
    vee = world()
    assert reading(vee) == (Quality.ACTUAL, 0, 0)
    vee.state([Said(DISCARD, POINT, LATE, 1800, 1)])
    answered(vee)
    assert reading(vee) == (Quality.ESTIMATED, 0, Flag.DISCARDED)
    vee.state([Said(WITHDRAW, POINT, LATE, 1800, 2)])
    answered(vee)
    assert reading(vee) == (Quality.ACTUAL, 0, 0)


@pytest.mark.parametrize("kind", ["a value that cannot be used", "a value that was good"])
def test_what_the_window_had_discarded_stays_so_when_the_day_is_judged_again(kind: str) -> None:
    vee = Vee(LINKS, CONFIG)
    vee.tick(MIDNIGHT)
    for day in range(7):
        begin = MIDNIGHT + day * DAY
        rows = blocks(0, begin, [300 + place for place in range(48)])
        if day == 0:
            rows = [row for row in rows if row.time not in (LATE + 1800, LATE + 5400)]
            energy = -310 if kind == "a value that cannot be used" else 310
            rows.append(Row(0, True, LATE + 1800, (energy, 310, 0, 0)))
        vee.tick(begin + DAY, 3600)
        vee.arrive(rows)
        if day == 0:
            vee.state([Said(DISCARD, POINT, LATE, 1800, 1)])
        vee.tick(begin + DAY + 7200, 3600)
    before = reading(vee)
    assert before[2] == Flag.DISCARDED
    vee.arrive([Row(0, True, LATE + 5400, (450, 450, 0, 0))])
    answered(vee)
    assert vee.final[POINT, LATE + 3600].energy[0] == 450
    assert reading(vee) == before
