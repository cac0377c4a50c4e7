"""A topic of readings in memory, behind the client that reads it."""

from __future__ import annotations

from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

PARTITIONS = 2
TOPIC = "readings-in"

Beside = tuple[()] | tuple[bytes | None, list[tuple[str, bytes]] | None]
"""Key and headers of a record."""


class Message:
    """A record, or an error in its place."""

    def __init__(
        self, partition: int, offset: int, value: bytes | None, error: KafkaError | None = None, beside: Beside = (),
    ) -> None:  # fmt: skip
        self._partition, self._offset, self._value, self._error = partition, offset, value, error
        self._key, self._headers = beside or (None, None)

    def key(self) -> bytes | None:
        return self._key

    def headers(self) -> list[tuple[str, bytes]] | None:
        return self._headers

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset

    def value(self) -> bytes | None:
        return self._value

    def error(self) -> KafkaError | None:
        return self._error


class ReadingsLog:
    """What the broker has, and what the group has committed; `away`: it takes no commits."""

    def __init__(self) -> None:
        self.records: list[list[bytes | None]] = [[] for _ in range(PARTITIONS)]
        self.committed = [0] * PARTITIONS
        self.errors: list[KafkaError] = []
        self.away = False
        self.open = 0
        self.beside: dict[tuple[int, int], Beside] = {}

    def write_one(self, value: bytes, key: bytes | None = None, **headers: bytes) -> None:
        """A record of partition 0 with what stands beside its value."""
        self.beside[0, len(self.records[0])] = (key, list(headers.items()) or None)
        self.records[0].append(value)

    def write(self, partition: int, *values: bytes | str | None) -> None:
        self.records[partition] += [value.encode() if isinstance(value, str) else value for value in values]

    def consumer(self, settings: dict[str, Any]) -> Any:
        assert settings["enable.auto.commit"] is False
        assert settings["enable.auto.offset.store"] is False
        self.open += 1
        return _Consumer(self)


class _Consumer:
    def __init__(self, log: ReadingsLog) -> None:
        self._log = log
        self._next = list(log.committed)
        self._revoked: Any = None

    def subscribe(self, topics: list[str], on_revoke: Any, on_lost: Any) -> None:
        assert topics == [TOPIC]
        self._revoked = on_revoke
        assert on_lost is not None

    def consume(self, most: int, _secs: float) -> list[Message]:
        found: list[Message] = []
        if self._log.errors:
            found.append(Message(0, -1, None, self._log.errors.pop(0)))
        for partition, at in enumerate(self._next):
            values = self._log.records[partition][at : at + most - len(found)]
            found += [
                Message(partition, at + place, value, None, self._log.beside.get((partition, at + place), ()))
                for place, value in enumerate(values)
            ]
            self._next[partition] = at + len(values)
        return found

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        assert not asynchronous
        if self._log.away:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        for one in offsets:
            assert one.offset > self._log.committed[one.partition], "a commit goes forward"
            self._log.committed[one.partition] = one.offset

    def close(self) -> None:
        self._revoked(self, [TopicPartition(TOPIC, number) for number in range(PARTITIONS)])
        self._log.open -= 1
