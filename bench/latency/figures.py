"""Percentiles of what the frames of the measured span took, second by second and hop by hop. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.latency.join import NOWHERE, READING, REFUSED, Way
from pipeline.columns import Array

NEVER_SECS = 1e9
"""What is said in place of for ever, which JSON does not know."""

SHARES = {"p50_s": 0.5, "p90_s": 0.9, "p99_s": 0.99, "p999_s": 0.999, "most_s": 1.0}


@dataclass(frozen=True)
class Busy:
    """CPU seconds of each part so far, and of the machine; `at` in seconds by the clock of the run."""

    at: float
    cpu: dict[str, float]
    machine: float


HOPS = {
    "due to sent": ("due", "sent"),
    "sent to the connector's record": ("sent", "logged"),
    "that to the worker's record": ("logged", "made"),
    "that to visible": ("made", "visible"),
}
"""Hop -> moments of `Way` that it lies between."""


def percentile(ordered: Array, share: float) -> float:
    """The smallest value that so large a share is not above (nearest rank); values sorted, NEVER_SECS for infinite."""
    if not len(ordered):
        return NEVER_SECS
    place = max(0, int(np.ceil(share * len(ordered) - 1e-9)) - 1)
    return round(min(float(ordered[place]), NEVER_SECS), 4)


def percentiles(seconds: Array) -> dict[str, float]:
    """p50_s and so on."""
    ordered = np.sort(seconds)
    return {name: percentile(ordered, share) for name, share in SHARES.items()}


def window(way: Way, begin: float, warm_secs: float) -> Array:
    """Frames of the measured span, bool (n,): those due `warm_secs` after `begin` or later, whatever became of them."""
    chosen: Array = way.due >= begin + warm_secs
    return chosen


def latency(way: Way, chosen: Array) -> dict[str, Any]:
    """Percentiles of the chosen frames, what became of them, and where the time went."""
    seconds = way.seconds[chosen]
    kinds = way.kind[chosen]
    return {
        "latency": percentiles(seconds),
        "frames": int(chosen.sum()),
        "became": {
            "readings": int((kinds == READING).sum()), "rejects": int((kinds == REFUSED).sum()),
            "nothing": int((kinds == NOWHERE).sum()), "never_visible": int(np.isinf(seconds).sum()),
        },
        "hops": hops(way, chosen & (way.kind == READING)),
    }  # fmt: skip


def hops(way: Way, chosen: Array) -> dict[str, dict[str, float]]:
    """Median and p99 of each hop, of frames that became readings. A hop's p99 is not a part of the whole's."""
    found = {}
    for name, (before, after) in HOPS.items():
        # Of one frame both may be for ever; that frame has not made the hop.
        there = chosen & np.isfinite(getattr(way, after)) & np.isfinite(getattr(way, before))
        ordered = np.sort(getattr(way, after)[there] - getattr(way, before)[there])
        found[name] = {"p50_s": percentile(ordered, 0.5), "p99_s": percentile(ordered, 0.99)}
    return found


def by_second(way: Way, begin: float) -> list[dict[str, float]]:
    """p50 and p99 of the frames due in each second from `begin` on."""
    second = np.floor(way.due - begin).astype(np.int64)
    edges = np.searchsorted(second, np.arange(second[-1] + 2)) if len(second) else np.zeros(1, np.int64)
    found = []
    for number, (first, last) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        ordered = np.sort(way.seconds[first:last])
        found.append({"at": number, "frames": last - first, "p50_s": percentile(ordered, 0.5),
                      "p99_s": percentile(ordered, 0.99)})  # fmt: skip
    return found


def costs(first: Busy, last: Busy, frames: int) -> dict[str, Any]:
    """Between the two: CPUs that each part kept busy, microseconds a frame, and what others used of the machine's."""
    cpu = {name: secs - first.cpu.get(name, 0.0) for name, secs in last.cpu.items()}
    each = {name: round(1e6 * secs / max(1, frames), 3) for name, secs in cpu.items()}
    machine = last.machine - first.machine
    return {
        "cpu_busy": {name: round(secs / (last.at - first.at), 3) for name, secs in cpu.items()},
        "cpu_us_per_frame": {**each, "together": round(sum(each.values()), 3)},
        "cpu_used_by_others": round(max(0.0, 1 - sum(cpu.values()) / machine), 3) if machine else 0.0,
    }
