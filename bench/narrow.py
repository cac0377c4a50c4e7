"""What narrow columns take beside whole ones: octets and nanoseconds of CPU a reading, packed and read.

    python -m bench.narrow --meters 200000

The readings are those that the chains make of one interval of a generator's meters, record by record as they travel.
Both ways give the same readings back, which is looked at before anything is timed. The figures of
docs/decisions/0004-narrow-columns.md come from here.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from bench.case import OPENING, Load
from bench.inside.chains import Inside
from pipeline.batch import ReadingBatch
from pipeline.columns import pack, unpack
from pipeline.errors import Fatal
from pipeline.narrow import pack_narrow, unpack_narrow
from pipeline.runtime.chain import singly
from pipeline.wire import read_stage

WAYS: dict[str, tuple[Callable[[ReadingBatch], Any], Callable[[Any], ReadingBatch]]] = {
    "whole": (pack, lambda columns: unpack(ReadingBatch, columns)),
    "narrow": (pack_narrow, lambda columns: unpack_narrow(ReadingBatch, columns, aligned=False)),
}
"""Packed and read as the worker and the sink do."""


def batches_of(file: Path, load: Load) -> list[ReadingBatch]:
    """The readings of the interval behind the one that opens the log."""
    with closing(Inside(file, load)) as inside:
        inside.open()
        _, outputs = inside.interval(load.pushes[OPENING])
        topics = {topic.name for topic in inside.plan.topics.values() if topic.schema == "ReadingBatch"}
        parcels = [
            read_stage(inside.contracts, "ReadingBatch", output.value).parcel
            for output in singly(outputs) if output.topic in topics
        ]  # fmt: skip
    return [parcel.batch for parcel in parcels if isinstance(parcel.batch, ReadingBatch)]


def measure(name: str, batches: Sequence[ReadingBatch], turns: int) -> dict[str, Any]:
    """A way over all batches; raises Fatal when what is read differs from what was packed."""
    write, read = WAYS[name]
    rows = sum(len(batch.service_point) for batch in batches)
    packed = [write(batch) for batch in batches]
    for batch, columns in zip(batches, packed, strict=True):
        again = read(columns)
        if not all(np.array_equal(getattr(batch, one.name), getattr(again, one.name)) for one in ReadingBatch.COLUMNS):
            raise Fatal("BENCH_DIFFERENT", where=name, what="readings are not read as they were packed", do="report it")
    octets = sum(len(column) for columns in packed for column in columns.values())
    return {
        "columns": name, "readings": rows, "octets_a_reading": round(octets / rows, 1),
        "ns_packed": round(_ns(lambda: [write(batch) for batch in batches], turns) / rows, 1),
        "ns_read": round(_ns(lambda: [read(columns) for columns in packed], turns) / rows, 1),
    }  # fmt: skip


def _ns(work: Callable[[], object], turns: int) -> float:
    """The median CPU time of this thread."""
    taken = []
    for _ in range(turns):
        begin = time.thread_time_ns()
        work()
        taken.append(time.thread_time_ns() - begin)
    return statistics.median(taken)


def main(
    meters: Annotated[int, typer.Option(min=1, help="Service points.")] = 200_000,
    turns: Annotated[int, typer.Option(min=1, help="How often each is timed; the median counts.")] = 15,
    file: Annotated[Path, typer.Option(help="Topology file.")] = Path("topologies.yaml"),
) -> None:
    """Print a JSON line for each kind of columns."""
    batches = batches_of(file, Load(meters=meters, frames=meters))
    for name in WAYS:
        typer.echo(json.dumps(measure(name, batches, turns)))


if __name__ == "__main__":
    typer.run(main)
