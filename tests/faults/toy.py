"""A chain small enough to see through, whose outputs show every record that was lost or counted twice.

The step counts the frames of each service point and sends each count out, once packed and once as plain records. Frames
may be told by their bytes to be poison. `python -m tests.faults.toy` runs it as a worker process.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from agents.worker.run import run_worker
from agents.worker.settings import WorkerSettings
from cli.logs import set_up
from pipeline.batch import FrameBatch, NodeEnergy
from pipeline.columns import Array, empty
from pipeline.reference import KeyRing, References
from pipeline.runtime.references import empty_registry
from pipeline.state import Layout, StateStore, Table, mark
from pipeline.step import Advance, Emission, Parcel
from pipeline.topology.plan import ChainPlan, StagePlan, TopicPlan
from schemas.load import load_contracts

COUNTS = np.dtype([("frames", "<u4"), ("octets", "<u4"), ("last", "<i8")])
POISON = b"poison"
"""The step fails at it."""
KILLER = b"killer"
"""The process dies at it, as in native code."""
SLEEPER = b"sleeper"
"""The step does not return."""
PLAIN_EVERY = 50
"""Every so many frames of a service point one is reported as a plain record too."""


class ToyStep:
    """Counts; `pause_secs` stretches a record, so that a test can end the process within one."""

    name = "toy"
    layout = Layout("toy", 1, (Table("counts", COUNTS), Table("ring", np.dtype("<u2"), 16)))
    outputs: Mapping[str, str] = MappingProxyType({"counts": "NodeEnergy", "rejects": "Reject"})

    def __init__(self, pause_secs: float = 0.0) -> None:
        self.pause_secs = pause_secs

    def prepare(self, references: References) -> str:
        """The version in force is all it looks at."""
        return references.versions.get("registry", "")

    def advance(self, parcel: Parcel, store: StateStore, prepared: str) -> Advance:
        """Count the frames."""
        time.sleep(self.pause_secs)
        batch = parcel.batch
        if not isinstance(batch, FrameBatch):
            return Advance(Parcel(parcel.origin, None, parcel.tick, parcel.control))
        slots = store.locate(batch.service_point, batch.service_point)
        counts, ring = store.areas["counts"], store.areas["ring"]
        emissions = []
        seen = np.zeros(len(slots), np.int64)
        ends = np.cumsum(batch.length)
        for frame, slot in enumerate(slots.tolist()):
            row = counts.flat[0][slot]
            row["frames"] += 1
            row["octets"] += batch.length[frame]
            row["last"] = parcel.origin.offset
            # The state is half changed by now, as a step's would be.
            _take_effect(batch.payload[ends[frame] - batch.length[frame] : ends[frame]].tobytes())
            seen[frame] = row["frames"]
            place = int(row["frames"]) % 16
            ring.flat[place][slot] = parcel.origin.offset % 65_536
            mark.py_func(counts.changed.reshape(1, -1), counts.dirty, 0, slot, store.capacity)
            mark.py_func(ring.changed.reshape(16, -1), ring.dirty, place, slot, store.capacity)
            if batch.length[frame] == 0 or row["frames"] % PLAIN_EVERY == 0:
                emissions.append(_report(parcel, batch, frame, len(emissions), int(row["frames"])))
        made = _packed(batch.service_point, seen, ring.flat[:, slots].sum(axis=0))
        emissions.append(Emission("counts", made, partition=parcel.origin.partition))
        return Advance(Parcel(parcel.origin, None, parcel.tick, parcel.control), emissions)


def _take_effect(octets: bytes) -> None:
    if octets == POISON:
        raise ZeroDivisionError("poison")
    if octets == KILLER:
        os.kill(os.getpid(), signal.SIGKILL)
    if octets == SLEEPER:
        time.sleep(3_600)


def _packed(points: Array, seen: Array, ring: Array) -> NodeEnergy:
    rows = {column.name: np.zeros(len(points), column.dtype) for column in NodeEnergy.COLUMNS}
    rows["node"] = (points & np.uint64(0xFFFF_FFFF)).astype(np.uint32)
    rows["input_wh"], rows["output_wh"] = seen, ring.astype(np.int64)
    return NodeEnergy(**rows) if len(points) else empty(NodeEnergy)


def _report(parcel: Parcel, batch: FrameBatch, frame: int, index: int, count: int) -> Emission:
    device = f"{int(batch.device[frame]):016X}"
    origin = parcel.origin
    record = {
        "stage": "toy", "code": "COUNTER_DUPLICATE", "parked": False, "topic": "frames",
        "partition": origin.partition, "offset": origin.offset, "frame": frame,
        "service_point": int(batch.service_point[frame]), "device": device,
        "received_at": int(batch.received_at[frame]), "time": None, "detail": str(count), "raw": b"",
        "source_topic_id": origin.topic_id, "source_partition": origin.partition, "source_offset": origin.offset,
        "source_index": index,
    }  # fmt: skip
    return Emission("rejects", record, device.encode())


def toy_plan(application: str, source: str, partitions: int) -> ChainPlan:
    """The chain: same topology and source for every application, so the same outputs."""
    counts = TopicPlan(f"{application}-counts", "NodeEnergy", partitions, None, compact=False)
    rejects = TopicPlan(f"{application}-rejects", "Reject", partitions, None, compact=False)
    return ChainPlan(
        name="toy", topology="toy", source=TopicPlan(source, "FrameBatch", partitions, None, compact=False),
        reads="FrameBatch", stages=(StagePlan("toy", {}, {"counts": counts, "rejects": rejects}),), publishes=(),
        state=TopicPlan(f"{application}-state", None, partitions, None, compact=True), group=application,
    )  # fmt: skip


def no_references(versions: Mapping[str, str]) -> References:
    """References without anything but their versions."""
    nothing = np.zeros((0, 16), np.uint8)
    return References(empty_registry(), KeyRing(np.zeros(0, np.uint64), nothing, nothing), {}, dict(versions))


def toy_batch(
    points: Array, length: int = 3, poison: tuple[int, ...] = (), special: Mapping[int, bytes] = MappingProxyType({})
) -> FrameBatch:
    """Frames of `points`, of which those in `poison` are poison; `special` has the bytes of others."""
    named = {**dict.fromkeys(poison, POISON), **special}
    raw = [named.get(frame, b"x" * length) for frame in range(len(points))]
    return FrameBatch(
        service_point=points.astype(np.uint64), device=points.astype(np.uint64) + np.uint64(10**9),
        received_at=np.full(len(points), 1_700_000_000), length=np.array([len(one) for one in raw], np.uint32),
        payload=np.frombuffer(b"".join(raw), np.uint8),
    )  # fmt: skip


def main() -> None:
    """Run the chain that the environment describes."""
    set_up()
    environment: dict[str, Any] = dict(os.environ)
    plan = toy_plan(environment["TOY_APPLICATION"], environment["TOY_SOURCE"], int(environment["TOY_PARTITIONS"]))
    settings = WorkerSettings.model_validate_json(environment["TOY_SETTINGS"])
    steps = (ToyStep(float(environment.get("TOY_PAUSE", "0"))),)
    run_worker(plan, steps, load_contracts(), no_references, settings)


if __name__ == "__main__":
    main()
