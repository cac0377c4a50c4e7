"""A TCP proxy before the broker that cuts or slows connections without a word to either end.

Requests are followed just far enough to know their kind (Kafka protocol guide: INT32 size, then INT16 api key): the way
to a group's coordinator is cut alone by cutting the connections on which its requests go.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import uvloop

CHUNK = 1 << 18
HEADER = 6

COORDINATOR_KEYS = frozenset({8, 9, 11, 12, 13, 14})
"""OffsetCommit, OffsetFetch, JoinGroup, Heartbeat, LeaveGroup, SyncGroup: requests that only a coordinator answers."""


@dataclass
class Requests:
    """Kinds of requests in a stream of octets that comes in any pieces."""

    _head: bytes = b""
    _left: int = 0

    def keys(self, data: bytes) -> Iterator[int]:
        """The api key of each request whose header ends in `data`."""
        at = 0
        while at < len(data):
            if self._left:
                skipped = min(self._left, len(data) - at)
                self._left -= skipped
                at += skipped
                continue
            part = data[at : at + HEADER - len(self._head)]
            self._head += part
            at += len(part)
            if len(self._head) == HEADER:
                yield int.from_bytes(self._head[4:], "big")
                # The size counts what follows it, the api key too.
                self._left, self._head = max(0, int.from_bytes(self._head[:4], "big") - 2), b""


@dataclass(frozen=True)
class Trouble:
    """What befalls connections: all, or those to the coordinator alone. `rate` octets a second, 0: none get through."""

    rate: int = 0
    coordinator_only: bool = False


@dataclass(eq=False)
class _Link:
    """A client's connection; `coordinator` once a request for one was seen on it."""

    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    coordinator: bool = False


class Proxy:
    """Forwards `port` of the loopback address to `target`, on a thread and event loop of its own."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self._target = target
        self._trouble: Trouble | None = None
        self._links: set[_Link] = set()
        self._ready, self._loop = threading.Event(), uvloop.new_event_loop()
        self._changed = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        self._ready.wait()

    def cause(self, trouble: Trouble) -> None:
        """From now on."""
        self._loop.call_soon_threadsafe(self._set, trouble)

    def heal(self, *, reset: bool = False) -> None:
        """Everything goes through again; `reset`: connections that were in trouble are closed, as after a reboot."""
        self._loop.call_soon_threadsafe(self._heal, reset)

    def close(self) -> None:
        """End all connections and the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=CHUNK))
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _set(self, trouble: Trouble | None) -> None:
        self._trouble = trouble
        self._changed.set()
        self._changed = asyncio.Event()

    def _heal(self, reset: bool) -> None:
        if reset:
            for link in self._links:
                if self._in_trouble(link) is not None:
                    for writer in link.writers:
                        writer.transport.abort()
        self._set(None)

    def _in_trouble(self, link: _Link) -> Trouble | None:
        trouble = self._trouble
        return trouble if trouble and (link.coordinator or not trouble.coordinator_only) else None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link([writer])
        self._links.add(link)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target, limit=CHUNK)
            link.writers.append(far_writer)
            await asyncio.gather(
                self._forward(link, reader, far_writer, Requests()), self._forward(link, far_reader, writer, None)
            )
        except OSError:
            pass  # one end is gone; the other one learns of it below
        finally:
            self._links.discard(link)
            for each in link.writers:
                each.close()

    async def _forward(
        self, link: _Link, source: asyncio.StreamReader, sink: asyncio.StreamWriter, requests: Requests | None
    ) -> None:
        while data := await source.read(CHUNK):
            if requests is not None:
                link.coordinator |= not COORDINATOR_KEYS.isdisjoint(requests.keys(data))
            while (trouble := self._in_trouble(link)) is not None:
                if trouble.rate:
                    await asyncio.sleep(len(data) / trouble.rate)
                    break
                await self._changed.wait()
            sink.write(data)
            await sink.drain()
        sink.write_eof()
