"""Time limits of one's own that are not counted against a meter while this process itself is behind.

The event loop hands out what has come and what is due in one turn, and a time limit goes first: when a turn takes long
(thousands of answers at once), a meter that answered in time would be called silent. So a limit that is due late is put
off by as much as it was late: what has come meanwhile is looked at first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LATE_SECS = 0.05
MOST_TIMES = 4
"""A limit is put off so often at most: a meter that is silent holds its place no longer than that."""


@asynccontextmanager
async def within(secs: float) -> AsyncIterator[None]:
    """Raises TimeoutError when the block takes longer."""
    loop, left = asyncio.get_running_loop(), MOST_TIMES
    waiting: asyncio.TimerHandle | None = None

    def due(at: float) -> None:
        nonlocal waiting, left
        late = loop.time() - at
        if late > LATE_SECS and left:
            left -= 1
            waiting = loop.call_later(late, due, loop.time() + late)
        else:
            limit.reschedule(loop.time())

    async with asyncio.timeout(None) as limit:
        waiting = loop.call_later(secs, due, loop.time() + secs)
        try:
            yield
        finally:
            if waiting is not None:
                waiting.cancel()
