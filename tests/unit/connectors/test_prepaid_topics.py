"""In which order the prepaid connector reads its topics: a client in memory that hands out what is not paused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, TopicPartition

from connectors.prepaid import topics
from connectors.prepaid.topics import PrepaidTopics

NAMES = ("determinants", "payments", "ticks")


@dataclass(frozen=True)
class Record:
    """A message, or the end of a partition."""

    place: tuple[str, int]
    number: int
    end: bool = False

    def error(self) -> Any:
        return SimpleNamespace(code=lambda: KafkaError._PARTITION_EOF) if self.end else None

    def topic(self) -> str:
        return self.place[0]

    def partition(self) -> int:
        return self.place[1]

    def offset(self) -> int:
        return self.number


class Client:
    """As much of the consumer as is used: two records at a time, in the order of the names of topics. It says that an
    end is reached with the records before it, and not at all of topics where something `flows`."""

    def __init__(self, logs: dict[tuple[str, int], int], flows: str = "") -> None:
        self.logs, self.flows = logs, flows
        self.at: dict[tuple[str, int], int] = {}
        self.ended: set[tuple[str, int]] = set()
        self.paused: set[tuple[str, int]] = set()

    def list_topics(self, topic: str, timeout: float) -> Any:
        assert timeout
        return SimpleNamespace(
            topics={topic: SimpleNamespace(partitions={part: None for name, part in self.logs if name == topic})}
        )

    def committed(self, places: Sequence[TopicPartition], timeout: float) -> Sequence[TopicPartition]:
        assert timeout
        return places

    def assign(self, places: Sequence[TopicPartition]) -> None:
        self.at = {(place.topic, place.partition): 0 for place in places}
        self.ended = set()

    def pause(self, places: Sequence[TopicPartition]) -> None:
        self.paused |= {(place.topic, place.partition) for place in places}

    def resume(self, places: Sequence[TopicPartition]) -> None:
        self.paused -= {(place.topic, place.partition) for place in places}

    def get_watermark_offsets(self, place: TopicPartition, cached: bool) -> tuple[int, int]:
        assert cached
        return 0, self.logs[place.topic, place.partition]

    def consume(self, _number: int, _secs: float) -> list[Record]:
        for place in sorted(self.at):
            at, end = self.at[place], self.logs[place]
            if place in self.paused or place in self.ended:
                continue
            found = [Record(place, number) for number in range(at, min(at + 2, end))]
            self.at[place] = at + len(found)
            if self.at[place] == end:
                self.ended.add(place)
                if place[0] != self.flows:
                    found.append(Record(place, end, end=True))
            return found
        return []


def opened(monkeypatch: pytest.MonkeyPatch, client: Client) -> PrepaidTopics:
    monkeypatch.setattr(topics, "Consumer", lambda _options: client)
    monkeypatch.setattr(topics, "Producer", lambda _options: SimpleNamespace(init_transactions=lambda _secs: None))
    made = PrepaidTopics("", "group", NAMES, {"determinants": "payments"})
    made.open("ledger", lambda _raw: None)
    return made


def read_all(made: PrepaidTopics) -> list[str]:
    found = [message.topic() for _ in range(20) for message in made.read()]
    assert made.behind == set()
    return found


def test_days_are_read_when_every_payment_that_is_there_has_been(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client({("ledger", 0): 0, ("determinants", 0): 3, ("payments", 0): 0, ("payments", 1): 5, ("ticks", 0): 1})
    made = opened(monkeypatch, client)
    assert client.paused == {("determinants", 0)}
    assert read_all(made) == ["payments"] * 5 + ["determinants"] * 3 + ["ticks"]
    assert client.paused == set()
    # From then on they come as they come.
    client.logs["determinants", 0], client.ended = 4, set()
    assert [message.topic() for message in made.read()] == ["determinants"]


def test_an_end_that_the_client_does_not_tell_is_known_by_its_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client({("ledger", 0): 0, ("determinants", 0): 0, ("payments", 0): 0, ("ticks", 0): 3}, flows="ticks")
    made = opened(monkeypatch, client)
    assert read_all(made) == ["ticks"] * 3
