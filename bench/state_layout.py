"""What a checkpoint costs: bytes and CPU a frame, with the stages' own tables and a real broker.

    python -m bench.state_layout --points 1000000 --frames 600000

One million service points send block loads in random order, each once an interval, 2 % of them up to 20 intervals late.
After every `--frames` frames (what can be replayed in 3 s) all partitions are checkpointed. The figures of
docs/decisions/0001-state-layout.md come from here. Only what a checkpoint costs is timed: the frames change the tables
as decode, VEE and rating do, but nothing is decoded.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import psutil
import typer
from confluent_kafka import Consumer, Producer, TopicPartition

from agents.decode.state import LAYOUT as DECODE
from agents.decode.state import TOGETHER
from agents.rating.state import LINEAGE, TOUCHED
from agents.rating.state import layout as rating_layout
from agents.vee.config import VeeConfig
from agents.vee.state import layout as vee_layout
from cli.services import stack
from pipeline import pages, restore
from pipeline.blocks import Ledger, Record, run_of
from pipeline.columns import Array
from pipeline.jit import allocating_kernel
from pipeline.lookup import pages_of_partition, partitions_of
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics
from pipeline.state import StateStore, mark

TOPIC = "state"
TOPIC_SETTINGS = {"cleanup.policy": "compact", "segment.bytes": str(64 << 20), "min.cleanable.dirty.ratio": "0.1"}
LATE_SHARE, LATE_INTERVALS = 0.02, 20
INPUT_BYTES = 135
"""What a frame takes in a FrameBatch: 110 bytes of a D1 push, ids, time, length."""

FIRST_INTERVAL = 20_000 * 48
LAYOUTS = (DECODE, vee_layout(VeeConfig()), rating_layout(VeeConfig().hot_days))

Policy = Literal["incremental", "cumulative", "whole"]


@allocating_kernel
def _change(slots, interval, energy, counters, prints, ring, cells, day, capacity):  # type: ignore[no-untyped-def]
    """What a block push changes in the tables of decode, VEE and rating; each table is (rows, changed, dirty)."""
    for item in range(slots.shape[0]):
        slot, at, wh = slots[item], interval[item], energy[item]
        row = counters[0][0, slot]
        row.newest += np.uint32(1)
        print_ = np.int64(row.newest & np.uint32(255))
        mark(counters[1], counters[2], 0, slot, capacity)
        prints[0][print_ // TOGETHER, slot] += np.uint64(slot | 1)
        mark(prints[1], prints[2], print_ // TOGETHER, slot, capacity)
        place = at % ring[0].shape[0]
        ring[0][place, slot] = np.uint64(wh) | np.uint64(wh + wh // 16 + 1) << np.uint64(16)
        mark(ring[1], ring[2], place, slot, capacity)
        cells[0][place, slot] = np.uint8(0x11)
        mark(cells[1], cells[2], place, slot, capacity)
        number = at // 48
        sums = day[0][number % day[0].shape[0], slot]
        sums.day = number
        sums.flags = np.uint8(TOUCHED | LINEAGE)
        sums.zones[(at % 48) // 12] += np.int64(wh)
        sums.span = np.uint32(item)
        mark(day[1], day[2], number % day[0].shape[0], slot, capacity)


@dataclass
class Partition:
    """Stores of one partition and what the topic holds of them."""

    stores: list[StateStore]
    ledgers: list[Ledger]

    def tables(self) -> list[tuple[Array, Array, Array]]:
        """Of what a block push changes."""
        where = ((0, "counters"), (0, "prints"), (1, "ring"), (1, "cells"), (2, "day"))
        areas = [self.stores[step].areas[name] for step, name in where]
        return [(area.flat, area.changed.reshape(area.table.slices, -1), area.dirty) for area in areas]


class Fleet:
    """Service points with three days of history, and the frames they send next."""

    def __init__(self, points: int, partitions: int) -> None:
        self._random = np.random.default_rng(7)
        self.points = np.unique(self._random.integers(1, 2**62, points).astype(np.uint64))
        self.partition = partitions_of(self.points, partitions)
        self.slot = np.empty(len(self.points), np.int64)
        self.partitions = [self._filled(number, partitions) for number in range(partitions)]
        self._sent = 0
        self._order = np.zeros(0, np.int64)

    def _filled(self, number: int, partitions: int) -> Partition:
        mine = self.partition == number
        stores = [StateStore(layout, pages_of_partition(number, partitions)) for layout in LAYOUTS]
        for store in stores:
            self.slot[mine] = store.locate(self.points[mine], self.points[mine])
        slots, count, random = self.slot[mine], int(mine.sum()), self._random
        counters = stores[0].areas["counters"].flat[0]
        counters["newest"][slots] = random.integers(1_000, 200_000, count)
        counters["check"][slots] = random.integers(0, 2**32, count)
        prints = stores[0].areas["prints"].flat
        prints[:, slots] = random.integers(1, 2**62, (len(prints), count))
        ring, cells = stores[1].areas["ring"].flat, stores[1].areas["cells"].flat
        energy = random.lognormal(5.2, 0.8, (len(ring), count)).astype(np.uint64)
        ring[:, slots] = energy | (energy + energy // 16) << 16
        cells[:, slots] = 0x11
        registers = stores[1].areas["registers"].flat
        registers["device"][:, slots] = random.integers(0, 10**8, count) + (0x4B564E << 40)
        registers["value"][:, slots, 0] = random.integers(10**5, 3 * 10**7, count)
        day = stores[2].areas["day"].flat
        day["zones"][:, slots, :4] = random.integers(0, 5_000, (len(day), count, 4))
        month = stores[2].areas["month"].flat
        month["words"][0, slots, :4] = random.integers(0, 200_000, (count, 4))
        for store in stores:
            for area in store.areas.values():
                area.changed[:], area.dirty[:] = 2**64 - 1, 1
        return Partition(stores, [Ledger() for _ in stores])

    def send(self, frames: int) -> float:
        """Change the tables as `frames` frames do; returns seconds."""
        while len(self._order) < frames:
            self._order = np.concatenate((self._order, self._random.permutation(len(self.points))))
        chosen, self._order = self._order[:frames], self._order[frames:]
        interval = FIRST_INTERVAL + (self._sent + np.arange(frames)) // len(self.points)
        late = self._random.random(frames) < LATE_SHARE
        interval[late] -= self._random.integers(1, LATE_INTERVALS + 1, int(late.sum()))
        energy = self._random.lognormal(5.2, 0.8, frames).astype(np.uint16)
        self._sent += frames
        begin = time.perf_counter()
        for number, partition in enumerate(self.partitions):
            mine = self.partition[chosen] == number
            capacity = partition.stores[0].capacity
            counters, prints, ring, cells, day = partition.tables()
            _change(self.slot[chosen[mine]], interval[mine], energy[mine], counters, prints, ring, cells, day, capacity)
        return time.perf_counter() - begin


class Meter:
    """Bytes to the broker, and CPU seconds of copy, of this process in all, and of the broker."""

    def __init__(self, address: str, broker: psutil.Process) -> None:
        self._statistics: dict[str, Any] = {}
        self._broker = broker
        self._producer = Producer(
            {
                "bootstrap.servers": address, "enable.idempotence": True, "linger.ms": 20, "batch.size": 1_000_000,
                "compression.type": "none", "statistics.interval.ms": 200,
                "stats_cb": lambda text: self._statistics.update(json.loads(text)),
            }
        )  # fmt: skip

    def checkpoint(self, fleet: Fleet, sequence: int, policy: Policy) -> dict[str, float]:
        """Copy, encode and produce all partitions."""
        cpu, broker, sent, copying, records = time.process_time(), self._broker_cpu(), self._sent(), 0.0, 0
        for number, partition in enumerate(fleet.partitions):
            begin = time.thread_time()
            copies = list(_copies(partition, sequence, policy))
            copying += time.thread_time() - begin
            for copy, ledger in copies:
                records += 1
                self._produce(pages.encode(copy, ledger), number)
        self._producer.flush()
        cpu = time.process_time() - cpu
        deadline = time.monotonic() + 1.0  # the broker's threads come to rest, the last statistics arrive
        while time.monotonic() < deadline:
            self._producer.poll(0.1)
        return {
            "records": records, "bytes": self._sent() - sent, "copy": copying, "worker": cpu,
            "broker": self._broker_cpu() - broker,
        }  # fmt: skip

    def _produce(self, record: Record, partition: int) -> None:
        while True:
            try:
                self._producer.produce(TOPIC, key=record.key, value=record.value, partition=partition)
                return
            except BufferError:
                self._producer.poll(0.05)

    def _broker_cpu(self) -> float:
        times = self._broker.cpu_times()
        return float(times.user + times.system)

    def _sent(self) -> float:
        return float(sum(broker.get("txbytes", 0) for broker in self._statistics.get("brokers", {}).values()))


def _copies(partition: Partition, sequence: int, policy: Policy) -> Iterator[tuple[pages.BlockCopy, Ledger]]:
    for store, ledger in zip(partition.stores, partition.ledgers, strict=True):
        if policy != "cumulative":
            yield from ((copy, ledger) for copy in pages.copy_pages(store, ledger, sequence))
            continue
        # Each delta takes the place of the one before it, so the marks stay until the page is written whole.
        before = {name: area.changed.copy() for name, area in store.areas.items()}
        for table in ledger.tables.values():
            table.deltas[:], table.weight[:] = 0, 0
        yield from ((copy, ledger) for copy in pages.copy_pages(store, ledger, sequence))
        for name, area in store.areas.items():
            base, run = ledger.tables[name].base, run_of(area.table, store.capacity)
            block = np.arange(area.table.slices * store.capacity // 64) * 64 // run
            kept = (base != sequence)[:, block].reshape(len(base), area.table.slices, -1).transpose(1, 0, 2)
            area.changed[:] = np.where(kept, before[name], np.uint64(0))
            area.dirty[:] = area.changed.any(axis=2)


def _restore(address: str, fleet: Fleet) -> dict[str, float]:
    """Read the topic and make the stores again, one partition after the other; each must equal the one in memory."""
    read, make, size, count = 0.0, 0.0, 0, 0
    for number, partition in enumerate(fleet.partitions):
        begin = time.perf_counter()
        records = _records(address, number)
        read += time.perf_counter() - begin
        size, count = size + sum(map(len, records.values())), count + len(records)
        for store in partition.stores:
            mine = {key: value for key, value in records.items() if key.startswith(store.layout.step.encode() + b"/")}
            begin = time.thread_time()
            restored, _ = restore.restore(store.layout, store.pages, store.capacity, mine)
            make += time.thread_time() - begin
            for name, area in store.areas.items():
                if not (area.rows == restored.areas[name].rows).all():
                    raise AssertionError(f"{store.layout.step}/{name} of partition {number} is another")
    return {"records": count, "megabytes": round(size / 1e6), "read_s": round(read, 1), "make_cpu_s": round(make, 1)}


def _records(address: str, partition: int) -> dict[bytes, bytes]:
    consumer = Consumer(
        {
            "bootstrap.servers": address, "group.id": "none", "enable.auto.commit": False,
            "enable.partition.eof": True, "auto.offset.reset": "earliest", "fetch.wait.max.ms": 10,
            "fetch.max.bytes": 64 << 20,
            "max.partition.fetch.bytes": 16 << 20,
        }
    )  # fmt: skip
    consumer.assign([TopicPartition(TOPIC, partition, 0)])
    records: dict[bytes, bytes] = {}
    while True:
        for message in consumer.consume(500, timeout=0.02):
            if message.error() is not None:
                consumer.close()
                return records
            records[message.key() or b""] = message.value() or b""


def main(
    points: Annotated[int, typer.Option(help="service points")] = 1_000_000,
    partitions: Annotated[int, typer.Option(help="partitions")] = 12,
    frames: Annotated[int, typer.Option(help="frames between two checkpoints")] = 600_000,
    checkpoints: Annotated[int, typer.Option(help="checkpoints that are measured")] = 12,
    policy: Annotated[str, typer.Option(help="incremental, cumulative or whole")] = "incremental",
    order: Annotated[str, typer.Option(help="bytes in a record: by place in the cell, or rows")] = "place",
) -> None:
    """Measure, and print one JSON object."""
    if policy == "whole":
        pages.WHOLE_SHARE = 0.0
    if policy == "cumulative":
        pages.DELTA_BLOCKS = 0.25
    if order == "rows":
        pages.lay = lambda rows, out: np.copyto(out, rows.view(np.uint8))  # type: ignore[attr-defined]
    fleet = Fleet(points, partitions)
    with stack.temporary(("kafka",)) as running:
        ensure_topics(running.kafka, [WantedTopic(TOPIC, partitions, TOPIC_SETTINGS)])
        meter = Meter(running.kafka, _broker(running))
        first = meter.checkpoint(fleet, 1, policy)  # type: ignore[arg-type]
        made = []
        for number in range(checkpoints + 2):  # two to warm the broker up
            fleet.send(frames)
            made.append(meter.checkpoint(fleet, number + 2, policy))  # type: ignore[arg-type]
        total = {name: sum(one[name] for one in made[2:]) / checkpoints for name in first}
        restored = _restore(running.kafka, fleet) if order == "place" else None
    result = {
        "points": points, "frames": frames, "policy": policy, "order": order, "records": round(total["records"]),
        "bytes_per_frame": round(total["bytes"] / frames, 1), "input_bytes_per_frame": INPUT_BYTES,
        "cpu_us_per_frame": {name: round(total[name] / frames * 1e6, 3) for name in ("copy", "worker", "broker")},
        "first_megabytes": round(first["bytes"] / 1e6), "restore": restored,
    }  # fmt: skip
    typer.echo(json.dumps(result))


def _broker(running: stack.Stack) -> psutil.Process:
    return psutil.Process(running.status()[0].pid)


if __name__ == "__main__":
    typer.run(main)
