"""The Faust process: `python -m bench.naive.worker '{"bootstrap": ..., ...}'`.

Given what helps: no tables, no web, raw bytes, sends that nobody waits for and that the producer gathers, and Faust's
compiled streams where the settings say so.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import faust
from pydantic import BaseModel, ConfigDict

from bench.naive.checks import Checks, Rejected
from bench.naive.decode import Decoder, Keys
from connectors.simulator.burst import BurstPlan, burst_keys
from pipeline.columns import Array


class Settings(BaseModel):
    """What the process is told."""

    model_config = ConfigDict(extra="forbid")

    bootstrap: str
    name: str
    source: str
    readings: str
    rejects: str
    partitions: int
    meters: int
    seed: int
    cipher: str
    compiled: bool


def keys_of(plan: BurstPlan) -> Keys:
    """Keys by system title."""

    def octets(rows: Array) -> list[bytes]:
        return [row.tobytes() for row in rows]

    ring = burst_keys(plan)
    titles = [title.to_bytes(8, "big") for title in ring.device.tolist()]
    return dict(zip(titles, zip(octets(ring.encryption), octets(ring.authentication), strict=True), strict=True))


def make_app(settings: Settings) -> Any:
    """The app with its one agent."""
    app = faust.App(
        settings.name, broker=f"kafka://{settings.bootstrap}", key_serializer="raw", value_serializer="raw",
        store="memory://", web_enabled=False, topic_allow_declare=False, topic_disable_leader=True,
        topic_partitions=settings.partitions, consumer_auto_offset_reset="earliest", producer_linger=0.05,
        producer_max_batch_size=1 << 18, producer_compression_type="lz4", stream_buffer_maxsize=16_384,
        stream_wait_empty=False, cython_optimizations=settings.compiled,
    )  # fmt: skip
    source = app.topic(settings.source, key_type=bytes, value_type=bytes)
    readings = app.topic(settings.readings, key_type=bytes, value_type=bytes)
    rejects = app.topic(settings.rejects, key_type=bytes, value_type=bytes)
    plan = BurstPlan(settings.meters, settings.partitions, seed=settings.seed)
    decoder, checks = Decoder(keys_of(plan), settings.cipher), Checks()

    @app.agent(source)
    async def frames(stream: Any) -> None:
        async for frame in stream:
            try:
                push = decoder.decode(frame)
                readings.send_soon(key=push.title, value=checks.take(push))
            except Rejected as error:
                rejects.send_soon(key=b"", value=str(error).encode())
            except Exception as error:  # noqa: BLE001  gurux-dlms raises many things
                rejects.send_soon(key=b"", value=type(error).__name__.encode())

    return app


def main() -> None:
    """Run until a signal."""
    app = make_app(Settings.model_validate(json.loads(sys.argv[1])))
    faust.Worker(app, loglevel="warn", quiet=True).execute_from_commandline()


if __name__ == "__main__":
    main()
