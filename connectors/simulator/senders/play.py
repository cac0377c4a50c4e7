"""A run through its senders, slot by slot: registry, frames at their pace, all settled, then the tick."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from connectors.simulator.config import Shares
from connectors.simulator.frames import Frames
from connectors.simulator.kvf import Item
from connectors.simulator.network import MQTT, TCP, UDP
from connectors.simulator.senders.base import TRANSPORT_OF, Address, Sender
from connectors.simulator.senders.files import FileSender
from connectors.simulator.senders.mqtt import MqttSender
from connectors.simulator.senders.pace import Pace
from connectors.simulator.senders.tcp import TcpSender
from connectors.simulator.senders.udp import UdpSender
from connectors.simulator.timeline import Slot
from pipeline.errors import ConfigError
from pipeline.step import Tick
from pipeline.wire import Contracts

Barrier = Callable[[Tick], Awaitable[None]]
"""Waits until everything sent so far has been taken in by the other side."""

Watch = Callable[["Sent"], None]


@dataclass
class Sent:
    """Counts of a run, as it goes on."""

    frames: int = 0
    octets: int = 0
    ticks: int = 0
    time: int = 0
    by_transport: dict[str, int] = field(default_factory=lambda: {"tcp": 0, "udp": 0, "mqtt": 0})

    def count(self, frames: Frames) -> None:
        """Add what has been sent."""
        self.frames += len(frames)
        self.octets += len(frames.payload)
        for name, number in TRANSPORT_OF.items():
            self.by_transport[name] += int((frames.transport == number).sum())


@dataclass(frozen=True)
class Route:
    """A sender and the transport whose frames it takes: None for all, 0 for none (registries and ticks only)."""

    sender: Sender
    transport: int | None


def route_to(address: Address, contracts: Contracts | None = None) -> Route:
    """The sender for an address; `contracts` are needed for Kafka."""
    if address.scheme == "kafka":
        from connectors.simulator.senders.kafka import KafkaSender

        assert contracts is not None
        return Route(KafkaSender(address, contracts), None)
    if address.scheme == "file":
        return Route(FileSender(address), None)
    makers: dict[str, Callable[[Address], Sender]] = {"tcp": TcpSender, "udp": UdpSender, "mqtt": MqttSender}
    return Route(makers[address.scheme](address), TRANSPORT_OF[address.scheme])


def shares_for(addresses: list[Address], shares: Shares) -> Shares:
    """`shares` with no meter on a transport that has no address; unchanged when an address takes all."""
    schemes = {address.scheme for address in addresses} & set(TRANSPORT_OF)
    if not schemes or schemes == set(TRANSPORT_OF) or any(a.scheme not in TRANSPORT_OF for a in addresses):
        return shares
    mqtt = 0.0 if "mqtt" not in schemes else 1.0 if schemes == {"mqtt"} else shares.mqtt
    udp = 0.0 if "udp" not in schemes else shares.udp if "tcp" in schemes else 1.0 - mqtt
    return shares.model_copy(update={"mqtt": mqtt, "udp": udp})


def items_of(slots: Iterator[Slot]) -> Iterator[Item]:
    """Slots as the items that a file would hold."""
    for slot in slots:
        if slot.registry is not None:
            yield slot.registry
        if len(slot.frames):
            yield slot.frames
        yield slot.tick


async def play(
    items: Iterator[Item],
    routes: list[Route],
    pace: Pace,
    *,
    barrier: Barrier | None = None,
    watch: Watch | None = None,
) -> Sent:
    """Send all items; `barrier` is awaited before each tick is written, `watch` called after each chunk."""
    sent = Sent()
    opened: list[Route] = []
    try:
        for route in routes:
            await route.sender.open()
            opened.append(route)
        async for item in _aside(items):
            if isinstance(item, Frames):
                await _send(item, routes, pace, sent, watch)
            elif isinstance(item, Tick):
                await asyncio.gather(*(route.sender.settle() for route in routes))
                if barrier is not None:
                    await barrier(item)
                await asyncio.gather(*(route.sender.tick(item) for route in routes))
                sent.ticks, sent.time = sent.ticks + 1, item.time
            else:
                await asyncio.gather(*(route.sender.registry(item) for route in routes))
    finally:
        for route in opened:
            await route.sender.close()
    return sent


async def _send(frames: Frames, routes: list[Route], pace: Pace, sent: Sent, watch: Watch | None) -> None:
    _all_routed(frames, routes)
    async for chunk in pace.chunks(frames):
        parts = [
            (route.sender, chunk if route.transport is None else
             chunk.take(np.flatnonzero(chunk.transport == route.transport)))
            for route in routes
        ]  # fmt: skip
        await asyncio.gather(*(sender.send(part) for sender, part in parts if len(part)))
        sent.count(chunk)
        if watch is not None:
            watch(sent)


def _all_routed(frames: Frames, routes: list[Route]) -> None:
    taken = {route.transport for route in routes}
    left = set(np.unique(frames.transport).tolist()) - taken
    if None not in taken and left:
        names = {TCP: "tcp", UDP: "udp", MQTT: "mqtt"}
        raise ConfigError(
            "NO_ADDRESS", where="to", what=f"frames for {', '.join(names[int(number)] for number in sorted(left))}",
            do="give an address for each transport, or for Kafka or a file, which take all",
        )  # fmt: skip


async def _aside(items: Iterator[Item]) -> AsyncIterator[Item]:
    """The items, made on a thread, so that sockets are served while the next slot is encrypted."""
    while (item := await asyncio.to_thread(next, items, None)) is not None:
        yield item
