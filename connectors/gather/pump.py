"""The heart of a push connector: frames in from its transports, cuts out, reading stopped when too much waits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connectors.gather.config import GatherOptions
from connectors.gather.gatherer import Aside, Gatherer
from connectors.gather.outlet import Outlet
from connectors.phases import PHASES
from pipeline.columns import Array
from pipeline.errors import Transient
from pipeline.reference import Registry
from pipeline.runtime.moments import Moments
from pipeline.wire import Reference

POLL_SECS = 0.005
STOP_LOOK_SECS = 0.1
"""How late who waits for room sees that it shall stop."""
HAND_ON_SECS = 60.0
"""After a stop, so long is waited for Kafka to take what meters were told is taken; a broker restarts within it."""


@dataclass
class PumpCounts:
    """Since the start: what came in, what Kafka has acknowledged, what was put aside; and how long nothing was read.

    `dropped`: datagrams and MQTT messages of QoS 0, which nobody can hold back, that came while nothing was read.
    """

    received: int = 0
    acknowledged: int = 0
    aside: int = 0
    parked: int = 0
    cuts: int = 0
    dropped: int = 0
    stopped_secs: float = 0.0


class Pump:
    """One gatherer and one outlet on an event loop; all calls on that loop."""

    def __init__(
        self, registry: Registry, partitions: int, outlet: Outlet, options: GatherOptions, clock: Callable[[], int],
        moments: Moments | None = None, held: Callable[[], bool] = lambda: False, *, decoded: bool = False,
        stated: bool = False,
    ) -> None:  # fmt: skip
        """`held` is asked whether reading must stop although there is room here (see brake); `decoded`, `stated`: see
        Gatherer."""
        self.counts = PumpCounts()
        self._moments = moments or Moments(PHASES)
        self.registry_version = ""
        self.settled_version = ""
        """The registry version that everything, parked frames too, has been looked at with."""
        self.adopted = asyncio.Event()
        self.ready = asyncio.Event()
        self._gatherer = Gatherer(registry, partitions, options.frame_bytes, decoded, stated)
        self._outlet = outlet
        self._options = options
        self._clock = clock
        self._held = held
        self._done: list[Callable[[], None]] = []
        self._oldest: float | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._resumed: list[Callable[[], None]] = []

    @property
    def registry(self) -> Registry:
        """The registry in force."""
        return self._gatherer.registry

    @property
    def full(self) -> bool:
        """True when transports must stop reading; `when_room` calls them back."""
        return self._gatherer.octets + self._outlet.waiting_octets >= self._options.buffer_bytes or self._held()

    @property
    def stopped(self) -> bool:
        """True while nothing is taken in: from `full` on, until transports are called back."""
        return self.full or not self._room.is_set()

    @property
    def now(self) -> int:
        """Epoch seconds UTC, as frames are stamped with."""
        return self._clock()

    def adopt(self, registry: Registry, version: str) -> None:
        """Resolve with this registry from now on; what is pending was received under the old one."""
        self.cut()
        self._gatherer.registry = registry
        self.registry_version = version
        self.adopted.set()

    def offer(
        self, payload: Array, offsets: Array, lengths: Array, hint: Array | int = 0,
        done: Callable[[], None] | None = None, refused: Sequence[Aside] = (),
    ) -> None:  # fmt: skip
        """Take frames (see Gatherer.add); `done` is called when Kafka has acknowledged the cut they are in.

        `refused`: what came along and could not be made into frames.
        """
        self._gatherer.refused.extend(refused)
        self._gatherer.add(payload, offsets, lengths, self._clock(), hint)
        self._taken(len(offsets))
        if done is not None:
            self._done.append(done)
        self._cut_when_full()

    def offer_again(self, frame: bytes, device: int, received_at: int, was: Reference) -> None:
        """Take a frame that was refused or parked, with the time at which it first came."""
        self._taken(self._gatherer.add_one(frame, received_at, device, was))
        self._cut_when_full()

    def _taken(self, frames: int) -> None:
        if self._oldest is None:
            self._oldest = asyncio.get_running_loop().time()
        self.counts.received += frames

    def _cut_when_full(self) -> None:
        if self._gatherer.frames >= self._options.batch_frames or self._gatherer.octets >= self._options.batch_bytes:
            self.cut()
        if self.full:
            self._room.clear()

    def when_room(self, resume: Callable[[], None]) -> None:
        """Call `resume` once when there is room again."""
        self._resumed.append(resume)

    async def room(self, stop: asyncio.Event) -> bool:
        """Wait until there is room; False when `stop` came first."""
        while not self._room.is_set():
            if stop.is_set():
                return False
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._room.wait(), STOP_LOOK_SECS)
        return True

    def cut(self) -> None:
        """Hand on what is pending."""
        if not self._gatherer.frames and not self._gatherer.refused and not self._done:
            return
        self._moments.reach("push-taken")
        frames = self._gatherer.frames
        gathered = self._gatherer.cut()
        waiting, self._done, self._oldest = self._done, [], None
        self.counts.cuts += 1
        self.counts.parked += sum(item.parked for item in gathered.aside)
        self.counts.aside += sum(not item.parked for item in gathered.aside)

        def arrived() -> None:
            self._moments.reach("connector-acknowledged")
            self.counts.acknowledged += frames
            for done in waiting:
                done()

        self._outlet.send(gathered, arrived)

    async def run(self, stop: asyncio.Event) -> None:
        """Cut by age, let acknowledgements in, wake transports; after `stop` the rest is handed on and waited for.

        Raises Transient when Kafka does not take the rest in time: a process that cannot end would be killed, silently.
        """
        age = self._options.batch_age_ms / 1000
        before = asyncio.get_running_loop().time()
        while not stop.is_set():
            self._outlet.poll()
            now = asyncio.get_running_loop().time()
            if not self._room.is_set():
                self.counts.stopped_secs += now - before
            elif self.full:
                self._room.clear()
            before = now
            if self._oldest is not None and now - self._oldest >= age:
                self.cut()
            self._wake()
            await asyncio.sleep(POLL_SECS)
        self.cut()
        deadline = asyncio.get_running_loop().time() + HAND_ON_SECS
        while self._outlet.waiting_octets:
            if asyncio.get_running_loop().time() > deadline:
                raise self._not_handed_on()
            self._outlet.poll()
            await asyncio.sleep(POLL_SECS)

    def _not_handed_on(self) -> Transient:
        octets, frames = self._outlet.waiting_octets, self.counts.received - self.counts.acknowledged
        return Transient(
            "NOT_HANDED_ON",
            where="stop",
            what=f"{octets} octets of {frames} accepted frames were not taken by Kafka within {HAND_ON_SECS:.0f} s",
            do="check the broker; MQTT messages among them come again, TCP and UDP pushes are gone",
        )

    def _wake(self) -> None:
        # Half of the bound: transports do not flap between stopped and started.
        # Who stopped may be waiting although the room was never gone for as long as a turn of `run`.
        if self._room.is_set() and not self._resumed:
            return
        waiting = self._gatherer.octets + self._outlet.waiting_octets
        if self._held() or 2 * waiting > self._options.buffer_bytes:
            return
        self._room.set()
        resumed, self._resumed = self._resumed, []
        for resume in resumed:
            resume()
