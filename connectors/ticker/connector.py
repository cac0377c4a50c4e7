"""Write a tick to each partition of the frames topic; the only place where the wall clock becomes data.

A tick from a clock that is ahead closes intervals that have not been, for good: who reads ticks keeps the largest. So
no tick is written from a clock that was set ahead while this process ran. At its start there is nothing to compare the
clock with: the newest records of the log have the times of their writers, which are this clock too, and after a week of
standstill a right clock is as far ahead of them as a wrong one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog
from confluent_kafka import KafkaError, Producer

from connectors.ticker.config import TickerConfig
from pipeline.errors import Fatal, Transient
from pipeline.step import Control, Tick
from pipeline.wire import ONE_AT_A_TIME, Contracts, frames_record

SPARE_SECS = 5.0
"""A time service that sets the clock ahead by less between two ticks only puts it right."""

log = structlog.get_logger()


def write_to_all(
    bootstrap: str, contracts: Contracts, topic: str, partitions: int, tick: Tick | None, control: Control | None = None
) -> None:
    """Write one tick or control record to every partition and wait until all replicas have it."""
    failed: list[str] = []

    def delivered(error: KafkaError | None, _message: Any) -> None:
        if error is not None:
            failed.append(str(error))

    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all", **ONE_AT_A_TIME})
    value = frames_record(contracts, tick=tick, control=control)
    for partition in range(partitions):
        producer.produce(topic, value=value, partition=partition, on_delivery=delivered)
    if producer.flush(30) or failed:
        raise Transient(
            "TICK_NOT_WRITTEN", where=topic, what=failed[0] if failed else "time-out", do="check the broker"
        )


def steady_time() -> float:
    """Seconds of a clock that nobody sets; where the system has one that counts while the machine sleeps, of that."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class TickClock:
    """The wall clock, as long as it keeps to the steady one."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = steady_time) -> None:
        self._wall, self._steady = wall, steady
        self._ahead = wall() - steady()

    def now(self) -> float:
        """Epoch seconds; raises Fatal when the clock was set ahead since the last call.

        Since the last, not since the first: what a time service puts right little by little must not add up.
        """
        wall = self._wall()
        ahead = wall - self._steady()
        jump, self._ahead = ahead - self._ahead, ahead
        if jump > SPARE_SECS:
            raise Fatal(
                "CLOCK_AHEAD",
                where="wall clock",
                what=f"it was set ahead by {jump:.0f} s while the ticker ran; a tick of a time to come, once written, "
                "closes all intervals up to it for good",
                do="look whether this machine's clock is right, and start the ticker again only when it is",
            )
        return wall


async def run(
    config: TickerConfig, bootstrap: str, contracts: Contracts, topic: str, partitions: int, stop: asyncio.Event,
    clock: TickClock | None = None,
) -> None:  # fmt: skip
    """Tick until `stop`; raises Fatal when the clock was set ahead.

    A tick that could not be written is made good by the next, which closes the same intervals. One of a time to come is
    made good by nothing.
    """
    clock = clock or TickClock()
    while not stop.is_set():
        now = clock.now()
        following = (int(now) // config.every_secs + 1) * config.every_secs
        try:
            await asyncio.wait_for(stop.wait(), following - now)
            return
        except TimeoutError:
            pass
        try:
            tick = Tick(following, config.lateness_secs)
            await asyncio.to_thread(write_to_all, bootstrap, contracts, topic, partitions, tick)
        except Transient as error:
            log.warning("tick not written", error=str(error))
