"""The pushes of the fault bench over the real mosquitto, also where a process has many files open."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from urllib.parse import urlsplit

import aiomqtt
import numpy as np
import pytest

from bench.faults.push import MqttPusher, Pushes
from connectors.simulator.senders.mqtt import topic_of

SELECT_MOST = 1024
DEVICE = 0x4C54_5A00_0000_0001


@pytest.fixture
def many_files() -> Iterator[None]:
    """So many descriptors are taken that the next ones are beyond what select() can wait for."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], 4 * SELECT_MOST), before[1]))
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(SELECT_MOST + 100)]
    yield
    for descriptor in taken:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.mqtt
async def test_pushes_leave_in_order_and_are_acknowledged(mosquitto: str, many_files: None) -> None:
    count = 1200
    pushes = Pushes(
        np.full(count, DEVICE, np.uint64), np.arange(count), np.full(count, 4, np.uint32),
        np.arange(count, dtype="<u4").view(np.uint8),
    )  # fmt: skip
    url = urlsplit(mosquitto)
    async with aiomqtt.Client(str(url.hostname), int(url.port or 0), identifier="reader of pushes") as reader:
        await reader.subscribe(topic_of(DEVICE), qos=1)
        pusher = MqttPusher(mosquitto)
        pusher.push(pushes)
        assert pusher.close()
        got = []
        async for message in reader.messages:
            got.append(message.payload)
            if len(got) == count:
                break
    assert got == pushes.frames()
