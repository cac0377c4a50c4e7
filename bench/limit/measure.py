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
from bench.throughput.drain import Progress
from pipeline.runtime.chain import Outputs, singly
from pipeline.step import Origin
from pipeline.wire import read_frames

SHARE = 10
"""Of so many service points one is taken: the mix of intervals and midnights stays, and it fits into memory."""

LEAST_METERS = 10_000
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


def limit_of(load: Load, file: Path, progress: Progress) -> Limit:
    """Frames are taken through the chains once to have the outputs; then each part alone."""
    meters = min(load.meters, max(LEAST_METERS, load.meters // SHARE))
    frames = min(load.frames, -(-load.frames * meters // load.meters))
    inside = Inside(file, load.model_copy(update={"meters": meters, "frames": frames}))
    try:
        return _measured(inside, progress)
    finally:
        inside.close()


def _measured(inside: Inside, progress: Progress) -> Limit:
    inside.open()
    numbers, count = inside.load.pushes[OPENING:], 0
    records: list[tuple[int, bytes]] = []
    outputs: Outputs = []
    for done, number in enumerate(numbers):
        progress("outputs for the limit", done, len(numbers))
        for partition, frames, raw in inside.records(number):
            records.append((partition, raw))
            outputs += inside.take(partition, raw)
            count += frames
        outputs += inside.tick(number)
    progress("limit: cipher", 0, 1)
    batches = [batch for _, raw in records if (batch := read_frames(inside.contracts, raw, Origin("", 0, 0)).batch)]
    cipher = cipher_secs(batches, inside.references())  # type: ignore[arg-type]  # records of frames hold frames
    del batches
    progress("limit: insert", 0, 1)
    blocks = ready_blocks(inside.plan, inside.contracts, outputs, BLOCK_ROWS, StageClock())
    temporary = tempfile.TemporaryDirectory(prefix="kvarn-bench-", ignore_cleanup_errors=True)
    with temporary as folder, inserts(Path(folder)) as warehouse:
        insert = warehouse.insert(blocks)
    del blocks
    progress("limit: broker", 0, 1)
    values = [output.value for output in singly(outputs)]
    cost = broker_cost(records, values)
    micros = 1e6 / count
    return Limit(count, micros * cipher, micros * cost.broker, micros * cost.client, micros * insert)
