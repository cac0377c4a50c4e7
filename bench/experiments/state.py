"""Resident memory of the process that keeps the meters' state, a service point."""

from __future__ import annotations

from pathlib import Path

from bench.case import Case
from bench.experiments.drain import frames_a_second
from bench.experiments.experiment import Measured
from bench.throughput.drain import Progress
from bench.throughput.run import Outcome


def kilobytes_a_point(case: Case, outcome: Outcome, file: Path, progress: Progress) -> Measured:
    """The most that the worker of frames held during a drain, over the service points; kilobytes of 1000."""
    drained = frames_a_second(case, outcome, file, progress)
    most = drained.details["most_memory_bytes"]["worker"]
    details = {**drained.details, "frames_per_s": drained.value}
    return Measured(round(most / case.load.meters / 1000, 3), drained.correct, details, drained.machine)
