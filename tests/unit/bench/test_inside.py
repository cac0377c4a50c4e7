"""The chains in a process of their own: right rows, the same octets however partitions are shared out, stages timed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from bench.case import Load
from bench.experiments.inside import times_one_worker, times_the_small_fleet
from bench.experiments.table import experiment
from bench.inside import once
from bench.inside.chains import Inside
from bench.inside.once import Order
from bench.limit.cipher import cipher_secs, cipher_secs_by_way
from bench.limit.measure import SHARE, sample_of, smaller
from bench.profile.page import text
from bench.profile.run import _rows
from pipeline import gcm
from pipeline.batch import FrameBatch
from pipeline.errors import ConfigError, Fatal
from pipeline.step import Origin
from pipeline.wire import read_frames

FILE = Path(__file__).parents[3] / "topologies.yaml"
LOAD = Load(meters=600, frames=1200, batch_frames=100)


def nothing(*_: Any) -> None:
    """Nobody looks on."""


def said(**order: Any) -> dict[str, Any]:
    return once.run(Order(file=FILE, load=LOAD, **order), io.StringIO("\n"), nothing)


def test_every_row_of_the_chains_alone_is_the_generators_truth() -> None:
    found = said(compared=True)
    assert found["rows"] > LOAD.frames
    assert found["different"] == 0


def test_frames_taken_at_once_or_by_halves_give_the_same_octets() -> None:
    whole, halves = said(), [said(partitions=list(part), waits=True) for part in (range(6), range(6, 12))]
    frames = {name: digest for name, digest in whole["digests"].items() if not name.startswith("losses/")}
    joined = {name: digest for half in halves for name, digest in half["digests"].items()}
    assert frames
    assert {name: joined[name] for name in frames} == frames
    assert sum(half["frames"] for half in halves) == whole["frames"]


def test_another_seed_gives_other_octets() -> None:
    other = once.run(Order(file=FILE, load=LOAD.model_copy(update={"seed": 2})), io.StringIO(), nothing)
    assert other["digests"] != said()["digests"]


def test_a_sample_has_every_stage_and_its_cipher_can_be_measured_alone() -> None:
    inside = Inside(FILE, LOAD)
    try:
        sample = sample_of(inside, nothing)
        rows = {row["stage"]: row for row in _rows(inside.clock.spent, sample.frames)}
        assert {"decode", "vee", "rating", "nodes", "losses"} < set(rows)
        assert rows["decode"]["frames_ns"] > 0
        assert rows["losses"]["frames_ns"] == 0
        batches = [read_frames(inside.contracts, raw, Origin("", 0, 0)).batch for _, raw in sample.records]
        frames = [batch for batch in batches if isinstance(batch, FrameBatch)]
        assert sum(len(batch.length) for batch in frames) == sample.frames
        by_way = cipher_secs_by_way(frames, inside.references())
        assert gcm.way_here() in by_way
        assert gcm.Way.LIBCRYPTO in by_way or not gcm.load_libcrypto()
        assert min(by_way.values()) > 0
        for batch in frames:
            batch.payload = batch.payload ^ 1
        with pytest.raises(Fatal, match="frames were opened"):
            cipher_secs(frames, inside.references())
    finally:
        inside.close()


def test_a_smaller_load_has_as_many_intervals() -> None:
    load = Load(meters=1_000_000, frames=30_000_000)
    assert (smaller(load).meters, smaller(load).numbers) == (1_000_000 // SHARE, load.numbers)
    assert smaller(LOAD) == LOAD


def test_a_fleet_that_is_the_smallest_is_refused() -> None:
    case = experiment("fleet").of(5_000, 10_000).case
    with pytest.raises(ConfigError, match="FLEET_SMALL"):
        times_the_small_fleet(case, FILE, nothing)


def test_workers_that_make_other_octets_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [
        [{"frames": 100, "secs": 2.0, "digests": {"readings/0": "a", "readings/1": "b", "losses/0": "x"}}],
        [{"frames": 50, "secs": 1.0, "digests": {"readings/0": "a", "losses/0": "y"}},
         {"frames": 50, "secs": 0.5, "digests": {"readings/1": "c"}}],
    ]  # fmt: skip
    monkeypatch.setattr("bench.experiments.inside.measured", lambda _orders: made.pop(0))
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: {0, 1})
    monkeypatch.setattr("bench.experiments.inside._machine", dict)
    found = times_one_worker(experiment("workers").case, FILE, nothing)
    assert (found.value, found.correct) == (2.0, {"rows": 2, "different": 2})


def test_the_budget_page_has_every_stage_and_part() -> None:
    page = text({
        "load": LOAD.model_dump(), "budget_us_per_frame": 6.6, "stages_us_per_frame": 1.5, "drain": None,
        "stages": [{"stage": "decode", "frames_ns": 700.0, "ticks_ns": 800.0, "limit_ns": 364.0},
                   {"stage": "vee", "frames_ns": 1.0, "ticks_ns": 2.0, "limit_ns": None}],
        "limit_us_per_frame": {"cipher": 0.36, "together": 3.72},
    })  # fmt: skip
    assert "| decode | 700 | 800 | 364 |" in page
    assert "| vee | 1 | 2 |  |" in page
    assert "| together | 3.72 |" in page
    assert "drain" not in page
