"""The simulator's senders against the real mosquitto and Kafka."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from urllib.parse import urlsplit
from uuid import uuid4

import aiomqtt
import numpy as np
import pytest

from connectors.gather.gatherer import Gatherer
from connectors.simulator import Fleet, Frames, Simulation, SimulatorConfig, build_fleet
from connectors.simulator.frames import joined
from connectors.simulator.network import MQTT
from connectors.simulator.senders.base import parse_address
from connectors.simulator.senders.mqtt import MqttSender, topic_of
from connectors.simulator.senders.pace import Pace
from connectors.simulator.senders.play import items_of, play, route_to
from pipeline.batch import FrameBatch
from pipeline.errors import ConfigError, Transient
from pipeline.reference import version_of
from pipeline.reference_codec import registry_to_bytes
from pipeline.runtime.kafka_references import KafkaReferences
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics
from pipeline.step import Control, Origin, Tick
from pipeline.wire import read_frames
from schemas.load import load_contracts
from tests.integration.test_connectors import read_topic

PARTITIONS = 3


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return build_fleet(SimulatorConfig(meters=30, days=1, seed=2))


def every_frame(fleet: Fleet) -> Frames:
    return joined([slot.frames for slot in Simulation(fleet).slots()])


@pytest.mark.mqtt
async def test_each_meter_publishes_its_frames_in_order_to_its_own_topic(mosquitto: str, fleet: Fleet) -> None:
    frames = every_frame(fleet)
    frames = frames.take(np.flatnonzero(frames.transport == MQTT))
    expected: dict[str, list[bytes]] = defaultdict(list)
    for row in range(len(frames)):
        expected[topic_of(int(frames.sender[row]))].append(frames.frame(row))
    url = urlsplit(mosquitto)
    got: dict[str, list[bytes]] = defaultdict(list)
    async with aiomqtt.Client(str(url.hostname), int(url.port or 0), identifier=uuid4().hex) as reader:
        await reader.subscribe("meters/+/push", qos=1)
        sender = MqttSender(parse_address(mosquitto), in_flight=50)
        await sender.open()
        await sender.send(frames)
        await sender.settle()
        await sender.close()
        async with asyncio.timeout(20):
            async for message in reader.messages:
                assert isinstance(message.payload, bytes)
                got[str(message.topic)].append(message.payload)
                if sum(map(len, got.values())) == len(frames):
                    break
    assert got == expected


async def test_no_broker_is_an_error_to_try_again() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(Transient, match="BROKER_LOST"):
        await MqttSender(parse_address(f"mqtt://127.0.0.1:{port}")).open()


@pytest.mark.kafka
async def test_a_run_stands_in_the_log_as_a_connector_would_have_written_it(kafka: str, fleet: Fleet) -> None:
    mark = uuid4().hex[:8]
    names = {name: f"{name}-{mark}" for name in ("frames", "rejects", "parked", "registry")}
    ensure_topics(kafka, [WantedTopic(names["frames"], PARTITIONS), *(WantedTopic(names[name], 1) for name in
                          ("rejects", "parked", "registry"))])  # fmt: skip
    contracts = load_contracts()
    options = "&".join(f"{name}={topic}" for name, topic in names.items() if name != "frames")
    address = parse_address(f"kafka://{kafka}/{names['frames']}?{options}")
    sent = await play(items_of(Simulation(fleet).slots()), [route_to(address, contracts)], Pace())

    slots = list(Simulation(fleet).slots())
    versions = [version_of(registry_to_bytes(slot.registry)) for slot in slots if slot.registry is not None]
    batches: dict[int, list[FrameBatch]] = defaultdict(list)
    others: dict[int, list[Tick | Control]] = defaultdict(list)
    for partition, offset, value in read_topic(kafka, names["frames"], PARTITIONS):
        parcel = read_frames(contracts, value, Origin("t", partition, offset))
        if isinstance(parcel.batch, FrameBatch):
            batches[partition].append(parcel.batch)
        others[partition] += [item for item in (parcel.tick, parcel.control) if item is not None]
    expected: list[Tick | Control] = []
    for slot in slots:
        if slot.registry is not None:
            expected.append(Control({"registry": versions.pop(0)}))
        expected.append(slot.tick)
    assert [others[partition] for partition in range(PARTITIONS)] == [expected] * PARTITIONS

    aside = 0
    payload = dict.fromkeys(range(PARTITIONS), b"")
    gatherer = Gatherer(fleet.registry_versions[0][1], PARTITIONS)
    for slot in slots:
        gatherer.registry = slot.registry or gatherer.registry
        frames = slot.frames
        gatherer.add(frames.payload, frames.offsets, frames.length, frames.received_at, frames.hint)
        cut = gatherer.cut()
        aside += len(cut.aside)
        for partition, batch in cut.batches.items():
            payload[partition] += batch.payload.tobytes()
    assert {n: b"".join(batch.payload.tobytes() for batch in batches[n]) for n in payload} == payload
    put_aside = [len(read_topic(kafka, names[name], 1)) for name in ("rejects", "parked")]
    assert sum(put_aside) == aside > 0
    assert sent.frames == aside + sum(len(batch.length) for found in batches.values() for batch in found)

    references = KafkaReferences(kafka, names["registry"])
    latest = await asyncio.to_thread(references.latest, "registry")
    references.close()
    assert latest is not None
    assert latest[1] == registry_to_bytes(fleet.registry_versions[-1][1])


@pytest.mark.kafka
async def test_a_missing_topic_is_named(kafka: str) -> None:
    route = route_to(parse_address(f"kafka://{kafka}/none-{uuid4().hex[:8]}"), load_contracts())
    with pytest.raises(ConfigError, match="TOPIC_MISSING"):
        await route.sender.open()
