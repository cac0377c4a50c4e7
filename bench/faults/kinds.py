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
        (("sink-read", 6), ("sink-planned", 1), ("sink-in-block", 2), ("sink-written", 1), ("sink-committed", 1)),
    ),
    Kind("broker killed", "SIGKILL of the broker, started again seconds later on its data", "broker"),
    Kind(
        "worker frozen", "a worker stopped for longer than its session, replaced by another, and thawed: it still "
        "believes that it owns its partitions", "freeze",
    ),
    Kind("workers come and go", "a second worker joins under load and leaves again", "scale"),
    Kind(
        "killed in a rebalance", "a second worker joins and leaves, and the first is killed while it gives its "
        "partitions back", "rebalance",
    ),
    Kind("worker cut off", "no octet between the worker and the broker, for less or more than a session", "cut"),
    Kind("coordinator cut off", "records come and go, but the group's coordinator is out of reach", "coordinator"),
    Kind("sink cut off", "no octet between the sink and the broker", "cut", SINK),
    Kind("Kafka slow", "the worker's connections get a few hundred kilobytes a second through", "slow"),
    Kind("clock stepped", "the wall clock of all parts is stepped by minutes to a year, forwards and back", "clock"),
    Kind(
        "schema registry gone", "the registry is killed, and a worker has to start before it is back", "registry",
    ),
    Kind(
        "page damaged", "a page of state is half written or has other octets: the worker stops before it writes "
        "anything, and goes on when the page is right again", "page",
    ),
    Kind("warehouse gone", "SIGKILL of a warehouse behind HTTP; it is back on its data later", "warehouse", SINK),
    Kind("warehouse disk full", "the disk of the embedded warehouse is full for a while", "warehouse disk", SINK),
    Kind("Kafka disk full", "the broker's disk is full for a while: it stops by itself", "kafka disk"),
    Kind(
        "connectors killed", "SIGKILL of the TCP and the MQTT connector under live pushes: with frames in memory, with "
        "a cut half handed on, before and after Kafka has acknowledged it", "connectors", "connect.push",
        (("push-taken", 8), ("connector-in-flush", 40), ("connector-sent", 8), ("connector-acknowledged", 8)),
    ),
    Kind(
        "bad pushes in bursts", "thousands of frames that are garbage, of unknown devices, copies or forged; frames, "
        "streams and messages beyond the limits; records that nobody can read", "bad pushes",
    ),
    Kind(
        "poison frames in bursts", "frames at which a step fails, and frames of which the worker dies, among good ones",
        "poison",
    ),
)  # fmt: skip

BY_NAME = {kind.name: kind for kind in KINDS}
