"""The generator on its connections: interval after interval, as fast as is asked for and as the connectors read.

A meter always pushes over the same connection. The tick of an interval is written when its pushes begin; it closes what
ended `round_intervals` earlier, all of which Kafka has: after so many intervals the generator waits until every frame
that it has sent is acknowledged. Sockets block: a connector that does not read stops the generator.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from urllib.parse import urlsplit

import numpy as np
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from bench.soak.case import SoakCase
from bench.soak.clock import Clock
from bench.soak.kernels import WRAPPER_OCTETS, wrap
from connectors.simulator.burst import Burst, BurstBuffers
from connectors.simulator.burst_kernel import FRAME_OCTETS, TITLE_HEAD
from connectors.simulator.senders.mqtt import topic_of
from pipeline.batch import FrameBatch
from pipeline.errors import Fatal
from pipeline.step import Tick

LOOK_SECS = 0.03
DEBT_SECS = 1.0
"""What could not be sent within so much time is not made up for: it was offered in vain."""
STUCK_SECS = 900.0


class Pusher(threading.Thread):
    """Sends until it is told to stop. `accepted()` are the frames that connectors have had acknowledged.

    `rate` is the target in frames a second; None: as many as the connectors read. `error` is why it ended, if not as
    told.
    """

    def __init__(
        self, case: SoakCase, listen: tuple[str, int], mqtt: str, clock: Clock, accepted: Callable[[], int]
    ) -> None:
        super().__init__(name="pusher", daemon=True)
        self.sent = 0
        self.intervals = 0
        self.rate: float | None = None
        self.error: BaseException | None = None
        self._case, self._plan, self._clock, self._accepted = case, case.plan(), clock, accepted
        self._listen, self._url = listen, urlsplit(mqtt)
        self._stopping = threading.Event()
        self._due = time.monotonic()
        self._room = np.empty(0, np.uint8)
        self._sockets: list[socket.socket] = []
        self._mqtt: Client | None = None

    def stop(self) -> None:
        """Send no further interval; the thread ends when what was sent is acknowledged and closed."""
        self._stopping.set()

    def run(self) -> None:
        """See Thread."""
        try:
            self._run()
        except Exception as error:  # noqa: BLE001  (whoever waits raises it)
            self.error = error

    def _run(self) -> None:
        # Twice the mean: meters are shared out by a hash.
        buffers = BurstBuffers(self._case.connections, 64 + 2 * self._case.meters // self._case.connections)
        with ExitStack() as stack:
            burst = stack.enter_context(closing(Burst(self._plan)))
            self._connect(stack)
            while not self._stopping.is_set():
                for _ in range(self._case.round_intervals):
                    self._interval(burst, buffers)
                    if self._stopping.is_set():
                        break
                self._settle()
            # Everything has come: close all of it.
            self._clock.write(Tick(self._plan.end_of(self.intervals), 0))

    def _connect(self, stack: ExitStack) -> None:
        self._sockets = [
            stack.enter_context(closing(socket.create_connection(self._listen))) for _ in range(self._case.connections)
        ]
        if self._case.mqtt_meters:
            self._mqtt = client = Client(CallbackAPIVersion.VERSION2)
            client.connect(str(self._url.hostname), int(self._url.port or 1883))
            client.loop_start()
            stack.callback(client.loop_stop)
            stack.callback(client.disconnect)

    def _interval(self, burst: Burst, buffers: BurstBuffers) -> None:
        number = self.intervals + 1
        self._clock.write(Tick(self._plan.end_of(number), self._case.round_intervals * self._plan.interval_secs))
        for connection, batch in burst.batches(number, buffers):
            self._send(connection, batch)
            self._pace(len(batch.length))
        self.intervals = number

    def _send(self, connection: int, batch: FrameBatch) -> None:
        wireless = batch.device < TITLE_HEAD + np.uint64(self._case.mqtt_meters)
        needed = len(batch.payload) + WRAPPER_OCTETS * len(batch.length)
        if len(self._room) < needed:
            self._room = np.empty(2 * needed, np.uint8)
        octets = wrap(batch.payload, batch.length, ~wireless, self._room)
        self._sockets[connection].sendall(self._room[:octets].data)
        for row in np.flatnonzero(wireless).tolist():
            assert self._mqtt is not None
            frame = batch.payload[row * FRAME_OCTETS : (row + 1) * FRAME_OCTETS].tobytes()
            self._mqtt.publish(topic_of(int(batch.device[row])), frame, qos=1)
        self.sent += len(batch.length)

    def _pace(self, frames: int) -> None:
        now = time.monotonic()
        if self.rate is None:
            self._due = now
            return
        self._due = max(self._due, now - DEBT_SECS) + frames / self.rate
        if self._due > now + 0.01:
            time.sleep(self._due - now)

    def _settle(self) -> None:
        """Wait until everything that was sent is acknowledged."""
        before, since = -1, time.monotonic()
        while (accepted := self._accepted()) < self.sent:
            now = time.monotonic()
            if accepted != before:
                before, since = accepted, now
            elif now - since > STUCK_SECS:
                raise Fatal("BENCH_STUCK", where="connectors", what=f"{accepted} of {self.sent} frames acknowledged, "
                            f"and no more in {STUCK_SECS:.0f} s", do="see their logs")  # fmt: skip
            time.sleep(LOOK_SECS)
