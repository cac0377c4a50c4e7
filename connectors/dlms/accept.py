"""Let connections in: counted before anything is spent on them, their TLS handshakes included."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from dataclasses import dataclass, field

import structlog

from connectors.dlms.connections import Listener, PushConnection
from pipeline.errors import ConfigError

BACKLOG = 4096
"""Connections that the system may have taken and we have not; it takes fewer where its own limit is lower."""
WAIT_SECS = 0.5
"""Without a file for another connection, so long is waited for one."""
SHUTDOWN_SECS = 2.0
NO_FILES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

log = structlog.get_logger()


async def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on all addresses of `host`; raises ConfigError when one cannot."""
    loop = asyncio.get_running_loop()
    opened: list[socket.socket] = []
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in dict.fromkeys(found):
            one = socket.socket(family, kind, protocol)
            opened.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(address)
            one.listen(BACKLOG)
            one.setblocking(False)
    except OSError as error:
        for one in opened:
            one.close()
        raise ConfigError(
            "LISTEN_REFUSED", where=f"{host}:{port}", what=str(error), do="choose an address of this machine and a "
            "port that nobody has",
        ) from error  # fmt: skip
    return opened


@dataclass
class Door:
    """Takes the connections of one listening socket until it is cancelled."""

    listener: Listener
    context: ssl.SSLContext | None
    _shaking: set[asyncio.Task[None]] = field(default_factory=set)

    async def keep(self, listening: socket.socket) -> None:
        """Let in who may come in."""
        loop, poor = asyncio.get_running_loop(), False
        while True:
            try:
                connection, address = await loop.sock_accept(listening)
            except OSError as error:
                if error.errno in NO_FILES:
                    if not poor:
                        log.warning("no connection can be taken", connector="dlms", error=str(error))
                    poor = True
                    await asyncio.sleep(WAIT_SECS)
                elif error.errno not in (errno.ECONNABORTED, errno.EPROTO):
                    raise
                continue
            poor = False
            await self._let_in(connection, str(address[0]))

    async def _let_in(self, connection: socket.socket, peer: str) -> None:
        if not self.listener.admit(peer):
            connection.close()
        elif self.context is None:
            await self._open(connection, peer)
        else:
            # A slow handshake is waited for beside the others.
            task = asyncio.ensure_future(self._open(connection, peer))
            self._shaking.add(task)
            task.add_done_callback(self._shaking.discard)

    async def _open(self, connection: socket.socket, peer: str) -> None:
        loop, protocol = asyncio.get_running_loop(), PushConnection(self.listener, peer)
        timeouts = (
            {"ssl_handshake_timeout": self.listener.config.handshake_secs, "ssl_shutdown_timeout": SHUTDOWN_SECS}
            if self.context is not None else {}
        )  # fmt: skip
        try:
            await loop.connect_accepted_socket(lambda: protocol, connection, ssl=self.context, **timeouts)
        except OSError:
            # Of a connection that was made the end is counted where it is lost.
            if not protocol.last_read:
                self.listener.release(peer)
                if self.context is not None:
                    self.listener.refused["tls"] += 1
                connection.close()
        except asyncio.CancelledError:
            if not protocol.last_read:
                self.listener.release(peer)
                connection.close()
            raise

    async def close(self) -> None:
        """End handshakes that are under way."""
        for task in list(self._shaking):
            task.cancel()
        await asyncio.gather(*self._shaking, return_exceptions=True)
