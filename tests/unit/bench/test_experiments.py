"""A case run several times: its median and spread, resumable, and held against another result."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.case import FOLDER, Case
from bench.experiments import series
from bench.experiments.drain import OnDrain
from bench.experiments.experiment import Experiment, Measured
from bench.experiments.figures import compare, figures
from bench.experiments.series import pinned, run_series, run_together
from bench.experiments.table import EXPERIMENTS, experiment
from bench.throughput.drain import Progress
from pipeline.errors import ConfigError

MACHINE = {"cpu": "some", "cpus": 2, "memory_gib": 24.0, "cpu_used_by_others": 0.02}


def fake(values: list[float], different: int = 0, **case: Any) -> tuple[Experiment, list[int]]:
    """An experiment that measures these values one after the other, and how often it was asked."""
    asked: list[int] = []

    def measure(_case: Case, _file: Path, _progress: Progress) -> Measured:
        asked.append(1)
        details = {"p50_s": values[len(asked) - 1] / 2}
        return Measured(values[len(asked) - 1], {"rows": 7, "different": different}, details, MACHINE)

    known = experiment("throughput").case.model_copy(update={"gate": 10, "goal": 20, **case})
    return Experiment(known, measure), asked


def nothing(_what: str, _done: int, _total: int) -> None:
    """Nobody looks on."""


def said(values: list[float], different: int = 0, **case: Any) -> dict[str, Any]:
    one, _ = fake(values, different, **case)
    return figures(one, list(run_series(one, len(values), Path("none"), None, nothing)))


def test_every_case_of_the_table_has_its_folder_and_bears_its_name() -> None:
    for name in EXPERIMENTS:
        assert experiment(name).case.name == name
        assert (FOLDER / name / "experiment.yaml").exists()
    for name in ("naive", "limit", "state", "quix", "kafka-streams"):
        assert experiment(name).case.load == experiment("throughput").case.load
    with pytest.raises(ConfigError, match="CASE_UNKNOWN"):
        experiment("meteor")


def test_the_median_counts_and_the_spread_is_said() -> None:
    found = said([12.0, 30.0, 14.0])
    assert (found["value"], found["spread"]) == (14.0, {"least": 12.0, "most": 30.0, "share": 1.286})
    assert (found["gate_met"], found["goal_met"]) == (True, False)


def test_where_less_is_better_gate_and_goal_are_met_from_above() -> None:
    found = said([12.0], better="less")
    assert (found["gate_met"], found["goal_met"]) == (False, True)


def test_a_goal_may_ask_for_another_figure_as_well() -> None:
    fast = said([12.0, 14.0, 90.0], better="less", also={"p50_s": 7.0})
    assert (fast["goal_met"], fast["also"]) == (True, {"p50_s": {"value": 7.0, "goal": 7.0}})
    slow = said([12.0, 14.0, 90.0], better="less", also={"p50_s": 6.9})
    assert (slow["gate_met"], slow["goal_met"]) == (False, False)


def test_a_run_with_rows_that_differ_meets_nothing() -> None:
    found = said([50.0, 50.0], different=1)
    assert (found["gate_met"], found["goal_met"], found["correct"]["different"]) == (False, False, 2)


def test_a_series_goes_on_where_it_was_ended(tmp_path: Path) -> None:
    kept = tmp_path / "series.jsonl"
    first, asked = fake([1.0, 2.0, 3.0])
    lines = run_series(first, 3, Path("none"), kept, nothing)
    assert [next(lines)["value"], next(lines)["value"]] == [1.0, 2.0]
    lines.close()  # type: ignore[attr-defined]
    again, asked = fake([9.0])
    assert [line["value"] for line in run_series(again, 3, Path("none"), kept, nothing)] == [1.0, 2.0, 9.0]
    assert len(asked) == 1


def test_a_file_of_another_load_is_refused(tmp_path: Path) -> None:
    kept = tmp_path / "series.jsonl"
    one, _ = fake([1.0])
    list(run_series(one, 1, Path("none"), kept, nothing))
    with pytest.raises(ConfigError, match="SERIES_OTHER"):
        list(run_series(one.of(meters=1000, frames=4000), 1, Path("none"), kept, nothing))


def on_drain(name: str, seen: list[Any]) -> Experiment:
    """An experiment that measures the drain that it is given, and how often it was asked."""

    def behind(case: Case, outcome: Any, _file: Path, _progress: Progress) -> Measured:
        seen.append((case.name, outcome))
        return Measured(outcome * 10.0, {"rows": 1, "different": 0}, {}, MACHINE)

    known = experiment("throughput").case.model_copy(update={"name": name, "memory_gib": 0.1, "cpus": 0})
    return Experiment(known, OnDrain(behind, lambda case, _progress: seen.append(("needs", case.name))))


def test_cases_of_one_load_share_the_drain_of_each_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    drains: list[int] = []

    def drain(_case: Case, _file: Path, _progress: Progress) -> int:
        drains.append(len(drains) + 1)
        return drains[-1]

    monkeypatch.setattr(series, "drained", drain)
    seen: list[Any] = []
    both = [on_drain("one", seen), on_drain("two", seen)]
    first, second = run_together(both, 2, Path("none"), tmp_path / "kept", nothing)
    assert [line["value"] for line in first] == [line["value"] for line in second] == [10.0, 20.0]
    # What is missing is said before the drain.
    assert seen[:4] == [("needs", "one"), ("needs", "two"), ("one", 1), ("two", 1)]
    # A case that comes in later is measured for all runs, the others not again.
    three = on_drain("three", seen)
    found = run_together([*both, three], 2, Path("none"), tmp_path / "kept", nothing)
    assert [[line["value"] for line in lines] for lines in found] == [[10.0, 20.0], [10.0, 20.0], [30.0, 40.0]]
    assert seen[-2:] == [("needs", "three"), ("three", 4)]
    assert [line["run"] for line in found[2]] == [1, 2]


def test_cases_that_no_drain_serves_are_refused() -> None:
    seen: list[Any] = []
    one, plain = on_drain("one", seen), fake([1.0], memory_gib=0.1, cpus=0)[0]
    with pytest.raises(ConfigError, match="CASES_APART"):
        run_together([one, on_drain("two", seen).of(meters=1000, frames=4000)], 1, Path("none"), None, nothing)
    with pytest.raises(ConfigError, match="CASES_APART"):
        run_together([one, plain], 1, Path("none"), None, nothing)
    assert seen == []


def test_another_load_is_checked_before_anything_is_started() -> None:
    with pytest.raises(ConfigError, match="BENCH_TOO_LONG"):
        fake([1.0])[0].of(meters=10, frames=100_000)


@pytest.fixture
def affinity() -> Iterator[set[int]]:
    before = os.sched_getaffinity(0)
    yield before
    assert os.sched_getaffinity(0) == before


def test_a_run_is_kept_on_as_many_cpus_as_the_case_says(affinity: set[int]) -> None:
    with pinned(1, 0.1):
        assert os.sched_getaffinity(0) == {min(affinity)}
    with pytest.raises(ConfigError, match="CPUS_FEW"), pinned(len(affinity) + 1, 0):
        pass
    with pytest.raises(ConfigError, match="MEMORY_SMALL"), pinned(0, 1e6):
        pass


def test_results_that_overlap_are_within_the_spread() -> None:
    assert compare(said([10.0, 12.0, 11.0]), said([11.5, 14.0, 13.0]))["verdict"] == "within the spread"
    assert compare(said([10.0, 12.0, 11.0]), said([13.0, 14.0, 13.5]))["verdict"] == "better"
    found = compare(said([10.0, 12.0], better="less"), said([13.0, 14.0], better="less"))
    assert (found["verdict"], found["same_machine"]) == ("worse", True)


def test_only_correct_results_of_one_case_are_compared() -> None:
    good = said([10.0])
    with pytest.raises(ConfigError, match="NOT_CORRECT"):
        compare(good, said([11.0], different=1))
    with pytest.raises(ConfigError, match="CASES_DIFFER"):
        compare(good, {**said([11.0]), "case": "naive"})
    small, _ = fake([11.0])
    small = small.of(meters=1000, frames=4000)
    found = figures(small, list(run_series(small, 1, Path("none"), None, nothing)))
    assert (found["gate_met"], found["goal_met"]) == (None, None)
    with pytest.raises(ConfigError, match="CASES_DIFFER"):
        compare(good, found)
    assert json.loads(json.dumps(good)) == good
