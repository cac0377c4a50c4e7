"""The VEE step with limits of single service points that begin in the midst, against its oracle."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders_vee import MIDNIGHT, POINTS, Vee, config_of, documents_of
from tests.oracles.vee_oracle import DAY, OFFSET, Config, Oracle
from tests.property.test_vee import Story, arrivals, comparable, configs, orderly, replace_steps, same, stories, tell

V37 = 1024
"""Where it is only told, it is with the frame's own reading alone, like V03."""
FIRST_DAY = (MIDNIGHT + OFFSET) // DAY
Own = dict[int, list[tuple[int, Config]]]
FIELDS = {
    "range_percent": "range_percent", "spike_percent": "spike_ratio_percent", "spike_floor": "spike_floor_wh",
    "linear": "linear_secs", "sum_tolerance": "sum_tolerance_wh",
}  # fmt: skip


def draw_own(rng: random.Random, config: Config) -> Own:
    """Limits of some points, from a day on and until another."""
    found: Own = {}
    for point in POINTS[:3]:
        day = FIRST_DAY + rng.randrange(-1, 3)
        while rng.random() < 0.6:
            other = replace(
                config, range_percent=rng.choice((100, 120, 400)), spike_percent=rng.choice((1, 180, 2000)),
                spike_floor=rng.choice((0, 500, 5000)), linear=rng.choice((0, 1800, 7200, 40_000)),
                sum_tolerance=rng.choice((0, 25, 500)),
            )  # fmt: skip
            end = day + rng.randrange(1, 3)
            found.setdefault(point, []).extend([(day, other), (end, config)])
            day = end
    return found


def document(own: Own, config: Config) -> bytes:
    """The same as overrides."""
    lines = ["overrides:"]
    for point, parts in own.items():
        for (day, limits), (end, _) in zip(parts[::2], parts[1::2], strict=True):
            start, until = (date(1970, 1, 1) + timedelta(one) for one in (day, end))
            said = "".join(f", {name}: {getattr(limits, field)}" for field, name in FIELDS.items())
            lines.append(f"  - {{service_point: {point}, start: {start}, end: {until}, reason: r, author: a{said}}}")
    return "\n".join(lines).encode()


def play(story: Story, documents: dict[str, bytes]) -> Vee:
    documents = {**documents_of(story.config), **documents}
    vee = Vee(story.links, config_of(story.config), documents=documents)
    for rows, (time, lateness) in story.steps:
        if rows:
            vee.arrive(rows)
        vee.tick(time, lateness)
    return vee


@settings(max_examples=60, deadline=None)
@given(stories, st.integers(0, 2**32))
def test_points_with_limits_of_their_own_are_as_the_oracle_says(story: Story, seed: int) -> None:
    own = draw_own(random.Random(seed), story.config)
    oracle = Oracle(story.links, story.config, own=own)
    for rows, (time, lateness) in story.steps:
        for row in rows:
            oracle.arrive(row)
        oracle.tick(time, lateness)
    vee = play(story, {"rules/own.yaml": document(own, story.config)} if own else {})
    same(vee.final, oracle.final)
    assert vee.days == oracle.days


@settings(max_examples=15, deadline=None)
@given(stories)
def test_a_document_that_says_what_holds_anyway_leaves_the_same_bytes(story: Story) -> None:
    """By the row of its own that every link has then, and not by the topology's."""
    plain, held = play(story, {}), play(story, {"rules/x.yaml": b"valid_from: 2000-01-01\nchange_floor_wh: 1\n"})
    assert len(plain.batches) == len(held.batches)
    for one, other in zip(plain.batches, held.batches, strict=True):
        for column in one.COLUMNS:
            assert getattr(one, column.name).tobytes() == getattr(other, column.name).tobytes(), column.name


punctual = orderly.map(lambda faults: replace(faults, off_grid=0))
"""A stamp that was moved (V03) is told with its own reading, and a shadow is not told beside it."""

SEVERITIES = st.sampled_from([
    b"rules: {V14: {severity: information}, V21: on, V09: {severity: warning}, V37: {severity: warning}}\n",
    b"rules: {V25: on}\nstuck_intervals: 2\nstuck_floor_wh: 0\n",
    b"rules: {V25: shadow, V14: off, V09: shadow, V37: shadow, V02: shadow}\nstuck_intervals: 2\nstuck_floor_wh: 0\n",
])  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(
    st.builds(
        tell, seed=st.integers(0, 2**32), days=st.integers(1, 3), every=st.just(10_800),
        lateness=st.sampled_from([0, 3600]), points=st.integers(1, 2), config=configs, faults=punctual,
    ),
    st.integers(0, 2**32),
    SEVERITIES,
)  # fmt: skip
def test_the_order_of_frames_leaves_no_trace_in_what_is_held_and_told(story: Story, seed: int, rules: bytes) -> None:
    ways = [
        play(replace_steps(story, arrivals(story, random.Random(seed + one))), {"rules/x.yaml": rules})
        for one in range(2)
    ]
    closed = (story.steps[-1][1][0] - story.steps[-1][1][1] + OFFSET) // DAY
    first, second = (
        {key: comparable(one, one) for key, one in vee.final.items() if (key[1] + OFFSET) // DAY < closed}
        for vee in ways
    )
    assert {key: replace(one, rules=one.rules & ~V37) for key, one in first.items()} == {
        key: replace(one, rules=one.rules & ~V37) for key, one in second.items()
    }
    assert ways[0].days == ways[1].days
