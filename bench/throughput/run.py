"""The case from begin to end: warmed up, drained, compared with the truth, and the naive way beside it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.case import Case, Load
from bench.naive.run import NaiveResult, measure
from bench.throughput.drain import Drain, Drained, Progress, named
from bench.throughput.machine import machine
from bench.truth.rows import Tally
from bench.truth.side_by_side import check_dsn

WARM_UP = Load(meters=2_000, frames=20_000, batch_frames=500)
"""Compiles what is not compiled yet, so that a fresh clone is not measured while it compiles."""


@dataclass(frozen=True)
class Outcome:
    """Everything that was measured."""

    case: Case
    drained: Drained
    tallies: dict[str, Tally]
    naive: list[NaiveResult]
    machine: dict[str, Any]

    @property
    def frames_per_s(self) -> float:
        """Frames a second of wall time."""
        return self.drained.frames / self.drained.seconds

    @property
    def frames_per_cpu_s(self) -> float:
        """Frames a CPU second of everything that took part, broker and warehouse included."""
        return self.drained.frames / sum(self.drained.cpu(part) for part in self.drained.parts)

    @property
    def different(self) -> int:
        """Rows of all tables that are not as they must be."""
        return sum(tally.different for tally in self.tallies.values())

    @property
    def best_naive(self) -> NaiveResult | None:
        """The naive way with the better of its ciphers, by CPU."""
        return max(self.naive, key=lambda result: result.frames_per_cpu_s, default=None)


def run(case: Case, file: Path, progress: Progress, *, naive: bool, warm_up: bool, keep: Path | None = None) -> Outcome:
    """Measure; `keep` is a folder for warehouse and logs, else they are removed."""
    with tempfile.TemporaryDirectory(prefix="kvarn-bench-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        if warm_up:
            _drain(case, WARM_UP, file, folder / "warm", named("warm-up", progress))
        drained, about = _drain(case, case.load, file, keep or folder / "run", progress)
        tallies = _check(drained, case.load, progress)
        results = measure(case.load, case.naive, folder, progress) if naive else []
    return Outcome(case, drained, tallies, results, about)


def _drain(case: Case, load: Load, file: Path, folder: Path, progress: Progress) -> tuple[Drained, dict[str, Any]]:
    drain = Drain(case, load, file, folder, progress)
    with drain.open():
        assert drain.services is not None
        about = machine(drain.services.settings.jars)
        return drain.go(), about


def _check(drained: Drained, load: Load, progress: Progress) -> dict[str, Tally]:
    return check_dsn(drained.warehouse, load.plan(1), load.numbers, partial(progress, "rows against the truth"))
