"""Kvarn's drain and a peer on the same machine in the same run: how many times its frames a CPU second."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.case import Case, PeerLoad
from bench.experiments.drain import LEFT_OUT, OnDrain
from bench.experiments.experiment import Measured
from bench.peers.environment import environment
from bench.peers.kafka_streams.peer import PEER as KAFKA_STREAMS
from bench.peers.measure import PeerResult, measure
from bench.peers.peer import Peer
from bench.peers.quix.peer import PEER as QUIX
from bench.throughput.drain import BROKER, Progress
from bench.throughput.figures import figures
from bench.throughput.run import Outcome
from pipeline.errors import ConfigError

LACKING = ("lost intervals, estimates, late readings and settling", "rating and determinants", "losses", "warehouse")
"""What Kvarn's side does and a peer's does not."""


def times(peer: Peer) -> OnDrain:
    """The experiment against one peer."""

    def needs(case: Case, progress: Progress) -> None:
        _given(case)
        environment(peer, lambda line: progress(line, 0, 1))

    def measured(case: Case, outcome: Outcome, _file: Path, progress: Progress) -> Measured:
        own = _given(case)
        said = figures(outcome)
        with tempfile.TemporaryDirectory(prefix="kvarn-peer-", ignore_cleanup_errors=True) as folder:
            results = measure(peer, case.load, own, Path(folder), progress)
        best = best_of(results)
        details = {name: found for name, found in said.items() if name not in LEFT_OUT | {"naive", "ratio"}}
        details["peer"] = described(peer, own, results)
        details["times_worker_and_broker"] = nearer(said["cpu_us_per_frame"], best)
        ratio = round(outcome.frames_per_cpu_s / best.frames_per_cpu_s, 2)
        return Measured(ratio, both_correct(said["correct"], results), details, said["machine"])

    return OnDrain(measured, needs)


def _given(case: Case) -> PeerLoad:
    """What the peer is given; raises ConfigError when the case does not say it."""
    if case.peer is None:
        raise ConfigError("CASE_UNFIT", where=case.name, what="it does not say what the peer is given",
                          do="write `peer` into its experiment.yaml")  # fmt: skip
    return case.peer


def best_of(results: Sequence[PeerResult]) -> PeerResult:
    """The best of its ways, by CPU."""
    return max(results, key=lambda result: result.frames_per_cpu_s)


def nearer(ours: Mapping[str, float], best: PeerResult) -> float | None:
    """How many times, of Kvarn only its worker and broker counted; None for a topology with other parts."""
    if not {"worker", BROKER} <= ours.keys():
        return None
    return round(best.cpu_us()["together"] / (ours["worker"] + ours[BROKER]), 2)


def both_correct(ours: dict[str, Any], results: Sequence[PeerResult]) -> dict[str, Any]:
    """Kvarn's rows, and what the peer's check found; `different` is of both."""
    theirs = {result.way.name: result.correct for result in results}
    different = ours["different"] + sum(found["different"] for found in theirs.values())
    return {**ours, "peer": theirs, "different": different}


def described(peer: Peer, own: PeerLoad, results: Sequence[PeerResult]) -> dict[str, Any]:
    """For the details of a run."""
    return {
        "name": peer.name,
        "best": best_of(results).way.name,
        "by_way": [
            {
                "way": result.way.name,
                "frames_per_s": round(result.frames_per_s),
                "frames_per_cpu_s": round(result.frames_per_cpu_s),
                "cpu_us_per_frame": result.cpu_us(),
                "frames": result.frames,
                "seconds": round(result.seconds, 2),
                "resident_mib": result.resident_bytes >> 20,
            }
            for result in results
        ],
        "load": own.model_dump(),
        "versions": dict(peer.versions()),
        "settings": dict(peer.settings()),
        "lacks": list(LACKING),
    }


times_quix_streams = times(QUIX)
times_kafka_streams = times(KAFKA_STREAMS)
