"""Subscribe, gather, and acknowledge to the broker only what Kafka has acknowledged.

A message that is not acknowledged is sent again by the broker, to this client or, after its session, to another of the
group: the copy is dropped behind Kafka by the invocation counter. A message of QoS 0 comes once, whether there is room
for it or not: without room it is dropped and counted.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import cast
from urllib.parse import urlsplit

import aiomqtt
import numpy as np
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from connectors.gather.pump import Pump
from connectors.mqtt.config import MqttConfig

RECONNECT_MOST_SECS = 30.0
MOST_QUEUED = 10_000
"""Messages between socket and pump beyond which one of QoS 0 is dropped too; one is read faster than it is taken."""
TITLE = re.compile(r"(?:^|/)([0-9A-Fa-f]{16})(?:/|$)")

log = structlog.get_logger()


def device_of_topic(topic: str) -> int:
    """The device that a topic names by its system title (16 hexadecimal digits as a level), or 0."""
    found = TITLE.search(topic)
    return int(found.group(1), 16) if found else 0


class _Messages(asyncio.Queue[aiomqtt.Message]):
    """What the client has read and the pump has not taken. Of QoS 1 the broker sends no more than `in_flight` without
    an acknowledgement; of QoS 0 it sends what comes, so that such messages are let in only while they are taken."""

    def __init__(self, pump: Pump, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self._pump = pump

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """See asyncio.Queue."""
        if item.qos == 0 and (self._pump.stopped or self.qsize() >= MOST_QUEUED):
            self._pump.counts.dropped += 1
            return
        super().put_nowait(item)


def _client(config: MqttConfig, pump: Pump) -> aiomqtt.Client:
    url = urlsplit(config.url)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = config.in_flight
    properties.SessionExpiryInterval = config.session_secs
    return aiomqtt.Client(
        url.hostname or "127.0.0.1",
        url.port or 1883,
        username=url.username,
        password=url.password,
        identifier=config.client,
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=False,
        properties=properties,
        queue_type=cast("type[asyncio.Queue[aiomqtt.Message]]", partial(_Messages, pump)),
    )


class _Session:
    """One connection; acknowledgements of an earlier one are dropped, since its message ids are void."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._paho = client._client  # aiomqtt has no manual acknowledgement of its own
        self._paho.manual_ack_set(True)
        self.open = True

    def acknowledge(self, message_id: int, qos: int) -> None:
        if self.open and qos:
            self._paho.ack(message_id, qos)


async def run(config: MqttConfig, pump: Pump, stop: asyncio.Event, ready: asyncio.Event | None = None) -> None:
    """Subscribe until `stop`; reconnects with back-off."""
    wait = config.reconnect_secs
    while not stop.is_set():
        client = _client(config, pump)
        session = _Session(client)
        try:
            async with client:
                for topic in config.topics:
                    await client.subscribe(f"$share/{config.group}/{topic}", qos=1)
                log.info("subscribed", connector="mqtt", url=urlsplit(config.url).hostname, topics=config.topics)
                wait = config.reconnect_secs
                if ready is not None:
                    ready.set()
                await _receive(client, session, pump, stop)
        except aiomqtt.MqttError as error:
            log.warning("mqtt connection lost", error=str(error), retry_secs=wait)
            await _sleep(stop, wait)
            wait = min(RECONNECT_MOST_SECS, 2 * wait)
        finally:
            session.open = False


async def _receive(client: aiomqtt.Client, session: _Session, pump: Pump, stop: asyncio.Event) -> None:
    messages = client.messages
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not stop.is_set():
            if not await pump.room(stop):
                break
            following = asyncio.ensure_future(anext(messages))
            await asyncio.wait({following, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                following.cancel()
                break
            _offer(await following, session, pump)
        await _last_acknowledgements(pump)
    finally:
        stopping.cancel()


def _offer(message: aiomqtt.Message, session: _Session, pump: Pump) -> None:
    payload = message.payload
    frame = payload if isinstance(payload, bytes) else str(payload).encode()
    pump.offer(
        np.frombuffer(frame, np.uint8),
        np.zeros(1, np.int64),
        np.array([len(frame)], np.uint32),
        device_of_topic(str(message.topic)),
        lambda: session.acknowledge(message.mid, message.qos),
    )


async def _last_acknowledgements(pump: Pump) -> None:
    """Give what is under way a moment, so that a clean stop leaves nothing to send again."""
    pump.cut()
    for _ in range(400):
        if pump.counts.acknowledged == pump.counts.received:
            break
        await asyncio.sleep(0.01)
    # The acknowledgements themselves leave with the event loop's next turns.
    await asyncio.sleep(0.05)


async def _sleep(stop: asyncio.Event, secs: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), secs)
    except TimeoutError:
        return
