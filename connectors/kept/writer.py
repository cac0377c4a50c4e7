"""Write rejected frames back into the log of frames, at a bounded rate; what was begun may be begun again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connectors.gather.gatherer import Gathered, Gatherer
from connectors.gather.outlet import Outlet
from connectors.kept.rejected import Rejected
from pipeline.errors import Transient

MOST_TOGETHER = 5_000
"""Frames of a cut; below a second's worth at higher rates."""
TAKEN_SECS = 60.0
"""Kafka has so long for a cut."""
POLL_SECS = 0.005


@dataclass(frozen=True)
class Clock:
    """How time passes."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


CLOCK = Clock()


@dataclass
class Offered:
    """Frames that Kafka has, and frames that the registry in force cannot tell the place of."""

    frames: int = 0
    unresolved: int = 0


def write_again(
    due: Sequence[Rejected], gatherer: Gatherer, outlet: Outlet, per_sec: int, told: Callable[[Offered], None],
    clock: Clock = CLOCK,
) -> Offered:  # fmt: skip
    """Offer frames again in their order, with the time at which they first came; `told` is called after each cut.

    Raises Transient when Kafka does not take a cut in time, and Fatal when it refuses one. All that was told of is in
    the log; when it is run again, what is offered twice gives its rows once.
    """
    done, begin, together = Offered(), clock.now(), min(per_sec, MOST_TOGETHER)
    for place in range(0, len(due), together):
        clock.sleep(max(0.0, begin + place / per_sec - clock.now()))
        for rejected in due[place : place + together]:
            gatherer.add_one(rejected.raw, rejected.record["received_at"], rejected.device, rejected.reference())
        gathered = gatherer.cut()
        # What has no place is a reject already; it is left where it is.
        outlet.send(Gathered(gathered.batches, [], gathered.again), lambda: None)
        _wait(outlet, clock)
        done.frames += gathered.frames
        done.unresolved += len(gathered.aside)
        told(done)
    return done


def _wait(outlet: Outlet, clock: Clock) -> None:
    deadline = clock.now() + TAKEN_SECS
    outlet.poll()
    while outlet.waiting_octets:
        if clock.now() > deadline:
            raise Transient("FRAMES_NOT_TAKEN", where="frames", what=f"{outlet.waiting_octets} octets wait for Kafka",
                            do="check the broker, and run it again")  # fmt: skip
        clock.sleep(POLL_SECS)
        outlet.poll()
