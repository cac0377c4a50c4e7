"""Frames of gateways and other head-ends against the real Kafka and mosquitto: topics of frames, forms, TLS."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiomqtt
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from cli.services.mosquitto import _program as mosquitto_program
from connectors.frames_topic.cluster import check_topic, source_of
from connectors.frames_topic.config import FramesTopicConfig
from connectors.mqtt.config import MqttConfig
from connectors.runner import Environment, run_connector
from connectors.tls.config import ClientTls
from connectors.tls.contexts import client_context
from pipeline.errors import ConfigError
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics
from tests.integration.test_connectors import (
    FAST,
    PARTITIONS,
    environment,
    frames_of,
    free_port,
    put_registry,
    read_topic,
    until,
)
from tests.unit.connectors.certificates import Authority
from tests.unit.connectors.test_gather import TITLE, glo

__all__ = ["environment"]  # the fixture is that of the other connectors

pytestmark = pytest.mark.kafka
NAMELESS = b"\x0f\x00\x00\x00"


def again(environment: Environment) -> Environment:
    """The same for another process."""
    return Environment(environment.bootstrap, environment.contracts, PARTITIONS, environment.targets,
                       environment.registry_topic, free_port())  # fmt: skip


def counted(number: int) -> bytes:
    return glo(TITLE, b"\x30" + number.to_bytes(4, "big") + bytes(20))


async def test_frames_of_a_topic_are_committed_only_after_kafka_has_them(environment: Environment) -> None:
    put_registry(environment, {TITLE: 7, 4711: 8})
    topic, group = f"head-end-{uuid4().hex[:8]}", uuid4().hex
    ensure_topics(environment.bootstrap, [WantedTopic(topic, 2)])
    head_end = Producer({"bootstrap.servers": environment.bootstrap})

    def send(first: int, last: int) -> None:
        for number in range(first, last):
            head_end.produce(topic, counted(number).hex().encode(), partition=0)
        head_end.produce(topic, NAMELESS.hex().encode() + b"%04x" % first, b"4711", partition=1)
        head_end.produce(topic, b"no hex", b"4711", partition=1)
        assert head_end.flush(30) == 0

    config = FramesTopicConfig(topic=topic, group=group, payload="hex", named_by="key", gather=FAST)
    send(1, 101)
    stop = asyncio.Event()
    running = asyncio.ensure_future(run_connector("foreign", config, environment, stop))
    page = await until(environment, lambda page: page["acknowledged"] == 101)
    assert page["names_unknown"] == 0
    # Killed without a word: what was not committed comes again.
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    send(101, 151)
    next_one = again(environment)
    stop = asyncio.Event()
    running = asyncio.ensure_future(run_connector("foreign", config, next_one, stop))
    await until(next_one, lambda page: page["acknowledged"] >= 51)
    stop.set()
    await running
    expected = {counted(number) for number in range(1, 151)} | {NAMELESS + b"\x00\x01", NAMELESS + b"\x00\x65"}
    assert set(frames_of(environment)) == expected
    consumer = Consumer({"bootstrap.servers": environment.bootstrap, "group.id": group})
    committed = consumer.committed([TopicPartition(topic, number) for number in range(2)], timeout=10)
    consumer.close()
    assert [one.offset for one in committed] == [150, 4]
    rejects = read_topic(environment.bootstrap, environment.targets.rejects, 1)
    assert len(rejects) >= 2
    told = [environment.contracts.decode(value, "Reject") for _, _, value in rejects]
    assert {(row["code"], row["topic"], row["raw"]) for row in told} == {("MESSAGE_UNREADABLE", topic, b"no hex")}


async def test_two_processes_of_a_group_share_the_partitions_and_nothing_is_missing_when_one_goes(
    environment: Environment,
) -> None:
    put_registry(environment, {TITLE: 7})
    topic, group = f"head-end-{uuid4().hex[:8]}", uuid4().hex
    ensure_topics(environment.bootstrap, [WantedTopic(topic, 4)])
    head_end = Producer({"bootstrap.servers": environment.bootstrap})
    config = FramesTopicConfig(topic=topic, group=group, gather=FAST)
    places = [environment, again(environment)]
    stops = [asyncio.Event() for _ in places]
    running = [
        asyncio.ensure_future(run_connector("foreign", config, place, stop))
        for place, stop in zip(places, stops, strict=True)
    ]
    for place in places:
        await until(place, lambda page: bool(page["ready"]))
    sent = 0

    async def send(number: int) -> None:
        nonlocal sent
        for _ in range(number):
            head_end.produce(topic, counted(sent), partition=sent % 4)
            sent += 1
        assert await asyncio.to_thread(head_end.flush, 30) == 0

    for _ in range(100):
        await send(40)
        pages = [await until(place, lambda page: True) for place in places]
        if all(page["received"] for page in pages):
            break
        await asyncio.sleep(0.1)
    assert all(page["received"] for page in pages), "both take part"
    stops[0].set()
    await send(1000)
    await running[0]
    for _ in range(100):
        found = {int.from_bytes(frame[12:16], "big") for frame in frames_of(environment)}
        if len(found) == sent:
            break
        await asyncio.sleep(0.2)
    stops[1].set()
    await running[1]
    assert found == set(range(sent))


def test_a_topic_that_is_not_there_is_said_and_not_made(environment: Environment) -> None:
    source = source_of(FramesTopicConfig(topic="nobodys"), environment.bootstrap)
    for _ in range(2):
        with pytest.raises(ConfigError, match="TOPIC_ABSENT at nobodys"):
            check_topic(source)


@pytest.mark.mqtt
async def test_gateways_messages_of_each_form_arrive_under_the_meter_that_their_topic_names(
    environment: Environment, mosquitto: str
) -> None:
    put_registry(environment, {TITLE: 7, 4711: 8, 12: 9})
    host, port = mosquitto.removeprefix("mqtt://").split(":")
    root = uuid4().hex[:8]
    topics: list[Any] = [
        f"{root}/raw/{{device}}/push",
        {"topic": f"{root}/hex/{{meter}}", "payload": "hex"},
        {"topic": f"{root}/64/{{meter}}", "payload": "base64"},
        {"topic": f"{root}/json/{{gateway}}", "payload": "json"},
        {"topic": f"{root}/any/#", "payload": "auto"},
    ]
    config = MqttConfig(url=mosquitto, topics=topics, group=root, client=f"c-{root}", gather=FAST)
    stop = asyncio.Event()
    running = asyncio.ensure_future(run_connector("mesh", config, environment, stop))
    await until(environment, lambda page: bool(page["ready"]))
    frames = [NAMELESS + bytes([number]) for number in range(4)] + [glo(TITLE)]
    envelope = json.dumps({"meterNo": 12, "data": {"payload": frames[3].hex()}})
    async with aiomqtt.Client(host, int(port), protocol=aiomqtt.ProtocolVersion.V5) as sender:
        await sender.publish(f"{root}/raw/4711/push", frames[0], qos=1)
        await sender.publish(f"{root}/hex/{TITLE:016x}", frames[1].hex(), qos=1)
        await sender.publish(f"{root}/64/12", base64.b64encode(frames[2]), qos=1)
        await sender.publish(f"{root}/json/G1", envelope, qos=1)
        await sender.publish(f"{root}/any/x/y", frames[4].hex(" "), qos=1)
        await sender.publish(f"{root}/json/G1", b"[1, 2", qos=1)
    page = await until(environment, lambda page: page["acknowledged"] == 5 and page["aside"] == 1)
    assert page["names_unknown"] == 0
    stop.set()
    await running
    assert sorted(frames_of(environment)) == sorted(frames)
    ((_, _, value),) = read_topic(environment.bootstrap, environment.targets.rejects, 1)
    told = environment.contracts.decode(value, "Reject")
    assert (told["code"], told["topic"], told["raw"]) == ("MESSAGE_UNREADABLE", f"{root}/json/G1", b"[1, 2")


@pytest.mark.mqtt
async def test_the_share_of_who_leaves_goes_to_the_others_and_that_of_who_stays_waits_for_it(
    environment: Environment, mosquitto: str
) -> None:
    put_registry(environment, {TITLE: 7})
    host, port = mosquitto.removeprefix("mqtt://").split(":")
    root = uuid4().hex[:8]
    places = [environment, again(environment)]
    stops = [asyncio.Event() for _ in places]

    def start(number: int, at_stop: str) -> asyncio.Future[None]:
        config = MqttConfig.model_validate({
            "url": mosquitto, "topics": [f"{root}/+/push"], "group": root, "client": f"{root}-{number}",
            "gather": FAST, "at_stop": at_stop,
        })  # fmt: skip
        return asyncio.ensure_future(run_connector("mesh", config, places[number], stops[number]))

    async def send(first: int, last: int) -> None:
        async with aiomqtt.Client(host, int(port), protocol=aiomqtt.ProtocolVersion.V5) as sender:
            for number in range(first, last):
                await sender.publish(f"{root}/x/push", counted(number), qos=1)

    running = [start(0, "stay"), start(1, "leave")]
    for place in places:
        await until(place, lambda page: bool(page["ready"]))
    await send(0, 100)
    for place in places:
        await until(place, lambda page: page["acknowledged"] == 50)
    stops[1].set()
    await running[1]
    await send(100, 200)
    await until(places[0], lambda page: page["acknowledged"] == 150)
    stops[0].set()
    await running[0]
    await send(200, 300)
    stops[0], places[0] = asyncio.Event(), again(environment)
    running[0] = start(0, "stay")
    await until(places[0], lambda page: page["acknowledged"] == 100)
    stops[0].set()
    await running[0]
    assert sorted(frames_of(environment)) == [counted(number) for number in range(300)]


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[str, Authority, Path]]:
    """A mosquitto that speaks TLS only and asks who comes: its URL, who signed for it, and the file of the password."""
    program, passwords = mosquitto_program(), shutil.which("mosquitto_passwd")
    if program is None or passwords is None:
        pytest.skip("no mosquitto, or no mosquitto_passwd")
    authority = Authority(tmp_path)
    certificate, key = authority.issue("broker")
    port, users, password = free_port(), tmp_path / "users", tmp_path / "password"
    subprocess.run([passwords, "-b", "-c", str(users), "kvarn", "se cret"], check=True, capture_output=True)
    password.write_text("se cret\n")
    password.chmod(0o600)
    settings = [f"listener {port} 127.0.0.1", f"certfile {certificate}", f"keyfile {key}", "allow_anonymous false",
                f"password_file {users}"]  # fmt: skip
    if os.geteuid() == 0:
        settings.append("user root")
    configuration = tmp_path / "mosquitto.conf"
    configuration.write_text("\n".join(settings) + "\n")
    broker = subprocess.Popen([program, "-c", str(configuration)], stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        assert broker.poll() is None
        yield f"mqtts://127.0.0.1:{port}", authority, password
    finally:
        broker.terminate()
        broker.wait(10)


@pytest.mark.mqtt
async def test_a_broker_is_spoken_to_over_tls_with_a_password_of_a_file(
    environment: Environment, guarded: tuple[str, Authority, Path]
) -> None:
    url, authority, password = guarded
    put_registry(environment, {TITLE: 7})
    root = uuid4().hex[:8]
    config = MqttConfig(
        url=url, user="kvarn", password_file=str(password), tls=ClientTls(ca=str(authority.file)),
        topics=[f"{root}/+/push"], group=root, client=f"c-{root}", gather=FAST,
    )  # fmt: skip
    stop = asyncio.Event()
    running = asyncio.ensure_future(run_connector("mesh", config, environment, stop))
    await until(environment, lambda page: bool(page["ready"]))
    frames = [counted(number) for number in range(300)]
    context = client_context(ClientTls(ca=str(authority.file)))
    async with aiomqtt.Client(
        "127.0.0.1", int(url.rsplit(":", 1)[1]), username="kvarn", password="se cret", tls_context=context
    ) as sender:
        for frame in frames:
            await sender.publish(f"{root}/x/push", frame, qos=1)
    await until(environment, lambda page: page["acknowledged"] == 300)
    stop.set()
    await running
    assert frames_of(environment) == frames
