"""Many trials, one after the other: a JSON line each in a file, so that a series goes on where it was ended."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import Field
from ruamel.yaml import YAML

from bench.case import FOLDER, Case, Load, NaiveLoad, Strict
from bench.faults.kinds import BY_NAME, KINDS
from bench.faults.mutants import MUTANTS
from bench.faults.trial import Trial, run_trial
from bench.throughput.drain import Progress
from pipeline.errors import ConfigError

Line = dict[str, Any]

MUTANT_FAULTS = 4
"""Faults of a mutant's trial."""


class FaultCase(Strict):
    """`bench/cases/faults/experiment.yaml`."""

    name: str
    question: str
    load: Load
    counts: dict[str, int] = Field(description="fault -> how often in a run")
    seeds: tuple[int, ...] = Field(description="a run of every fault for each")
    quick: Load
    quick_counts: dict[str, int] = Field(description="the same for a quick look")


def read_fault_case() -> FaultCase:
    """The case; raises ConfigError when it names a fault that is none."""
    path = FOLDER / "faults" / "experiment.yaml"
    case = FaultCase.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
    _check_names([*case.counts, *case.quick_counts])
    return case


def trials_of(case: FaultCase, *, quick: bool, only: list[str]) -> list[Trial]:
    """The trials of a series, every kind once before any comes again."""
    _check_names(only)
    counts, seeds = (case.quick_counts, case.seeds[:1]) if quick else (case.counts, case.seeds)
    return [Trial(fault, seed, count) for seed in seeds for fault, count in counts.items() if not only or fault in only]


def mutants_of(case: FaultCase) -> list[Trial]:
    """A trial for each mutant."""
    return [Trial(mutant.under.name, case.seeds[0], MUTANT_FAULTS, mutant.name) for mutant in MUTANTS]


def run_series(
    case: FaultCase, trials: list[Trial], file: Path, kept: Path | None, progress: Callable[[str], Progress], *,
    quick: bool,
) -> Iterator[Line]:  # fmt: skip
    """The result of each trial: from `kept` when it is there, else carried out and written there."""
    known = {line["trial"]: line for line in _lines(kept)}
    load = case.quick if quick else case.load
    for trial in trials:
        if trial.name in known:
            yield known[trial.name]
            continue
        with tempfile.TemporaryDirectory(prefix="kvarn-faults-", ignore_cleanup_errors=True) as folder:
            line = run_trial(trial, _as_case(case, load), load, file, Path(folder), progress(trial.name)).as_json()
        if kept is not None:
            with kept.open("a", encoding="utf-8") as out:
                out.write(json.dumps(line) + "\n")
        yield line


def _as_case(case: FaultCase, load: Load) -> Case:
    return Case(name=case.name, question=case.question, unit="rows", gate=0, goal=0, load=load, naive=NaiveLoad())


def _lines(kept: Path | None) -> list[Line]:
    if kept is None or not kept.exists():
        return []
    return [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines() if line]


def _check_names(names: list[str]) -> None:
    unknown = sorted(set(names) - set(BY_NAME))
    if unknown:
        raise ConfigError(
            "FAULT_UNKNOWN", where=", ".join(unknown), what="there is no such fault",
            do=f"use {', '.join(kind.name for kind in KINDS)}",
        )  # fmt: skip
