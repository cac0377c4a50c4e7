"""Connectors against the real Kafka and mosquitto."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import aiomqtt
import numpy as np
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from cli.facts.topic import FactWriter, read_facts
from connectors.dlms.config import DlmsConfig
from connectors.facts.config import FactsConfig
from connectors.gather.config import GatherOptions
from connectors.gather.gatherer import Aside, Gathered
from connectors.gather.outlet import KafkaOutlet, Targets
from connectors.mqtt.config import MqttConfig
from connectors.parked.config import ParkedConfig
from connectors.readings_topic.config import ReadingsTopicConfig
from connectors.runner import Environment, run_connector
from connectors.ticker.connector import write_to_all
from pipeline.codes import REJECT_NUMBER, Level
from pipeline.errors import ConfigError
from pipeline.reading_frames import read_reading_frame
from pipeline.reference import FOREVER, Registry
from pipeline.reference_codec import registry_to_bytes
from pipeline.runtime.kafka_references import KafkaReferences, publish
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics, topic_id
from pipeline.statement_frames import read_statement_frame
from pipeline.step import Origin, Tick
from pipeline.wire import read_frames
from schemas.load import load_contracts
from tests.unit.connectors.test_gather import TITLE, glo, registry, wrapped

pytestmark = pytest.mark.kafka
PARTITIONS = 4
FAST = GatherOptions(batch_age_ms=10)


@pytest.fixture
def environment(kafka: str) -> Environment:
    mark = uuid4().hex[:8]
    targets = Targets(f"frames-{mark}", f"rejects-{mark}", f"parked-{mark}")
    topics = [WantedTopic(targets.frames, PARTITIONS), WantedTopic(targets.rejects, 1), WantedTopic(targets.parked, 2)]
    ensure_topics(kafka, [*topics, WantedTopic(f"registry-{mark}", 1, {"cleanup.policy": "compact"})])
    return Environment(kafka, load_contracts(), PARTITIONS, targets, f"registry-{mark}", free_port())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def put_registry(environment: Environment, points: dict[int, int]) -> str:
    known: Registry = registry([(device, point, 0, int(FOREVER)) for device, point in points.items()])
    return publish(environment.bootstrap, "registry", registry_to_bytes(known), environment.registry_topic)


def read_topic(bootstrap: str, topic: str, partitions: int) -> list[tuple[int, int, bytes]]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": uuid4().hex, "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
    found, ended = [], 0
    while ended < partitions:
        message: Any = consumer.poll(10)
        assert message is not None
        if message.error() is None:
            found.append((message.partition(), message.offset(), message.value()))
        else:
            ended += 1
    consumer.close()
    return found


def frames_of(environment: Environment) -> list[bytes]:
    frames = []
    for partition, offset, value in read_topic(environment.bootstrap, environment.targets.frames, PARTITIONS):
        batch: Any = read_frames(environment.contracts, value, Origin("t", partition, offset)).batch
        if batch is not None:
            ends = np.cumsum(batch.length.astype(np.int64))
            frames += [bytes(batch.payload[e - n : e]) for e, n in zip(ends, batch.length, strict=True)]
    return frames


async def status(environment: Environment) -> dict[str, Any]:
    def read() -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{environment.status_port}/status", timeout=5) as page:
            result: dict[str, Any] = json.load(page)
            return result

    return await asyncio.to_thread(read)


async def until(environment: Environment, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    for _ in range(2400):
        try:
            found = await status(environment)
        except OSError:
            found = None
        if found is not None and condition(found):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"not reached in two minutes: {found}")


async def test_tcp_frames_reach_the_topic_and_unknown_devices_flow_on_once_registered(environment: Environment) -> None:
    put_registry(environment, {TITLE: 7})
    port = free_port()
    stop = asyncio.Event()
    config = DlmsConfig(listen=f"127.0.0.1:{port}", gather=FAST)
    running = asyncio.ensure_future(run_connector("push", config, environment, stop))
    await until(environment, lambda page: bool(page["ready"]))
    known = [wrapped(glo(TITLE, n.to_bytes(4, "big") + bytes(20))) for n in range(500)]
    unknown = [wrapped(glo(TITLE + 1, n.to_bytes(4, "big") + bytes(20))) for n in range(50)]
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"".join(known + unknown))
    await writer.drain()
    page = await until(environment, lambda page: page["acknowledged"] == 550)
    assert page["parked"] == 50
    writer.close()
    stop.set()
    await running
    assert frames_of(environment) == known
    assert len(read_topic(environment.bootstrap, environment.targets.parked, 2)) == 50

    put_registry(environment, {TITLE: 7, TITLE + 1: 8})
    stop = asyncio.Event()
    running = asyncio.ensure_future(run_connector("parked", ParkedConfig(
        source=environment.targets.parked, gather=FAST), environment, stop))  # fmt: skip
    await until(environment, lambda page: page["acknowledged"] == 50)
    # A push that takes the version over later has parked one more.
    late = wrapped(glo(TITLE + 1, b"late" + bytes(20)))
    push = KafkaOutlet(environment.bootstrap, environment.contracts, environment.targets, "push")
    push.send(Gathered({}, [Aside(REJECT_NUMBER["DEVICE_UNKNOWN"], TITLE + 1, 1_000, late)]), lambda: None)
    assert push.flush() == 0
    await until(environment, lambda page: page["acknowledged"] == 51)
    version = put_registry(environment, {TITLE: 7, TITLE + 1: 8, TITLE + 2: 9})
    await until(environment, lambda page: page["settled_version"] == version)
    stop.set()
    await running
    assert sorted(frames_of(environment)) == sorted([*known, *unknown, late])


@pytest.mark.mqtt
async def test_mqtt_messages_are_acknowledged_only_after_kafka_has_them(
    environment: Environment, mosquitto: str
) -> None:
    put_registry(environment, {TITLE: 7})
    host, port = mosquitto.removeprefix("mqtt://").split(":")
    root = uuid4().hex[:8]
    config = MqttConfig(url=mosquitto, topics=[f"{root}/+/push"], group=root, client=f"c-{root}", gather=FAST)
    stop = asyncio.Event()
    running = asyncio.ensure_future(run_connector("mesh", config, environment, stop))
    await until(environment, lambda page: bool(page["ready"]))
    frames = [glo(TITLE, n.to_bytes(4, "big") + bytes(20)) for n in range(300)]
    async with aiomqtt.Client(host, int(port), protocol=aiomqtt.ProtocolVersion.V5) as sender:
        await sender.publish(f"{root}/{TITLE:016X}/push", frames[0], qos=1)
        for frame in frames[1:]:
            await sender.publish(f"{root}/{TITLE:016X}/push", frame, qos=1)
    await until(environment, lambda page: page["acknowledged"] == 300)
    # Killed without a word: what Kafka has acknowledged was acknowledged to the broker too, the rest comes again.
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    async with aiomqtt.Client(host, int(port), protocol=aiomqtt.ProtocolVersion.V5) as sender:
        for n in range(300, 400):
            frames.append(glo(TITLE, n.to_bytes(4, "big") + bytes(20)))
            await sender.publish(f"{root}/{TITLE:016X}/push", frames[-1], qos=1)
    stop = asyncio.Event()
    again = Environment(environment.bootstrap, environment.contracts, PARTITIONS, environment.targets,
                        environment.registry_topic, free_port())  # fmt: skip
    running = asyncio.ensure_future(run_connector("mesh", config, again, stop))
    await until(again, lambda page: page["acknowledged"] >= 100)
    stop.set()
    await running
    assert set(frames_of(environment)) == set(frames)


async def test_readings_of_a_topic_are_committed_only_after_kafka_has_their_frames(environment: Environment) -> None:
    put_registry(environment, {TITLE: 7})
    source, group = f"readings-in-{uuid4().hex[:8]}", uuid4().hex
    ensure_topics(environment.bootstrap, [WantedTopic(source, 2)])
    head_end = Producer({"bootstrap.servers": environment.bootstrap})

    def send(first: int, last: int) -> None:
        for n in range(first, last):
            row = {"device": f"{TITLE:016X}", "time": 1_751_308_200 + 1800 * n, "wh_imp": n}
            head_end.produce(source, json.dumps(row).encode(), partition=0)
        head_end.produce(source, b"no json", partition=1)
        assert head_end.flush(30) == 0

    config = ReadingsTopicConfig(source=source, group=group, time_format="epoch", gather=FAST)
    send(1, 101)
    stop = asyncio.Event()
    running = asyncio.ensure_future(run_connector("messages", config, environment, stop))
    await until(environment, lambda page: page["acknowledged"] == 100)
    # Killed without a word: what was not committed comes again, as the same frames.
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    send(101, 151)
    again = Environment(environment.bootstrap, environment.contracts, PARTITIONS, environment.targets,
                        environment.registry_topic, free_port())  # fmt: skip
    stop = asyncio.Event()
    running = asyncio.ensure_future(run_connector("messages", config, again, stop))

    consumer = Consumer({"bootstrap.servers": environment.bootstrap, "group.id": group})

    def committed() -> list[int]:
        places = [TopicPartition(source, number) for number in range(2)]
        return [one.offset for one in consumer.committed(places, timeout=10)]

    # Not by what is acknowledged: copies count there too.
    await until(again, lambda _page: committed() == [150, 2])
    stop.set()
    await running
    assert committed() == [150, 2]
    consumer.close()
    told = {read_reading_frame(frame).readings[0].values[0] for frame in frames_of(environment)}
    assert told == set(range(1, 151))
    assert len(read_topic(environment.bootstrap, environment.targets.rejects, 1)) >= 2


def network_of(points: list[int], feeder: int) -> Registry:
    """Points below one feeder, a device at each."""
    found: Registry = registry([(TITLE + point, point, 0, int(FOREVER)) for point in points])
    for column in Registry.COLUMNS:
        if column.section in ("point", "node"):
            setattr(found, column.name, column.empty(len(points) if column.section == "point" else 1))
    found.point[:], found.point_to[:], found.feeder[:] = points, int(FOREVER), feeder
    found.node[:], found.node_level[:] = feeder, Level.FEEDER
    return found


async def test_an_outage_of_a_feeder_is_told_to_each_service_point_and_not_again_after_a_restart(
    environment: Environment,
) -> None:
    points = list(range(1, 2501))
    raw = registry_to_bytes(network_of(points, 100))
    publish(environment.bootstrap, "registry", raw, environment.registry_topic)
    source, group = f"facts-{uuid4().hex[:8]}", uuid4().hex
    ensure_topics(environment.bootstrap, [WantedTopic(source, 1)])
    fact = {"id": "o", "kind": "OUTAGE", "revision": 1, "service_point": 0, "node": 100, "place": "",
            "from_time": 1_751_351_400, "until_time": None, "confirmed": True, "temperature": None, "channel": "",
            "energy": None, "neighbours": [], "source": "OMS", "who": "", "why": "",
            "said_at": 1_751_351_500}  # fmt: skip

    def say(**others: Any) -> None:
        writer = FactWriter(environment.bootstrap, source)
        writer.write(b"node/100", environment.contracts.encode("Fact", {**fact, **others}))
        writer.close()

    async def told(count: int, place: Environment) -> None:
        stop = asyncio.Event()
        config = FactsConfig(source=source, group=group, gather=FAST)
        running = asyncio.ensure_future(run_connector("facts", config, place, stop))
        await until(place, lambda page: page["acknowledged"] == count)
        stop.set()
        await running

    say()
    await told(2500, environment)
    say(revision=2, until_time=1_751_355_000)
    await told(2500, replace(environment, status_port=free_port()))
    said = [read_statement_frame(frame) for frame in frames_of(environment)]
    assert sorted((one.number, one.service_point, int(one.rows["secs"][0])) for one in said) == [
        (number, point, secs) for number, secs in ((1, 259_200), (2, 3600)) for point in points
    ]
    assert [one["revision"] for one in read_facts(environment.bootstrap, source, environment.contracts)] == [1, 2]


def test_a_version_is_read_back_from_its_topic(environment: Environment) -> None:
    store = KafkaReferences(environment.bootstrap, environment.registry_topic)
    assert store.latest("registry") is None
    big = np.random.default_rng(1).integers(0, 256, 3_000_000, np.uint8).tobytes()
    version = publish(environment.bootstrap, "documents", big, environment.registry_topic)
    assert store.get("documents", version) == big
    assert store.get("documents", "0" * 64) is None
    second = publish(environment.bootstrap, "documents", b"{}", environment.registry_topic)
    assert store.latest("documents") == (second, b"{}")
    store.close()


def test_a_tick_reaches_every_partition(environment: Environment) -> None:
    tick = Tick(1_700_000_000, 3600)
    write_to_all(environment.bootstrap, environment.contracts, environment.targets.frames, PARTITIONS, tick)
    found = read_topic(environment.bootstrap, environment.targets.frames, PARTITIONS)
    assert sorted(partition for partition, _, _ in found) == list(range(PARTITIONS))
    assert all(read_frames(environment.contracts, value, Origin("t", p, o)).tick == tick for p, o, value in found)


def test_a_topic_with_other_partitions_is_refused(environment: Environment) -> None:
    with pytest.raises(ConfigError, match="PARTITIONS_OTHER"):
        ensure_topics(environment.bootstrap, [WantedTopic(environment.targets.frames, PARTITIONS + 1)])
    assert topic_id(environment.bootstrap, environment.targets.frames)
