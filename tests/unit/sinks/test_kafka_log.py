"""Refusals of a commit: those that pass are tried again, others end the sink."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from pipeline.errors import Fatal
from pipeline.wire import SOURCE_AT_HEADER
from sinks import kafka_log
from sinks.kafka_log import KafkaLog
from sinks.plan import Position

AT = Position("readings", 0, 7, "")


class Refusing:
    """A consumer that refuses the first commits, as the client does: no error of it says that it may be tried again."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.asked = 0

    def commit(self, offsets: list[Any], asynchronous: bool) -> list[Any]:
        assert asynchronous is False
        self.asked += 1
        if self.codes:
            error = KafkaError(self.codes.pop(0))
            assert not error.retriable()
            raise KafkaException(error)
        return [SimpleNamespace(error=None) for _ in offsets]


def log_with(consumer: Any, monkeypatch: pytest.MonkeyPatch) -> KafkaLog:
    monkeypatch.setattr(kafka_log, "Consumer", lambda _: consumer)
    return KafkaLog("127.0.0.1:1", "group", ("readings",), alone=False)


@pytest.mark.parametrize("code", [KafkaError.NOT_COORDINATOR, KafkaError._TIMED_OUT])
def test_a_coordinator_that_moves_is_asked_again(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = Refusing(code, code)
    log_with(consumer, monkeypatch).commit([AT])
    assert consumer.asked == 3


def test_a_sink_that_was_replaced_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Fatal, match="COMMIT_REFUSED"):
        log_with(Refusing(KafkaError.UNKNOWN_MEMBER_ID), monkeypatch).commit([AT])


def test_a_commit_is_not_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_log, "COMMIT_SECS", 0.0)
    with pytest.raises(Fatal, match="COMMIT_REFUSED"):
        log_with(Refusing(*[KafkaError.NOT_COORDINATOR] * 3), monkeypatch).commit([AT])


class Giving:
    """A consumer that has one message, with these headers."""

    def __init__(self, headers: list[tuple[str, bytes | None]] | None) -> None:
        self.messages = [
            SimpleNamespace(error=lambda: None, headers=lambda: headers, value=lambda: b"x", topic=lambda: "readings",
                            partition=lambda: 0, offset=lambda: 7)
        ]  # fmt: skip

    def consume(self, most: int, secs: float) -> list[Any]:
        given, self.messages = self.messages, []
        return given


@pytest.mark.parametrize("value", [None, b"", b"0", b"-1", b"soon", "\u00b2".encode(), b"9" * 400])
def test_a_header_that_tells_no_time_is_passed_over(value: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    source = log_with(Giving([(SOURCE_AT_HEADER, value)]), monkeypatch)
    assert [message.offset for message in source.poll(1, 0.1)] == [7]
    assert source.behind_secs is None


def test_the_age_of_what_was_read_is_told_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_000.0)
    source = log_with(Giving([("kvarn-id", b"a"), (SOURCE_AT_HEADER, b"998500")]), monkeypatch)
    source.poll(1, 0.1)
    assert source.behind_secs == 1.5
