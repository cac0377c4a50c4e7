"""What a sender is, and the addresses that name one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import SplitResult, parse_qsl, urlsplit

from connectors.simulator.frames import Frames
from connectors.simulator.network import MQTT, TCP, UDP
from pipeline.errors import ConfigError
from pipeline.reference import Registry
from pipeline.step import Tick


class Sender(Protocol):
    """Takes frames in order; used by one task at a time."""

    async def open(self) -> None:
        """Connect; raises Transient when nobody answers."""

    async def send(self, frames: Frames) -> None:
        """Hand frames on, each meter's in order; waits while the other side is behind."""

    async def settle(self) -> None:
        """Return when all that was sent has left, acknowledged where the transport acknowledges."""

    async def registry(self, registry: Registry) -> None:
        """A registry version comes into force; senders that only carry frames ignore it."""

    async def tick(self, tick: Tick) -> None:
        """All frames before the tick have been settled; senders that only carry frames ignore it."""

    async def close(self) -> None:
        """Let go."""


class FramesOnly:
    """The parts of a Sender that a meter does not have."""

    async def registry(self, registry: Registry) -> None:
        """Meters know no registry."""

    async def tick(self, tick: Tick) -> None:
        """Meters write no ticks."""


TRANSPORT_OF: dict[str, int] = {"tcp": TCP, "udp": UDP, "mqtt": MQTT}
"""Schemes that take the frames of one transport; the others take all."""

DEFAULT_PORT: dict[str, int] = {"tcp": 4059, "udp": 4059, "mqtt": 1883, "kafka": 9092}


@dataclass(frozen=True)
class Address:
    """`scheme://[user:password@]host:port[/path][?options]`, or `file:path`."""

    scheme: str
    host: str
    port: int
    path: str
    user: str | None
    password: str | None
    options: Mapping[str, str]

    def __str__(self) -> str:
        return f"file:{self.path}" if self.scheme == "file" else f"{self.scheme}://{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Raises ConfigError with what is possible when `text` is no address."""
    if text.startswith("file:"):
        path = text.removeprefix("file:").removeprefix("//")
        if path.endswith((".kvf", ".hex")):
            return Address("file", "", 0, path, None, None, {})
        raise _refused(text, "a file's name ends in .kvf or .hex")
    parts = urlsplit(text)
    if parts.scheme not in DEFAULT_PORT:
        raise _refused(text, "unknown kind of address")
    port = _port(text, parts)
    options = dict(parse_qsl(parts.query))
    return Address(
        parts.scheme,
        parts.hostname or "127.0.0.1",
        port,
        parts.path.strip("/"),
        parts.username,
        parts.password,
        options,
    )


def _port(text: str, parts: SplitResult) -> int:
    try:
        return parts.port or DEFAULT_PORT[parts.scheme]
    except ValueError as error:
        raise _refused(text, str(error)) from error


def _refused(text: str, what: str) -> ConfigError:
    return ConfigError(
        "ADDRESS_UNKNOWN", where=text, what=what,
        do="write tcp://host:port, udp://host:port, mqtt://host:port, kafka://host:port/topic, file:name.kvf or "
           "file:name.hex",
    )  # fmt: skip
