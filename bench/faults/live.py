"""A log that connectors fill while they are disturbed: pushes interval by interval, each tick behind its pushes.

A meter's late pushes leave when its newest one stands in the log, and an interval's tick when all of its pushes do: so
the log holds what an undisturbed run's log holds, in the same order for each meter, and copies.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread

import numpy as np

from bench.case import OPENING
from bench.faults.arrivals import Arrivals
from bench.faults.push import MqttPusher, Pushes, TcpPusher, pushes_of
from bench.faults.scene import Scene
from bench.throughput.feed import Feed
from cli.demo.kafka import status
from connectors.simulator.burst import Burst
from connectors.simulator.burst_kernel import MOST_LAG
from pipeline.columns import Array
from pipeline.errors import Fatal

MQTT_EVERY = 10
"""One meter in so many pushes over MQTT: each of its messages costs a turn in Python here, at the broker and there."""

LOST_SECS = 120.0
"""Nothing has come for so long, though the connectors run: what is missing will never come."""
QUIET_SECS, LOOK_SECS, ENDED_SECS = 1.0, 0.1, 30.0


@dataclass(frozen=True)
class Ports:
    """Where the connectors are: the address they listen at, the URL they subscribe to, part -> status page."""

    listen: tuple[str, int]
    mqtt: str
    pages: dict[str, int]
    tcp_part: str
    mqtt_part: str


class LiveFeed:
    """Runs on a thread of its own from `start` on; `check` raises what went wrong there."""

    def __init__(self, scene: Scene, feed: Feed, ports: Ports) -> None:
        load, topic = scene.drain.load, feed.topic
        self._feed, self._ports = feed, ports
        self._numbers = load.numbers[OPENING:]
        self._plan = load.plan(1)
        self.arrivals = Arrivals(scene.plan.kafka.bootstrap, topic, feed.contracts, self._plan, load.numbers)
        self.kills: Counter[str] = Counter()
        """Part -> how often it was killed; counted by the thread that starts it again."""
        self.refetched = 0
        """TCP pushes that a killed connector had accepted, sent again."""
        self.lost = 0
        self.done = Event()
        self._ending = Event()
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, name="pushes", daemon=True)
        self.between: Callable[[Pushes, TcpPusher, MqttPusher], None] = lambda pushes, tcp, mqtt: None
        """Called with the pushes of each interval before its tick, on the thread."""

    def start(self) -> None:
        """Begin to push."""
        self._thread.start()

    def check(self) -> None:
        """Raise what ended the thread."""
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """End the thread, at its next look."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(ENDED_SECS)
        self.arrivals.close()

    def _run(self) -> None:
        burst, tcp, mqtt = Burst(self._plan), TcpPusher(self._ports.listen), MqttPusher(self._ports.mqtt)
        try:
            for number in self._numbers:
                pushes = pushes_of(burst, number)
                for lag in range(MOST_LAG + 1):
                    self._send(pushes.of(pushes.counter == number - lag), tcp, mqtt)
                self.between(pushes, tcp, mqtt)
                self._feed.tick(number)
            self._wait(self._quiet)
        except BaseException as error:  # noqa: BLE001  told by `check`
            self._error = error
        finally:
            tcp.close()
            mqtt.close()
            burst.close()
            self.done.set()

    def _send(self, pushes: Pushes, tcp: TcpPusher, mqtt: MqttPusher) -> None:
        """Until all of them stand in the topic."""
        if not len(pushes):
            return
        self.arrivals.want(pushes)
        messages, before = over_mqtt(pushes), self.kills[self._ports.tcp_part]
        mqtt.push(pushes.of(messages))
        tcp.push(pushes.of(~messages))
        since = time.monotonic()
        while (missing := self.arrivals.missing(pushes)).any():
            if self.arrivals.read():
                since = time.monotonic()
                continue
            self._look()
            if time.monotonic() - since > LOST_SECS:
                self._give_up(missing, messages)
            again = missing & ~messages
            if self.kills[self._ports.tcp_part] > before and again.any() and self._quiet():
                # Its death is known, it runs again, and has handed on all that it was sent since.
                if self.arrivals.read():
                    continue
                before = self.kills[self._ports.tcp_part]
                again = self.arrivals.missing(pushes) & ~messages
                self.refetched += int(again.sum())
                tcp.push(pushes.of(again))
                since = time.monotonic()

    def _give_up(self, missing: Array, messages: Array) -> None:
        self.lost = int(missing.sum())
        raise Fatal(
            "PUSH_LOST", where="frames", what=f"{self.lost} pushes never came, {int((missing & messages).sum())} of "
            "them over MQTT, the others taken by a connector that was not killed",
            do="see the connectors' logs",
        )  # fmt: skip

    def _quiet(self) -> bool:
        """Whether both connectors listen, have handed on all that they took, and take nothing, for QUIET_SECS."""
        before = self._pages()
        for _ in range(int(QUIET_SECS / LOOK_SECS)):
            if before is None:
                return False
            time.sleep(LOOK_SECS)
            if self._pages() != before:
                return False
        return True

    def _pages(self) -> list[int] | None:
        """What each connector has received; None while one is not ready or has something under way."""
        pages = [status(port) for port in self._ports.pages.values()]
        if any(page is None or not page["ready"] or page["received"] != page["acknowledged"] for page in pages):
            return None
        return [page["received"] for page in pages if page is not None]

    def _wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + LOST_SECS
        while not condition():
            self._look()
            if time.monotonic() > deadline:
                raise Fatal("PUSH_STUCK", where="connectors", what="they do not come to rest", do="see their logs")

    def _look(self) -> None:
        if self._ending.is_set():
            raise Fatal("PUSH_ENDED", where="pushes", what="the trial has ended", do="see the trial's error")
        time.sleep(0.01)


def over_mqtt(pushes: Pushes) -> Array:
    """Which of them leave over MQTT, by their meters: bool (n,)."""
    chosen: Array = pushes.device % np.uint64(MQTT_EVERY) == 0
    return chosen
