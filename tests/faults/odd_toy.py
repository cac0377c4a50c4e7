"""The toy worker on a Faust that fails without a word: `ODD_ENGINE` is `deaf` or `forgetful`.

deaf        after some records it fetches no more, and goes on as if there were none
forgetful   after the first commits it tells of each that it was done, and does nothing
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from aiokafka.consumer.fetcher import Fetcher
from faust.transport.drivers import aiokafka as driver

from tests.faults.toy import main

FETCHES = 20
COMMITS = 2


def deaf() -> None:
    """Let fetches hang after the first."""
    fetch, done = Fetcher._proc_fetch_request, 0

    async def some(self: Any, *arguments: Any) -> Any:
        nonlocal done
        done += 1
        if done > FETCHES:
            await asyncio.sleep(3_600)
        return await fetch(self, *arguments)

    Fetcher._proc_fetch_request = some


def forgetful() -> None:
    """Let commits be done in words alone."""
    commit, done = driver.AIOKafkaConsumerThread.commit, 0

    async def some(self: Any, offsets: Any) -> bool:
        nonlocal done
        done += 1
        return True if done > COMMITS else await commit(self, offsets)

    driver.AIOKafkaConsumerThread.commit = some  # type: ignore[method-assign]


if __name__ == "__main__":
    {"deaf": deaf, "forgetful": forgetful}[os.environ["ODD_ENGINE"]]()
    main()
