"""A topic of edits in memory, behind the clients that read and answer it; and records to write."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition

from connectors.edits import log as log_module
from pipeline.channels import ENERGY
from schemas.load import load_contracts
from tests.unit.connectors.readings_log import Message

PARTITIONS = 2
TOPIC = "edits"
CONTRACTS = load_contracts()
LATER = 2_000_000_000
"""When events are said: behind all intervals of the tests."""


def record(**said: Any) -> dict[str, Any]:
    """A record of schema Edit."""
    plain = {
        "id": "e1", "event": "PROPOSED", "service_point": 7, "what": "VALUES", "intervals": [], "override": False,
        "reason": "READ_ON_SITE", "why": "", "author": "asha", "batch": "", "at": LATER, "answers": 0, "code": "",
        "detail": "",
    }  # fmt: skip
    return plain | said


def interval(start: int, secs: int = 1800, **values: int) -> dict[str, Any]:
    """An interval of an edit."""
    return {"start": start, "secs": secs} | {channel.name: values.get(channel.name) for channel in ENERGY}


class EditsLog:
    """What the broker has, and what the group has committed; `refusing`: it takes no answers."""

    def __init__(self) -> None:
        self.records: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        self.committed = [0] * PARTITIONS
        self.refusing = False
        self.away = False

    def write(self, partition: int, *values: bytes | dict[str, Any]) -> None:
        self.records[partition] += [
            value if isinstance(value, bytes) else CONTRACTS.encode("Edit", value) for value in values
        ]

    def events(self, partition: int = 0) -> list[dict[str, Any]]:
        return [CONTRACTS.decode(value, "Edit") for value in self.records[partition]]

    def answers(self, partition: int = 0) -> list[tuple[str, str, str]]:
        return [(one["id"], one["event"], one["code"]) for one in self.events(partition) if one["answers"]]

    def install(self, monkeypatch: pytest.MonkeyPatch) -> EditsLog:
        monkeypatch.setattr(log_module, "Consumer", lambda settings: _Consumer(self, settings))
        monkeypatch.setattr(log_module, "Producer", lambda _settings: _Producer(self))
        monkeypatch.setattr(log_module, "READ_SECS", 0.0)
        monkeypatch.setattr(log_module, "FLUSH_SECS", 0.01)
        return self


class _Producer:
    def __init__(self, log: EditsLog) -> None:
        self._log = log

    def produce(self, topic: str, key: bytes, value: bytes, partition: int, on_delivery: Any) -> None:
        assert topic == TOPIC
        assert len(key) == 8
        if self._log.refusing:
            on_delivery(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), None)
            return
        self._log.records[partition].append(value)
        on_delivery(None, None)

    def poll(self, _secs: float) -> int:
        return 0

    def flush(self, _secs: float) -> int:
        return 0


class _Consumer:
    def __init__(self, log: EditsLog, settings: dict[str, Any]) -> None:
        assert settings["enable.auto.commit"] is False
        assert settings["enable.partition.eof"] is True
        self._log = log
        self._next: list[int] | None = None
        self._ended: dict[int, int] = {}

    def subscribe(self, topics: list[str], on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        assert topics == [TOPIC]
        assert on_lost is not None
        self._on_assign, self._on_revoke = on_assign, on_revoke

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        assert timeout > 0
        return [TopicPartition(TOPIC, one.partition, self._log.committed[one.partition] or -1001) for one in partitions]

    def assign(self, partitions: list[TopicPartition]) -> None:
        assert {one.offset for one in partitions} == {OFFSET_BEGINNING}
        self._next = [0] * PARTITIONS

    def consume(self, most: int, _secs: float) -> list[Message]:
        if self._next is None:
            self._on_assign(self, [TopicPartition(TOPIC, number) for number in range(PARTITIONS)])
        assert self._next is not None
        found: list[Message] = []
        for partition, at in enumerate(self._next):
            values = self._log.records[partition][at : at + most - len(found)]
            found += [Message(partition, at + place, value) for place, value in enumerate(values)]
            self._next[partition] = end = at + len(values)
            if end == len(self._log.records[partition]) and self._ended.get(partition) != end:
                self._ended[partition] = end
                found.append(Message(partition, end, None, KafkaError(KafkaError._PARTITION_EOF)))
        return found

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        assert not asynchronous
        if self._log.away:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        for one in offsets:
            assert one.offset > self._log.committed[one.partition], "a commit goes forward"
            self._log.committed[one.partition] = one.offset

    def close(self) -> None:
        self._on_revoke(self, [TopicPartition(TOPIC, number) for number in range(PARTITIONS)])
