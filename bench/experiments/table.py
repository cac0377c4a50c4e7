"""All experiments by name: one line each, the folder of the same name in `bench/cases` says what is measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.case import Case, read_case
from bench.experiments import drain, inside, latency, limit, live, peers, profiles, state
from bench.experiments.drain import OnDrain
from bench.experiments.experiment import Experiment, Measured
from bench.throughput.drain import Progress
from pipeline.errors import ConfigError

EXPERIMENTS: dict[str, Callable[[Case, Path, Progress], Measured]] = {
    "throughput": OnDrain(drain.frames_a_second),
    "naive": OnDrain(drain.times_the_naive_way),
    "quix": peers.times_quix_streams,
    "kafka-streams": peers.times_kafka_streams,
    "live": live.frames_a_second,
    "profiles": OnDrain(profiles.readings_a_second),
    "latency": latency.p99_secs,
    "latency-quiet": latency.p99_secs,
    "limit": OnDrain(limit.share_of_limit),
    "fleet": inside.times_the_small_fleet,
    "state": OnDrain(state.kilobytes_a_point),
    "workers": inside.times_one_worker,
}


def experiment(name: str) -> Experiment:
    """The experiment of that name; raises ConfigError when there is none."""
    if name not in EXPERIMENTS:
        raise ConfigError(
            "CASE_UNKNOWN", where=name, what="there is no such case", do=f"use {', '.join(sorted(EXPERIMENTS))}"
        )
    return Experiment(read_case(name), EXPERIMENTS[name])
