"""A cut-off makes days final earlier and changes nothing else, whatever the order of frames."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders_vee import Vee, config_of
from tests.oracles.vee_oracle import DAY
from tests.property.test_vee import Step, Story, arrivals, configs, orderly, tell

FINAL = 1
cut_offs = st.sampled_from([1, 1800, 21_600, 40_000, DAY])


def play(story: Story, steps: Sequence[Step], final_after_secs: int) -> Vee:
    """The step's way through a story with a cut-off; a final day never becomes provisional."""
    vee = Vee(story.links, config_of(story.config).model_copy(update={"final_after_secs": final_after_secs}))
    final: set[tuple[int, int]] = set()
    for rows, (time, lateness) in steps:
        if rows:
            vee.arrive(rows)
        vee.tick(time, lateness)
        now = {key for key, day in vee.days.items() if day.state == FINAL}
        assert final <= now
        final = now
        for _, number in vee.days.keys() - final:
            assert not final_after_secs or time < (number + 1) * DAY - 19_800 + final_after_secs
    return vee


@settings(max_examples=10, deadline=None)
@given(
    st.builds(
        tell, seed=st.integers(0, 2**32), days=st.integers(1, 5), every=st.sampled_from([1800, 10_800, 43_200]),
        lateness=st.sampled_from([0, 3600, 30_000]), points=st.integers(1, 2), config=configs, faults=orderly,
    ),
    cut_offs, st.integers(0, 2**32),
)  # fmt: skip
def test_a_cut_off_changes_nothing_but_when_a_day_is_final(story: Story, cut_off: int, order: int) -> None:
    usual, early = play(story, story.steps, 0), play(story, story.steps, cut_off)
    assert early.final == usual.final
    assert {key: replace(day, state=0) for key, day in early.days.items()} == {
        key: replace(day, state=0) for key, day in usual.days.items()
    }
    one, other = (play(story, arrivals(story, random.Random(order + seed)), cut_off) for seed in range(2))
    settled = one.days.keys() & other.days.keys()
    assert {key: one.days[key] for key in settled} == {key: other.days[key] for key in settled}
