"""Frames on their way out, as packed arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from connectors.simulator.network import MQTT
from pipeline.columns import Array


@dataclass(frozen=True)
class Frames:
    """Frames in sending order.

    device u64: as a connector can tell it (system title, or the topic over MQTT); 0 when unreadable.
    service_point u64: by the registry in force; 0 when the connector puts the frame aside.
    received_at i64: epoch seconds UTC.
    length u32, payload u8: the bytes, one frame after the other.
    transport u8: connectors.simulator.network TCP, UDP, MQTT (raw APDU, others with WRAPPER).
    fault u8: connectors.simulator.faults.Fault.
    expected_reject u8: number of pipeline.codes.REJECT_CODES, 0 for none.
    energy_wh i64: import of a block push as billed (times the multiplying factor), as the push says or would have
        said; 0 for others.
    sender u64: the device that really sent it; point i32: its row of Points.
    kind u8: pipeline.codes.Kind; stamp i64: the clock in it; counter u32; interval i32: number of the block interval
        (1-based), or of the midnight of a daily push, -1 for others.
    """

    device: Array
    service_point: Array
    received_at: Array
    length: Array
    payload: Array
    transport: Array
    fault: Array
    expected_reject: Array
    energy_wh: Array
    sender: Array
    point: Array
    kind: Array
    stamp: Array
    counter: Array
    interval: Array

    def __len__(self) -> int:
        return len(self.length)

    @property
    def offsets(self) -> Array:
        """Where each frame begins in `payload`, i64 (n,)."""
        ends = np.cumsum(self.length, dtype=np.int64)
        return ends - self.length

    @property
    def hint(self) -> Array:
        """The device that the transport itself tells (the MQTT topic), u64 (n,); 0 where only the bytes do."""
        return np.where(self.transport == MQTT, self.sender, np.uint64(0)).astype(np.uint64)

    def frame(self, row: int) -> bytes:
        """The bytes of one frame."""
        start = int(self.length[:row].sum(dtype=np.int64))
        return bytes(self.payload[start : start + int(self.length[row])])

    def take(self, rows: Array) -> Frames:
        """The frames at `rows` i64 (m,), in that order."""
        lengths = self.length[rows].astype(np.int64)
        target = np.cumsum(lengths) - lengths
        places = np.repeat(self.offsets[rows] - target, lengths) + np.arange(int(lengths.sum()))
        columns = {name: getattr(self, name)[rows] for name in NAMES if name != "payload"}
        return Frames(payload=self.payload[places], **columns)


NAMES: tuple[str, ...] = tuple(field.name for field in fields(Frames))


def joined(parts: Sequence[Frames]) -> Frames:
    """All frames of `parts` (at least one), in order."""
    if len(parts) == 1:
        return parts[0]
    return Frames(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in NAMES})
