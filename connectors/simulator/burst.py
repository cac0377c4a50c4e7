"""Block pushes and profiles as fast as one core makes them: for the bench, not for looking at.

Every single-phase meter pushes once an interval, or once in as many intervals as a frame has rows, in an order that is
another one each time; a hundredth of the frames is at fault, and some are late when the plan says so. Nothing is
stored: energies, order, keys, faults and delays are functions of (seed, meter, interval or frame), so the truth of any
reading can be computed again (`burst_truth`, which shares no code with the kernel).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from connectors.simulator.burst_kernel import (
    AUTHENTICATION,
    ENCRYPTION,
    MOST_LAG,
    MOST_ROWS,
    fill,
    fill_keys,
    frame_octets,
    plain_octets,
    profile_octets,
    title_of,
)
from connectors.simulator.config import IST_SECS
from connectors.simulator.network import D1_FLOAT, FIRST_ACCOUNT, FIRST_DT, FIRST_FEEDER, FIRST_POINT, MOST_W_D1
from connectors.simulator.shapes import Class, Season, load_weights
from pipeline import gcm
from pipeline.batch import FrameBatch
from pipeline.channels import N_ENERGY
from pipeline.codes import Level, Role
from pipeline.columns import Array
from pipeline.errors import ConfigError, Fatal
from pipeline.localtime import DAY_SECS
from pipeline.reference import FOREVER, KeyRing, Registry

POINTS_PER_DT, DTS_PER_FEEDER = 200, 25


@dataclass(frozen=True)
class BurstPlan:
    """Meters 0..meters-1 at service points FIRST_POINT + meter, pushing intervals 1, 2, ... from `start` on.

    start: a local midnight, epoch seconds UTC. faults: whether a hundredth of the pushes is at fault. late_permille: of
    a thousand pushes without fault, those that are sent one to three intervals later, behind the meter's push of then;
    only pushes of interval `first` and later are, as those before it were never due. rows: intervals of a frame; more
    than one come as the buffer of a profile, sent at the end of the last of them. Frame n has intervals (n - 1) x rows
    + 1 to n x rows. plants: one in so many meters exports by day, 0: none.
    """

    meters: int
    partitions: int
    seed: int = 1
    start: int = 1_751_328_000 - IST_SECS
    interval_secs: int = 1800
    faults: bool = True
    late_permille: int = 0
    first: int = 1
    rows: int = 1
    plants: int = 16

    def __post_init__(self) -> None:
        if not 1 <= self.rows <= MOST_ROWS or (self.rows > 1 and self.late_permille):
            raise ConfigError(
                "BURST_IMPOSSIBLE", where="rows", what=f"{self.rows} intervals a frame, {self.late_permille} of a "
                "thousand late", do=f"use at most {MOST_ROWS}, and late frames only with one interval each",
            )  # fmt: skip

    def end_of(self, interval: int) -> int:
        """When interval (1-based) ends, epoch seconds UTC."""
        return self.start + interval * self.interval_secs

    def sent_at(self, frame: int) -> int:
        """When frame `frame` (1-based) is due, epoch seconds UTC: the end of its last interval."""
        return self.end_of(frame * self.rows)

    @property
    def places(self) -> int:
        """Places in the order of an interval: a meter's own push, and one for each interval that can be late."""
        return self.meters * (1 + MOST_LAG if self.late_permille else 1)

    @property
    def weights(self) -> Array:
        """Load shape i64 (slots of a day,), thousandths of the mean."""
        slots = DAY_SECS // self.interval_secs
        shape: Array = load_weights(slots)[Class.DOMESTIC_MIDDLE, Season.MONSOON] * slots // 1000
        return shape


class BurstBuffers:
    """Room for `frames` frames of `rows` intervals of each partition; the columns of a FrameBatch, (partitions,
    frames) each."""

    def __init__(self, partitions: int, frames: int, rows: int = 1) -> None:
        shape = (partitions, frames)
        self.service_point, self.device = np.zeros(shape, np.uint64), np.zeros(shape, np.uint64)
        self.received_at, self.length = np.zeros(shape, np.int64), np.zeros(shape, np.uint32)
        self.payload = np.zeros((partitions, frames * frame_octets(rows)), np.uint8)
        self.count, self.octets = np.zeros(partitions, np.int64), np.zeros(partitions, np.int64)

    def batch(self, partition: int) -> FrameBatch:
        """The frames gathered for a partition, as views: good until `clear`."""
        rows, octets = slice(0, int(self.count[partition])), slice(0, int(self.octets[partition]))
        return FrameBatch(
            self.service_point[partition, rows], self.device[partition, rows], self.received_at[partition, rows],
            self.length[partition, rows], self.payload[partition, octets],
        )  # fmt: skip

    def clear(self, partition: int) -> None:
        """Make room again."""
        self.count[partition] = self.octets[partition] = 0


class Burst:
    """A generator on one core; holds a cipher context, so one thread at a time."""

    def __init__(self, plan: BurstPlan) -> None:
        self.plan = plan
        self._weights = plan.weights
        self._plain = plain_octets() if plan.rows == 1 else profile_octets(plan.rows)
        self._context = gcm.new_context(True)
        if self._context == gcm.NO_CONTEXT:
            raise Fatal("NO_LIBCRYPTO", where="burst", what="neither AES instructions nor libcrypto",
                        do="install OpenSSL 1.1 or 3")  # fmt: skip

    def close(self) -> None:
        """Give the cipher context back."""
        gcm.free_context(self._context)
        self._context = gcm.NO_CONTEXT

    def fill_block_frames(self, number: int, position: int, buffers: BurstBuffers) -> int:
        """Append what is sent when frame `number` is due, from place `position` of its order on.

        Returns the place to go on from: a partition's buffer is full (its `count` is within one of its room), or it is
        `plan.places`.
        """
        plan = self.plan
        return int(fill(
            self._context, np.uint64(plan.seed), plan.meters, plan.plants, plan.faults, plan.late_permille, plan.first,
            number, plan.rows, plan.interval_secs, plan.start, position, self._weights, self._plain,
            buffers.service_point, buffers.device, buffers.received_at, buffers.length, buffers.payload.reshape(-1),
            buffers.payload.shape[1], buffers.count, buffers.octets,
        ))  # fmt: skip

    def batches(self, number: int, buffers: BurstBuffers) -> Iterator[tuple[int, FrameBatch]]:
        """(partition, its frames) of all that is sent when frame `number` is due; with one row a frame, at the end of
        that interval. A batch is good until the next one is asked for."""
        position, full = 0, buffers.service_point.shape[1] - 1
        while position < self.plan.places:
            position = self.fill_block_frames(number, position, buffers)
            whole = position >= self.plan.places
            for partition in np.flatnonzero(buffers.count >= (1 if whole else full)).tolist():
                yield partition, buffers.batch(partition)
                buffers.clear(partition)


def burst_keys(plan: BurstPlan) -> KeyRing:
    """Keys of all meters; the kernel computes the same."""
    rows = np.arange(plan.meters)
    encryption, authentication = np.empty((plan.meters, 16), np.uint8), np.empty((plan.meters, 16), np.uint8)
    fill_keys(np.uint64(plan.seed), ENCRYPTION, encryption)
    fill_keys(np.uint64(plan.seed), AUTHENTICATION, authentication)
    return KeyRing(title_of(rows), encryption, authentication)


def burst_registry(plan: BurstPlan) -> Registry:
    """All meters on transformers of POINTS_PER_DT, without network meters."""
    count, rows = plan.meters, np.arange(plan.meters)
    dts = -(-count // POINTS_PER_DT)
    feeders = -(-dts // DTS_PER_FEEDER)
    point = (rows + FIRST_POINT).astype(np.uint64)
    dt = rows // POINTS_PER_DT
    since, ever = np.full(count, plan.start, np.int64), np.full(count, FOREVER, np.int64)
    ones, zeros = np.ones(count, np.uint32), np.zeros((count, N_ENERGY), np.int64)
    feeder_node = np.arange(FIRST_FEEDER, FIRST_FEEDER + feeders)
    dt_node = np.arange(FIRST_DT, FIRST_DT + dts)
    names = [f"Feeder {row + 1}" for row in range(feeders)] + [f"DT {row + 1}" for row in range(dts)]
    return Registry(
        device=title_of(rows), service_point=point, valid_from=since, valid_to=ever,
        template=np.full(count, D1_FLOAT, np.uint16), factor_numerator=ones, factor_denominator=ones,
        interval_secs=np.full(count, plan.interval_secs, np.uint32),
        limit_wh=np.full(count, MOST_W_D1 * plan.interval_secs // 3600, np.int64),
        exchange=np.zeros(count, np.uint8), opening=zeros, closing=zeros,
        point=point, point_from=since, point_to=ever, account=(rows + FIRST_ACCOUNT).astype(np.uint64),
        tariff=np.ones(count, np.uint16), role=np.full(count, Role.CONSUMER, np.uint8),
        net_meter=np.ones(count, np.uint8), sanctioned_w=np.full(count, 5000, np.uint32),
        dt=(FIRST_DT + dt).astype(np.uint32), feeder=(FIRST_FEEDER + dt // DTS_PER_FEEDER).astype(np.uint32),
        node=np.concatenate((feeder_node, dt_node)).astype(np.uint32),
        node_level=np.repeat(np.array([Level.FEEDER, Level.DT], np.uint8), [feeders, dts]),
        node_parent=np.concatenate((np.zeros(feeders), FIRST_FEEDER + np.arange(dts) // DTS_PER_FEEDER)).astype(
            np.uint32
        ),
        node_name=np.array([name.encode() for name in names], "S40"),
    )  # fmt: skip
