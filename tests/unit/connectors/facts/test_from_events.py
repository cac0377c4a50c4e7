"""Power failures and restorations of meters to outages, against plain Python."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.facts.from_events import FAILED, RESTORED, PowerEvent, paired
from connectors.facts.model import OPEN

T0 = 1_751_351_400


def events(*given: tuple[int, int], device: str = "A", point: int = 7) -> list[PowerEvent]:
    return [PowerEvent(device, point, T0 + at, code) for at, code in given]


def spans(found: list[PowerEvent], least_secs: int = 60) -> list[tuple[str, int, int]]:
    return [
        (one.point, one.start - T0, one.until and one.until - T0) for one in paired(found, least_secs).outages
    ]  # fmt: skip


def test_a_failure_and_the_restoration_behind_it_are_an_outage() -> None:
    found = events((0, FAILED), (3600, RESTORED), (9000, FAILED), (9100, RESTORED))
    assert spans(found) == [("7", 0, 3600), ("7", 9000, 9100)]
    assert spans(found[::-1] + found) == spans(found)


def test_the_last_failure_without_a_restoration_goes_on_and_an_earlier_one_says_nothing() -> None:
    found = paired(events((0, FAILED), (500, FAILED), (900, RESTORED), (1000, FAILED)))
    assert [(one.start - T0, one.until) for one in found.outages] == [(500, T0 + 900), (1000, OPEN)]
    assert (found.failures, found.restorations) == (1, 0)


def test_short_ones_and_restorations_alone_are_counted() -> None:
    found = paired(events((0, RESTORED), (100, FAILED), (130, RESTORED)))
    assert (found.outages, found.short, found.restorations) == ([], 1, 1)


def test_a_restoration_in_the_second_of_a_failure_ends_the_outage_before() -> None:
    assert spans(events((0, FAILED), (600, FAILED), (600, RESTORED), (900, RESTORED))) == [
        ("7", 0, 600),
        ("7", 600, 900),
    ]


def test_devices_do_not_mix_and_the_same_events_give_the_same_ids() -> None:
    both = events((0, FAILED), (700, RESTORED)) + events((300, FAILED), device="B", point=8)
    assert spans(both) == [("7", 0, 700), ("8", 300, OPEN)]
    assert [one.id for one in paired(both).outages] == [f"power/A/{T0}", f"power/B/{T0 + 300}"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from([FAILED, RESTORED]))))
def test_outages_are_those_of_a_walk_through_the_seconds(given_: list[tuple[int, int]]) -> None:
    wanted: list[tuple[str, int, int]] = []
    began: int | None = None
    for at in range(42):
        if (at, RESTORED) in given_ and began is not None:
            if at - began >= 3:
                wanted.append(("7", began, at))
            began = None
        if (at, FAILED) in given_:
            began = at
    if began is not None:
        wanted.append(("7", began, OPEN))
    assert spans(events(*given_), least_secs=3) == wanted
