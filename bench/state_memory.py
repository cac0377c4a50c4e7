"""Where the memory of a worker's state goes: bytes a service point, by table of the state and by table of the registry.

    python -m bench.state_memory --meters 1000000 --intervals 6

Runs the chains of frames in this process, over some intervals with a midnight among them, on stores that were made
again from a checkpoint, as a worker that was started has them. Then every array that is kept is looked at: what it may
take in all, which is what it takes when the window of days is full, and what of it is resident (Linux:
/proc/self/pagemap).
The case `state` measures a whole process; the figures of docs/decisions/0005-memory.md come from both.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from bench.case import OPENING, Load
from bench.inside.chains import Inside
from pipeline.blocks import Ledger
from pipeline.pages import copy_pages, encode
from pipeline.restore import restore
from pipeline.runtime.chain import Chain
from pipeline.state import StateStore

TOPOLOGY = Path(__file__).resolve().parent.parent / "topologies.yaml"
PAGE = os.sysconf("SC_PAGESIZE")
OWN = np.uint64(1 << 63 | 1 << 56)
"""Bits of a word of /proc/self/pagemap: the page is there, and mapped here alone. The page of zeros, which stands for
what was read and never written to, is mapped often, and does not count as resident."""

LEAST_BYTES = 0.05
"""A point: what takes less is not named."""


class Account:
    """Bytes by name, in all and resident; memory that is reached twice counts where it is reached first."""

    def __init__(self) -> None:
        self.allotted: Counter[str] = Counter()
        self.resident: Counter[str] = Counter()
        self._seen: set[int] = set()
        self._pages = os.open("/proc/self/pagemap", os.O_RDONLY)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._pages)

    def walk(self, name: str, value: Any) -> None:
        """All arrays that can be reached, each named by its way."""
        if isinstance(value, np.ndarray):
            self.add(name, value)
        else:
            for inner, part in _parts(value):
                self.walk(f"{name}.{inner}" if inner else name, part)

    def add(self, name: str, array: Any) -> None:
        """What the array stands in, however small a part of it it is."""
        while isinstance(array.base, np.ndarray):
            array = array.base
        begin = array.ctypes.data
        if array.size == 0 or begin in self._seen:
            return
        self._seen.add(begin)
        self.allotted[name] += array.nbytes
        self.resident[name] += min(array.nbytes, self._own(begin, array.nbytes))

    def _own(self, begin: int, size: int) -> int:
        first, last = begin // PAGE, (begin + size - 1) // PAGE
        words = np.frombuffer(os.pread(self._pages, 8 * (last - first + 1), 8 * first), np.uint64)
        return int(((words & OWN) == OWN).sum()) * PAGE


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if hasattr(value, "_asdict"):
        yield from value._asdict().items()
    elif is_dataclass(value) and not isinstance(value, type):
        yield from ((one.name, getattr(value, one.name)) for one in fields(value))
        # What was derived once and is kept.
        yield from ((name, part) for name, part in vars(value).items() if isinstance(part, tuple))
    elif isinstance(value, tuple | list):
        yield from (("", part) for part in value)


def measure(chains: list[Chain]) -> Account:
    """All that these chains of one topology keep: state, and what is made of the versions in force."""
    account = Account()
    try:
        for place, stage in enumerate(chains[0].plan.stages):
            for chain in chains:
                for name, area in chain.stores[place].areas.items():
                    account.add(f"{stage.name} state: {name}", area.rows)
                    account.add(f"{stage.name} state: marks", area.changed)
        for stage, table in zip(chains[0].plan.stages, chains[0]._tables(), strict=True):
            account.walk(f"{stage.name} registry: ", table)
    finally:
        account.close()
    return account


def again(store: StateStore) -> StateStore:
    """The store as it is made from a checkpoint of it."""
    ledger = Ledger()
    records = [encode(copy, ledger) for copy in copy_pages(store, ledger, 1)]
    return restore(store.layout, store.pages, store.capacity, {one.key: one.value for one in records})[0]


def main(
    meters: Annotated[int, typer.Option(help="service points")] = 200_000,
    intervals: Annotated[int, typer.Option(help="intervals of each meter behind the first")] = 6,
) -> None:
    """Measure, and print a line a table."""
    load = Load(meters=meters, frames=intervals * meters, batch_frames=4000, seed=1, faults=True)
    inside = Inside(TOPOLOGY, load)
    inside.open()
    for chain in inside.chains():
        chain.stores = tuple(again(store) for store in chain.stores)
    for number in load.pushes[OPENING:]:
        inside.interval(number)
    account = measure(inside.chains())
    typer.echo(f"{'bytes a service point':40} {'in all':>9} {'resident':>9}")
    for name, size in account.allotted.items():
        if size >= LEAST_BYTES * meters:
            typer.echo(f"{name:40} {size / meters:9.1f} {account.resident[name] / meters:9.1f}")
    for part in ("state", "registry"):
        sums = [sum(size for name, size in sizes.items() if f" {part}: " in name) / meters
                for sizes in (account.allotted, account.resident)]  # fmt: skip
        typer.echo(f"{part:40} {sums[0]:9.1f} {sums[1]:9.1f}")
    inside.close()


if __name__ == "__main__":
    typer.run(main)
