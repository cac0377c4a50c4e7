"""Rows that come when their days have long left the window end, through the lane, as if they had been in time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.cold.answer import judge
from agents.vee.config import VeeConfig
from pipeline.codes import Method
from pipeline.columns import Array
from pipeline.statement_frames import Statement
from tests.builders_cold import asked_of, history_of, requested, stated, told
from tests.builders_vee import MIDNIGHT, POINTS, Vee, references
from tests.oracles.settlement_oracle import Published
from tests.oracles.statements_oracle import Said
from tests.oracles.vee_oracle import DAY, OFFSET, V01, Link, Row

CONFIG = VeeConfig(cold_days=40)
DAYS, LATER = 6, 4
"""Days of which some rows are late, and days behind them until those come."""
SLOTS = 48


def links(numerator: int, denominator: int) -> list[Link]:
    return [
        Link(
            device=901, point=POINTS[0], start=MIDNIGHT - DAY, until=2**40, numerator=numerator, denominator=denominator
        )
    ]


def rows_of(seed: int, missing: float, late: float) -> tuple[list[list[Row]], list[Row]]:
    """(rows by the day they come on, rows that come in the end) of a meter whose registers are the sum of all."""
    chance = np.random.default_rng(seed)
    wh = chance.integers(40, 900, (DAYS + LATER, SLOTS))
    wh[chance.random(wh.shape) < 0.02] = 9_000
    by_day: list[list[Row]] = [[] for _ in range(DAYS + LATER + 1)]
    kept: list[Row] = []
    register = 5_000
    for day in range(DAYS + LATER):
        begin = MIDNIGHT + day * DAY
        found = [Row(0, True, begin + (slot + 1) * 1800, (int(wh[day, slot]),) * 2 + (0, 0)) for slot in range(SLOTS)]
        register += int(wh[day].sum())
        found.append(Row(0, False, begin + DAY, (register, register, 0, 0)))
        for row in found:
            draw = chance.random()
            if draw < missing:
                continue
            if day < DAYS and draw < missing + late:
                kept.append(row)
            else:
                by_day[day].append(row)
    return by_day, kept


def played(known: list[Link], by_day: list[list[Row]]) -> Vee:
    vee = Vee(known, CONFIG)
    vee.tick(MIDNIGHT)
    for day, rows in enumerate(by_day):
        vee.tick(MIDNIGHT + (day + 1) * DAY, 3600)
        if rows:
            vee.arrive(rows)
        vee.tick(MIDNIGHT + (day + 1) * DAY + 7200, 3600)
    return vee


def answered(vee: Vee, known: list[Link], first: int = 0, most: int | None = None) -> list[Any]:
    """Judge the requests from `first` on and answer them; returns the frames."""
    records = list(enumerate(vee.requests))[first:][:most]
    places = [place for place, _ in records]
    made: list[Any] = []
    while True:
        rows = [row for place, record in enumerate(vee.requests[: places[-1] + 1]) for row in requested(place, record)]
        said = [row for place, record in enumerate(vee.requests[: places[-1] + 1]) for row in told(place, record)]
        history = history_of(vee.batches, rows, MIDNIGHT, said)
        new: Array = np.isin(history.requests["offset"], places)
        new_said: Array = np.isin(history.said["offset"], places)
        asked = [asked_of(place, record, OFFSET) for place, record in records]
        judged = judge(CONFIG, references(known), history, asked, new, new_said)
        for frame in judged.frames:
            vee.decoded(stated(frame))
        made += judged.frames
        if not judged.again:
            return made


def _told_alike(one: Published) -> Published:
    edited = one.method == Method.MANUAL
    return replace(one, expected=0, rules=one.rules & ~V01 if edited else one.rules)


def same(found: Vee, wanted: Vee) -> None:
    """All closed days, to the watt-hour and to the method. Of what an answer scales, the shape that was scaled is not
    known, and so is its expected error. A meter's value below an edit was never published, so that the lane cannot tell
    whether the edited interval had come (V01)."""
    closed = MIDNIGHT + (DAYS + LATER - 2) * DAY
    ours, theirs = (
        {key: _told_alike(one) for key, one in vee.final.items() if key[1] < closed} for vee in (found, wanted)
    )
    assert ours.keys() == theirs.keys()
    assert {key: (ours[key], one) for key, one in theirs.items() if ours[key] != one} == {}
    days = {key: one for key, one in wanted.days.items() if key[1] * DAY - OFFSET < closed}
    assert {key: (found.days[key], one) for key, one in days.items() if found.days[key] != one} == {}


@settings(deadline=None, max_examples=12)
@given(
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.03, 0.3]),
    st.sampled_from([0.02, 0.3, 0.9]),
    st.sampled_from([(1, 1), (40, 1), (15, 2)]),
)
def test_late_rows_end_as_if_in_time(seed: int, missing: float, late: float, factor: tuple[int, int]) -> None:
    known = links(*factor)
    by_day, kept = rows_of(seed, missing, late)
    if not kept:
        return
    punctual = [list(rows) for rows in by_day]
    for row in kept:
        punctual[(row.time - 1 - MIDNIGHT) // DAY].append(row)
    wanted, found = played(known, punctual), played(known, by_day)
    before = dict(found.final)
    found.arrive(kept)
    assert found.final == before
    assert found.rejects["TOO_OLD"] == 0
    answered(found, known)
    same(found, wanted)
    # Asked again, or answered again, nothing changes.
    count = len(found.batches)
    assert answered(found, known) == []
    assert len(found.batches) == count


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 2**32), st.integers(1, 60))
def test_two_late_parts_of_the_same_days_may_come_in_any_order(seed: int, cut: int) -> None:
    known = links(1, 1)
    by_day, kept = rows_of(seed, 0.03, 0.4)
    ends = []
    for parts in ((kept[:cut], kept[cut:]), (kept[cut:], kept[:cut])):
        vee = played(known, by_day)
        for part in parts:
            first = len(vee.requests)
            vee.arrive(part)
            answered(vee, known, first)
        ends.append(vee)
    same(*ends)


@pytest.mark.parametrize("export", [0, 70])
def test_a_late_row_of_a_day_whose_register_is_carried_leaves_the_days_behind_it_their_own(export: int) -> None:
    known = links(1, 1)

    def rows(day: int) -> list[Row]:
        begin = MIDNIGHT + day * DAY
        found = []
        for place in range(1, SLOTS + 1):
            wh = 300 + 37 * place % 100
            found.append(Row(0, True, begin + place * 1800, (wh, wh, export, 0)))
        moved = (sum(one.energy[0] for one in found) * DAYS, SLOTS * export * DAYS)
        if day == 0:  # of the midnights between no register comes
            found.append(Row(0, False, MIDNIGHT, (1000, 1000, 0, 0)))
        if day == DAYS - 1:
            found.append(Row(0, False, begin + DAY, (1000 + moved[0], 1000 + moved[0], moved[1], 0)))
        return found

    by_day = [rows(day) for day in range(DAYS)]
    gone = 10
    late = by_day[0].pop(gone)
    found = played(known, by_day[:-1])
    before = found.final[POINTS[0], late.time - 1800].energy[0]
    assert before != late.energy[0]
    found.arrive([late])
    answered(found, known)
    assert found.final[POINTS[0], late.time - 1800].energy[0] == late.energy[0]
    closed = MIDNIGHT + DAYS * DAY
    found.tick(closed, 3600)
    found.arrive(by_day[-1])
    found.tick(closed + 7200, 3600)
    wanted = played(known, [rows(day) for day in range(DAYS)])
    assert found.days[POINTS[0], (closed + OFFSET) // DAY - 1].registers & 2
    ours, theirs = ({key: one for key, one in vee.final.items() if key[1] < closed} for vee in (found, wanted))
    assert {key: (ours[key], one) for key, one in theirs.items() if ours[key] != one} == {}


def test_an_answer_that_is_sent_twice_is_taken_once() -> None:
    known = links(1, 1)
    by_day, kept = rows_of(5, 0.0, 0.3)
    vee = played(known, by_day)
    vee.arrive(kept)
    frames = answered(vee, known)
    assert len(frames) >= DAYS
    final = dict(vee.final)
    for frame in frames:
        vee.decoded(stated(frame))
    assert vee.final == final


def sayings(chance: np.random.Generator, count: int) -> list[Said]:
    """What is said of intervals of the first days, in the order of numbers; often of one that was spoken of before."""
    made: list[Said] = []
    for number in range(1, count + 1):
        again = made and chance.random() < 0.4
        start = made[-1].start if again else MIDNIGHT + int(chance.integers(0, DAYS * SLOTS)) * 1800
        kind = int(chance.choice([Statement.EDIT, Statement.EDIT, Statement.WITHDRAW, Statement.DISCARD]))
        present = int(chance.choice([1, 3, 15])) if kind == Statement.EDIT else 0
        energy = tuple(int(chance.integers(0, 900)) if present >> bit & 1 else 0 for bit in range(4))
        made.append(Said(kind, POINTS[0], start, 1800, number, energy, present))
    return made


def told_in_time(known: list[Link], by_day: list[list[Row]], said: list[Said]) -> Vee:
    """As `played`, and what is said of a day comes with its rows."""
    vee = Vee(known, CONFIG)
    vee.tick(MIDNIGHT)
    for day, rows in enumerate(by_day):
        vee.tick(MIDNIGHT + (day + 1) * DAY, 3600)
        if rows:
            vee.arrive(rows)
        for one in said:
            if (one.start - MIDNIGHT) // DAY == day:
                vee.state([one])
        vee.tick(MIDNIGHT + (day + 1) * DAY + 7200, 3600)
    return vee


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.1]), st.sampled_from([0.0, 0.1]), st.integers(1, 8))
def test_what_is_said_late_ends_as_if_it_were_said_in_time(seed: int, missing: float, late: float, count: int) -> None:
    chance, known = np.random.default_rng(seed), links(1, 1)
    by_day, kept = rows_of(seed, missing, late)
    punctual = [list(rows) for rows in by_day]
    for row in kept:
        punctual[(row.time - 1 - MIDNIGHT) // DAY].append(row)
    said = sayings(chance, count)
    # Of an interval the first statements are in time, and the others late.
    since = {one.start: int(chance.integers(0, count + 2)) for one in said}
    hot = [one for one in said if one.number < since[one.start]]
    cold = [one for one in said if one.number >= since[one.start]]
    wanted, found = told_in_time(known, punctual, said), told_in_time(known, by_day, hot)
    if kept:
        found.arrive(kept)
    for place in chance.permutation(len(cold)).tolist():
        found.state([cold[place]])
        if chance.random() < 0.5:
            answered(found, known)
    if found.requests:
        answered(found, known)
        assert answered(found, known) == []
    assert found.rejects["TOO_OLD"] == 0
    same(found, wanted)
