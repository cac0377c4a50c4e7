"""Where the memory of a worker goes: bytes a service point, by table of the state and by table made of the registry.

    python -m bench.state_memory --meters 200000 --intervals 10

Runs the chains of frames alone, in this process, over some intervals with a midnight among them, makes the stores again
from a checkpoint on the way as a worker that was started again has them, and looks at every array that is kept: what it
takes in all, and what of it is resident (Linux: /proc/self/pagemap). The case `state` measures the whole process.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import psutil
import typer

from bench.case import OPENING, Load
from bench.inside.chains import Inside
from pipeline.blocks import Ledger
from pipeline.columns import Array
from pipeline.pages import copy_pages, encode
from pipeline.restore import restore
from pipeline.runtime.chain import Chain
from pipeline.state import StateStore

TOPOLOGY = Path(__file__).resolve().parent.parent / "topologies.yaml"
PAGE = os.sysconf("SC_PAGESIZE")
OWN = np.uint64(1 << 63 | 1 << 56)
"""Bits of a word of /proc/self/pagemap: the page is there, and mapped here alone. The page of zeros, which stands for what
was read and never written to, is mapped often, and does not count as resident."""


class Account:
    """Bytes by name; memory that is reached twice counts where it is reached first."""

    def __init__(self) -> None:
        self.allotted: dict[str, int] = {}
        self.resident: dict[str, int] = {}
        self._seen: set[int] = set()
        self._pages = os.open("/proc/self/pagemap", os.O_RDONLY)

    def add(self, name: str, octets: Any) -> None:
        """An array, or bytes."""
        owner: Any = octets
        while isinstance(owner, np.ndarray) and owner.base is not None:
            owner = owner.base
        if isinstance(owner, memoryview):
            owner = owner.obj
        if id(owner) in self._seen:
            return
        self._seen.add(id(owner))
        view = octets if isinstance(owner, np.ndarray) and owner is octets else owner
        if isinstance(view, np.ndarray):
            begin, size = view.ctypes.data, view.nbytes
        else:
            size = len(view)
            begin = np.frombuffer(view, np.uint8).ctypes.data if size else 0
        self.allotted[name] = self.allotted.get(name, 0) + size
        self.resident[name] = self.resident.get(name, 0) + min(size, self._present(begin, size))

    def _present(self, begin: int, size: int) -> int:
        if not size:
            return 0
        first, last = begin // PAGE, (begin + size - 1) // PAGE
        raw = os.pread(self._pages, 8 * (last - first + 1), 8 * first)
        words = np.frombuffer(raw, np.uint64)
        return int(((words & OWN) == OWN).sum()) * PAGE

    def walk(self, name: str, value: Any) -> None:
        """All arrays and bytes that can be reached, each named by its way."""
        if isinstance(value, (np.ndarray, bytes)):
            self.add(name, value)
        else:
            for inner, part in _parts(value):
                self.walk(f"{name}.{inner}", part)


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if hasattr(value, "_asdict"):
        yield from value._asdict().items()
    elif is_dataclass(value) and not isinstance(value, type):
        known = {one.name for one in fields(value)}
        yield from ((one.name, getattr(value, one.name)) for one in fields(value))
        yield from ((one, part) for one, part in vars(value).items() if one not in known)
    elif isinstance(value, (tuple, list)):
        yield from ((str(place), part) for place, part in enumerate(value))
    elif isinstance(value, dict):
        yield from ((str(key), part) for key, part in value.items())


def main(
    meters: Annotated[int, typer.Option(help="service points")] = 200_000,
    intervals: Annotated[int, typer.Option(help="intervals of each meter behind the first")] = 6,
) -> None:
    """Measure, and print one line a part."""
    own = psutil.Process()
    load = Load(meters=meters, frames=intervals * meters, batch_frames=4000, seed=1, faults=True)
    print("empty", own.memory_info().rss)
    inside = Inside(TOPOLOGY, load)
    inside.open()
    print("opened", own.memory_info().rss)
    running = inside._frames
    for chain in running.partitions.values():
        chain.stores = tuple(_again(store) for store in chain.stores)
    print("restored", own.memory_info().rss)
    for number in load.pushes[OPENING:]:
        inside.interval(number)
    print("run", own.memory_info().rss)
    account = Account()
    some = next(iter(running.partitions.values()))
    for place, step in enumerate(running.plan.stages):
        for chain in running.partitions.values():
            for name, area in chain.stores[place].areas.items():
                account.add(f"state {step.name}.{name}", area.rows)
                account.add(f"state {step.name} marks", area.changed)
        print(
            step.name,
            sum(int(c.stores[place].used.sum()) for c in running.partitions.values()) / meters,
            sum(len(c.stores[place].keys) for c in running.partitions.values()) / meters,
        )
    for number, known in enumerate(some._prepared._known.values()):
        for place, step in enumerate(running.plan.stages):
            account.walk(f"made{number} {step.name}", known[place])
    account.walk("versions", inside._references.versions)
    for name in account.allotted:
        print(f"{name:60} {account.allotted[name] / meters:9.1f} {account.resident[name] / meters:9.1f}")
    print("sum", sum(account.allotted.values()) / meters, sum(account.resident.values()) / meters)
    print("rss", own.memory_info().rss / meters)


def _again(store: StateStore) -> StateStore:
    ledger = Ledger()
    records = {}
    for copy in copy_pages(store, ledger, 1):
        record = encode(copy, ledger)
        records[record.key] = record.value
    return restore(store.layout, store.pages, store.capacity, records)[0]


if __name__ == "__main__":
    typer.run(main)
