"""The checks stage says what plain Python says of main and check meters, whatever the order, the cut and the ticks."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders_checks import FIRST_DAY, Stage
from tests.oracles.checks_oracle import Check, Main, Oracle

LATE_DAYS, PERMILLE = 4, 10
POINTS = st.integers(1, 2)
TODAY = FIRST_DAY + 5
DAYS = st.integers(FIRST_DAY, TODAY + 2)
WH = st.sampled_from([0, 500, 505, 506, 1_000, 1_010, 1_011])


@st.composite
def check(draw: st.DrawFn) -> Check:
    quarter, quarters = draw(st.sampled_from([(0, 96), (0, 96), (0, 48), (48, 48), (48, 48), (24, 24), (48, 24)]))
    return Check(draw(POINTS), draw(DAYS), quarter, quarters, draw(st.integers(1, 3)), draw(WH), draw(st.booleans())
                 or draw(st.booleans()))  # fmt: skip


@st.composite
def main(draw: st.DrawFn) -> Main:
    counts = draw(st.sampled_from([(48, 0, 0, 0), (48, 0, 0, 0), (40, 8, 0, 0), (47, 0, 0, 1), (20, 0, 0, 0)]))
    wh = draw(WH)
    return Main(
        draw(POINTS), draw(DAYS), wh, counts, draw(st.sampled_from([3, 3, 1, 11])), draw(st.sampled_from([wh, 0]))
    )


PARCEL = st.tuples(st.lists(check(), max_size=6), st.lists(main(), max_size=3), st.integers(0, 1))


@settings(max_examples=150, deadline=None)
@given(st.lists(PARCEL, max_size=14))
def test_what_is_open_is_what_all_that_came_in_time_says(parcels: list[tuple[list[Check], list[Main], int]]) -> None:
    stage, oracle = Stage(late_days=LATE_DAYS), Oracle(LATE_DAYS, PERMILLE, TODAY)
    # Both points have check meters that said something before.
    stage.take([Check(point, TODAY, 0, 1, 1, 0, False) for point in (1, 2)])
    stage.take(tick=TODAY)
    for checks, mains, ahead in parcels:
        if ahead:
            oracle.today += 1
            stage.take(tick=oracle.today)
        for one in checks:
            oracle.take_check(one)
        for settled in mains:
            oracle.take_main(settled)
        stage.take(checks, mains)
        _agree(stage, oracle)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(check(), max_size=30), st.lists(main(), max_size=8, unique_by=lambda one: (one.point, one.day)), st.data()
)
def test_any_order_of_main_and_check_ends_in_the_same(
    checks: list[Check], mains: list[Main], data: st.DataObject
) -> None:
    oracle = Oracle(LATE_DAYS, PERMILLE, TODAY)
    for one in checks:
        oracle.take_check(one)
    for settled in mains:
        oracle.take_main(settled)
    stage = Stage(late_days=LATE_DAYS)
    stage.take([Check(point, TODAY, 0, 1, 1, 0, False) for point in (1, 2)])
    stage.take(tick=TODAY)
    for item in data.draw(st.permutations([*checks, *checks[:3], *mains])):
        stage.take([item] if isinstance(item, Check) else [], [item] if isinstance(item, Main) else [])
    _agree(stage, oracle)


def _agree(stage: Stage, oracle: Oracle) -> None:
    runs = oracle.runs()
    assert {key: run for key, run in stage.latest.items() if run.open} == {
        key: run for key, run in runs.items() if run.open
    }
    assert all(stage.latest[key] == run for key, run in runs.items())
