"""The generator: frames made a moment ahead on one thread, sent when they are due on another.

A meter always pushes over the same connection, so that its frames stay in order. What is noted of each frame is its
number in the schedule, who sent it, and when the system had taken its octets.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import numpy as np
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from bench.latency.schedule import Schedule
from bench.soak.kernels import WRAPPER_OCTETS, wrap
from connectors.simulator.burst import Burst, BurstBuffers, BurstPlan
from connectors.simulator.burst_kernel import TITLE_HEAD
from connectors.simulator.senders.mqtt import topic_of
from pipeline.batch import FrameBatch
from pipeline.columns import Array

CONNECTIONS = 32
MQTT_EVERY = 1000
"""One meter in so many pushes over MQTT: each of its messages costs a turn in Python here and at the connector."""
MQTT_FLIGHT = 1000
AHEAD = 128
"""Batches that are made before they are due."""
MOST_INTERVALS = 1024
"""Above any number of an interval."""


def keys_of(device: Array, interval: Array | int) -> Array:
    """What names a push: i64 (n,) of system titles u64 (n,) and the numbers of its interval. Duplicates share it."""
    keys: Array = (device - TITLE_HEAD).astype(np.int64) * MOST_INTERVALS + interval
    return keys


def over_mqtt(device: Array) -> Array:
    """Which of them leave over MQTT, by their meters: bool (n,)."""
    chosen: Array = (device - TITLE_HEAD) % np.uint64(MQTT_EVERY) == 0
    return chosen


@dataclass(frozen=True)
class Batch:
    """Frames of one connection: their stream, those for MQTT as (topic, frame), and the keys of all."""

    connection: int
    interval: int
    stream: bytes
    messages: list[tuple[str, bytes]]
    keys: Array


@dataclass
class Sent:
    """What was sent, in the order of the schedule. `begin` is its zero on the wall clock."""

    begin: float = 0.0
    _keys: list[Array] = field(default_factory=list)
    _sent: list[float] = field(default_factory=list)
    count: int = 0

    def add(self, keys: Array, sent: float) -> None:
        """Frames that left together, `sent` seconds after the begin."""
        self._keys.append(keys)
        self._sent.append(sent)
        self.count += len(keys)

    @property
    def keys(self) -> Array:
        """i64 (count,): see `keys_of`."""
        return np.concatenate(self._keys) if self._keys else np.zeros(0, np.int64)

    @property
    def sent(self) -> Array:
        """f8 (count,): seconds from the begin until the system had taken the frame's octets."""
        return np.repeat(np.array(self._sent), [len(keys) for keys in self._keys])


class Pusher(threading.Thread):
    """Sends all of `numbers` and ends. `interval` is the one under way, `since` when it began (monotonic), `before`
    what was sent until then."""

    def __init__(self, plan: BurstPlan, numbers: range, schedule: Schedule, listen: tuple[str, int], mqtt: str) -> None:
        super().__init__(name="pusher", daemon=True)
        self.sent = Sent()
        self.interval, self.since, self.before = numbers.start - 1, time.monotonic(), 0
        self.begun = threading.Event()
        self.error: BaseException | None = None
        self._plan, self._numbers, self._schedule = replace(plan, partitions=CONNECTIONS), numbers, schedule
        self._listen, self._mqtt_url = listen, urlsplit(mqtt)
        self._made: queue.Queue[Batch | None] = queue.Queue(AHEAD)
        self._stopping = threading.Event()

    def close(self) -> None:
        """End before everything is sent."""
        self._stopping.set()
        if self.is_alive():
            self.join(10.0)

    def run(self) -> None:
        """See Thread."""
        maker = threading.Thread(target=self._make, name="maker", daemon=True)
        try:
            with ExitStack() as stack:
                sockets = [
                    stack.enter_context(closing(socket.create_connection(self._listen))) for _ in range(CONNECTIONS)
                ]
                client = self._client(stack)
                maker.start()
                self._send(sockets, client)
        except Exception as error:  # noqa: BLE001  (whoever waits raises it)
            self.error = error
        finally:
            self._stopping.set()

    def _client(self, stack: ExitStack) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        client.max_inflight_messages_set(MQTT_FLIGHT)
        client.connect(str(self._mqtt_url.hostname), int(self._mqtt_url.port or 1883))
        client.loop_start()
        stack.callback(client.loop_stop)
        stack.callback(client.disconnect)
        return client

    def _send(self, sockets: list[socket.socket], client: Client) -> None:
        batches, schedule, sent, last = self._batches(), self._schedule, self.sent, None
        first = next(batches, None)
        begin, sent.begin = time.perf_counter(), time.time()
        self.begun.set()
        while first is not None:
            if first.interval != self.interval:
                # Last its number: who sees that knows the rest.
                self.before, self.since = sent.count, time.monotonic()
                self.interval = first.interval
            # Its last frame: none leaves before it is due.
            left = begin + schedule.due(sent.count + len(first.keys) - 1) - time.perf_counter()
            if left > 0:
                time.sleep(left)
            sockets[first.connection].sendall(first.stream)
            for topic, frame in first.messages:
                last = client.publish(topic, frame, qos=1)
            sent.add(first.keys, time.perf_counter() - begin)
            first = next(batches, None)
        if last is not None:
            last.wait_for_publish(30.0)

    def _batches(self) -> Iterator[Batch]:
        while True:
            batch = self._made.get()
            if batch is None:
                return
            yield batch

    def _make(self) -> None:
        try:
            with closing(Burst(self._plan)) as burst:
                buffers = BurstBuffers(CONNECTIONS, self._schedule.batch + 1)
                room = np.empty(int(buffers.payload.shape[1]) + WRAPPER_OCTETS * (self._schedule.batch + 1), np.uint8)
                for interval in self._numbers:
                    for connection, batch in burst.batches(interval, buffers):
                        self._put(made_of(connection, interval, batch, room))
                        if self._stopping.is_set():
                            return
        except Exception as error:  # noqa: BLE001
            self.error = error
        finally:
            self._put(None)

    def _put(self, batch: Batch | None) -> None:
        while not self._stopping.is_set():
            try:
                self._made.put(batch, timeout=0.5)
                return
            except queue.Full:
                continue


def made_of(connection: int, interval: int, batch: FrameBatch, room: Array) -> Batch:
    """What is sent of some frames; `room` u8 for their stream."""
    wireless = over_mqtt(batch.device)
    octets = wrap(batch.payload, batch.length, ~wireless, room)
    ends = np.cumsum(batch.length, dtype=np.int64)
    messages = [
        (topic_of(int(batch.device[row])), batch.payload[ends[row] - batch.length[row] : ends[row]].tobytes())
        for row in np.flatnonzero(wireless).tolist()
    ]
    return Batch(connection, interval, room[:octets].tobytes(), messages, keys_of(batch.device, interval))
