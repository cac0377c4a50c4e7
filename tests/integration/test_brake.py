"""The brake against the real Kafka: without readers reading stops, and goes on when their position moves."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, TopicPartition

from connectors.dlms.config import DlmsConfig
from connectors.gather.config import GatherOptions
from connectors.runner import Environment, run_connector
from tests.integration.test_connectors import (
    PARTITIONS,
    environment,
    frames_of,
    free_port,
    put_registry,
    read_topic,
    until,
)
from tests.unit.connectors.test_gather import TITLE, glo, wrapped

pytestmark = pytest.mark.kafka
__all__ = ["environment"]

BOUND = 2_000_000
FRAMES = 60_000


def commit_ends(environment: Environment, group: str) -> int:
    """Say in the group's name that everything has been read; returns how many records that was."""
    consumer = Consumer({"bootstrap.servers": environment.bootstrap, "group.id": group, "enable.auto.commit": False})
    places = [TopicPartition(environment.targets.frames, number) for number in range(PARTITIONS)]
    ends = [consumer.get_watermark_offsets(place, timeout=10)[1] for place in places]
    consumer.commit(
        offsets=[TopicPartition(place.topic, place.partition, end) for place, end in zip(places, ends, strict=True)],
        asynchronous=False,
    )
    consumer.close()
    return sum(ends)


async def test_reading_stops_while_nobody_reads_the_topic_and_nothing_is_lost(environment: Environment) -> None:
    group = f"workers-{uuid4().hex[:8]}"
    environment = replace(environment, readers=(group,))
    put_registry(environment, {TITLE: 7})
    port, stop = free_port(), asyncio.Event()
    gather = GatherOptions(batch_age_ms=10, batch_bytes=200_000, behind_bytes=BOUND)
    config = DlmsConfig(listen=f"127.0.0.1:{port}", gather=gather)
    running = asyncio.ensure_future(run_connector("push", config, environment, stop))
    await until(environment, lambda page: bool(page["ready"]))
    frames = [wrapped(glo(TITLE, n.to_bytes(4, "big") + bytes(150))) for n in range(FRAMES)]
    _, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send() -> None:
        # Slower than the looks, else all of it is in before the first.
        for start in range(0, FRAMES, 1_000):
            writer.write(b"".join(frames[start : start + 1_000]))
            await writer.drain()
            await asyncio.sleep(0.1)

    sending = asyncio.ensure_future(send())
    page = await until(environment, lambda page: bool(page["braking"]))
    assert page["behind_octets"] >= BOUND
    # What was on its way is taken in; then nothing more comes.
    page = await until(environment, lambda page: page["acknowledged"] == page["received"])
    await asyncio.sleep(1.5)
    held = await until(environment, lambda page: bool(page["braking"]))
    written = sum(len(value) for _, _, value in read_topic(environment.bootstrap, environment.targets.frames, 4))
    assert held["received"] < FRAMES
    assert abs(held["behind_octets"] - written) < written / 10
    await asyncio.sleep(1.5)
    later = await until(environment, lambda page: bool(page["braking"]))
    assert later["received"] == held["received"]
    assert later["braked_secs"] > held["braked_secs"]

    while not sending.done():
        await asyncio.to_thread(commit_ends, environment, group)
        await asyncio.sleep(0.2)
    await sending
    await until(environment, lambda page: page["acknowledged"] == FRAMES)
    writer.close()
    stop.set()
    await running
    assert frames_of(environment) == frames


async def test_a_connector_ends_while_its_brake_is_on(environment: Environment) -> None:
    environment = replace(environment, readers=(f"workers-{uuid4().hex[:8]}",))
    put_registry(environment, {TITLE: 7})
    port, stop = free_port(), asyncio.Event()
    config = DlmsConfig(listen=f"127.0.0.1:{port}", gather=GatherOptions(batch_age_ms=10, behind_bytes=1))
    running = asyncio.ensure_future(run_connector("push", config, environment, stop))
    await until(environment, lambda page: bool(page["ready"]))
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(wrapped(glo(TITLE)))
    await until(environment, lambda page: page["braking"] and page["acknowledged"] == 1)
    stop.set()
    await asyncio.wait_for(running, 20)
    writer.close()
