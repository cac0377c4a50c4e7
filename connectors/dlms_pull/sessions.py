"""Associations as the rest asks for them: a place at the gateway, keys, counters, and everything given back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from connectors.dlms_pull import obis
from connectors.dlms_pull.client import Association, Credentials, Refused
from connectors.dlms_pull.counters import Counters
from connectors.dlms_pull.gateways import Gateways
from connectors.dlms_pull.meters import Meter
from connectors.dlms_pull.texts import text_of
from connectors.dlms_pull.transport import NoAnswer, TcpConnection, failed
from pipeline.axdr import Datum

PUBLIC_CLIENT = 16


class Talk(Protocol):
    """What can be done in an association."""

    async def get(self, class_id: int, name: str, attribute: int, selection: bytes = b"") -> Datum:
        """An attribute."""

    async def set_octets(self, class_id: int, name: str, attribute: int, value: bytes) -> None:
        """Set an attribute to an octet string."""

    async def act(self, class_id: int, name: str, method: int) -> None:
        """Invoke a method."""


class Door(Protocol):
    """Opens associations."""

    def session(self, meter: Meter) -> AbstractAsyncContextManager[Talk]:
        """An association with a meter, released at the end of the block; raises NoAnswer or Refused."""


@dataclass(frozen=True)
class KeyPair:
    """Keys of one device for suite 0."""

    encryption: bytes
    authentication: bytes


@dataclass(frozen=True)
class Limits:
    """Seconds: to connect, for one answer, for a whole association."""

    connect: float
    answer: float
    association: float


Connect = Callable[[str, str, float, float], Awaitable[TcpConnection]]


class Sessions:
    """The Door over TCP."""

    def __init__(
        self, gateways: Gateways, counters: Counters, keys: Callable[[int], KeyPair | None],
        password: Callable[[int], bytes], title: bytes, limits: Limits, connect: Connect = TcpConnection.open,
    ) -> None:  # fmt: skip
        self._gateways, self._counters, self._keys, self._password = gateways, counters, keys, password
        self._title, self._limits, self._connect = title, limits, connect
        self._counted: set[int] = set()
        """Devices whose counter object has been read by this process since their last failure."""

    @asynccontextmanager
    async def session(self, meter: Meter) -> AsyncIterator[Talk]:
        """See Door. The time limit of an association begins when it has its place."""
        async with self._gateways.place(meter.address, meter.device):
            try:
                async with asyncio.timeout(self._limits.association), self._associated(meter) as association:
                    await self._check_name(association, meter)
                    yield association
            except TimeoutError as error:
                raise failed(
                    "ASSOCIATION_TOO_LONG", meter.address, f"not over within {self._limits.association:.0f} s"
                ) from error

    @asynccontextmanager
    async def _associated(self, meter: Meter) -> AsyncIterator[Association]:
        if not meter.ciphered:
            async with self._open(meter, self._credentials(meter, None), 1, 2**32) as association:
                yield association
            return
        pair = self._keys(meter.device)
        if pair is None:
            raise failed("KEY_UNKNOWN", meter.address, f"no key for {meter.device:016X}", "put it into the key store")
        least = 0
        if meter.counter_object and meter.device not in self._counted:
            least = await self._counter_of(meter) + 1
        lease = await self._counters.lease(Counters.key(self._title, pair.encryption), least)
        made: list[Association] = []
        try:
            session = self._open(meter, self._credentials(meter, pair), lease.following, lease.end, made)
            async with session as association:
                self._counted.add(meter.device)
                yield association
        except (NoAnswer, Refused):
            self._counted.discard(meter.device)
            raise
        finally:
            # Without an association no counter was used.
            self._counters.give_back(lease, made[0].counter if made else lease.following)

    @asynccontextmanager
    async def _open(
        self, meter: Meter, credentials: Credentials, counter: int, end: int, made: list[Association] | None = None
    ) -> AsyncIterator[Association]:
        """An association, put into `made` before it uses a counter."""
        connection = await self._connect(meter.address, meter.framing, self._limits.connect, self._limits.answer)
        try:
            association = Association(connection, credentials, counter, end)
            if made is not None:
                made.append(association)
            await association.open()
            polite = True
            try:
                yield association
            except (NoAnswer, asyncio.CancelledError):
                # Nobody is there to say goodbye to, or no time for it.
                polite = False
                raise
            finally:
                if polite:
                    await association.release()
        finally:
            await connection.close()

    async def _counter_of(self, meter: Meter) -> int:
        """The counter that the meter has seen last from this client, as it tells everybody."""
        public = Credentials(PUBLIC_CLIENT, meter.server, meter.framing)
        async with self._open(meter, public, 1, 2**32) as association:
            value = (await association.get(obis.DATA, meter.counter_object, 2)).number
        if not isinstance(value, int) or not 0 <= value < 2**32:
            raise failed("COUNTER_OBJECT", meter.address, f"{meter.counter_object} is no counter")
        return value

    async def _check_name(self, association: Association, meter: Meter) -> None:
        if not meter.logical_device_name:
            return
        found = text_of(await association.get(obis.DATA, obis.LOGICAL_DEVICE_NAME, 2))
        if found != meter.logical_device_name:
            raise failed("OTHER_METER", meter.address, f"its logical device name is {found[:40]!r}",
                         "correct the list of meters, or the wiring")  # fmt: skip

    def _credentials(self, meter: Meter, pair: KeyPair | None) -> Credentials:
        return Credentials(
            meter.client, meter.server, meter.framing, meter.authentication, meter.protection,
            self._password(meter.device) if meter.authentication == "lls" else b"", self._title,
            meter.device.to_bytes(8, "big"),
            pair.encryption if pair is not None else bytes(16), pair.authentication if pair is not None else bytes(16),
        )  # fmt: skip
