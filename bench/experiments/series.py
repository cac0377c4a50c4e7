"""One experiment several times: a JSON line a run in a file, so that a series goes on where it was ended."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.case import Case
from bench.experiments.drain import OnDrain, drained
from bench.experiments.experiment import Experiment, Measured
from bench.throughput.drain import Progress, named
from pipeline.errors import ConfigError

Line = dict[str, Any]


def run_series(experiment: Experiment, runs: int, file: Path, kept: Path | None, progress: Progress) -> Iterator[Line]:
    """The line of each run, 1 to `runs`: from `kept` when it is there, else measured and written there.

    Raises ConfigError when `kept` is of another case or load, or the machine has less than the case asks for.
    """
    known = {line["run"]: line for line in _lines(kept, experiment)}
    for number in range(1, runs + 1):
        if number not in known:
            with pinned(experiment.case.cpus, experiment.case.memory_gib):
                measured = experiment.measure(experiment.case, file, named(f"run {number} of {runs}", progress))
            known[number] = _kept(experiment, number, measured, kept)
        yield known[number]


def run_together(
    experiments: Sequence[Experiment], runs: int, file: Path, kept: Path | None, progress: Progress
) -> list[list[Line]]:
    """The lines of each experiment, whose runs share a drain; `kept`: a folder with a file of each, CASE.jsonl.

    Raises ConfigError when they have no drain to share, and as `run_series`.
    """
    first, places = (
        _alike(experiments),
        [None if kept is None else kept / f"{one.case.name}.jsonl" for one in experiments],
    )
    known = [{line["run"]: line for line in _lines(place, one)} for one, place in zip(experiments, places, strict=True)]
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
    for number in range(1, runs + 1):
        missing = [at for at in range(len(experiments)) if number not in known[at]]
        report = named(f"run {number} of {runs}", progress)
        with pinned(first.cpus, first.memory_gib):
            steps = [(at, _on_drain(experiments[at])) for at in missing]
            for at, step in steps:
                step.needs(experiments[at].case, report)
            outcome = drained(first, file, report) if missing else None
            for at, step in steps:
                assert outcome is not None
                one = experiments[at]
                measured = step.behind(one.case, outcome, file, named(one.case.name, report))
                known[at][number] = _kept(one, number, measured, places[at])
    return [[lines[number] for number in range(1, runs + 1)] for lines in known]


def _alike(experiments: Sequence[Experiment]) -> Case:
    """The case of the first; raises ConfigError unless one drain serves all."""
    wants = [(one.case.load, one.case.environment, one.case.cpus, one.case.memory_gib) for one in experiments]
    if any(want != wants[0] for want in wants):
        raise ConfigError("CASES_APART", where=", ".join(one.case.name for one in experiments), what="other loads, CPUs"
                          " or settings, so no drain serves all", do="run them one after the other")  # fmt: skip
    for one in experiments:
        _on_drain(one)
    return experiments[0].case


def _on_drain(one: Experiment) -> OnDrain:
    if not isinstance(one.measure, OnDrain):
        raise ConfigError("CASES_APART", where=one.case.name, what="it is not measured on a drain that others could "
                          "share", do="run it by itself")  # fmt: skip
    return one.measure


def _kept(experiment: Experiment, number: int, measured: Measured, place: Path | None) -> Line:
    line = {**_head(experiment), "run": number, **measured.as_json()}
    if place is not None:
        with place.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")
    return line


@contextmanager
def pinned(cpus: int, memory_gib: float) -> Iterator[None]:
    """Keep this process, and all that it starts meanwhile, on `cpus` CPUs; 0: on all.

    Raises ConfigError when there are not so many, or not so much memory.
    """
    before = os.sched_getaffinity(0)
    if len(before) < cpus:
        raise ConfigError("CPUS_FEW", where="bench", what=f"the case asks for {cpus} CPUs, there are {len(before)}",
                          do="use a larger machine")  # fmt: skip
    there = psutil.virtual_memory().total / 2**30
    if there < memory_gib:
        raise ConfigError("MEMORY_SMALL", where="bench", what=f"the case asks for {memory_gib:g} GiB, there are "
                          f"{there:.1f}", do="use a larger machine")  # fmt: skip
    if cpus:
        os.sched_setaffinity(0, sorted(before)[:cpus])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _head(experiment: Experiment) -> Line:
    return {"case": experiment.case.name, "load": experiment.case.load.model_dump()}


def _lines(kept: Path | None, experiment: Experiment) -> list[Line]:
    if kept is None or not kept.exists():
        return []
    lines = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines() if line]
    head = _head(experiment)
    for line in lines:
        other = {name: line.get(name) for name in head}
        if other != head:
            raise ConfigError("SERIES_OTHER", where=str(kept), what=f"its runs are of {other}, not of {head}",
                              do="name another file")  # fmt: skip
    return lines
