"""What a sink process needs of the log that it reads; Kafka's is `sinks.kafka_log`, tests have one in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from sinks.plan import Position


class Message(NamedTuple):
    """One value of a partition."""

    topic: str
    partition: int
    offset: int
    value: bytes


@dataclass(frozen=True)
class Start:
    """A partition that is ours from now on. `log` is the topic's id, `low` the first offset that is still there."""

    topic: str
    partition: int
    log: str
    low: int
    committed: int | None
    metadata: str


class Log(Protocol):
    """Partitions of topics, read in bulk, with offsets committed under the sink's name.

    `behind_secs`: how old the data was that was read last, from when the first log had it; None where that is not
    known.
    """

    behind_secs: float | None

    def open(self, assigned: Callable[[Start], int], revoked: Callable[[str, int], None]) -> None:
        """Begin; `assigned` is told of each partition and says where to read on, `revoked` that one is ours no longer.

        Both are called from `open`, `poll` and `wait` only. Partitions that stay are told of again, so what was read of
        them and not committed is read again.
        """

    def poll(self, size: int, secs: float) -> Sequence[Message]:
        """Messages of about `size` bytes, or what came within `secs`; raises Transient or Fatal."""

    def hold(self, partitions: Collection[tuple[str, int]]) -> None:
        """Leave these partitions unread until the next call; all others are read."""

    def wait(self, secs: float) -> None:
        """Let time pass without taking messages, and stay alive in the eyes of the log."""

    def commit(self, positions: Sequence[Position]) -> None:
        """Commit all of them at once; raises Fatal when they are refused because the partitions are no longer ours."""

    def close(self) -> None:
        """End; what was not committed is read again by the next owner."""
