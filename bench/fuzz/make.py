"""Batches of frames: plaintexts, sealed as one batch by the pipeline's own sealer, then framed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.fuzz.corpus import corpus
from bench.fuzz.kernels_frame import ENCRYPTED, MOST_FRAME, PROTECTED, plaintexts, whole_frames
from bench.fuzz.kernels_walk import ROOM
from bench.fuzz.kinds import choices
from bench.fuzz.world import NOON, OF_EACH_MODEL, World
from pipeline import gcm
from pipeline.batch import FrameBatch
from pipeline.columns import Array
from pipeline.gcm_single import TAG_LENGTH, seal_one
from pipeline.templates import TEMPLATES

ORDINARY = OF_EACH_MODEL * len(TEMPLATES)
AGAIN_TURN, AGAIN_BATCH = 8, 3
"""One batch of so many is offered again in parts, as frames of `rejects` are."""
MANY_TURN = 512
"""The last of so many batches has profiles of very many rows: more than a record can have."""
TIMED_TURN, TIMED_SECS = 2, 4000
"""One batch of so many does not say when its frames were received; in the others they came within so many seconds."""
_WORK = 2 * ROOM


@dataclass(frozen=True)
class Made:
    """Frames first, first + 1, ...; kind u8 (n,), device i64 (n,): place in the world; requeued as in Parcel."""

    first: int
    batch: FrameBatch
    kind: Array
    device: Array
    requeued: Array | None

    @property
    def numbers(self) -> range:
        """Numbers of the frames."""
        return range(self.first, self.first + len(self.kind))

    def frame(self, item: int) -> bytes:
        """Octets of one frame."""
        ends = np.cumsum(self.batch.length.astype(np.int64))
        raw: bytes = self.batch.payload[ends[item] - int(self.batch.length[item]) : ends[item]].tobytes()
        return raw


class Maker:
    """Makes frames of a seed; `batch` is how many a batch has. Holds a cipher context and scratch: one thread."""

    def __init__(self, world: World, seed: int, batch: int) -> None:
        self.world, self.seed, self.batch = world, seed, batch
        self._context = gcm.new_context(encrypt=True)
        # Memory that is not touched costs nothing.
        self._plain, self._sealed = np.empty(batch * ROOM, np.uint8), np.empty(batch * (ROOM + TAG_LENGTH), np.uint8)
        self._out = np.empty(batch * MOST_FRAME, np.uint8)
        self._work, self._spare = np.zeros(_WORK, np.uint8), np.zeros(_WORK, np.uint8)

    def close(self) -> None:
        """Give the cipher's context back."""
        gcm.free_context(self._context)

    def make(self, first: int, count: int) -> Made:
        """Frames first to first + count - 1, `batch` of them at most."""
        world, dice = self.world, np.zeros(1, np.uint64)
        kinds, like, controls, others = (np.zeros(count, np.uint8) for _ in range(4))
        places, devices, rows, starts, lengths = (np.zeros(count, np.int64) for _ in range(5))
        counters, sizes = np.zeros(count, np.uint32), np.zeros(count, np.uint32)
        number = first // self.batch
        many = number % MANY_TURN == MANY_TURN - 1
        texts, seed = corpus(), np.uint64(self.seed)
        plaintexts(
            seed, first, self.batch, choices(), ORDINARY, world.model, world.title, texts, many, self._work[:ROOM],
            self._spare[:1000], dice, self._plain, kinds, like, places, devices, rows, counters, controls, others,
            starts, lengths,
        )  # fmt: skip
        sealed_starts = starts + TAG_LENGTH * np.arange(count)
        self._seal(devices, rows, counters, controls, starts, lengths, sealed_starts)
        total = whole_frames(
            seed, like, places, devices, counters, controls, starts, lengths, world.title, texts, self._plain,
            self._sealed, sealed_starts, self._work, self._spare, dice, self._out, sizes,
        )  # fmt: skip
        points = np.where(others > 0, world.points[(devices + 1) % len(world.points)], world.point[devices])
        received = np.where(number % TIMED_TURN, NOON + places % TIMED_SECS, 0)
        batch = FrameBatch(
            points.astype(np.uint64), world.title[devices], received.astype(np.int64), sizes, self._out[:total].copy()
        )
        again = None
        if number % AGAIN_TURN == AGAIN_BATCH:
            again = (places % 3).astype(np.uint32)
        return Made(first, batch, kinds, devices, again)

    def _seal(
        self, devices: Array, rows: Array, counters: Array, controls: Array, starts: Array, lengths: Array,
        sealed_starts: Array,
    ) -> None:  # fmt: skip
        """All plaintexts that are to be sealed; with encryption alone the tag is left out later."""
        world = self.world
        keys = gcm.Keys(world.encryption, world.authentication)
        frames = gcm.Frames(rows, world.title[devices], counters, starts, lengths, sealed_starts)
        gcm.seal_batch(self._context, keys, frames, self._plain, self._sealed)
        for item in np.flatnonzero(~np.isin(controls, (0, PROTECTED, ENCRYPTED))).tolist():
            row, start, length = int(rows[item]), int(starts[item]), int(lengths[item])
            raw = seal_one(
                int(controls[item]), world.pair(row, int(controls[item])), int(frames.title[item]),
                int(counters[item]), self._plain[start : start + length].tobytes(),
            )  # fmt: skip
            place = int(sealed_starts[item])
            self._sealed[place : place + len(raw)] = np.frombuffer(raw, np.uint8)
