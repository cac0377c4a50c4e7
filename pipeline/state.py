"""State of one step in one partition: pages of numpy records, found by service point.

A page holds the slots of PAGE_GROUPS neighbouring key groups, contiguous in memory. A slot is a place in the page's
open addressing, so keys and records need no second index. Tables of a layout may have slices (the hot window's
intervals): time lies outermost, so that what one interval changes lies together.

Kernels mark what they change since the last checkpoint: a cell in `changed` (one bit a slot and slice) and its page in
`dirty` (one byte a page and slice); never one without the other. The checkpoint (`pipeline.pages`) writes just these
cells, so a cell's size counts and its number of slices does not: split what changes together from what does not, and
give an array of which one item changes slices of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pipeline.columns import Array
from pipeline.jit import AHEAD, allocating_kernel, expanded, prefetch
from pipeline.lookup import KEY_GROUPS, PAGE_GROUPS, first_place, groups_of, mix
from pipeline.memory import untouched

SLOT_STEP = 64
"""Capacities are multiples of the width of one word of change bits."""

FULLEST = 0.95
"""Above this load of a page's open addressing every page of the store grows. Pages differ by what chance gave them, so
the mean is some 0.87, and a key is found at the fourth or fifth place: of eight that lie in one line of the cache."""

LARGE = 512
GROWTH, LARGE_GROWTH = 1.3, 1.03
"""Times by which pages grow at least; those of LARGE slots and more by less, because what is free in them is memory."""


@dataclass(frozen=True)
class Table:
    """An array of records: shape (slices, pages, capacity) of `dtype`."""

    name: str
    dtype: np.dtype[np.void] | np.dtype[np.generic]
    slices: int = 1


@dataclass(frozen=True)
class Layout:
    """The tables of one step; a change of any dtype is a new `version` with a migration."""

    step: str
    version: int
    tables: tuple[Table, ...]


KEYS = Table("keys", np.dtype("<u8"))


@dataclass
class Area:
    """One table in memory, with its marks.

    Views that steps ask for at each record: flat (slices, slots) of the records, marks u64 (slices, slots / 64) of
    `changed`, octets u8 of all records.
    """

    table: Table
    rows: Array
    changed: Array
    dirty: Array
    flat: Array = field(init=False, repr=False)
    marks: Array = field(init=False, repr=False)
    octets: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.flat = self.rows.reshape(self.table.slices, -1)
        self.marks = self.changed.reshape(self.table.slices, -1)
        self.octets = self.rows.reshape(-1).view(np.uint8)


def _area(table: Table, pages: int, capacity: int) -> Area:
    return Area(
        table,
        untouched((table.slices, pages, capacity), table.dtype),
        untouched((table.slices, pages, capacity // SLOT_STEP), np.dtype(np.uint64)),
        np.zeros((table.slices, pages), np.uint8),
    )


@dataclass
class StateStore:
    """All pages of one step in one partition."""

    layout: Layout
    pages: range
    capacity: int = SLOT_STEP
    areas: dict[str, Area] = field(init=False)
    used: Array = field(init=False)

    def __post_init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        tables = (KEYS, *self.layout.tables)
        self.areas = {table.name: _area(table, len(self.pages), self.capacity) for table in tables}
        self.used = np.zeros(len(self.pages), np.int64)

    @property
    def keys(self) -> Array:
        """Slot -> key, u64 (slots,); 0 where free."""
        keys: Array = self.areas["keys"].flat[0]
        return keys

    def copy(self) -> StateStore:
        """The same state in arrays of its own, marks too."""
        other = StateStore(self.layout, self.pages, self.capacity)
        for name, area in other.areas.items():
            mine = self.areas[name]
            area.rows[:], area.changed[:], area.dirty[:] = mine.rows, mine.changed, mine.dirty
        other.used[:] = self.used
        return other

    def locate(self, points: Array, keys: Array) -> Array:
        """Slots i64 (n,) of `keys`, entered where new; `points` u64 (n,) choose the page.

        A step keyed by service point passes the same array twice. Slots are good until the next call.
        """
        slots = np.empty(len(points), np.int64)
        area = self.areas["keys"]
        while True:
            limit = int(self.capacity * FULLEST)
            done = _locate(
                points,
                keys,
                self.pages.start,
                self.capacity,
                limit,
                area.flat[0],
                self.used,
                area.changed.reshape(-1),
                area.dirty[0],
                slots,
            )
            if done == len(points):
                return slots
            self._grow(self._wanted(points[done:], keys[done:]))
            area = self.areas["keys"]

    def touch(self, table: str, slot: int) -> None:
        """Note that the row at `slot` of a table without slices changed."""
        area = self.areas[table]
        area.changed.reshape(-1)[slot >> 6] |= np.uint64(1) << np.uint64(slot & 63)
        area.dirty[0, slot // self.capacity] = 1

    def _wanted(self, points: Array, keys: Array) -> int:
        """Slots of a page that has room for `keys` u64 (n,), of which some may be in, by way of `points` u64 (n,).

        When a registry is entered these are its service points, and the pages get the right size at once.
        """
        found, first = np.unique(keys, return_index=True)
        points = points[first[~np.isin(found, self.keys)]]
        groups = np.empty(len(points), np.uint16)
        groups_of(points, groups)
        pages = groups.astype(np.int64) // PAGE_GROUPS - self.pages.start
        most = int((self.used + np.bincount(pages, minlength=len(self.used))).max())
        least = self.capacity * (GROWTH if self.capacity < LARGE else LARGE_GROWTH)
        return -(-int(max(least, most / FULLEST + 1)) // SLOT_STEP) * SLOT_STEP

    def _grow(self, capacity: int) -> None:
        """More places in every page; every page is then written whole at the next checkpoint."""
        old, old_keys, old_capacity = self.areas, self.keys.copy(), self.capacity
        self.capacity = capacity
        self._clear()
        taken = np.flatnonzero(old_keys)
        page = taken // old_capacity
        place = np.empty(len(taken), np.int64)
        _reenter(old_keys[taken], page, self.capacity, self.keys, self.used, place)
        for name, area in self.areas.items():
            if name != "keys":
                _move(old.pop(name).flat, taken, area.flat, place)
            _mark_all(area)


def _move(old: Array, taken: Array, new: Array, place: Array) -> None:
    """Rows at `taken` i64 (n,) of each slice to `place`; a slice of zeros stays memory that is not touched."""
    for slice_ in range(len(old)):
        rows = old[slice_][taken]
        if rows.view(np.uint8).any():
            new[slice_][place] = rows


def _mark_all(area: Area) -> None:
    area.changed[:] = np.uint64(0xFFFFFFFFFFFFFFFF)
    area.dirty[:] = 1


@expanded
def mark(changed, dirty, slice_, slot, capacity):  # type: ignore[no-untyped-def]
    """Note that `slot` of `slice_` changed; changed u64 (slices, slots / 64), dirty u8 (slices, pages)."""
    changed[slice_, slot >> 6] |= np.uint64(1) << np.uint64(slot & 63)
    dirty[slice_, slot // capacity] = 1


@expanded
def _page(point, first_page):  # type: ignore[no-untyped-def]
    """Page of a service point, counted from the partition's first."""
    return np.int64(mix(point) & np.uint64(KEY_GROUPS - 1)) // PAGE_GROUPS - first_page


@allocating_kernel
def _locate(points, keys, first_page, capacity, limit, table, used, changed, dirty, slots):  # type: ignore[no-untyped-def]
    for item in range(points.shape[0]):
        coming = item + AHEAD
        if coming < points.shape[0]:
            prefetch(table, _page(points[coming], first_page) * capacity + first_place(keys[coming], capacity))
        page = _page(points[item], first_page)
        key = keys[item]
        base = page * capacity
        place = first_place(key, capacity)
        while True:
            found = table[base + place]
            if found == key:
                break
            if found == 0:
                if used[page] >= limit:
                    return item
                table[base + place] = key
                used[page] += 1
                changed[(base + place) >> 6] |= np.uint64(1) << np.uint64((base + place) & 63)
                dirty[page] = 1
                break
            place += np.int64(1)
            if place == capacity:
                place = np.int64(0)
        slots[item] = base + place
    return points.shape[0]


@allocating_kernel
def _reenter(keys, page, capacity, table, used, slots):  # type: ignore[no-untyped-def]
    for item in range(keys.shape[0]):
        base = page[item] * capacity
        place = first_place(keys[item], capacity)
        while table[base + place] != 0:
            place += np.int64(1)
            if place == capacity:
                place = np.int64(0)
        table[base + place] = keys[item]
        used[page[item]] += 1
        slots[item] = base + place
