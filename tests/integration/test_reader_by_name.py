"""A reader that is a member of its group by name: it goes on at once after a kill, and a second one ends the first."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from connectors.gather.intake import Intake, Source
from connectors.gather.progress import Progress
from pipeline.errors import Fatal
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics

pytestmark = pytest.mark.kafka
SESSION_SECS = 45
"""Of the client, when nothing is said: so long a group waits for a member without a name that was killed."""


def read(intake: Intake, secs: float) -> list[Any]:
    """The first messages that come within this time."""
    until = time.monotonic() + secs
    while time.monotonic() < until:
        found = intake.read()
        if found:
            return found
    raise AssertionError(f"nothing within {secs} s")


def test_a_second_reader_of_the_same_name_goes_on_at_once_and_ends_the_first(kafka: str) -> None:
    topic = f"named-{uuid4().hex[:8]}"
    ensure_topics(kafka, [WantedTopic(topic, 1)])
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(topic, value=b"one")
    assert producer.flush(10) == 0
    source = Source(kafka, topic, topic, settings={"group.instance.id": "cold"})
    first = Intake(source, Progress())
    assert [one.value() for one in read(first, 30)] == [b"one"]
    second = Intake(source, Progress())
    try:
        # What was not committed the second one reads again.
        assert [one.value() for one in read(second, SESSION_SECS / 2)] == [b"one"]
        with pytest.raises(Fatal, match="READER_REPLACED"):
            read(first, 30)
    finally:
        first.close()
        second.close()
