"""What the tests of replaying share: frames, records of them, and files of those."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from connectors.simulator.kvf import MAGIC, Item, Logged, Recorded, Source, read_any, write_item
from pipeline.batch import FrameBatch
from pipeline.step import Control, Tick
from pipeline.wire import frames_record
from schemas.load import load_contracts
from tests.unit.connectors.test_gather import TITLE, glo, wrapped

CONTRACTS = load_contracts()
BARE = glo(TITLE + 1)
T0 = 1_767_225_600_000


def batch(frames: list[bytes], device: int = TITLE) -> FrameBatch:
    count = len(frames)
    return FrameBatch(
        np.full(count, 27, np.uint64), np.arange(device, device + count, dtype=np.uint64),
        np.full(count, T0 // 1000, np.int64), np.array([len(frame) for frame in frames], np.uint32),
        np.frombuffer(b"".join(frames), np.uint8),
    )  # fmt: skip


def logged(place: int, frames: list[bytes], partition: int = 0, key: bytes | None = None) -> Logged:
    """A record `place` seconds after the first."""
    value = frames_record(CONTRACTS, batch=batch(frames))
    return Logged(partition, T0 + 1000 * place, len(frames), key, value)


RECORDS = [
    logged(0, [wrapped(glo(TITLE)), BARE]),
    Logged(1, T0 + 1000, 0, b"", frames_record(CONTRACTS, tick=Tick(T0 // 1000, 0), control=Control({"keys": "k1"}))),
    logged(2, [wrapped(glo(TITLE + 5))], 1, b"some key"),
    logged(4, [BARE, BARE, BARE]),
]


def written(path: Path, items: list[Item | Recorded]) -> Path:
    with path.open("wb") as out:
        out.write(MAGIC)
        for item in items:
            write_item(out, item)
    return path


def recorded(path: Path, records: list[Logged] = RECORDS, partitions: int = 2) -> Path:
    return written(path, [Source(partitions, "frames"), *records])


def read(path: Path) -> list[Item | Recorded]:
    return [item for _, item in read_any(path)]


def quiet(_what: str, _done: int, _total: int) -> None:
    """Nobody looks on."""


SENT = [wrapped(glo(TITLE)), BARE, wrapped(glo(TITLE + 5)), BARE, BARE, BARE]
"""The frames of RECORDS, each as it came."""
