"""The proxy of the fault bench: what goes through, what does not, and which connections are a coordinator's."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.faults.proxy import Proxy, Requests, Trouble
from cli.services.ports import free_ports

HEARTBEAT, PRODUCE = 12, 0


def request(key: int, octets: int = 20) -> bytes:
    return (octets + 2).to_bytes(4, "big") + key.to_bytes(2, "big") + bytes(octets)


@given(st.lists(st.tuples(st.integers(0, 80), st.integers(0, 300))), st.lists(st.integers(1, 400)))
def test_the_kinds_of_requests_are_seen_however_the_stream_is_cut(sent: list[tuple[int, int]], cuts: list[int]) -> None:
    stream, requests, found = b"".join(request(key, octets) for key, octets in sent), Requests(), []
    for size in [*cuts, len(stream)]:
        found += list(requests.keys(stream[:size]))
        stream = stream[size:]
    assert found == [key for key, _ in sent]


@pytest.fixture
def echo() -> Iterator[Proxy]:
    """A proxy before a server that sends everything back; `proxy.port` is where to go."""
    front, back = free_ports(2)
    server = socket.create_server(("127.0.0.1", back))
    server.settimeout(20)

    def serve(connection: socket.socket) -> None:
        with closing(connection):
            while data := connection.recv(4096):
                connection.sendall(data)

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    proxy = Proxy(front, back)
    proxy.start()
    yield proxy
    proxy.close()
    server.close()


def connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=20)


def answer(connection: socket.socket, data: bytes, secs: float = 20.0) -> bytes:
    connection.sendall(data)
    return awaited(connection, len(data), secs)


def awaited(connection: socket.socket, octets: int, secs: float = 20.0) -> bytes:
    connection.settimeout(secs)
    found = b""
    while len(found) < octets:
        more = connection.recv(octets - len(found))
        if not more:
            raise ConnectionResetError
        found += more
    return found


def test_a_cut_holds_everything_back_and_loses_nothing(echo: Proxy) -> None:
    with connected(echo) as connection:
        assert answer(connection, request(PRODUCE)) == request(PRODUCE)
        echo.cause(Trouble())
        with pytest.raises(TimeoutError):
            answer(connection, request(HEARTBEAT), secs=0.3)
        echo.heal()
        assert awaited(connection, len(request(HEARTBEAT))) == request(HEARTBEAT)


def test_only_the_coordinators_connections_are_cut(echo: Proxy) -> None:
    with connected(echo) as data, connected(echo) as group:
        assert answer(data, request(PRODUCE)) == request(PRODUCE)
        assert answer(group, request(HEARTBEAT)) == request(HEARTBEAT)
        echo.cause(Trouble(coordinator_only=True))
        assert answer(data, request(PRODUCE)) == request(PRODUCE)
        with pytest.raises(TimeoutError):
            answer(group, request(HEARTBEAT), secs=0.3)
        echo.heal(reset=True)
        with pytest.raises(ConnectionError):
            awaited(group, 1)
        assert answer(data, request(PRODUCE)) == request(PRODUCE), "the other one was not reset"


def test_a_slow_network_brings_everything_in_the_end(echo: Proxy) -> None:
    echo.cause(Trouble(rate=1_000_000))
    with connected(echo) as connection:
        assert answer(connection, request(PRODUCE, 50_000)) == request(PRODUCE, 50_000)
