"""Many trials, one after the other: a JSON line each in a file, so that a series goes on where it was ended."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
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


class FaultCase(Strict):
    """`bench/cases/faults/experiment.yaml`."""

    name: str
    question: str
    load: Load
    counts: dict[str, int] = Field(description="fault -> how often in a run")
    seeds: tuple[int, ...] = Field(description="a run of every fault for each")
    least_kills: int = Field(
        description="SIGKILLs of a full series, in all, and in how many moments and how often each"
    )
    least_moments: int
    least_each: int
    most_seeds: int = Field(description="runs of a fault until its moments have been hit so often")
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


def more_of(case: FaultCase, lines: Sequence[Line]) -> list[Trial]:
    """Further trials of those kills of which a moment was not reached often enough: a log may be drained before."""
    hits: dict[str, Counter[str]] = defaultdict(Counter)
    runs: Counter[str] = Counter()
    for line in lines:
        hits[line["fault"]].update(line["moments"])
        runs[line["fault"]] += 1
    missed = [
        kind.name for kind in KINDS
        if runs[kind.name] and any(hits[kind.name][moment] < case.least_each for moment, _ in kind.moments)
    ]  # fmt: skip
    return [
        Trial(name, max(case.seeds) + 1 + runs[name] - len(case.seeds), case.counts[name])
        for name in missed if runs[name] < case.most_seeds
    ]  # fmt: skip


def mutants_of(case: FaultCase) -> list[Trial]:
    """A trial for each mutant."""
    return [Trial(mutant.under.name, case.seeds[0], mutant.faults, mutant.name) for mutant in MUTANTS]


def run_series(
    case: FaultCase, trials: list[Trial], file: Path, kept: Path | None, progress: Callable[[str], Progress], *,
    quick: bool, logs: Path | None = None,
) -> Iterator[Line]:  # fmt: skip
    """The result of each trial: from `kept` when it is there, else carried out and written there.

    What the processes of a trial have said is moved to a folder in `logs` when the trial went wrong.
    """
    known = {line["trial"]: line for line in _lines(kept)}
    load = case.quick if quick else case.load
    for trial in trials:
        if trial.name in known:
            yield known[trial.name]
            continue
        with tempfile.TemporaryDirectory(prefix="kvarn-faults-", ignore_cleanup_errors=True) as folder:
            line = run_trial(trial, _as_case(case, load), load, file, Path(folder), progress(trial.name)).as_json()
            if logs is not None and not line["ok"]:
                shutil.copytree(Path(folder) / "logs", logs / trial.name.replace("/", "-"), dirs_exist_ok=True)
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
