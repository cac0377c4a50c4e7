"""The client of a broker: its session, what it has read, and acknowledgements by hand."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from connectors.gather.pump import Pump
from connectors.mqtt.config import MqttConfig
from connectors.tls.contexts import client_context
from connectors.tls.secrets import read_password

PORT, TLS_PORT = 1883, 8883
MOST_READ = 200
"""Messages that are read before others have their turn."""
MOST_QUEUED = 10_000
"""Messages between socket and pump beyond which one of QoS 0 is dropped too; one is read faster than it is taken."""


class Messages(asyncio.Queue[aiomqtt.Message]):
    """What the client has read and the pump has not taken. Of QoS 1 the broker sends no more than `in_flight` without
    an acknowledgement; of QoS 0 it sends what comes, so that such messages are let in only while they are taken."""

    def __init__(self, pump: Pump, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self._pump = pump
        self.came = 0
        """Messages, those that were dropped too."""

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """See asyncio.Queue."""
        self.came += 1
        if item.qos == 0 and (self._pump.stopped or self.qsize() >= MOST_QUEUED):
            self._pump.counts.dropped += 1
            return
        super().put_nowait(item)


def client_of(config: MqttConfig, pump: Pump) -> aiomqtt.Client:
    """A client that is not connected yet; raises ConfigError for files that cannot be used."""
    url = urlsplit(config.url)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = config.in_flight
    properties.SessionExpiryInterval = config.session_secs
    in_url = unquote(url.password) if url.password is not None else None
    return aiomqtt.Client(
        url.hostname or "127.0.0.1",
        url.port or (TLS_PORT if config.secure else PORT),
        username=config.user or (unquote(url.username) if url.username is not None else None),
        password=read_password(Path(config.password_file)) if config.password_file else in_url,
        identifier=config.client,
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=False,
        properties=properties,
        queue_type=cast("type[asyncio.Queue[aiomqtt.Message]]", partial(Messages, pump)),
        tls_context=client_context(config.tls) if config.secure else None,
    )


class Session:
    """One connection; acknowledgements of an earlier one are dropped, since its message ids are void."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._paho = client._client  # aiomqtt has no manual acknowledgement of its own
        self._paho.manual_ack_set(True)
        self.open = True
        self.under_way = 0
        """Messages that were taken, and that Kafka has not acknowledged."""

    def acknowledge(self, messages: list[tuple[int, int]]) -> None:
        """Messages by id and QoS: Kafka has what was made of them."""
        self.under_way -= len(messages)
        if not self.open:
            return
        for message_id, qos in messages:
            if qos:
                self._paho.ack(message_id, qos)


def waiting(client: aiomqtt.Client) -> Messages:
    """What it has read and nobody has taken; its own iterator gives one message in a turn of the event loop or two."""
    return cast(Messages, client._queue)


def read_together(client: aiomqtt.Client) -> None:
    """Let a connected client read all messages that are there; by itself it reads one in a turn of the event loop."""
    loop, paho, messages = asyncio.get_running_loop(), client._client, waiting(client)
    connection = paho.socket()
    if connection is None:  # lost again: who waits for messages is told
        return
    place = connection.fileno()

    def read() -> None:
        try:
            for _ in range(MOST_READ):
                before = messages.came
                paho.loop_read()
                now = paho.socket()
                # What TLS has decrypted and nobody has read makes no socket readable.
                if now is None or (messages.came == before and not getattr(now, "pending", int)()):
                    return
        except Exception as error:  # noqa: BLE001 - as aiomqtt's own reader: the connection is broken then
            if not client._disconnected.done():
                client._disconnected.set_exception(error)
            return
        loop.call_soon(read)

    loop.remove_reader(place)
    loop.add_reader(place, read)
