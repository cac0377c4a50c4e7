"""The share of what a frame costs that cannot be avoided: drain and limit, measured in the same run."""

from __future__ import annotations

from pathlib import Path

from bench.case import Case
from bench.experiments.drain import frames_a_second
from bench.experiments.experiment import Measured
from bench.limit.measure import limit_of
from bench.throughput.drain import Progress
from bench.throughput.run import Outcome


def share_of_limit(case: Case, outcome: Outcome, file: Path, progress: Progress) -> Measured:
    """CPU time of the limit over that of the drain, a frame."""
    drained = frames_a_second(case, outcome, file, progress)
    limit = limit_of(case.load, file, progress)
    used = drained.details["cpu_us_per_frame"]["together"]
    details = {**drained.details, "frames_per_s": drained.value, "limit_us_per_frame": limit.as_json()}
    return Measured(round(limit.together / used, 3), drained.correct, details, drained.machine)
