"""Rejected frames on the real Kafka: read from their topic, and written back into the log of frames."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from confluent_kafka import Producer

from connectors.gather.gatherer import Gatherer
from connectors.gather.outlet import KafkaOutlet
from connectors.gather.pump import Pump
from connectors.kept.rejected import Choice
from connectors.kept.topic import read_all
from connectors.kept.tries import Tries
from connectors.kept.writer import write_again
from connectors.parked.again import Again, InForce
from connectors.runner import Environment
from pipeline.step import Origin
from pipeline.wire import read_frames
from tests.integration.test_connectors import FAST, PARTITIONS, environment, frames_of, read_topic
from tests.unit.connectors.test_again import in_force, keys
from tests.unit.connectors.test_kept import KNOWN, frame, reject

__all__ = ["environment"]

pytestmark = pytest.mark.kafka
NUMBERS = range(1, 41)


@pytest.fixture
def refused(environment: Environment) -> Environment:
    """A topic with rejects of 40 devices, two of them copies, and of one that no try helps."""
    producer = Producer({"bootstrap.servers": environment.bootstrap})
    for number in (*NUMBERS, 1, 2):
        record = dict(reject(number, offset=number).record)
        producer.produce(environment.targets.rejects, environment.contracts.encode("Reject", record))
    never = dict(reject(50, "COUNTER_REPLAYED", offset=50).record)
    producer.produce(environment.targets.rejects, environment.contracts.encode("Reject", never))
    assert producer.flush(30) == 0
    return environment


def references(environment: Environment) -> list[Mapping[str, object]]:
    values = read_topic(environment.bootstrap, environment.targets.frames, PARTITIONS)
    return [row for _, _, value in values for row in environment.contracts.decode(value, "FrameBatch")["references"]]


def test_what_is_due_is_written_once_a_frame_with_where_it_was(refused: Environment) -> None:
    tries = Tries(Choice())
    for found in read_all(refused.bootstrap, refused.targets.rejects, refused.contracts):
        for rejected in found:
            tries.see(rejected)
    due = tries.due()
    assert (len(due), dict(tries.left)) == (len(NUMBERS), {"refused for ever": 1})
    outlet = KafkaOutlet(refused.bootstrap, refused.contracts, refused.targets, "requeue")
    done = write_again(due, Gatherer(KNOWN, PARTITIONS), outlet, 1000, lambda _: None)
    assert (done.frames, done.unresolved) == (len(NUMBERS), 0)
    assert sorted(frames_of(refused)) == sorted(frame(number) for number in NUMBERS)
    assert {(row["kind"], row["topic"], row["value"]) for row in references(refused)} == {
        ("requeued", refused.targets.rejects, b"1")
    }
    for partition, offset, value in read_topic(refused.bootstrap, refused.targets.frames, PARTITIONS):
        parcel = read_frames(refused.contracts, value, Origin("t", partition, offset))
        assert parcel.requeued is not None


async def test_frames_flow_on_by_themselves_when_their_key_is_in_force(refused: Environment) -> None:
    outlet = KafkaOutlet(refused.bootstrap, refused.contracts, refused.targets, "parked")
    pump = Pump(KNOWN, PARTITIONS, outlet, FAST, lambda: 0)
    now = in_force(keys(d3=1, d4=1))

    def asked(known: Mapping[str, str]) -> InForce | None:
        return None if dict(known) == dict(now.versions) else now

    stop = asyncio.Event()
    again = Again(refused.bootstrap, refused.targets.rejects, refused.contracts, pump, asked)
    assert await again.look(stop) == 2
    assert await again.look(stop) == 0
    pump.cut()
    assert outlet.flush() == 0
    assert sorted(frames_of(refused)) == [frame(3), frame(4)]
