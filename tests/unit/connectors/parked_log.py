"""A topic of parked frames in memory, behind the client that reads it."""

from __future__ import annotations

from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from connectors.gather.aside import reject_record
from connectors.gather.gatherer import Aside
from pipeline.codes import REJECT_NUMBER
from schemas.load import load_contracts

PARTITIONS = 2


class Message:
    """A record, or an event in its place."""

    def __init__(self, partition: int, offset: int, value: bytes = b"", error: KafkaError | None = None) -> None:
        self._partition, self._offset, self._value, self._error = partition, offset, value, error

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset

    def value(self) -> bytes:
        return self._value

    def error(self) -> KafkaError | None:
        return self._error


class ParkedLog:
    """What the broker has; `errors` come in place of the next records, `away`: it tells nothing of the topic."""

    def __init__(self) -> None:
        self.records: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        self.errors: list[KafkaError] = []
        self.away = False
        self.topics = {"parked", "rejects"}
        self.open = 0
        self._contracts = load_contracts()

    def write(self, partition: int, device: int, frame: bytes, code: str = "DEVICE_UNKNOWN") -> None:
        record = reject_record(Aside(REJECT_NUMBER[code], device, 1_000, frame), "push")
        self.records[partition].append(self._contracts.encode("Reject", record))

    def consumer(self, _settings: dict[str, Any]) -> Any:
        self.open += 1
        return _Consumer(self)


class _Consumer:
    def __init__(self, log: ParkedLog) -> None:
        self._log = log
        self._next: dict[int, int] = {}
        self._ended: dict[int, int] = {}

    def list_topics(self, timeout: float) -> Any:
        if self._log.away:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        of_topic = type("Topic", (), {"partitions": dict.fromkeys(range(PARTITIONS))})
        return type("Metadata", (), {"topics": dict.fromkeys(self._log.topics, of_topic)})

    def assign(self, places: list[TopicPartition]) -> None:
        self._next = {place.partition: place.offset for place in places}
        self._ended = {}

    def consume(self, most: int, _secs: float) -> list[Message]:
        found: list[Message] = []
        for partition, at in self._next.items():
            if self._log.errors and found:
                break
            values = self._log.records[partition][at : at + most - len(found)]
            found += [Message(partition, at + place, value) for place, value in enumerate(values)]
            self._next[partition] = end = at + len(values)
            if end == len(self._log.records[partition]) and self._ended.get(partition) != end:
                self._ended[partition] = end
                found.append(Message(partition, end, error=KafkaError(KafkaError._PARTITION_EOF)))
        if self._log.errors:
            found.append(Message(0, -1, error=self._log.errors.pop(0)))
            # The worst of clients: it gives nothing more until it is assigned anew.
            self._next = {}
        return found

    def close(self) -> None:
        self._log.open -= 1
