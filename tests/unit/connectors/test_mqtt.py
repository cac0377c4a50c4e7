"""What waits between the MQTT client and the pump, without a broker."""

from __future__ import annotations

import asyncio

import pytest
import structlog
from paho.mqtt.client import MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from connectors.gather.config import GatherOptions
from connectors.gather.pump import Pump
from connectors.mqtt import client as mqtt
from connectors.mqtt import connector
from connectors.mqtt.config import MqttConfig
from connectors.mqtt.connector import receive, topics_of
from pipeline.reference import FOREVER
from tests.unit.connectors.memory_broker import MemoryBroker
from tests.unit.connectors.test_gather import TITLE, glo, registry
from tests.unit.connectors.test_push import MemoryOutlet, until

FRAME = glo(TITLE)
BUFFER = 1_000_000


class Case:
    """A client that is handed messages as its socket would hand them, and a pump that `held` stops."""

    def __init__(self) -> None:
        self.held = False
        self.outlet = MemoryOutlet()
        self.pump = Pump(registry([(TITLE, 7, 0, int(FOREVER))]), 4, self.outlet,
                         GatherOptions(batch_age_ms=5, buffer_bytes=BUFFER), lambda: 1_000,
                         held=lambda: self.held)  # fmt: skip
        self.config = MqttConfig()
        self.client = mqtt.client_of(self.config, self.pump)
        self.stop = asyncio.Event()
        self.tasks: list[asyncio.Future[None]] = []

    def start(self) -> None:
        """Pump and receive."""
        session = mqtt.Session(self.client)
        self.tasks = [
            asyncio.ensure_future(self.pump.run(self.stop)),
            asyncio.ensure_future(receive(self.client, session, topics_of(self.config), self.pump, self.stop)),
        ]

    async def end(self) -> None:
        self.stop.set()
        await asyncio.gather(*self.tasks)

    def come(self, number: int, qos: int) -> None:
        """So many messages come in, faster than the event loop turns."""
        for place in range(number):
            message = MQTTMessage(mid=place + 1, topic=f"meters/{TITLE:016X}/push".encode())
            message.qos, message.payload = qos, FRAME
            self.client._on_message(self.client._client, None, message)

    @property
    def queued(self) -> int:
        return len(self.client.messages)


@pytest.fixture
async def case() -> Case:
    return Case()


async def test_messages_without_acknowledgement_are_dropped_and_counted_while_nothing_is_taken(case: Case) -> None:
    case.held = True
    case.start()
    case.come(2_000, qos=1)
    case.come(50_000, qos=0)
    assert case.queued == 2_000
    assert case.pump.counts.dropped == 50_000
    case.held = False
    await until(lambda: case.pump.counts.received == 2_000)
    await until(lambda: not case.pump.stopped)
    case.come(10, qos=0)
    await until(lambda: len(case.outlet.frames) == 2_010)
    await case.end()
    assert case.pump.counts.dropped == 50_000


async def test_they_are_dropped_too_while_a_full_pump_is_emptied(case: Case) -> None:
    case.outlet.hold = True
    case.start()
    case.outlet.waiting_octets = BUFFER
    await until(lambda: case.pump.counts.stopped_secs > 0)
    # Below its bound, and above the half at which transports are called back.
    case.outlet.waiting_octets = 3 * BUFFER // 4
    await asyncio.sleep(0.05)
    assert not case.pump.full
    case.come(1_000, qos=0)
    case.come(5, qos=1)
    assert (case.queued, case.pump.counts.dropped) == (5, 1_000)
    case.outlet.waiting_octets, case.outlet.hold = 0, False
    await until(lambda: case.pump.counts.received == 5)
    await case.end()


async def test_they_are_bounded_when_more_are_read_than_are_taken(case: Case) -> None:
    case.come(50_000, qos=0)
    assert case.queued == mqtt.MOST_QUEUED
    assert case.pump.counts.dropped == 50_000 - mqtt.MOST_QUEUED
    case.come(100, qos=1)
    assert case.queued == mqtt.MOST_QUEUED + 100


async def test_a_subscription_that_the_broker_refuses_is_said_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = MemoryBroker()
    broker.refusals = [ReasonCode(PacketTypes.SUBACK, identifier=0x87)]
    monkeypatch.setattr(connector, "client_of", broker.client)
    pump = Pump(registry([]), 4, MemoryOutlet(), GatherOptions(), lambda: 1_000)
    stop, ready = asyncio.Event(), asyncio.Event()
    with structlog.testing.capture_logs() as logs:
        running = asyncio.ensure_future(connector.run(MqttConfig(reconnect_secs=0.01), pump, stop, ready))
        await until(ready.is_set)
        stop.set()
        await running
    (warning,) = [row["error"] for row in logs if row["log_level"] == "warning"]
    assert "refuses the subscription $share/kvarn/meters/+/push: Not authorized (135)" in warning
    assert broker.filters == ["$share/kvarn/meters/+/push"]


async def test_who_leaves_takes_first_what_the_broker_has_kept_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    broker, outlet = MemoryBroker(), MemoryOutlet()
    monkeypatch.setattr(connector, "client_of", broker.client)
    monkeypatch.setattr(connector, "LEFT_SECS", 0.2)
    gather = GatherOptions(batch_age_ms=5)
    pump = Pump(registry([(TITLE, 7, 0, int(FOREVER))]), 4, outlet, gather, lambda: 1_000)
    stop, pumping_stop = asyncio.Event(), asyncio.Event()
    pumping = asyncio.ensure_future(pump.run(pumping_stop))
    for number in range(500):
        broker.publish("meters/x/push", glo(TITLE, number.to_bytes(4, "big") + bytes(20)))
    config = MqttConfig(in_flight=10, at_stop="leave", gather=gather)
    running = asyncio.ensure_future(connector.run(config, pump, stop))
    await until(lambda: bool(outlet.frames))
    assert broker.unacknowledged
    stop.set()
    await running
    assert not broker.unacknowledged
    assert broker.filters == []
    pumping_stop.set()
    await pumping
    assert len(outlet.frames) == 500
