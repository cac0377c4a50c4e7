"""The limit of a load, measured with a tenth of its service points over the same intervals."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.case import OPENING, Load
from bench.inside.chains import Inside, StageClock
from bench.inside.warehouse import inserts, ready_blocks
from bench.limit.broker import broker_cost
from bench.limit.cipher import cipher_secs
from bench.throughput.drain import Progress, named
from pipeline.batch import FrameBatch
from pipeline.runtime.chain import Outputs, singly
from pipeline.step import Origin
from pipeline.wire import read_frames

SHARE = 10
"""Of so many service points one is taken: the mix of intervals and midnights stays, and it fits into memory."""

LEAST_METERS = 10_000
FEW_METERS = 2_000
BLOCK_ROWS = 400_000


@dataclass(frozen=True)
class Limit:
    """CPU microseconds a frame. insert: ready blocks, with their merges."""

    frames: int
    cipher: float
    broker: float
    client: float
    insert: float

    @property
    def together(self) -> float:
        """All of it."""
        return self.cipher + self.broker + self.client + self.insert

    def as_json(self) -> dict[str, float]:
        """By part, microseconds a frame."""
        parts = {"cipher": self.cipher, "broker": self.broker, "client": self.client, "insert": self.insert}
        return {name: round(value, 3) for name, value in {**parts, "together": self.together}.items()}


@dataclass
class Sample:
    """Frames of a load that were taken through the chains: the records, and what they gave rise to."""

    inside: Inside
    frames: int
    records: list[tuple[int, bytes]]
    outputs: Outputs


def limit_of(load: Load, file: Path, progress: Progress) -> Limit:
    """Frames are taken through the chains once to have the outputs; then each part alone."""
    warm_up(load, file, progress)
    inside = Inside(file, smaller(load))
    try:
        return limit_from(sample_of(inside, progress), progress)
    finally:
        inside.close()


def smaller(load: Load) -> Load:
    """A SHARE of the service points, and as many intervals."""
    meters = min(load.meters, max(LEAST_METERS, load.meters // SHARE))
    return load.model_copy(update={"meters": meters, "frames": -(-load.frames // load.meters) * meters})


def warm_up(load: Load, file: Path, progress: Progress) -> None:
    """Take the intervals of a few meters on, so that what is measured behind loads no kernel, or compiles one."""
    intervals = -(-load.frames // load.meters)
    inside = Inside(file, load.model_copy(update={"meters": FEW_METERS, "frames": intervals * FEW_METERS}))
    try:
        sample = sample_of(inside, named("warming up", progress))
        ready_blocks(inside.plan, inside.contracts, sample.outputs, BLOCK_ROWS, StageClock())
    finally:
        inside.close()


def sample_of(inside: Inside, progress: Progress) -> Sample:
    """All intervals of the load of `inside`, taken through its chains."""
    inside.open()
    numbers = inside.load.pushes[OPENING:]
    sample = Sample(inside, 0, [], [])
    for done, number in enumerate(numbers):
        progress("frames through the chains", done, len(numbers))
        for partition, frames, raw in inside.records(number):
            sample.records.append((partition, raw))
            sample.outputs += inside.take(partition, raw)
            sample.frames += frames
        sample.outputs += inside.tick(number)
    return sample


def limit_from(sample: Sample, progress: Progress, clock: StageClock | None = None) -> Limit:
    """Each part alone: cipher, insert, broker; `clock` has what making the blocks took, which is none of it."""
    inside, micros = sample.inside, 1e6 / sample.frames
    progress("limit: cipher", 0, 1)
    parcels = (read_frames(inside.contracts, raw, Origin("", 0, 0)) for _, raw in sample.records)
    cipher = cipher_secs([parcel.batch for parcel in parcels if isinstance(parcel.batch, FrameBatch)],
                         inside.references())  # fmt: skip
    progress("limit: insert", 0, 1)
    insert = insert_secs(sample, clock or StageClock())
    progress("limit: broker", 0, 1)
    cost = broker_cost(sample.records, [output.value for output in singly(sample.outputs)])
    return Limit(sample.frames, micros * cipher, micros * cost.broker, micros * cost.client, micros * insert)


def insert_secs(sample: Sample, clock: StageClock) -> float:
    """CPU seconds of the insert of ready blocks with its merges; `clock` has what making them took."""
    inside = sample.inside
    blocks = ready_blocks(inside.plan, inside.contracts, sample.outputs, BLOCK_ROWS, clock)
    temporary = tempfile.TemporaryDirectory(prefix="kvarn-bench-", ignore_cleanup_errors=True)
    with temporary as folder, inserts(Path(folder)) as warehouse:
        return warehouse.insert(blocks)
