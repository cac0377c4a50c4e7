"""The faults of the bench, one row each."""

from __future__ import annotations

from dataclasses import dataclass

WORKER, LOSSES, SINK = "worker.metering", "worker.losses", "sink.warehouse"


@dataclass(frozen=True)
class Kind:
    """A fault: how it is done (`way`, see bench.faults.ways), to which part, and for kills in which moments, each with
    how often the moment may be passed before (moments that come by the hundred are hit somewhere among them)."""

    name: str
    doc: str
    way: str
    part: str = WORKER
    moments: tuple[tuple[str, int], ...] = ()


_WORKER_MOMENTS = (
    ("in-batch", 60), ("in-outputs", 150), ("before-flush", 6), ("after-flush", 6), ("in-pages", 200),
    ("before-commit", 6), ("after-commit", 6), ("after-position", 6), ("in-restore", 12),
)  # fmt: skip

KINDS = (
    Kind(
        "worker killed", "SIGKILL of the worker of frames: in a batch, in its outputs, at each step of a checkpoint, "
        "in recovery", "kill", WORKER, _WORKER_MOMENTS,
    ),
    Kind(
        "losses worker killed", "the same for the worker behind the re-key", "kill", LOSSES,
        (("in-batch", 12), ("before-flush", 3), ("after-flush", 3), ("before-commit", 3), ("after-commit", 3)),
    ),
    Kind(
        "sink killed", "SIGKILL of the sink: with messages in memory, with a block planned, between the tables of a "
        "block, before and after the commit", "kill", SINK,
        (("sink-read", 6), ("sink-planned", 3), ("sink-in-block", 4), ("sink-written", 3), ("sink-committed", 3)),
    ),
    Kind("broker killed", "SIGKILL of the broker, started again seconds later on its data", "broker"),
    Kind(
        "worker frozen", "a worker stopped for longer than its session, replaced by another, and thawed: it still "
        "believes that it owns its partitions", "freeze",
    ),
    Kind("workers come and go", "a second worker joins under load and leaves again", "scale"),
)  # fmt: skip

BY_NAME = {kind.name: kind for kind in KINDS}
