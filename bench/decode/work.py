"""The frames of one round in each shape, and the generator's truth about what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from agents.decode.config import DecodeConfig
from agents.decode.kernels_open import Opened
from agents.decode.kernels_rows import Tables
from agents.decode.prepare import tables_of
from bench.decode import shapes
from bench.decode.case import DecodeCase
from connectors.simulator.burst import Burst, BurstBuffers, BurstPlan, burst_keys, burst_registry
from connectors.simulator.burst_kernel import HEAD_OCTETS, LONG_OCTETS, TITLE_HEAD
from connectors.simulator.burst_truth import burst_physical, burst_sent
from pipeline.batch import DecodedBatch, FrameBatch
from pipeline.codes import Flag, Kind
from pipeline.columns import Array
from pipeline.reference import KeyRing, References

DAY_ROWS = 48
VOLTAGE_R, CURRENT_R, CURRENT_N = 0, 3, 6
"""Places of a D1 meter's quantities among the physical channels."""
N_SAID = 4
"""Energies of a row, then voltage and two currents."""


@dataclass(frozen=True)
class Fleet:
    """Meters of one plan with all that decode knows of them."""

    plan: BurstPlan
    batch_frames: int

    @cached_property
    def ring(self) -> KeyRing:
        """Keys of all meters, by meter."""
        return burst_keys(self.plan)

    @cached_property
    def tables(self) -> Tables:
        """As decode prepares them from registry and keys."""
        return tables_of(References(burst_registry(self.plan), self.ring, {}), DecodeConfig())

    def batches(self, number: int) -> Iterator[FrameBatch]:
        """All frames `number` of the meters, sealed, in batches that are the caller's."""
        burst, buffers = Burst(self.plan), BurstBuffers(1, self.batch_frames + 1, self.plan.rows)
        try:
            for _, batch in burst.batches(number, buffers):
                yield FrameBatch(**{column.name: np.array(getattr(batch, column.name)) for column in batch.COLUMNS})
        finally:
            burst.close()


@dataclass(frozen=True)
class Shape:
    """One case: which fleet, and what becomes of a batch of its frames.

    head, tail: octets before the ciphertext and behind the tag; head 0: nothing is sealed. framing: as gurux-dlms is
    told.
    """

    name: str
    title: str
    rows: int
    make: Callable[[FrameBatch, Fleet, int], FrameBatch]
    head: int
    tail: int = 0
    framing: str = "pdu"


def _plain(batch: FrameBatch, fleet: Fleet, _number: int) -> FrameBatch:
    sealed = shapes.sealed_in(batch, fleet.ring, HEAD_OCTETS, 0)
    return shapes.with_octets(batch, shapes.opened(batch, sealed))


def _compact(batch: FrameBatch, fleet: Fleet, number: int) -> FrameBatch:
    sealed = shapes.sealed_in(batch, fleet.ring, LONG_HEAD, 0)
    plain = shapes.compact(shapes.opened(batch, sealed), fleet.plan, number)
    return shapes.resealed(batch, plain, number, fleet.ring)


LONG_HEAD = HEAD_OCTETS + LONG_OCTETS

SHAPES: tuple[Shape, ...] = (
    Shape("encrypted", "D1 block pushes, encrypted", 1, lambda batch, _fleet, _number: batch, HEAD_OCTETS),
    Shape("plain", "the same without ciphering", 1, _plain, 0),
    Shape("hdlc", "encrypted, in HDLC frames", 1, lambda batch, _fleet, _number: shapes.in_hdlc(batch),
          shapes.HDLC_HEAD + HEAD_OCTETS, shapes.HDLC_TAIL, "hdlc"),
    Shape("profile", "day profiles, encrypted", DAY_ROWS, lambda batch, _fleet, _number: batch, LONG_HEAD),
    Shape("compact", "day profiles as compact arrays, encrypted", DAY_ROWS, _compact, LONG_HEAD),
)  # fmt: skip
GOAL_SHAPE = SHAPES[0].name


def fleets(case: DecodeCase) -> dict[int, Fleet]:
    """By rows of a frame."""
    return {
        1: Fleet(BurstPlan(case.meters, 1, seed=case.seed, faults=False), case.batch_frames),
        DAY_ROWS: Fleet(
            BurstPlan(case.profile_meters, 1, seed=case.seed, faults=False, rows=DAY_ROWS), case.profile_batch_frames
        ),
    }


def truth_of(plan: BurstPlan, devices: Array, number: int) -> Array:
    """What frames `number` of these devices say: i64 (frames, rows, stamp + 4 energies + voltage + two currents)."""
    meters = (np.asarray(devices) - TITLE_HEAD).astype(np.int64)
    said = np.zeros((len(meters), plan.rows, 1 + N_SAID + 3), np.int64)
    for row in range(plan.rows):
        interval = (number - 1) * plan.rows + row + 1
        physical = burst_physical(plan, meters, interval)
        said[:, row, 0] = plan.end_of(interval)
        said[:, row, 1 : 1 + N_SAID] = burst_sent(plan, meters, interval)
        said[:, row, 1 + N_SAID :] = physical[:, (0, 1, 1)]
    return said


def different(batch: FrameBatch, decoded: DecodedBatch, opened: Opened, fleet: Fleet, shape: Shape, number: int) -> int:
    """How many readings of a batch are not as the generator made them; those that were not read count too."""
    frames, rows = len(batch.length), fleet.plan.rows
    wanted = truth_of(fleet.plan, batch.device, number)
    accepted = np.flatnonzero(opened.code == 0)
    frame = np.asarray(decoded.frame, np.int64)
    if not np.array_equal(frame, np.repeat(accepted, rows)):
        return frames * rows
    physical = decoded.physical[:, (VOLTAGE_R, CURRENT_R, CURRENT_N)]
    found = np.hstack((decoded.time[:, None], decoded.energy, physical))
    good = (found == wanted[accepted].reshape(found.shape)).all(axis=1)
    flags = 0 if shape.head else int(Flag.PLAIN)
    good &= (decoded.kind == Kind.BLOCK) & (decoded.flags == flags) & (decoded.counter == (number if shape.head else 0))
    good &= (decoded.device == batch.device[frame]) & (decoded.service_point == batch.service_point[frame])
    return frames * rows - int(good.sum())
