"""Publish to `meters/{system title}/push` with QoS 1; a publish has ended when the broker has acknowledged it."""

from __future__ import annotations

import asyncio
import logging

import aiomqtt

from connectors.simulator.frames import Frames
from connectors.simulator.senders.base import Address, FramesOnly
from pipeline.errors import Transient

IN_FLIGHT = 500
ACKNOWLEDGED_SECS = 60.0


def topic_of(device: int) -> str:
    """Topic of a meter, its system title in hexadecimal digits."""
    return f"meters/{device:016X}/push"


class MqttSender(FramesOnly):
    """One client for all meters; messages leave in the order they are given."""

    def __init__(self, address: Address, in_flight: int = IN_FLIGHT) -> None:
        self._address = address
        self._in_flight = in_flight
        self._client: aiomqtt.Client | None = None

    async def open(self) -> None:
        """Connect."""
        quiet = logging.getLogger("connectors.simulator.mqtt")
        quiet.setLevel(logging.ERROR)
        client = aiomqtt.Client(
            self._address.host,
            self._address.port,
            username=self._address.user,
            password=self._address.password,
            protocol=aiomqtt.ProtocolVersion.V5,
            max_inflight_messages=self._in_flight,
            max_concurrent_outgoing_calls=self._in_flight,
            # It warns of every publish above ten that waits: here they wait on purpose.
            logger=quiet,
            timeout=ACKNOWLEDGED_SECS,
        )
        try:
            await client.__aenter__()
        except aiomqtt.MqttError as error:
            raise self._lost(error, "start the broker, or correct the address") from error
        self._client = client

    async def send(self, frames: Frames) -> None:
        """See Sender."""
        assert self._client is not None
        raw, offsets = frames.payload.tobytes(), frames.offsets.tolist()
        lengths, senders = frames.length.tolist(), frames.sender.tolist()
        for start in range(0, len(offsets), self._in_flight):
            rows = range(start, min(start + self._in_flight, len(offsets)))
            publishes = [
                self._client.publish(topic_of(senders[row]), raw[offsets[row] : offsets[row] + lengths[row]], qos=1)
                for row in rows
            ]
            try:
                await asyncio.gather(*publishes)
            except aiomqtt.MqttError as error:
                raise self._lost(error, "look at the broker's log; start the run again") from error

    async def settle(self) -> None:
        """All is acknowledged when `send` returns."""

    async def close(self) -> None:
        """See Sender."""
        if self._client is not None:
            client, self._client = self._client, None
            try:
                await client.__aexit__(None, None, None)
            except aiomqtt.MqttError as error:
                raise self._lost(error, "look at the broker's log") from error

    def _lost(self, error: aiomqtt.MqttError, do: str) -> Transient:
        return Transient("BROKER_LOST", where=str(self._address), what=str(error), do=do)
