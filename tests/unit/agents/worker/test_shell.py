"""Records on their way to the thread of the steps: a few at a time, in order, and every error is heard of."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

from agents.worker.shell import AHEAD, Shell

RECORDS = 3 * AHEAD


class Stream:
    """A stream of Faust, as far as the shell knows one; `asked` is how many records it was asked for."""

    def __init__(self, records: int) -> None:
        self.records = records
        self.asked = 0

    def noack(self) -> Stream:
        return self

    async def events(self) -> AsyncIterator[Any]:
        for offset in range(self.records):
            self.asked += 1
            message = SimpleNamespace(partition=0, offset=offset, value=b"", generation_id=1, timestamp=1.5)
            yield SimpleNamespace(message=message)
            await asyncio.sleep(0)


class Slow:
    """An owner whose steps wait until they are let go."""

    def __init__(self, fails_at: int = -1) -> None:
        self.go = threading.Event()
        self.applied: list[int] = []
        self.fails_at = fails_at

    def apply(self, offset: int, _raw: bytes, at: float) -> None:
        assert at == 1.5
        self.go.wait(20)
        if offset == self.fails_at:
            raise RuntimeError("broken")
        self.applied.append(offset)


def shell_of(owner: Slow, ended: list[BaseException]) -> Shell:
    shell = Shell(SimpleNamespace(consumer_generation_id=1), SimpleNamespace(), ended.append)  # type: ignore[arg-type]
    shell.owners = {0: owner}  # type: ignore[dict-item]
    return shell


async def settled(condition: Any) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")


def test_a_few_records_are_handed_over_ahead_and_no_more() -> None:
    async def run() -> None:
        owner, stream, ended = Slow(), Stream(RECORDS), []  # type: ignore[var-annotated]
        consuming = asyncio.ensure_future(shell_of(owner, ended).consume(stream))
        await settled(lambda: stream.asked == AHEAD + 1)
        await asyncio.sleep(0.05)
        assert stream.asked == AHEAD + 1, "the next one waits until the first is done"
        owner.go.set()
        await consuming
        await settled(lambda: len(owner.applied) == RECORDS)
        assert owner.applied == list(range(RECORDS))
        assert ended == []

    asyncio.run(run())


def test_an_error_ends_the_process_though_no_further_record_comes() -> None:
    async def run() -> None:
        owner, ended = Slow(fails_at=1), []  # type: ignore[var-annotated]
        owner.go.set()
        await shell_of(owner, ended).consume(Stream(2))
        await settled(lambda: ended)
        assert [str(error) for error in ended] == ["broken"]

    asyncio.run(run())


def test_an_agent_that_is_cancelled_leaves_no_hole() -> None:
    async def run() -> None:
        owner, stream, ended = Slow(), Stream(RECORDS), []  # type: ignore[var-annotated]
        consuming = asyncio.ensure_future(shell_of(owner, ended).consume(stream))
        await settled(lambda: stream.asked == AHEAD + 1)
        consuming.cancel()
        await asyncio.wait([consuming])
        owner.go.set()
        await settled(lambda: len(owner.applied) == AHEAD)
        assert owner.applied == list(range(AHEAD))
        assert ended == []

    asyncio.run(run())
