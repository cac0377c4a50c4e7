"""Rounds on one core. What is timed is CPU time of this thread, without making batches and comparing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from agents.vee.rulesets.stream import STREAMED
from bench.experiments.series import pinned
from bench.throughput.drain import Progress
from bench.vee.case import VeeCase
from bench.vee.compare import Tally
from bench.vee.meters import Meters
from bench.vee.stream import Stream
from bench.vee.whole import Whole
from connectors.simulator.burst import BurstPlan

OPENING = 3
"""Days before the measured ones: the window is full then, and kernels are compiled."""
HALF_HOUR, QUARTER = 1800, 900


@dataclass(frozen=True)
class Shape:
    """One case. goal: which of the case's it is held against; empty: none."""

    name: str
    title: str
    interval_secs: int
    profile: bool = False
    whole: bool = False
    goal: str = ""


SHAPES = (
    Shape("profile", "stream, day profiles of half hours", HALF_HOUR, profile=True, goal="profile"),
    Shape("profile-96", "stream, day profiles of quarter hours", QUARTER, profile=True, goal="profile"),
    Shape("single", "stream, frames of one half hour", HALF_HOUR, goal="single"),
    Shape("series", "whole series of half hours", HALF_HOUR, whole=True),
)


@dataclass
class Result:
    """Rounds of a shape: CPU nanoseconds of each. refused: rows that the stream did not take."""

    shape: Shape
    meters: int
    intervals: int
    nanoseconds: list[int] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    refused: int = 0
    rules: tuple[str, ...] = STREAMED

    @property
    def rates(self) -> list[float]:
        """Intervals a CPU second of each round."""
        return [1e9 * self.intervals / spent for spent in self.nanoseconds]

    @property
    def right(self) -> bool:
        """The truth came of it."""
        return self.tally.right and not self.refused


def run(case: VeeCase, progress: Progress, shapes: Iterable[Shape] = SHAPES) -> list[Result]:
    """All rounds of each shape, on one CPU."""
    with pinned(1, 0):
        return [(_whole if shape.whole else _stream)(case, shape, progress) for shape in shapes]


def meters_of(case: VeeCase, shape: Shape) -> Meters:
    """Those of a shape."""
    count = case.series_meters if shape.whole else case.profile_meters if shape.profile else case.meters
    plan = BurstPlan(
        count, 1, seed=case.seed, interval_secs=shape.interval_secs, faults=False, plants=case.plants
    )  # fmt: skip
    return Meters(plan, case.missing, case.spikes)


def _stream(case: VeeCase, shape: Shape, progress: Progress) -> Result:
    meters = meters_of(case, shape)
    batch_frames = case.profile_batch_frames if shape.profile else case.batch_frames
    stream = Stream(meters, profile=shape.profile, batch_frames=batch_frames)
    result = Result(shape, meters.plan.meters, meters.plan.meters * meters.per_day, tally=stream.tally)
    for number in range(OPENING + case.rounds):
        progress(shape.title, number, OPENING + case.rounds)
        spent = stream.day()
        if number >= OPENING:
            result.nanoseconds.append(spent)
    stream.close()
    result.refused = stream.refused
    return result


def _whole(case: VeeCase, shape: Shape, progress: Progress) -> Result:
    meters = meters_of(case, shape)
    # Kernels are compiled on a few series, which are not compared with the others'.
    Whole(meters_of(case.model_copy(update={"series_meters": 1}), shape), case.series_days).round()
    whole = Whole(meters, case.series_days)
    result = Result(shape, meters.plan.meters, whole.intervals, tally=whole.tally)
    for number in range(case.rounds):
        progress(shape.title, number, case.rounds)
        result.nanoseconds.append(whole.round())
    result.rules = tuple(sorted(whole.judged))
    return result
