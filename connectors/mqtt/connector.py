"""Subscribe, gather, and acknowledge to the broker only what Kafka has acknowledged.

A message that is not acknowledged is sent again by the broker when this client is back: the copy is dropped behind
Kafka by the invocation counter. What waits for a client that never comes back mosquitto drops when its session ends,
shared subscription or not; so who is not to come back leaves (`at_stop`). A message of QoS 0 comes once, whether there
is room for it or not: without room it is dropped and counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aiomqtt
import structlog

from connectors.gather.pump import HAND_ON_SECS, Pump
from connectors.mqtt.client import Messages, Session, client_of, read_together, waiting
from connectors.mqtt.config import MqttConfig
from connectors.mqtt.topics import Template, Topics
from connectors.payloads.envelopes import Fields
from connectors.payloads.naming import Naming
from connectors.payloads.reader import Bundle
from connectors.readings_in.devices import read_names

RECONNECT_MOST_SECS = 30.0
AT_ONCE, AT_ONCE_OCTETS = 1000, 1_000_000
"""Messages that are taken together, and their octets, when so many have been read."""

TOGETHER_SECS = 0.002
LEFT_SECS, LOOK_SECS = 1.0, 0.01
"""Who has left has everything when nothing has come for so long."""

REFUSED = 0x80
"""Reason codes of a subscription from here on are refusals (MQTT 5.0, section 3.9.3)."""

Tell = Callable[[Callable[[], dict[str, Any]]], None]

log = structlog.get_logger()


def topics_of(config: MqttConfig) -> Topics:
    """What the subscriptions say of messages; raises ConfigError for names that cannot be used."""
    naming = Naming(config.device, read_names(config.names))
    return Topics(config.templates, Fields(config.envelope), naming)


async def run(
    config: MqttConfig, pump: Pump, stop: asyncio.Event, ready: asyncio.Event | None = None, tell: Tell | None = None
) -> None:
    """Subscribe until `stop`; reconnects with back-off. Raises ConfigError for files that cannot be used."""
    wait, topics = config.reconnect_secs, topics_of(config)
    if tell is not None:
        tell(lambda: {"names_unknown": topics.naming.unknown})
    while not stop.is_set():
        client = client_of(config, pump)
        session = Session(client)
        try:
            async with client:
                read_together(client)
                for template, _ in topics.templates:
                    await _subscribe(client, _shared(config, template))
                told = [template.text for template, _ in topics.templates]
                log.info("subscribed", connector="mqtt", url=urlsplit(config.url).hostname, topics=told)
                wait = config.reconnect_secs
                if ready is not None:
                    ready.set()
                most = min(AT_ONCE_OCTETS, config.gather.batch_bytes)
                await receive(client, session, topics, pump, stop, most)
                if config.at_stop == "leave":
                    await _leave(client, session, config, topics, pump, most)
        except aiomqtt.MqttError as error:
            log.warning("mqtt connection lost", error=str(error), retry_secs=wait)
            await _sleep(stop, wait)
            wait = min(RECONNECT_MOST_SECS, 2 * wait)
        finally:
            session.open = False


async def _subscribe(client: aiomqtt.Client, topic: str) -> None:
    """Raises MqttError when the broker refuses: else nothing would come, and nobody would know why."""
    for code in await client.subscribe(topic, qos=1):
        told = getattr(code, "value", code)
        if told >= REFUSED:
            raise aiomqtt.MqttError(f"the broker refuses the subscription {topic}: {code} ({told})")


async def receive(
    client: aiomqtt.Client, session: Session, topics: Topics, pump: Pump, stop: asyncio.Event,
    most: int = AT_ONCE_OCTETS,
) -> None:  # fmt: skip
    """Take messages until `stop`; raises MqttError when the connection is lost."""
    messages, read = client.messages, waiting(client)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not stop.is_set() and await pump.room(stop):
            first: list[aiomqtt.Message] = []
            if read.empty():
                following = asyncio.ensure_future(anext(messages))
                await asyncio.wait({following, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if not following.done():
                    following.cancel()
                    break
                first.append(await following)
            # Others come meanwhile, and what is done a bundle is done for all of them once.
            await asyncio.sleep(TOGETHER_SECS)
            _take(first, read, session, topics, pump, most)
        await _last_acknowledgements(session, pump)
    finally:
        stopping.cancel()


async def _leave(
    client: aiomqtt.Client, session: Session, config: MqttConfig, topics: Topics, pump: Pump, most: int
) -> None:
    """Give this client's share to the others, and take what the broker still has for it."""
    for template, _ in topics.templates:
        await client.unsubscribe(_shared(config, template))
    read, quiet = waiting(client), 0.0
    while quiet < LEFT_SECS:
        if read.empty():
            await asyncio.sleep(LOOK_SECS)
            quiet += LOOK_SECS
        elif not await _room(pump):
            return
        else:
            _take([], read, session, topics, pump, most)
            quiet = 0.0
    log.info("left", connector="mqtt", group=config.group)
    await _last_acknowledgements(session, pump)


async def _room(pump: Pump) -> bool:
    """Wait for room, for a while."""
    try:
        return await asyncio.wait_for(pump.room(asyncio.Event()), HAND_ON_SECS)
    except TimeoutError:
        log.warning("left behind: Kafka takes nothing, and messages wait at the broker", connector="mqtt")
        return False


def _shared(config: MqttConfig, template: Template) -> str:
    return f"$share/{config.group}/{template.filter}"


def _take(
    messages: list[aiomqtt.Message], read: Messages, session: Session, topics: Topics, pump: Pump, most: int
) -> None:  # fmt: skip
    """Offer these messages, and what was read behind them, as one bundle."""
    bundle = Bundle()
    taken: list[tuple[int, int]] = []
    while len(taken) < AT_ONCE and bundle.octets < most:
        if messages:
            message = messages.pop()
        elif not read.empty():
            message = read.get_nowait()
        else:
            break
        payload, topic = message.payload, str(message.topic)
        octets = payload if isinstance(payload, bytes) else str(payload).encode()
        device, reader = topics.of(topic)
        reader.read(octets, device, (topic, -1, -1), pump.now, bundle)
        taken.append((message.mid, message.qos))
    session.under_way += len(taken)
    bundle.offer(pump, lambda: session.acknowledge(taken))


async def _last_acknowledgements(session: Session, pump: Pump) -> None:
    """Give what is under way a moment, so that a clean stop leaves nothing to send again."""
    pump.cut()
    for _ in range(400):
        if not session.under_way:
            break
        await asyncio.sleep(0.01)
    # The acknowledgements themselves leave with the event loop's next turns.
    await asyncio.sleep(0.05)


async def _sleep(stop: asyncio.Event, secs: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), secs)
    except TimeoutError:
        return
