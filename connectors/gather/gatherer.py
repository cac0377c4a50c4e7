"""Gather frames of any number of meters into one FrameBatch a partition.

Pure: no socket, no clock. Whoever receives bytes calls `add`; whoever has a clock calls `cut` when it is time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from connectors.gather import kernels
from connectors.gather.links import split_readings
from pipeline.batch import FrameBatch
from pipeline.codes import REJECT_BY_NUMBER
from pipeline.columns import Array
from pipeline.reference import Registry
from pipeline.wire import Reference

FRAME_LIMIT = 4096
"""Octets of an APDU above which a declared length is taken for damage; pushes are a few hundred (configurable)."""


@dataclass(frozen=True)
class Aside:
    """A frame that goes to `rejects`, or is parked until the registry knows its device."""

    number: int
    device: int
    received_at: int
    raw: bytes
    detail: str = ""
    """What was found, where that is more than the code says."""
    source: tuple[str, int, int] | None = None
    """Topic, partition and offset, or file, -1 and -1, that it was read from, where the connector knows them."""

    @property
    def parked(self) -> bool:
        """True when it flows on once the registry knows the device."""
        return REJECT_BY_NUMBER[self.number].parked


@dataclass(frozen=True)
class Gathered:
    """What one cut gives: a batch for each partition that has frames, and what is put aside.

    `again`: of batches of frames that are offered again, the rejects or parked frames that they were, one a frame.
    """

    batches: dict[int, FrameBatch]
    aside: list[Aside]
    again: dict[int, tuple[Reference, ...]] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        """Frames in the batches."""
        return sum(len(batch.length) for batch in self.batches.values())


@dataclass
class Gatherer:
    """Pending frames in one growing buffer, bounded by whoever calls `add` looking at `octets`.

    `decoded`: frames of readings are taken (`pipeline.reading_frames`), which nothing but Kvarn itself may make.
    `stated`: so are statements (`pipeline.statement_frames`).
    """

    registry: Registry
    partitions: int
    frame_limit: int = FRAME_LIMIT
    decoded: bool = False
    stated: bool = False
    octets: int = 0
    frames: int = 0
    refused: list[Aside] = field(default_factory=list)
    """What was refused before it was a frame; goes with the next cut."""
    _again: list[Reference] = field(default_factory=list)
    _payload: Array = field(default_factory=lambda: np.empty(1 << 20, np.uint8))
    _offset: Array = field(default_factory=lambda: np.empty(4096, np.int64))
    _length: Array = field(default_factory=lambda: np.empty(4096, np.uint32))
    _hint: Array = field(default_factory=lambda: np.empty(4096, np.uint64))
    _received: Array = field(default_factory=lambda: np.empty(4096, np.int64))

    def add(
        self, payload: Array, offsets: Array, lengths: Array, received_at: Array | int, hint: Array | int = 0,
        again: Sequence[Reference] = (),
    ) -> None:  # fmt: skip
        """Take frames: offsets i64 (n,), lengths u32 (n,) into payload u8, contiguous from offsets[0] on.

        `hint` u64 is the device where the transport tells it (a topic), 0 where only the frame can. `again`: what each
        frame was that is offered again; between two cuts all frames are, or none.
        """
        count = len(offsets)
        if not count:
            return
        if len(again) not in (0, count) or (self.frames and bool(again) != bool(self._again)):
            raise ValueError("frames that are offered again stand in records of their own")
        self._again.extend(again)
        begin = int(offsets[0])
        end = int(offsets[-1]) + int(lengths[-1])
        self._reserve(count, end - begin)
        span = slice(self.frames, self.frames + count)
        self._payload[self.octets : self.octets + end - begin] = payload[begin:end]
        self._offset[span] = offsets - (begin - self.octets)
        self._length[span] = lengths
        self._hint[span] = hint
        self._received[span] = received_at
        self.frames += count
        self.octets += end - begin

    def add_one(self, frame: bytes, received_at: int, hint: int = 0, again: Reference | None = None) -> int:
        """Take one frame; of a head-end's readings one for each service point at which they were measured.

        Returns how many.
        """
        frames = split_readings(frame, self.registry) if self.decoded else [frame]
        lengths = np.array([len(one) for one in frames], np.uint32)
        payload, was = np.frombuffer(b"".join(frames), np.uint8), () if again is None else (again,) * len(frames)
        self.add(payload, np.cumsum(lengths, dtype=np.int64) - lengths, lengths, received_at, hint, was)
        return len(frames)

    def cut(self) -> Gathered:
        """All pending frames, identified, resolved as of when they came, and sorted by partition; then start anew."""
        count = self.frames
        offsets, lengths, received = self._offset[:count], self._length[:count], self._received[:count]
        payload = self._payload[: self.octets]
        device, point = np.empty(count, np.uint64), np.empty(count, np.uint64)
        code = np.empty(count, np.uint8)
        hint, at = self._hint[:count], received
        readings, statements = kernels.identify(
            payload, offsets, lengths, self.frame_limit, self.decoded, self.stated, hint, device, code
        )
        if readings:
            at = received.copy()
            kernels.reading_times(payload, offsets, code, at)
        index, keys = self.registry.by_device
        kernels.resolve(
            index, keys, self.registry.device, self.registry.valid_from,
            self.registry.service_point, device, at, point, code,
        )  # fmt: skip
        aside = list(self.refused)
        if statements:
            aside += self._resolve_statements(payload, offsets, lengths, device, point, received, code)
        aside += [
            Aside(int(code[item]), int(device[item]), int(received[item]), _frame(payload, offsets, lengths, item))
            for item in np.flatnonzero((code != 0) & (code != kernels.STATED)).tolist()
        ]
        orders: dict[int, Array] = {}
        batches = self._scatter(payload, offsets, lengths, device, point, received, code, orders)
        was, self._again = self._again, []
        self.frames = self.octets = 0
        self.refused = []
        again = {number: tuple(was[item] for item in order.tolist()) for number, order in orders.items()} if was else {}
        return Gathered(batches, aside, again)

    def _resolve_statements(
        self, payload: Array, offsets: Array, lengths: Array, device: Array, point: Array, received: Array, code: Array,
    ) -> list[Aside]:  # fmt: skip
        """Statements get the service point that they name. Whose point is not known is put aside, and keeps the code
        STATED: nothing is parked, for no device that may be registered later would be its."""
        said = np.flatnonzero(code == kernels.STATED)
        kernels.statement_points(payload, offsets, *self.registry.by_point, point, code)
        strange = said[code[said] != 0]
        code[strange] = kernels.STATED
        return [
            Aside(
                kernels.UNREADABLE, int(device[item]), int(received[item]), _frame(payload, offsets, lengths, item),
                f"a statement about service point {point[item]}, which the registry does not know",
            )
            for item in strange.tolist()
        ]  # fmt: skip

    def _scatter(
        self, payload: Array, offsets: Array, lengths: Array, device: Array, point: Array, received: Array, code: Array,
        orders: dict[int, Array],
    ) -> dict[int, FrameBatch]:  # fmt: skip
        partition = np.empty(len(offsets), np.int32)
        frames, octets = np.zeros(self.partitions, np.int64), np.zeros(self.partitions, np.int64)
        kernels.count_partitions(point, code, self.partitions, partition, frames, octets, lengths)
        frame_end, octet_end = np.cumsum(frames), np.cumsum(octets)
        frame_at, octet_at = frame_end - frames, octet_end - octets
        order, packed = np.empty(int(frames.sum()), np.int64), np.empty(int(octets.sum()), np.uint8)
        kernels.scatter(payload, offsets, lengths, partition, frame_at.copy(), octet_at.copy(), order, packed)
        batches = {}
        for number in np.flatnonzero(frames).tolist():
            chosen = orders[number] = order[frame_at[number] : frame_end[number]]
            batches[number] = FrameBatch(
                point[chosen], device[chosen], received[chosen], lengths[chosen],
                packed[octet_at[number] : octet_end[number]],
            )  # fmt: skip
        return batches

    def _reserve(self, count: int, octets: int) -> None:
        if self.frames + count > len(self._offset):
            size = max(2 * len(self._offset), self.frames + count)
            for name in ("_offset", "_length", "_hint", "_received"):
                old: Array = getattr(self, name)
                new = np.empty(size, old.dtype)
                new[: self.frames] = old[: self.frames]
                setattr(self, name, new)
        if self.octets + octets > len(self._payload):
            grown = np.empty(max(2 * len(self._payload), self.octets + octets), np.uint8)
            grown[: self.octets] = self._payload[: self.octets]
            self._payload = grown


def _frame(payload: Array, offsets: Array, lengths: Array, item: int) -> bytes:
    start = int(offsets[item])
    return bytes(payload[start : start + int(lengths[item])])
