"""Pushes of a burst as meters make them, live: over TCP in WRAPPER framing, and over MQTT with QoS 1."""

from __future__ import annotations

import select
import socket
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from threading import Event, Thread
from urllib.parse import urlsplit

import numpy as np
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from connectors.gather.kernels import WRAPPER_OCTETS
from connectors.simulator.burst import Burst, BurstBuffers
from connectors.simulator.senders.mqtt import topic_of
from pipeline.columns import Array
from pipeline.errors import Transient

TITLE_OCTETS = 8
COUNTER_AT, COUNTER_OCTETS = 12, 4
"""Of the invocation counter, from the first octet of an APDU on (general-glo-ciphering, IEC 62056-5-3)."""

VERSION, SOURCE, DESTINATION = 1, 1, 1
"""Of a WRAPPER (IEC 62056-47)."""

SLICE_OCTETS = 65_536
CONNECT_SECS, RETRY_SECS = 120.0, 0.05
IN_FLIGHT = 500
POLL_MILLIS = 5
"""What is queued while nothing comes waits so long at most."""


@dataclass(frozen=True)
class Pushes:
    """n frames in the order in which they are sent: device u64, counter i64, length u32, and their octets u8."""

    device: Array
    counter: Array
    length: Array
    octets: Array

    def __len__(self) -> int:
        return len(self.device)

    @property
    def starts(self) -> Array:
        """First octet of each, i64 (n,)."""
        ends: Array = np.cumsum(self.length, dtype=np.int64)
        return ends - self.length

    def of(self, chosen: Array) -> Pushes:
        """Those of a mask bool (n,), in order."""
        return Pushes(
            self.device[chosen], self.counter[chosen], self.length[chosen],
            self.octets[np.repeat(chosen, self.length)],
        )  # fmt: skip

    def frames(self) -> list[bytes]:
        """Each as bytes: for transports that take one at a time."""
        raw = self.octets.tobytes()
        return [raw[at : at + size] for at, size in zip(self.starts.tolist(), self.length.tolist(), strict=True)]


def pushes_of(burst: Burst, interval: int) -> Pushes:
    """All that is sent at the end of an interval; `burst` is of a plan with one partition."""
    buffers = BurstBuffers(1, burst.plan.meters + burst.plan.meters // 8 + 64)
    parts = [(batch.device.copy(), batch.length.copy(), batch.payload.copy())
             for _, batch in burst.batches(interval, buffers)]  # fmt: skip
    device, length, octets = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    starts = np.cumsum(length, dtype=np.int64) - length
    return Pushes(device, counters(octets, starts), length, octets)


def counters(octets: Array, starts: Array) -> Array:
    """Invocation counters i64 (n,) of APDUs that begin at `starts` i64 (n,)."""
    heads = octets[starts[:, None] + np.arange(COUNTER_AT, COUNTER_AT + COUNTER_OCTETS)].astype(np.int64)
    found: Array = heads @ np.array([1 << 24, 1 << 16, 1 << 8, 1])
    return found


def wrapped(pushes: Pushes) -> tuple[bytes, Array]:
    """The stream of the pushes in WRAPPER framing, and where each begins in it, i64 (n,)."""
    size = pushes.length.astype(np.int64) + WRAPPER_OCTETS
    starts = np.cumsum(size) - size
    stream = np.empty(int(size.sum()), np.uint8)
    head = np.zeros((len(pushes), WRAPPER_OCTETS), np.uint8)
    head[:, 1], head[:, 3], head[:, 5] = VERSION, SOURCE, DESTINATION
    head[:, 6], head[:, 7] = pushes.length >> 8, pushes.length & 255
    body = np.ones(len(stream), np.bool_)
    places = starts[:, None] + np.arange(WRAPPER_OCTETS)
    body[places.reshape(-1)] = False
    stream[places] = head
    stream[body] = pushes.octets
    return stream.tobytes(), starts


class TcpPusher:
    """A gateway with one connection. What the other side's system has taken counts as sent, as it does for a meter."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._socket: socket.socket | None = None

    def push(self, pushes: Pushes) -> None:
        """Send all; connects again when the connection is lost, and goes on with the frame that was cut by that."""
        stream, starts = wrapped(pushes)
        view, at = memoryview(stream), 0
        while at < len(stream):
            connection = self._connected()
            try:
                at += connection.send(view[at : at + SLICE_OCTETS])
            except OSError:
                self.close()
                at = int(starts[np.searchsorted(starts, at, side="right") - 1])

    def push_broken(self, streams: list[bytes]) -> None:
        """Streams that the other side cannot cut, on connections of their own: until they are closed from there."""
        with ExitStack() as stack:
            connections = [stack.enter_context(socket.create_connection(self._address, CONNECT_SECS)) for _ in streams]
            for connection, stream in zip(connections, streams, strict=True):
                connection.sendall(stream)
            for connection in connections:
                with suppress(OSError):
                    while connection.recv(1024):
                        pass

    def _connected(self) -> socket.socket:
        if self._socket is not None and _is_lost(self._socket):
            self.close()
        deadline = time.monotonic() + CONNECT_SECS
        while self._socket is None:
            try:
                self._socket = socket.create_connection(self._address, CONNECT_SECS)
            except OSError as error:
                if time.monotonic() > deadline:
                    raise Transient("NOBODY_LISTENS", where=str(self._address), what=str(error),
                                    do="see the connector's log") from error  # fmt: skip
                time.sleep(RETRY_SECS)
        return self._socket

    def close(self) -> None:
        """Let go."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _is_lost(connection: socket.socket) -> bool:
    """Whether the other side, which never answers, has ended the connection."""
    readable = select.poll()  # not select(): it takes no descriptor above 1023
    readable.register(connection, select.POLLIN)
    try:
        return bool(readable.poll(0)) and not connection.recv(1)
    except OSError:
        return True


class MqttPusher:
    """One client for all meters, on a thread of its own; messages leave in order.

    The client's own thread waits with select(), which takes no descriptor above 1023: here it is poll().
    """

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.max_inflight_messages_set(IN_FLIGHT)
        # Who has a function here writes by itself: so `publish` only queues, and one thread alone uses the socket.
        self._client.on_socket_register_write = lambda client, data, connection: None
        self._client.connect(address.hostname or "127.0.0.1", address.port or 1883)
        self._ending = Event()
        self._last: paho.MQTTMessageInfo | None = None
        self._thread = Thread(target=self._serve, name="mqtt pushes", daemon=True)
        self._thread.start()

    def push(self, pushes: Pushes) -> None:
        """Hand all to the client."""
        for device, frame in zip(pushes.device.tolist(), pushes.frames(), strict=True):
            self.push_octets(device, frame)

    def push_octets(self, device: int, payload: bytes) -> None:
        """One message of a device, whatever it holds."""
        self._last = self._client.publish(topic_of(device), payload, qos=1)

    def close(self) -> bool:
        """Let go, once the broker has acknowledged everything; False when it has not."""
        if self._last is not None:
            with suppress(RuntimeError):  # it was never queued
                self._last.wait_for_publish(CONNECT_SECS)
        self._ending.set()
        self._thread.join()
        self._client.disconnect()
        self._client.loop_write()
        return self._last is None or self._last.is_published()

    def _serve(self) -> None:
        while not self._ending.is_set():
            connection = self._client.socket()
            if connection is None:
                with suppress(OSError):
                    self._client.reconnect()
                time.sleep(RETRY_SECS)
                continue
            waiting = select.poll()
            waiting.register(connection, select.POLLIN | (select.POLLOUT if self._client.want_write() else 0))
            for _, found in waiting.poll(POLL_MILLIS):
                if found & ~select.POLLOUT:
                    self._client.loop_read()
                if found & select.POLLOUT:
                    self._client.loop_write()
            self._client.loop_misc()
