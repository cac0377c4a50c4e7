"""Many trials, one after the other: a JSON line each in a file, so that a series goes on where it was ended."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field
from ruamel.yaml import YAML

from bench.case import FOLDER, Case, Load, NaiveLoad, Strict
from bench.faults.kinds import KINDS
from bench.faults.mutants import MUTANTS
from bench.faults.trial import Trial, run_trial
from bench.throughput.drain import Progress, named
from pipeline.errors import ConfigError

Line = dict[str, Any]

FAULTS = [kind.name for kind in KINDS]


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
    quick_counts: dict[str, int] = Field(description="how often in a quick trial")
    quick_faults: tuple[str, ...] = Field(description="those of a quick look when none is named")


def read_fault_case() -> FaultCase:
    """The case; raises ConfigError when it names a fault that is none."""
    path = FOLDER / "faults" / "experiment.yaml"
    case = FaultCase.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
    _check_names([*case.counts, *case.quick_counts, *case.quick_faults], FAULTS, "fault")
    return case


def trials_of(case: FaultCase, *, quick: bool, only: list[str]) -> list[Trial]:
    """The trials of a series, every kind once before any comes again."""
    _check_names(only, FAULTS, "fault")
    counts, seeds = (case.quick_counts, case.seeds[:1]) if quick else (case.counts, case.seeds)
    chosen = only or (case.quick_faults if quick else list(counts))
    return [Trial(fault, seed, count) for seed in seeds for fault, count in counts.items() if fault in chosen]


def kills_by_moment(lines: Sequence[Line]) -> Counter[str]:
    """SIGKILLs at named moments of a process's life."""
    named = {moment for kind in KINDS for moment, _ in kind.moments} | {"in-rebalance"}
    found: Counter[str] = Counter()
    for line in lines:
        found.update({moment: count for moment, count in line["moments"].items() if moment in named})
    return found


def killed_enough(case: FaultCase, lines: Sequence[Line]) -> bool:
    """Whether a whole series has killed as often, in as many moments, as the case says."""
    moments = kills_by_moment(lines)
    often = [moment for moment, count in moments.items() if count >= case.least_each]
    return moments.total() >= case.least_kills and len(often) >= case.least_moments


def more_of(case: FaultCase, lines: Sequence[Line]) -> list[Trial]:
    """A further trial of the kills that were done least: a log may be drained before all of them are reached."""
    if killed_enough(case, lines):
        return []
    runs = Counter(line["fault"] for line in lines)
    hits = kills_by_moment(lines)
    left = [kind for kind in KINDS if kind.moments and 0 < runs[kind.name] < case.most_seeds]
    if not left:
        return []
    kind = min(left, key=lambda kind: (runs[kind.name], min(hits[moment] for moment, _ in kind.moments)))
    return [Trial(kind.name, max(case.seeds) + 1 + runs[kind.name] - len(case.seeds), case.counts[kind.name])]


def mutants_of(case: FaultCase, only: list[str]) -> list[Trial]:
    """A trial for each mutant, or for those named."""
    _check_names(only, [mutant.name for mutant in MUTANTS], "mutant")
    chosen = [mutant for mutant in MUTANTS if not only or mutant.name in only]
    return [Trial(mutant.under.name, case.seeds[0], mutant.faults, mutant.name) for mutant in chosen]


def run_series(
    case: FaultCase, trials: list[Trial], file: Path, kept: Path | None, progress: Progress, *,
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
            line = run_trial(
                trial, _as_case(case, load), load, file, Path(folder), named(trial.name, progress)
            ).as_json()
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


def _check_names(names: list[str], known: list[str], what: str) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ConfigError(
            "FAULT_UNKNOWN", where=", ".join(unknown), what=f"there is no such {what}", do=f"use {', '.join(known)}"
        )
