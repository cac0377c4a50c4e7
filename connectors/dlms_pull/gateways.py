"""How many exchanges go on at once: in all, at each gateway (host and port), and one at each meter.

Who waits for a gateway does not hold a place of the total: a gateway that is slow holds up its own meters only.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Gateways:
    """Places, given in the order of asking."""

    def __init__(self, total: int, each: int) -> None:
        self._total = asyncio.Semaphore(total)
        self._each = each
        self._gateways: dict[str, asyncio.Semaphore] = {}
        self._meters: dict[int, asyncio.Lock] = {}
        self._waiting: dict[str, int] = {}
        self.open = 0

    @asynccontextmanager
    async def place(self, address: str, device: int) -> AsyncIterator[None]:
        """A place at the gateway and at the meter, for as long as it is held."""
        gateway = self._gateways.setdefault(address, asyncio.Semaphore(self._each))
        meter = self._meters.setdefault(device, asyncio.Lock())
        self._count(address, 1)
        self._count(f"{device:016X}", 1)
        try:
            async with meter, gateway, self._total:
                self.open += 1
                try:
                    yield
                finally:
                    self.open -= 1
        finally:
            # Nobody is left who knows it: a fleet's locks are not kept for ever.
            if self._count(address, -1) == 0:
                del self._gateways[address]
            if self._count(f"{device:016X}", -1) == 0:
                del self._meters[device]

    def _count(self, key: str, step: int) -> int:
        left = self._waiting.get(key, 0) + step
        if left:
            self._waiting[key] = left
        else:
            self._waiting.pop(key, None)
        return left
