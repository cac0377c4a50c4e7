"""How fast: as fast as the other side takes it, a number of frames a second, or a multiple of real time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np

from connectors.simulator.frames import Frames

CHUNK_FRAMES = 4096
CHUNKS_A_SECOND = 20
"""At a given rate chunks are so small that the flow is even."""


@dataclass
class Pace:
    """`rate` in frames a second, `speed` in times real time; 0 leaves it open. Both hold where both are given."""

    rate: float = 0.0
    speed: float = 0.0
    clock: Callable[[], float] = field(default=lambda: asyncio.get_running_loop().time())
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    behind: float = 0.0
    """The most seconds that a chunk was given out after its time had come."""
    _sent: int = 0
    _began: float | None = None
    _first: int | None = None

    async def chunks(self, frames: Frames) -> AsyncIterator[Frames]:
        """Pieces of `frames` in order, each when its time has come."""
        most = CHUNK_FRAMES if self.rate <= 0 else max(1, min(CHUNK_FRAMES, round(self.rate / CHUNKS_A_SECOND)))
        start = 0
        while start < len(frames):
            stop = min(start + most, len(frames))
            if self.speed > 0:
                # No chunk spans more than what passes in the time of one chunk.
                span = int(frames.received_at[start]) + max(1, int(self.speed / CHUNKS_A_SECOND))
                stop = min(stop, start + max(1, int(np.searchsorted(frames.received_at[start:stop], span))))
            await self._until(int(frames.received_at[start]))
            yield frames.take(np.arange(start, stop)) if (start, stop) != (0, len(frames)) else frames
            self._sent += stop - start
            start = stop

    async def _until(self, received_at: int) -> None:
        now = self.clock()
        if self._began is None or self._first is None:
            self._began, self._first = now, received_at
        due = self._began
        if self.rate > 0:
            due = max(due, self._began + self._sent / self.rate)
        if self.speed > 0:
            due = max(due, self._began + (received_at - self._first) / self.speed)
        if due > now:
            await self.sleep(due - now)
        if self.rate > 0 or self.speed > 0:
            self.behind = max(self.behind, self.clock() - due)
