"""The billing-readiness gate: what waits, what blocks, who holds whom back, and when there is a new revision."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agents.readiness.config import ReadinessConfig
from agents.readiness.judge import BLOCKED, READY, WAITING, Cycle, Figures, judge, revised
from schemas.readiness import READINESS_REASON

HOUR, DAY = 3_600, 86_400
START = 1_767_205_800
CYCLE = Cycle(START, START + 31 * DAY, 31)
WHOLE = Figures(
    account=1, service_point=7, revision=5, final=True, tariff="domestic", paise=10_000, expected=1_488,
    days_settled=31, days_final=31,
)  # fmt: skip
CONFIG = ReadinessConfig()


def codes(figures: Figures, at: int, config: ReadinessConfig = CONFIG) -> tuple[str, int | None, list[str]]:
    (one,) = judge(config, CYCLE, [figures], at)
    return one.state, one.record(1, at)["expected_at"], [reason.code for reason in one.reasons]


def test_what_is_whole_is_ready_as_soon_as_the_cycle_ends_and_not_before() -> None:
    assert codes(WHOLE, CYCLE.end) == (READY, None, [])
    assert codes(WHOLE, CYCLE.end - 1) == (WAITING, CYCLE.end, ["CYCLE_OPEN"])


def test_late_readings_are_waited_for_only_where_some_are_lacking_and_only_so_long() -> None:
    late = replace(WHOLE, estimated=300)
    waited = CYCLE.end + 72 * HOUR
    assert codes(late, waited - 1) == (WAITING, waited, ["LATE_DATA", "ESTIMATED_SHARE"])
    assert codes(late, waited) == (BLOCKED, None, ["ESTIMATED_SHARE"])
    assert codes(replace(WHOLE, estimated=148), waited) == (READY, None, []), "99.5 of 1000 are allowed"
    assert codes(replace(WHOLE, estimated=149), waited)[0] == BLOCKED, "100.1 of 1000 are not"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"days_settled": 30, "days_final": 30}, "DAYS_NOT_SETTLED"),
        ({"missing": 1}, "INTERVALS_MISSING"),
        ({"registers_missing": 1}, "REGISTERS_MISSING"),
        ({"revision": None, "final": False, "tariff": None, "paise": None}, "NO_DETERMINANT"),
    ],
)
def test_what_late_readings_may_mend_blocks_only_after_the_wait(change: dict[str, int], code: str) -> None:
    lacking = replace(WHOLE, **change)
    waited = CYCLE.end + 72 * HOUR
    assert codes(lacking, waited) == (BLOCKED, None, [code])
    assert codes(lacking, waited - 1)[:2] == (WAITING, waited)
    assert code in codes(lacking, waited - 1)[2]


def test_what_can_still_change_is_expected_when_its_window_closes_and_blocks_after_it() -> None:
    moving = replace(WHOLE, days_final=29, final=False)
    closed = CYCLE.end + 120 * HOUR
    assert codes(moving, closed - 1) == (WAITING, closed, ["DAYS_NOT_FINAL", "NOT_CLOSED"])
    assert codes(moving, closed)[0] == BLOCKED


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"tariff": None}, "NO_TARIFF"),
        ({"paise": None}, "NO_TARIFF"),
        ({"exceptions": 1}, "EXCEPTIONS_OPEN"),
        ({"edits": 2}, "EDITS_WAITING"),
    ],
)
def test_what_somebody_must_do_blocks_at_any_time(change: dict[str, int], code: str) -> None:
    for at in (CYCLE.start, CYCLE.end):
        state, _, found = codes(replace(WHOLE, **change), at)
        assert (state, found[-1]) == (BLOCKED, code)


def test_a_category_has_thresholds_of_its_own_and_the_others_of_default() -> None:
    config = ReadinessConfig.model_validate(
        {"default": {"exceptions_open": 3}, "categories": {"plant": {"tariffs": ["ht"], "estimated_permille": 0}}}
    )
    waited = CYCLE.end + 72 * HOUR
    plant = replace(WHOLE, tariff="ht", estimated=1, exceptions=3)
    assert codes(plant, waited, config)[2] == ["ESTIMATED_SHARE"]
    assert codes(replace(plant, tariff="domestic"), waited, config)[0] == READY


def test_nobody_of_a_group_is_ready_before_all_are() -> None:
    config = ReadinessConfig(align_by="feeder")
    some = [replace(WHOLE, account=n, service_point=n, feeder=9) for n in (1, 2)] + [replace(WHOLE, account=3)]
    some[1] = replace(some[1], exceptions=1)
    found = judge(config, CYCLE, some, CYCLE.end)
    assert [(one.state, one.group) for one in found] == [(WAITING, "feeder 9"), (BLOCKED, "feeder 9"), (READY, "")]
    assert found[0].expected_at is None, "nobody knows when the other one will be"
    some[1] = replace(some[1], exceptions=0, days_final=30)
    assert judge(config, CYCLE, some, CYCLE.end)[0].expected_at == CYCLE.end + 120 * HOUR


def test_a_record_has_a_new_revision_only_when_its_answer_changes() -> None:
    late = replace(WHOLE, estimated=300)
    (first,) = revised(judge(CONFIG, CYCLE, [late], CYCLE.end), {}, CYCLE.end)
    key = (1, 7, CYCLE.start, CYCLE.end)
    assert first["revision"] == 1
    assert list(revised(judge(CONFIG, CYCLE, [late], CYCLE.end + HOUR), {key: first}, CYCLE.end + HOUR)) == []
    waited = CYCLE.end + 72 * HOUR
    (second,) = revised(judge(CONFIG, CYCLE, [late], waited), {key: first}, waited)
    assert (second["revision"], second["state"]) == (2, BLOCKED)


figures = st.builds(
    Figures, account=st.integers(1, 3), service_point=st.integers(1, 50), feeder=st.integers(0, 2),
    revision=st.none() | st.integers(1, 9), final=st.booleans(), tariff=st.none() | st.just("ht"),
    paise=st.none() | st.integers(0, 10**6), expected=st.just(1_488), estimated=st.integers(0, 1_488),
    missing=st.integers(0, 5), registers_missing=st.integers(0, 2), days_settled=st.integers(0, 31),
    days_final=st.just(0), exceptions=st.integers(0, 1), edits=st.integers(0, 1),
)  # fmt: skip


@given(
    st.lists(figures, max_size=6, unique_by=lambda one: one.service_point), st.integers(-40, 200), st.randoms(),
    st.sampled_from(["none", "account", "feeder"]),
)  # fmt: skip
def test_the_order_of_consumers_changes_nothing_and_waiting_ends(some, hours, random, align) -> None:  # type: ignore[no-untyped-def]
    config, at = ReadinessConfig(align_by=align), CYCLE.end + hours * HOUR
    found = judge(config, CYCLE, some, at)
    random.shuffle(some)
    assert judge(config, CYCLE, some, at) == found
    known = {code for code, _ in READINESS_REASON}
    for one in found:
        assert {reason.code for reason in one.reasons} <= known
        assert (one.state == READY) == (not one.reasons)
        if one.state == WAITING and one.expected_at is not None:
            assert one.expected_at > at
    for one in judge(config, CYCLE, some, CYCLE.end + 120 * HOUR):
        assert one.state != WAITING or {reason.code for reason in one.reasons} == {"GROUP_NOT_READY"}


def test_a_tariff_belongs_to_one_category() -> None:
    twice = {"a": {"tariffs": ["x"]}, "b": {"tariffs": ["x"]}}
    with pytest.raises(ValidationError, match="stands in `a` and in `b`"):
        ReadinessConfig.model_validate({"categories": twice})
