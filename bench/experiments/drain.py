"""Frames that wait in Kafka, drained: how many a second, and how many times the naive way a CPU second."""

from __future__ import annotations

from pathlib import Path

from bench.case import Case
from bench.experiments.experiment import Measured
from bench.throughput.drain import Progress
from bench.throughput.figures import figures
from bench.throughput.run import run

LEFT_OUT = {"case", "gate", "goal", "correct", "machine"}
"""Of the figures of a run: what a line of the series says in its own fields."""


def frames_a_second(case: Case, file: Path, progress: Progress) -> Measured:
    """Frames a second of wall time, broker and warehouse on the same CPUs."""
    return _measured(case, file, progress, "frames_per_s", naive=False)


def times_the_naive_way(case: Case, file: Path, progress: Progress) -> Measured:
    """Frames a CPU second of everything, over those of Faust with an agent call a frame and gurux-dlms."""
    return _measured(case, file, progress, "ratio", naive=True)


def _measured(case: Case, file: Path, progress: Progress, value: str, *, naive: bool) -> Measured:
    said = figures(run(case, file, progress, naive=naive, warm_up=True))
    details = {name: found for name, found in said.items() if name not in LEFT_OUT}
    return Measured(said[value], said["correct"], details, said["machine"])
