"""Many plain records at once: what a step emits when one parcel gives rise to thousands of them.

A step may put such a batch into `Emission.value` (with no key). The runtime calls `encode` and produces each value with
its key; the output ids of the records are their places in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol, overload, runtime_checkable

from pipeline.columns import Array
from pipeline.wire import Contracts

Piece = tuple[bytes, Array]
"""Octets of some records, and the end of each in them, i64 (n,)."""


class Values(Sequence[bytes]):
    """Records laid end to end, in some pieces. They are cut when they are asked for: a hundred thousand objects that
    live at once cost more to make and to free than the octets in them.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self._count = sum(len(ends) for _, ends in pieces)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[bytes]:
        return chain.from_iterable(_cut(raw, ends) for raw, ends in self._pieces)

    @overload
    def __getitem__(self, place: int) -> bytes: ...

    @overload
    def __getitem__(self, place: slice) -> list[bytes]: ...

    def __getitem__(self, place: int | slice) -> bytes | list[bytes]:
        """One or some of them; not for the hot path."""
        return list(self)[place]


def piece_of(raw: Array, ends: Array) -> Piece:
    """A piece of raw u8, which may go on behind the last of ends i64 (n,)."""
    return (raw[: int(ends[-1])].tobytes() if len(ends) else b""), ends


def _cut(raw: bytes, ends: Array) -> Iterator[bytes]:
    begin = 0
    for end in ends.tolist():
        yield raw[begin:end]
        begin = end


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
