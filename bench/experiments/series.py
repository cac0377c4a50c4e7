"""One experiment several times: a JSON line a run in a file, so that a series goes on where it was ended."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.experiments.experiment import Experiment
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
            known[number] = {**_head(experiment), "run": number, **measured.as_json()}
            if kept is not None:
                with kept.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(known[number]) + "\n")
        yield known[number]


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
