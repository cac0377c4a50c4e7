"""The MQTT client against a socket that sends many messages at once, plain and over TLS: all are taken, in order."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from connectors.gather.config import GatherOptions
from connectors.gather.pump import Pump
from connectors.mqtt.config import MqttConfig
from connectors.mqtt.connector import run
from connectors.tls.config import ServerTls
from connectors.tls.contexts import server_context
from pipeline.reference import FOREVER
from tests.unit.connectors.certificates import Authority
from tests.unit.connectors.test_gather import TITLE, glo, registry
from tests.unit.connectors.test_push import MemoryOutlet, free_port

MESSAGES = 1500
FRAMES = [glo(TITLE, b"\x30" + number.to_bytes(4, "big") + bytes(20)) for number in range(MESSAGES)]


def publish(number: int) -> bytes:
    """PUBLISH of QoS 1 (MQTT 5.0, section 3.3)."""
    topic = b"meters/x/push"
    content = len(topic).to_bytes(2, "big") + topic + (number + 1).to_bytes(2, "big") + b"\0" + FRAMES[number]
    return b"\x32" + bytes([len(content)]) + content


class Broker:
    """Lets everybody in, sends all messages at once, and counts acknowledgements."""

    def __init__(self) -> None:
        self.acknowledged: list[int] = []
        self.all = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._packet(reader)
        writer.write(bytes.fromhex("20 03 00 00 00"))
        _, subscribe = await self._packet(reader)
        writer.write(b"\x90\x04" + subscribe[:2] + b"\x00\x01")
        writer.write(b"".join(publish(number) for number in range(MESSAGES)))
        while True:
            kind, content = await self._packet(reader)
            if kind == 0xE0:
                break
            if kind == 0x40:
                self.acknowledged.append(int.from_bytes(content[:2], "big"))
            if len(self.acknowledged) == MESSAGES:
                self.all.set()
        writer.close()

    @staticmethod
    async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
        kind, length, place = (await reader.readexactly(1))[0], 0, 0
        while True:
            octet = (await reader.readexactly(1))[0]
            length |= (octet & 0x7F) << place
            place += 7
            if octet < 0x80:
                return kind & 0xF0, await reader.readexactly(length)


async def take(url: str, context: ssl.SSLContext | None, **options: Any) -> None:
    broker, outlet = Broker(), MemoryOutlet()
    port = free_port()
    server = await asyncio.start_server(broker.serve, "127.0.0.1", port, ssl=context)
    gather = GatherOptions(batch_age_ms=5)
    pump = Pump(registry([(TITLE, 7, 0, int(FOREVER))]), 4, outlet, gather, lambda: 1_000)
    stop, pumping_stop = asyncio.Event(), asyncio.Event()
    pumping = asyncio.ensure_future(pump.run(pumping_stop))
    config = MqttConfig(url=f"{url}://127.0.0.1:{port}", gather=gather, **options)
    running = asyncio.ensure_future(run(config, pump, stop))
    await asyncio.wait_for(broker.all.wait(), 20)
    stop.set()
    await running
    pumping_stop.set()
    await pumping
    server.close()
    await server.wait_closed()
    assert outlet.frames == FRAMES
    assert broker.acknowledged == list(range(1, MESSAGES + 1))


@pytest.mark.parametrize("runner", [asyncio.run, uvloop.run])
def test_messages_that_come_at_once_are_taken_in_order_and_acknowledged(
    runner: Callable[[Coroutine[Any, Any, None]], None],
) -> None:
    runner(take("mqtt", None))


@pytest.mark.parametrize("runner", [asyncio.run, uvloop.run])
def test_over_tls_nothing_is_left_between_socket_and_client(
    tmp_path: Path, runner: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("broker")
    context = server_context(ServerTls(certificate=str(certificate), key=str(key)))
    runner(take("mqtts", context, tls={"ca": str(authority.file)}))
