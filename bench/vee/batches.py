"""What meters send, as decode hands it on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.vee.meters import Day, Meters
from pipeline.batch import DecodedBatch
from pipeline.channels import N_ENERGY
from pipeline.codes import Kind
from pipeline.columns import Array, empty

ALL_ENERGY = 2**N_ENERGY - 1
VOLTAGE_R, MILLIVOLTS = 0, 230_000


def decoded(meters: Meters, kind: Kind, meter: Array, frame: Array, time: Array, energy: Array) -> DecodedBatch:
    """Rows of one batch: meter, frame, time i64 (rows,), energy i64 (rows, 4)."""
    batch, registry = empty(DecodedBatch), meters.registry
    for column in DecodedBatch.COLUMNS:
        if column.section == "row":
            setattr(batch, column.name, column.empty(len(meter)))
    batch.frame[:], batch.time[:], batch.energy[:], batch.kind[:] = frame, time, energy, kind
    batch.link[:] = meter
    batch.service_point[:], batch.device[:] = registry.service_point[meter], registry.device[meter]
    batch.counter[:] = 1
    batch.present[:] = ALL_ENERGY
    batch.physical[:, VOLTAGE_R] = MILLIVOLTS
    return batch


def profiles(meters: Meters, number: int, day: Day, frames: int) -> Iterator[DecodedBatch]:
    """A frame of the whole day of each meter, `frames` a batch."""
    order = np.random.default_rng((meters.plan.seed, number, 1)).permutation(meters.plan.meters)
    ends = meters.midnight(number) + (np.arange(meters.per_day) + 1) * meters.plan.interval_secs
    for first in range(0, len(order), frames):
        chosen = order[first : first + frames]
        frame, slot = np.nonzero(~day.lost[chosen])
        meter = chosen[frame]
        yield decoded(meters, Kind.BLOCK, meter, frame, ends[slot], day.sent[meter, slot])


def pushes(meters: Meters, number: int, day: Day, slot: int, frames: int) -> Iterator[DecodedBatch]:
    """A frame of one interval of the day of each meter, `frames` a batch."""
    order = np.random.default_rng((meters.plan.seed, number, 2 + slot)).permutation(meters.plan.meters)
    order = order[~day.lost[order, slot]]
    end = meters.midnight(number) + (slot + 1) * meters.plan.interval_secs
    for first in range(0, len(order), frames):
        meter = order[first : first + frames]
        yield decoded(meters, Kind.BLOCK, meter, np.arange(len(meter)), np.full(len(meter), end), day.sent[meter, slot])


def registers(meters: Meters, time: int, reading: Array, frames: int) -> Iterator[DecodedBatch]:
    """Registers i64 (meters, 4) of a midnight, a frame each."""
    for first in range(0, meters.plan.meters, frames):
        meter = np.arange(first, min(first + frames, meters.plan.meters))
        stamps = np.full(len(meter), time)
        yield decoded(meters, Kind.DAILY, meter, np.arange(len(meter)), stamps, reading[meter])
