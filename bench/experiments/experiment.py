"""What a case is to those who run it: a question with a gate and a goal, and how one run of it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.case import Case
from bench.throughput.drain import Progress


@dataclass(frozen=True)
class Measured:
    """One run: the value in the case's unit, rows compared and how many differ (`different`), what else was seen.

    Of the details these are drawn on the page, where they are there:

        over_time           [{"at": s, "frames_per_s": , "cpu": {part: CPUs busy}}, ...]
        latency             {"p50_s": , "p90_s": , "p99_s": , "p999_s": , "most_s": }
        cpu_us_per_frame    {part: }, with "together"
        by_fleet            [{"meters": , "cpu_us_per_frame": }, ...]
    """

    value: float
    correct: dict[str, Any]
    details: dict[str, Any]
    machine: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """One line of a series."""
        return asdict(self)


@dataclass(frozen=True)
class Experiment:
    """A case and how it is measured once; `measure` gets the topology file and a progress.

    `own_load`: another load than the case's, for which gate and goal say nothing.
    """

    case: Case
    measure: Callable[[Case, Path, Progress], Measured]
    own_load: bool = False

    def reached(self, value: float, mark: float) -> bool:
        """Whether `value` is as good as `mark`."""
        return value >= mark if self.case.better == "more" else value <= mark

    def of(self, meters: int | None, frames: int | None) -> Experiment:
        """The same with another load, where one is given; raises ConfigError when the truth does not reach so far."""
        given = {"meters": meters, "frames": frames}
        load = self.case.load.model_copy(update={name: value for name, value in given.items() if value is not None})
        load.plan(1)
        return Experiment(self.case.model_copy(update={"load": load}), self.measure, load != self.case.load)
