"""Seconds from a frame at the connector to its row visible in ClickHouse, at a steady rate."""

from __future__ import annotations

from pathlib import Path

from bench.case import Case
from bench.experiments.experiment import Measured
from bench.latency.run import run
from bench.throughput.drain import Progress


def p99_secs(case: Case, file: Path, progress: Progress) -> Measured:
    """The 99th percentile over every frame of the measured span; the median and others beside it."""
    said, correct, machine = run(case, file, progress)
    return Measured(said["p99_s"], correct, said, machine)
