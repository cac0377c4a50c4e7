"""Frames that wait in Kafka, drained; what else is measured behind a drain, in the same run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.case import Case
from bench.experiments.experiment import Measured
from bench.naive.run import measure
from bench.throughput.drain import Drained, Progress
from bench.throughput.figures import NAMES, figures
from bench.throughput.run import Outcome, run
from bench.throughput.watch import Moment

LEFT_OUT = {"case", "gate", "goal", "correct", "machine"}
"""Of the figures of a run: what a line of the series says in its own fields."""

WINDOW_SECS = 2.0


def drained(case: Case, file: Path, progress: Progress) -> Outcome:
    """The real processes over the case's load, every row compared."""
    return run(case, file, progress, naive=False, warm_up=True)


def no_need(_case: Case, _progress: Progress) -> None:
    """Nothing has to be there before the drain."""


@dataclass(frozen=True)
class OnDrain:
    """An experiment that begins with a drain of its load; several of one load can share it.

    `behind` has what the drain gave, and measures what there is beside it. `needs`: raises before the long drain what
    would end the run behind it.
    """

    behind: Callable[[Case, Outcome, Path, Progress], Measured]
    needs: Callable[[Case, Progress], None] = no_need

    def __call__(self, case: Case, file: Path, progress: Progress) -> Measured:
        """Measure it alone."""
        self.needs(case, progress)
        return self.behind(case, drained(case, file, progress), file, progress)


def frames_a_second(case: Case, outcome: Outcome, _file: Path, _progress: Progress) -> Measured:
    """Frames a second of wall time, broker and warehouse on the same CPUs."""
    return measured(case, outcome, "frames_per_s")


def times_the_naive_way(case: Case, outcome: Outcome, _file: Path, progress: Progress) -> Measured:
    """Frames a CPU second of everything, over those of Faust with an agent call a frame and gurux-dlms."""
    with tempfile.TemporaryDirectory(prefix="kvarn-naive-", ignore_cleanup_errors=True) as folder:
        results = measure(case.load, case.naive, Path(folder), progress)
    return measured(case, replace(outcome, naive=results), "ratio")


def measured(case: Case, outcome: Outcome, value: str) -> Measured:
    """The figure `value` of an outcome, with the others as details."""
    said = figures(replace(outcome, case=case))
    details = {name: found for name, found in said.items() if name not in LEFT_OUT}
    costs = said["cpu_us_per_frame"]
    details["cpu_us_per_frame"] = {**costs, "together": round(sum(costs.values()), 3)}
    details["over_time"] = over_time(outcome.drained)
    details["most_memory_bytes"] = most_memory(outcome.drained)
    return Measured(said[value], said["correct"], details, said["machine"])


def most_memory(drained: Drained) -> dict[str, int]:
    """Resident bytes of each part, the most of all looks; the parts started before the span, with their state."""
    return {
        NAMES.get(part, part): max(moment.memory.get(part, 0) for moment in drained.moments) for part in drained.parts
    }


def over_time(drained: Drained, window_secs: float = WINDOW_SECS) -> list[dict[str, Any]]:
    """Frames a second and CPUs busy by part, over windows of about `window_secs`; `at` is a window's middle.

    Frames count when the position behind their record is committed, each record for the mean of all. A partition's
    position is committed with its checkpoint, so that one window has more of them than the next.
    """
    moments = _apart(drained.moments, window_secs)
    records = moments[-1].done[drained.reader] - moments[0].done[drained.reader]
    frames = drained.frames / max(1, records)
    return [
        {
            "at": round((before.at + after.at) / 2 - drained.begin.at, 2),
            "frames_per_s": round(frames * (after.done[drained.reader] - before.done[drained.reader]) / seconds),
            "cpu": {
                NAMES.get(part, part): round((after.cpu[part] - before.cpu[part]) / seconds, 3)
                for part in drained.parts
            },
        }
        for before, after in pairwise(moments)
        if (seconds := after.at - before.at) > 0
    ]


def _apart(moments: Sequence[Moment], secs: float) -> list[Moment]:
    """The first, the last, and between them those that are at least `secs` after one another."""
    chosen = [moments[0]]
    for moment in moments[1:-1]:
        if moment.at - chosen[-1].at >= secs and moments[-1].at - moment.at >= secs / 2:
            chosen.append(moment)
    return [*chosen, moments[-1]]
