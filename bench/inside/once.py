"""One measurement in a process of its own: `python -m bench.inside.once '{"file": ..., "load": {...}}'`.

Prints a JSON line when it is ready, if it is to wait, and takes its frames once a line comes in; then one with what it
measured. A process of its own, so that its memory is its own and it can be kept on one CPU.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, TextIO

import psutil
from pydantic import BaseModel, ConfigDict

from bench.case import OPENING, Load
from bench.inside.chains import Inside, StageClock
from bench.inside.warehouse import Inserts, ready_blocks
from bench.truth.check import check
from bench.truth.warehouse import Warehouse
from pipeline.runtime.chain import Outputs, singly

BLOCK_ROWS = 400_000


class Order(BaseModel):
    """What the process is told.

    partitions: those that are taken, all by default. cpu: the only one that is used.
    waits: take all frames at once, when told to. compared: put the outputs into a warehouse and compare each row.
    """

    model_config = ConfigDict(extra="forbid")

    file: Path
    load: Load
    partitions: list[int] | None = None
    cpu: int | None = None
    waits: bool = False
    compared: bool = False


def run(order: Order, come: TextIO, say: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Measure: CPU and wall seconds of the steps, frames, memory, a digest of the outputs of each partition."""
    if order.cpu is not None:
        os.sched_setaffinity(0, {order.cpu})
    with ExitStack() as stack:
        inside = stack.enter_context(closing(Inside(order.file, order.load, partitions=order.partitions)))
        kept = Kept(inside, order.compared, stack)
        kept.put(inside.open())
        if order.waits:
            frames, seconds = _at_once(inside, kept, come, say)
        else:
            frames, seconds = _by_interval(inside, kept)
        spent = sum(inside.clock.spent.values()) / 1e9
        return {
            "meters": order.load.meters, "frames": frames, "cpu_secs": round(spent, 4), "secs": round(seconds, 4),
            "memory_bytes": psutil.Process().memory_info().rss, "digests": kept.digests(), **kept.compare(),
        }  # fmt: skip


def _by_interval(inside: Inside, kept: Kept) -> tuple[int, float]:
    frames, seconds = 0, 0.0
    for number in inside.load.pushes[OPENING:]:
        records = list(inside.records(number))
        begin = time.perf_counter()
        outputs = _taken(inside, records) + inside.tick(number)
        seconds += time.perf_counter() - begin
        frames += sum(count for _, count, _ in records)
        kept.put(outputs)
    return frames, seconds


def _at_once(inside: Inside, kept: Kept, come: TextIO, say: Callable[[dict[str, Any]], None]) -> tuple[int, float]:
    intervals = {number: list(inside.records(number)) for number in inside.load.pushes[OPENING:]}
    frames = sum(count for records in intervals.values() for _, count, _ in records)
    say({"ready": True})
    come.readline()
    outputs: Outputs = []
    begin = time.perf_counter()
    for number, records in intervals.items():
        outputs += _taken(inside, records) + inside.tick(number)
    seconds = time.perf_counter() - begin
    kept.put(outputs)
    return frames, seconds


def _taken(inside: Inside, records: Iterable[tuple[int, int, bytes]]) -> Outputs:
    outputs: Outputs = []
    for partition, _, raw in records:
        outputs += inside.take(partition, raw)
    return outputs


class Kept:
    """What becomes of the outputs: a digest by topic, and rows in a warehouse where they are compared."""

    def __init__(self, inside: Inside, compared: bool, stack: ExitStack) -> None:
        self._inside = inside
        self._digests: dict[str, Any] = {}
        self._folder: Path | None = None
        self._warehouse: Inserts | None = None
        self._stack = stack
        if compared:
            temporary = tempfile.TemporaryDirectory(prefix="kvarn-bench-", ignore_cleanup_errors=True)
            self._folder = Path(stack.enter_context(temporary))
            self._warehouse = Inserts(self._folder)
            stack.callback(self._close)

    def put(self, outputs: Outputs) -> None:
        """Take in what an interval gave rise to."""
        for output in singly(outputs):
            name = f"{output.topic}/{output.id.split('/')[3]}"
            self._digests.setdefault(name, hashlib.sha256()).update(output.value)
        if self._warehouse is not None:
            inside = self._inside
            self._warehouse.insert(ready_blocks(inside.plan, inside.contracts, outputs, BLOCK_ROWS, StageClock()))

    def digests(self) -> dict[str, str]:
        """SHA-256 of the outputs, by topic and partition of the log that they are made of."""
        return {name: digest.hexdigest() for name, digest in sorted(self._digests.items())}

    def compare(self) -> dict[str, Any]:
        """Rows, and how many differ from the truth; nothing when they are not compared."""
        if self._folder is None:
            return {}
        self._close()
        load = self._inside.load
        with closing(Warehouse(f"chdb://{self._folder / 'warehouse'}")) as warehouse:
            tallies = check(warehouse, load.plan(1), load.numbers, lambda _done, _total: None)
        return {
            "rows": sum(tally.rows for tally in tallies.values()),
            "different": sum(tally.different for tally in tallies.values()),
        }

    def _close(self) -> None:
        if self._warehouse is not None:
            self._warehouse.close()
            self._warehouse = None


def main() -> None:
    """As a process."""

    def say(what: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()

    say(run(Order.model_validate_json(sys.argv[1]), sys.stdin, say))


if __name__ == "__main__":
    main()
