"""Cases of the chains alone, in processes of their own: cost against fleet size, and two workers side by side."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bench.case import OPENING, Case, Load
from bench.experiments.experiment import Measured
from bench.inside.children import measured
from bench.inside.once import Order
from bench.throughput.drain import Progress
from bench.throughput.machine import machine
from bench.topology import reader_of_frames
from cli.services.settings import ServiceSettings
from cli.topology import read_plan
from pipeline.errors import ConfigError

SMALLEST = 10_000
FLEETS = (SMALLEST, 100_000, 1_000_000)
"""Service points beside those of the case."""

LEAST_FRAMES = 1_000_000
"""Small fleets are measured with other seeds as well, until so many frames were taken."""


def times_the_small_fleet(case: Case, file: Path, progress: Progress) -> Measured:
    """CPU a frame of the case's fleet over that of the smaller one that takes least, over the same intervals.

    That is never less than over SMALLEST, whose few frames share out what each record and tick takes at any size.
    """
    fleets = [fleet for fleet in FLEETS if fleet < case.load.meters] + [case.load.meters]
    if len(fleets) < 2:
        raise ConfigError("FLEET_SMALL", where="--meters", what=f"{case.load.meters} service points",
                          do=f"give more than {SMALLEST}")  # fmt: skip
    found = []
    for done, fleet in enumerate(fleets):
        progress("fleets", done, len(fleets))
        found.append(_fleet(case.load, fleet, file))
    costs = [{"meters": one["meters"], "cpu_us_per_frame": one["cpu_us_per_frame"],
              "memory_bytes": one["memory_bytes"]} for one in found]  # fmt: skip
    last, smaller = found[-1]["cpu_us_per_frame"], [one["cpu_us_per_frame"] for one in found[:-1]]
    against = {"times_smallest": round(last / smaller[0], 3)}
    correct = {name: sum(one[name] for one in found) for name in ("rows", "different")}
    return Measured(round(last / min(smaller), 3), correct, {"by_fleet": costs, **against}, _machine())


def _fleet(load: Load, meters: int, file: Path) -> dict[str, Any]:
    """A fleet over as many intervals as the case's; the first seed is compared with the truth."""
    each = load.frames // load.meters * meters
    runs: list[dict[str, Any]] = []
    while not runs or sum(run["frames"] for run in runs) < LEAST_FRAMES:
        own = load.model_copy(update={"meters": meters, "frames": each, "seed": load.seed + len(runs)})
        runs += measured([Order(file=file, load=own, compared=not runs)])
    cost = 1e6 * sum(run["cpu_secs"] for run in runs) / sum(run["frames"] for run in runs)
    return {**runs[0], "cpu_us_per_frame": round(cost, 3)}


def times_one_worker(case: Case, file: Path, progress: Progress) -> Measured:
    """Frames a second of two processes, each on a CPU of its own with half of the partitions, over those of one.

    Both ways must make the same octets of every output of the frames' partitions.
    """
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise ConfigError("CPUS_FEW", where="workers", what=f"{len(cpus)} CPU", do="use a machine with two")
    count = reader_of_frames(read_plan(file)).source.partitions
    parts = [list(range(count // 2)), list(range(count // 2, count))]
    progress("one worker", 0, 2)
    one = measured([_worker(case.load, file, parts[0] + parts[1], cpus[0])])
    progress("two workers", 1, 2)
    two = measured([_worker(case.load, file, mine, cpu) for mine, cpu in zip(parts, cpus, strict=False)])
    alone, together = _rate(one), _rate(two)
    digests = {name: digest for said in two for name, digest in said["digests"].items() if _of_frames(name)}
    known = {name: digest for name, digest in one[0]["digests"].items() if _of_frames(name)}
    different = len(set(digests.items()) ^ set(known.items()))
    details = {
        "one_frames_per_s": round(alone), "two_frames_per_s": round(together),
        "siblings": _siblings(cpus[0]), "intervals": case.load.sendings - OPENING,
    }  # fmt: skip
    return Measured(round(together / alone, 3), {"rows": len(known), "different": different}, details, _machine())


def _worker(load: Load, file: Path, partitions: list[int], cpu: int) -> Order:
    return Order(file=file, load=load, partitions=partitions, cpu=cpu, waits=True)


def _rate(said: list[dict[str, Any]]) -> float:
    frames = sum(int(one["frames"]) for one in said)
    return frames / max(float(one["secs"]) for one in said)


def _of_frames(name: str) -> bool:
    """Whether an output is of a partition of frames alone: balances are made of all of them."""
    return not name.startswith("losses/")


def _siblings(cpu: int) -> str:
    """CPUs of the machine that share a core with this one, as Linux lists them."""
    path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    return path.read_text(encoding="utf-8").strip() if path.exists() else "unknown"


def _machine() -> dict[str, Any]:
    return {**machine(ServiceSettings.load().jars), "cpu_used_by_others": 0.0}
