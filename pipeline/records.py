"""Many plain records at once: what a step emits when one parcel gives rise to thousands of them.

A step may put such a batch into `Emission.value` (with no key). The runtime calls `encode` and produces each value with
its key; the output ids of the records are their places in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from pipeline.columns import Array
from pipeline.wire import Contracts


@dataclass(frozen=True)
class EncodedRecords:
    """Records ready for a topic: `values[i]` in the Confluent wire format under row i of keys u8 (n, width)."""

    keys: Array
    values: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.values)


@runtime_checkable
class RecordBatch(Protocol):
    """Plain records of one schema as arrays."""

    def __len__(self) -> int:
        """Records in the batch."""

    def encode(self, contracts: Contracts) -> EncodedRecords:
        """All of them, in order."""

    def records(self) -> list[dict[str, Any]]:
        """The same as plain values, for readers in the same process and for tests; not for the hot path."""
