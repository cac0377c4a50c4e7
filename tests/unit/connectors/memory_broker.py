"""An MQTT broker in memory, behind the client: what is not acknowledged comes again to the next connection."""

from __future__ import annotations

from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from connectors.gather.pump import Pump
from connectors.mqtt.client import Messages
from connectors.mqtt.config import MqttConfig


class MemoryBroker:
    """Messages by id, in the order in which they were published, all of QoS 1."""

    def __init__(self) -> None:
        self.unacknowledged: dict[int, aiomqtt.Message] = {}
        self.filters: list[str] = []
        self.refusals: list[ReasonCode] = []
        """Answers to the next subscriptions; then they are granted."""
        self._published = 0
        self._connected: _Client | None = None

    def publish(self, topic: str, payload: bytes) -> None:
        self._published += 1
        self.unacknowledged[self._published] = aiomqtt.Message(topic, payload, 1, False, self._published, None)
        self.deliver()

    def client(self, config: MqttConfig, pump: Pump) -> Any:
        return _Client(self, config.in_flight, pump)

    def connect(self, client: _Client | None) -> None:
        self._connected = client
        self.deliver()

    def deliver(self) -> None:
        """Hand on what is not out, as far as the client's window goes."""
        client = self._connected
        if client is None:
            return
        for number, message in list(self.unacknowledged.items())[: client.window]:
            if number not in client.out:
                client.out.add(number)
                client._queue.put_nowait(message)

    def acknowledge(self, number: int) -> None:
        del self.unacknowledged[number]
        self.deliver()


class _Client:
    """As much of aiomqtt's as the connector uses; it is its own `_client` and its own iterator of messages."""

    def __init__(self, broker: MemoryBroker, window: int, pump: Pump) -> None:
        self._broker, self.window = broker, window
        self._queue = Messages(pump)
        self._client = self
        self.messages = self
        self.out: set[int] = set()

    async def __aenter__(self) -> _Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._broker.connect(None)

    async def subscribe(self, filter_: str, qos: int) -> list[ReasonCode]:
        assert qos == 1
        if self._broker.refusals:
            return [self._broker.refusals.pop(0)]
        self._broker.filters.append(filter_)
        self._broker.connect(self)
        return [ReasonCode(PacketTypes.SUBACK, identifier=1)]

    async def __anext__(self) -> aiomqtt.Message:
        return await self._queue.get()

    def __aiter__(self) -> _Client:
        return self

    async def unsubscribe(self, filter_: str) -> None:
        self._broker.filters.remove(filter_)

    def socket(self) -> None:
        return None

    def manual_ack_set(self, on: bool) -> None:
        assert on

    def ack(self, number: int, qos: int) -> None:
        assert qos == 1
        self._broker.acknowledge(number)
