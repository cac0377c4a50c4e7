"""Versions read from their topic, which is in memory."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from pipeline.reference import version_of
from pipeline.reference_codec import CHUNK_BYTES, chunks
from pipeline.runtime import kafka_references
from pipeline.runtime.kafka_references import KafkaReferences


class Broker:
    """The topic's records; `gate` holds its answers back."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes | None, bytes | None]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.asked = threading.Event()
        self.done: list[str] = []
        self.read: list[int] = []
        self._next = 0

    def consumer(self, _settings: dict[str, Any]) -> Broker:
        return self

    def assign(self, places: Any) -> None:
        self._next = places[0].offset

    def get_watermark_offsets(self, _place: Any, timeout: float) -> tuple[int, int]:
        self.asked.set()
        assert self.gate.wait(timeout)
        self.done.append("answered")
        return 0, len(self.records)

    def poll(self, _secs: float) -> Any:
        offset = self._next
        self.read.append(offset)
        key, value = self.records[offset]
        self._next += 1
        row = {"key": lambda _: key, "value": lambda _: value, "offset": lambda _: offset, "error": lambda _: None}
        return type("Message", (), row)()

    def close(self) -> None:
        self.done.append("closed")


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    made = Broker()
    monkeypatch.setattr(kafka_references, "Consumer", made.consumer)
    return made


def test_a_version_that_was_taken_back_is_none_and_a_record_without_a_key_is_passed_by(broker: Broker) -> None:
    first, second = b"first", b"second"
    broker.records = [*chunks("documents", first), (None, b"?"), *chunks("documents", second)]
    references = KafkaReferences("nowhere:1")
    assert references.latest("documents") == (version_of(second), second)
    broker.records += [(key, None) for key, _ in chunks("documents", second)]
    assert references.latest("documents") == (version_of(first), first)
    assert references.get("documents", version_of(second)) is None


def test_a_version_is_told_once_and_again_when_it_could_not_be_told(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = b"first", b"second"
    broker.records = [*chunks("documents", first)]
    references = KafkaReferences("nowhere:1")
    assert references.newer("documents") == (version_of(first), first)
    assert references.newer("documents") is None
    broker.records += chunks("documents", second)
    with monkeypatch.context() as patched:
        patched.setattr(references, "latest", lambda _: (_ for _ in ()).throw(OSError("away")))
        with pytest.raises(OSError, match="away"):
            references.newer("documents")
    assert references.newer("documents") == (version_of(second), second)
    assert references.newer("documents") is None


def test_a_version_of_many_records_is_read_where_it_lies_and_none_is_kept(broker: Broker) -> None:
    first, second = bytes(2 * CHUNK_BYTES), b"1" * (CHUNK_BYTES + 1)
    (one, *others), (two, *more) = chunks("registry", first), chunks("registry", second)
    broker.records = [one, two, *others, *chunks("documents", b"?"), *more]
    references = KafkaReferences("nowhere:1")
    assert references.get("registry", version_of(first)) == first
    assert broker.read == [0, 1, 2, 3, 4]
    assert references.get("registry", version_of(second)) == second
    assert broker.read[5:] == [1, 2, 3, 4]
    broker.records += chunks("documents", b"new")
    assert references.get("documents", version_of(b"new")) == b"new"
    assert broker.read[9:] == [5]
    assert references.get("registry", version_of(b"never")) is None


def test_a_version_that_is_published_again_while_it_is_read_is_read_at_its_new_place(broker: Broker) -> None:
    text = bytes(CHUNK_BYTES + 1)
    broker.records = [*chunks("registry", text)]
    references = KafkaReferences("nowhere:1")
    assert references.newer("registry") == (version_of(text), text)
    broker.records = [(None, None), (None, None), *chunks("registry", text)]
    assert references.get("registry", version_of(text)) == text


def test_a_read_on_another_thread_is_waited_for_before_the_connection_is_given_back(broker: Broker) -> None:
    references = KafkaReferences("nowhere:1")
    broker.gate.clear()
    reading = threading.Thread(target=references.latest, args=("documents",))
    closing = threading.Thread(target=references.close)
    reading.start()
    assert broker.asked.wait(10)
    closing.start()
    closing.join(0.1)
    broker.gate.set()
    for thread in (reading, closing):
        thread.join(10)
    assert broker.done == ["answered", "closed"]
