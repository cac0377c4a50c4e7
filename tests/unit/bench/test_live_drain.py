"""The generator that runs beside the drain: how far ahead it may be, and how its time is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from bench.case import Load, read_case
from bench.experiments.live import GENERATOR, LeashedFeed, Writing, said_of
from bench.throughput.drain import Drained
from bench.throughput.feed import Feed
from bench.throughput.watch import Moment
from pipeline.errors import Fatal
from pipeline.topology.plan import TopicPlan
from schemas.load import load_contracts

TOPIC = TopicPlan("frames", "FrameBatch", 2, None, False)
NOWHERE = "127.0.0.1:1"


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Iterator[LeashedFeed]:
    """A generator whose records go nowhere; `positions` is what the group has committed."""
    monkeypatch.setattr(Feed, "_write", lambda *_: None)
    monkeypatch.setattr(Feed, "_settle", lambda _: None)
    one = LeashedFeed(NOWHERE, TOPIC, load_contracts(), Load(meters=200, frames=600, batch_frames=20), "group")
    one.positions = [0, 0]  # type: ignore[attr-defined]
    places = [SimpleNamespace(partition=number, error=None) for number in (0, 1)]

    def committed(*_: Any, **__: Any) -> list[Any]:
        for place, offset in zip(places, one.positions, strict=True):  # type: ignore[attr-defined]
            place.offset = offset
        return places

    one._asked = SimpleNamespace(committed=committed, close=lambda: None)  # type: ignore[assignment]
    yield one
    one.close()


def until(condition: Any) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_stays_a_leash_ahead_and_goes_on_when_positions_do(feed: LeashedFeed) -> None:
    feed.most_ahead = 100
    writing = Writing(feed)
    with writing.under_way():
        until(lambda: feed.frames > 100)
        time.sleep(0.2)
        stood = feed.frames
        assert 100 < stood <= 100 + 21, "one batch beyond, no more"
        assert not writing.ended.is_set()
        feed.positions = [10_000, 10_000]  # type: ignore[attr-defined]
        until(lambda: writing.ended.is_set())
    writing.check()
    assert writing.frames == feed.frames > 590
    assert 0.2 <= feed.waited_secs < feed.last_at - feed.first_at


def test_positions_are_told_in_frames_and_ticks_are_none(feed: LeashedFeed) -> None:
    frames = feed.fill(lambda done, total: None)
    assert feed.committed() == 0
    feed.positions = [10_000, 0]  # type: ignore[attr-defined]
    first = feed.committed()
    feed.positions = [10_000, 10_000]  # type: ignore[attr-defined]
    assert 0 < first < frames == feed.committed()


def test_a_run_that_ends_lets_go_of_it(feed: LeashedFeed) -> None:
    feed.most_ahead = 10
    writing = Writing(feed)

    def broken() -> None:
        with writing.under_way():
            until(lambda: feed.frames > 10)
            raise RuntimeError("of the run")

    with pytest.raises(RuntimeError, match="of the run"):
        broken()
    assert not any(thread.name == "feed" for thread in threading.enumerate())
    with pytest.raises(Fatal, match="BENCH_NOT_FED"):
        writing.check()


def test_the_generators_time_is_told_by_what_it_did_with_it() -> None:
    def moment(at: float, cpu: float) -> Moment:
        return Moment(at, {}, 0, {GENERATOR: cpu}, 0.0, 0, {}, {})

    feed: Any = SimpleNamespace(first_at=10.0, last_at=18.0, waited_secs=3.0, most_ahead=5)
    said = said_of(feed, Drained(1_000_000, [moment(10.0, 1.0), moment(20.0, 3.0)], ""))
    assert said == {
        "cpu_us_per_frame": 2.0, "writing_share": 0.5, "not_done_share": 0.8, "waited_s": 3.0, "most_ahead_frames": 5
    }  # fmt: skip


def test_the_load_is_that_of_the_throughput_case() -> None:
    live, throughput = read_case("live"), read_case("throughput")
    assert (live.load, live.environment) == (throughput.load, throughput.environment)
    assert (live.gate, live.goal) == (200_000, 500_000)
