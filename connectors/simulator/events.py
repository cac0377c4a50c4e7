"""What meters want to say, before it is bytes: one row a push."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from pipeline.channels import N_SNAPSHOT
from pipeline.columns import Array
from pipeline.templates import SNAPSHOT_TARGET

N_VALUES = SNAPSHOT_TARGET + N_SNAPSHOT
"""Width of `values`: targets as `pipeline.templates.PushColumn.number` counts them."""


@dataclass(frozen=True)
class Events:
    """Pushes.

    device, point i32 (rows); kind u8; stamp i64; counter u32; status u8 (clock status octet); received_at i64;
    renewed bool: sealed with the new keys of its device;
    fault, expected u8; interval i32 (see Frames); values i64 (n, N_VALUES) in the units of `pipeline.channels`.
    """

    device: Array
    point: Array
    kind: Array
    stamp: Array
    counter: Array
    status: Array
    received_at: Array
    renewed: Array
    fault: Array
    expected: Array
    interval: Array
    values: Array

    def __len__(self) -> int:
        return len(self.device)

    def take(self, rows: Array) -> Events:
        """The rows chosen by a mask or by numbers."""
        return Events(**{name: getattr(self, name)[rows] for name in NAMES})

    def changed(self, **columns: Array) -> Events:
        """The same with other columns."""
        return Events(**({name: getattr(self, name) for name in NAMES} | columns))


NAMES: tuple[str, ...] = tuple(field.name for field in fields(Events))


def joined(parts: Sequence[Events]) -> Events:
    """All rows of `parts`, in order; at least one part."""
    return Events(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in NAMES})


def in_order(events: Events) -> Events:
    """By time of arrival; at the same second in the order of writing, so that a meter's own order holds."""
    return events.take(np.argsort(events.received_at, kind="stable"))
