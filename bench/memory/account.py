"""Octets of arrays: what they may take in all, and what of it is resident (Linux: /proc/self/pagemap)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.blocks import Ledger
from pipeline.pages import copy_pages, encode
from pipeline.restore import restore
from pipeline.state import StateStore

PAGEMAP = Path("/proc/self/pagemap")
PAGE = os.sysconf("SC_PAGESIZE")
OWN = np.uint64(1 << 63 | 1 << 56)
"""Bits of a word of /proc/self/pagemap: the page is there, and mapped here alone. The page of zeros, which stands for
what was read and never written to, is mapped often, and does not count as resident."""

MARKS = "marks of changes"


class Account:
    """Octets by (stage, area), in all and resident; memory that is reached twice counts where it is reached first."""

    def __init__(self) -> None:
        self.allotted: Counter[tuple[str, str]] = Counter()
        self.resident: Counter[tuple[str, str]] = Counter()
        self._seen: set[int] = set()
        self._pages = os.open(PAGEMAP, os.O_RDONLY) if PAGEMAP.exists() else -1

    def close(self) -> None:
        """Give the file back."""
        if self._pages >= 0:
            os.close(self._pages)

    def add_store(self, stage: str, store: StateStore) -> None:
        """The areas of a stage's state. The memory may be given back afterwards, and another's lie there."""
        self._seen.clear()
        for name, area in store.areas.items():
            self.add(stage, name, area.rows)
            self.add(stage, MARKS, area.changed)

    def walk(self, stage: str, name: str, value: Any) -> None:
        """All arrays that can be reached, each named by its way."""
        if isinstance(value, np.ndarray):
            self.add(stage, name, value)
        else:
            for inner, part in _parts(value):
                self.walk(stage, f"{name}.{inner}" if name and inner else name or inner, part)

    def add(self, stage: str, name: str, array: Any) -> None:
        """What the array stands in, however small a part of it it is."""
        while isinstance(array.base, np.ndarray):
            array = array.base
        begin = array.ctypes.data
        if array.size == 0 or begin in self._seen:
            return
        self._seen.add(begin)
        self.allotted[stage, name] += array.nbytes
        self.resident[stage, name] += min(array.nbytes, self._own(begin, array.nbytes))

    def _own(self, begin: int, size: int) -> int:
        """Octets of resident pages; where the system does not tell, all."""
        if self._pages < 0:
            return size
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


def again(store: StateStore) -> StateStore:
    """The store as it is made from a checkpoint of it."""
    ledger = Ledger()
    records = [encode(copy, ledger) for copy in copy_pages(store, ledger, 1)]
    return restore(store.layout, store.pages, store.capacity, {one.key: one.value for one in records})[0]
