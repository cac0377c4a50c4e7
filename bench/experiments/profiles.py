"""Frames of whole days that wait in Kafka, drained: how many interval readings a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench.case import OPENING, Case, Load
from bench.experiments.drain import LEFT_OUT, over_time
from bench.experiments.experiment import Measured
from bench.throughput.drain import Drained, Progress
from bench.throughput.figures import NAMES, figures
from bench.throughput.run import Outcome
from bench.truth.sent import LOST
from connectors.simulator.burst_kernel import frame_octets
from connectors.simulator.burst_truth import burst_fault


def readings_a_second(case: Case, outcome: Outcome, _file: Path, _progress: Progress) -> Measured:
    """Interval readings a second of wall time, broker and warehouse on the same CPUs."""
    said, readings = figures(outcome), readings_of(case.load)
    details = {name: found for name, found in said.items() if name not in LEFT_OUT} | costs(outcome.drained, readings)
    details |= {
        "readings": readings,
        "intervals_per_frame": case.load.rows,
        "bytes_per_frame": frame_octets(case.load.rows),
        "over_time": over_time(outcome.drained),
    }
    return Measured(round(readings / outcome.drained.seconds), said["correct"], details, said["machine"])


def readings_of(load: Load) -> int:
    """Intervals in the measured frames that can be read, each once: what is lost or comes twice is none."""
    plan, meters = load.plan(1), np.arange(load.meters)
    frames = sum(int((~np.isin(burst_fault(plan, meters, number), LOST)).sum()) for number in load.pushes[OPENING:])
    return frames * load.rows


def costs(drained: Drained, readings: int) -> dict[str, Any]:
    """CPU by part, a reading and a frame, and bytes of state a reading."""
    secs = {NAMES.get(part, part): drained.cpu(part) for part in drained.parts}
    secs["together"] = sum(secs.values())
    return {
        "cpu_ns_per_reading": {name: round(1e9 * used / readings, 1) for name, used in secs.items()},
        "cpu_us_per_frame": {name: round(1e6 * used / drained.frames, 3) for name, used in secs.items()},
        "readings_per_cpu_s": round(readings / secs["together"]),
        "state_bytes_per_reading": round((drained.end.state_bytes - drained.begin.state_bytes) / readings, 1),
    }
