"""Edits, withdrawals, discards and outages among rows: against the oracle, in any order, and undone."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders_vee import MIDNIGHT, Vee, config_of, documents_of
from tests.oracles.settlement_oracle import Published
from tests.oracles.statements_oracle import DISCARD, EDIT, OUTAGE, WITHDRAW, Said, state
from tests.oracles.vee_oracle import DAY, Oracle, Row
from tests.property.test_vee import Faults, Story, comparable, configs, groups, same, stories, tell

Step = tuple[list[Row], list[Said], tuple[int, int]]


def interval_of(story: Story, rng: random.Random, latest: int) -> tuple[int, int, int]:
    """(point, begin, length) of some interval that ends by `latest`, of the grid of one of the point's meters."""
    link = rng.choice(story.links)
    first = max(MIDNIGHT, latest - (story.config.hot_days - 1) * DAY)
    count = max((latest - first) // link.interval, 1)
    start = first + rng.randrange(count) * link.interval
    return link.point, start - (start + 19_800) % link.interval, link.interval


def said_at(story: Story, rng: random.Random, time: int, number: int) -> list[Said]:
    """Statements that are made at a log time; now and then about what cannot be."""
    point, start, secs = interval_of(story, rng, time)
    kind = rng.choice((EDIT, EDIT, DISCARD, WITHDRAW, OUTAGE))
    if kind == OUTAGE:
        odd = 50 * rng.randrange(-20, 20)
        return [Said(OUTAGE, point, start + odd, rng.choice((0, 50 * rng.randrange(1, 500), 3 * 1800)), number)]
    wh = rng.choice((rng.randrange(3000), rng.randrange(3000), 70_000, 0, 2**31 - 1))
    energy = (wh, wh + rng.randrange(9), rng.choice((0, 0, wh // 2)), 0)
    said = Said(kind, point, start, secs, number, energy, rng.choice((15, 15, 3, 1)))
    if rng.randrange(20) == 0:
        said = replace(said, start=said.start + 60)
    if rng.randrange(30) == 0:
        said = replace(said, energy=(-1, 0, 0, 0))
    run = rng.choice((1, 1, 1, 6, 48))
    return [replace(said, start=said.start + place * secs) for place in range(run)]


def steps_of(story: Story, seed: int, chance: int) -> list[Step]:
    """The story with statements before some of its ticks, each under a number of its own, some of them late."""
    rng, steps, time, number = random.Random(seed), [], story.steps[0][1][0], 0
    kept: list[Said] = []
    for rows, tick in story.steps:
        made: list[Said] = []
        if time > MIDNIGHT and rng.randrange(100) < chance:
            number += 1
            made = said_at(story, rng, time, number)
            kept += made
        made += [rng.choice(kept) for _ in range(rng.randrange(3)) if kept]  # once more
        rng.shuffle(made)
        steps.append((rows, made, tick))
        time = tick[0]
    return steps


def play(story: Story, steps: list[Step]) -> Vee:
    """The step's way through rows and statements."""
    vee = Vee(story.links, config_of(story.config), documents=documents_of(story.config))
    for rows, said, (time, lateness) in steps:
        vee.state(said, rows)
        vee.tick(time, lateness)
    return vee


def of_closed_days(final: dict[tuple[int, int], Published], oracle: Oracle) -> dict[tuple[int, int], Published]:
    """Readings of the days that had been closed."""
    closed = (oracle.closed + 19_800) // DAY
    return {key: one for key, one in final.items() if (key[1] + 19_800) // DAY < closed}


@settings(max_examples=30, deadline=None)
@given(stories, st.integers(0, 2**32), st.sampled_from([5, 30]))
def test_the_step_publishes_what_the_oracle_publishes(story: Story, seed: int, chance: int) -> None:
    steps, oracle = steps_of(story, seed, chance), Oracle(story.links, story.config)
    refused = 0
    for rows, said, (time, lateness) in steps:
        for row in rows:
            oracle.arrive(row)
        for one in said:
            refused += state(oracle, one) >= 60
        oracle.tick(time, lateness)
    vee = play(story, steps)
    # Of a day that is not closed the oracle tells nothing: what is published there is for now.
    same(of_closed_days(vee.final, oracle), of_closed_days(oracle.final, oracle), errors=False)
    assert vee.days == oracle.days
    assert sum(count for code, count in vee.rejects.items() if code.startswith("STATEMENT_")) == refused


# ------------------------------------------------------------------------------------------------- order, undo

orderly = st.builds(
    Faults, missing=st.sampled_from([0, 10, 50]), late=st.just(0), again=st.sampled_from([0, 20]),
    conflict=st.sampled_from([0, 5]), spike=st.sampled_from([0, 5]), negative=st.sampled_from([0, 5]),
    lost_register=st.sampled_from([0, 30]), wrong_register=st.sampled_from([0, 30]), off_grid=st.just(0),
    offered=st.sampled_from([0, 5]), doubted=st.sampled_from([0, 5]), cut=st.sampled_from([0, 5]),
)  # fmt: skip
days = st.builds(
    tell, seed=st.integers(0, 2**32), days=st.integers(1, 2), every=st.sampled_from([10_800]),
    lateness=st.sampled_from([0, 3600]), points=st.integers(1, 2), config=configs, faults=orderly,
)  # fmt: skip


def window(story: Story) -> Story:
    """The story in a window that holds all of it."""
    return Story(story.links, replace(story.config, hot_days=6), story.steps)


def anyhow(steps: list[Step], seed: int) -> list[Step]:
    """The same rows and statements, some twice, in any order behind the ticks at which they came; then the ticks."""
    rng = random.Random(seed)
    frames = [frame for rows, _, _ in steps for frame in groups(rows)]
    said = [one for _, made, _ in steps for one in made]
    ticks = [tick for _, _, tick in steps]
    mixed: list[Step] = [([], [], tick) for tick in ticks]
    last = ticks[-1]
    tail: list[Step] = [([], [], last) for _ in range(4)]
    for frame in frames + [rng.choice(frames) for _ in range(5) if frames]:
        rng.choice(tail)[0].extend(frame)
    for one in said + [rng.choice(said) for _ in range(5) if said]:
        rng.choice(tail)[1].append(one)
    for _, made, _ in tail:
        rng.shuffle(made)
    return mixed + tail + [([], [], last)]


def final(vee: Vee, steps: list[Step]) -> dict[tuple[int, int], Published]:
    """Readings of the days that the last tick has closed, without what only a frame's own reading tells."""
    time, lateness = steps[-1][2]
    closed = (time - lateness + 19_800) // DAY
    return {key: comparable(one, one) for key, one in vee.final.items() if (key[1] + 19_800) // DAY < closed}


@settings(max_examples=20, deadline=None)
@given(days, st.integers(0, 2**32), st.integers(0, 2**32), st.integers(0, 2**32))
def test_no_order_and_no_copy_leaves_a_trace(story: Story, seed: int, one: int, other: int) -> None:
    story = window(story)
    steps = steps_of(story, seed, 60)
    first, second = (play(story, anyhow(steps, way)) for way in (one, other))
    assert final(first, steps) == final(second, steps)
    assert first.days == second.days


@settings(max_examples=20, deadline=None)
@given(days, st.integers(0, 2**32))
def test_what_is_undone_leaves_no_trace(story: Story, seed: int) -> None:
    story = window(story)
    steps = steps_of(story, seed, 60)
    never = play(story, [(rows, [], tick) for rows, _, tick in steps] + [([], [], steps[-1][2])])
    made = [one for _, said, _ in steps for one in said]
    lengths = {(one.kind == OUTAGE, one.point, one.start, 0 if one.kind == OUTAGE else one.secs) for one in made}
    undone = [
        Said(OUTAGE if outage else WITHDRAW, point, start, secs, 1000 + place)
        for place, (outage, point, start, secs) in enumerate(sorted(lengths))
    ]
    vee = play(story, [*steps, ([], undone, steps[-1][2])])
    assert final(vee, steps) == final(never, steps)
    assert vee.days == never.days
