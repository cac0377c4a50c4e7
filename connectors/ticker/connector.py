"""Write a tick to each partition of the frames topic; the only place where the wall clock becomes data."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog
from confluent_kafka import KafkaError, Producer

from connectors.ticker.config import TickerConfig
from pipeline.errors import Transient
from pipeline.step import Control, Tick
from pipeline.wire import Contracts, frames_record

log = structlog.get_logger()


def write_to_all(
    bootstrap: str, contracts: Contracts, topic: str, partitions: int, tick: Tick | None, control: Control | None = None
) -> None:
    """Write one tick or control record to every partition and wait until all replicas have it."""
    failed: list[str] = []

    def delivered(error: KafkaError | None, _message: Any) -> None:
        if error is not None:
            failed.append(str(error))

    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all"})
    value = frames_record(contracts, tick=tick, control=control)
    for partition in range(partitions):
        producer.produce(topic, value=value, partition=partition, on_delivery=delivered)
    if producer.flush(30) or failed:
        raise Transient(
            "TICK_NOT_WRITTEN", where=topic, what=failed[0] if failed else "time-out", do="check the broker"
        )


async def run(
    config: TickerConfig, bootstrap: str, contracts: Contracts, topic: str, partitions: int, stop: asyncio.Event
) -> None:
    """Tick until `stop`. A tick that could not be written is made good by the next, which closes the same intervals."""
    while not stop.is_set():
        now = time.time()
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
