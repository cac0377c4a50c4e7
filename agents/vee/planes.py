"""Grant planes to service points out of their page's pool."""

from __future__ import annotations

from functools import cache

import numpy as np

from agents.vee.borrow import borrowed
from agents.vee.jit import kernel
from agents.vee.kernels_cells import find_key, find_planes, is_amended, mark_hot, write_cell
from agents.vee.kernels_part_rows import holds_none, list_of
from agents.vee.state import AMENDED, CUT_ROWS, FREE, HIGH, PAGE, PLANE, PLANES, POINT, POOL, Pages, pages_of
from agents.vee.tables import page_of
from pipeline.columns import Array
from pipeline.lookup import PAGE_GROUPS, PAGES
from pipeline.state import StateStore, mark

POOL_SIZE, POOL_FREE = 0, 1
"""Places of a page record's `planes`: numbers given out so far, and those of them that are free again."""


@cache
def page_points() -> Array:
    """A service point u64 of each page, to enter a page's own keys with."""
    points = np.arange(1, 64 * PAGES * PAGE_GROUPS // 8, dtype=np.uint64)
    found = np.zeros(PAGES, np.uint64)
    pages = page_of(points)
    found[pages[::-1]] = points[::-1]
    assert found.all()
    return found


def page_records(store: StateStore) -> Array:
    """Slot i64 (pages,) of each page's own record, entered where new."""
    points = page_points()[store.pages.start : store.pages.stop]
    slots = store.locate(points, np.full(len(points), POOL, np.uint64))
    kinds = store.areas["hot"].flat[0]["kind"]
    if (kinds[slots] != PAGE).any():
        _enter_pages(pages_of(store, slots), slots)
    return slots


def grant(store: StateStore, view: Pages, points: Array, pages: Array, planes: Array) -> Pages:
    """Give service points u64 (n,), which are in the store, the planes u8 (n,) that they lack.

    view: the store as it is; pages: i64 (n,), counted from the store's first. Returns the store as it is afterwards:
    slots change when it grows, and then only. At midnight points are granted planes one by one.
    """
    numbers = np.zeros(len(points), np.uint64)
    own = store.locate(points, points)
    _take(view, own, pages, planes, numbers)
    new = np.flatnonzero(numbers)
    if not len(new):
        return view
    slots = store.locate(points[new], POOL | numbers[new])
    if store.capacity != view.capacity:
        view, own = pages_of(store, page_records(store)), store.locate(points, points)
    _give(view, own[new], slots, points[new], planes[new], numbers[new])
    return view


@kernel
def _enter_pages(view, slots):  # type: ignore[no-untyped-def]
    for item in range(slots.shape[0]):
        view.hot[slots[item]].kind = np.uint8(PAGE)
        mark_hot(view, slots[item])


@kernel
def _take(view, own, pages, planes, numbers):  # type: ignore[no-untyped-def]
    """numbers u64 (n,): a free number of the pool for each plane, 0 where the point has it already."""
    for item in range(own.shape[0]):
        plane = np.int64(planes[item])
        record = view.hot[own[item]]
        if record.planes[plane - 1]:
            continue
        page = view.hot[view.page_slot[pages[item]]]
        number = np.int64(0)
        if page.planes[POOL_FREE]:
            number = _free_number(view, pages[item])
            page.planes[POOL_FREE] = np.uint16(page.planes[POOL_FREE] - 1)
        else:
            number = np.int64(page.planes[POOL_SIZE]) + 1
            page.planes[POOL_SIZE] = np.uint16(number)
        mark_hot(view, view.page_slot[pages[item]])
        record.planes[plane - 1] = np.uint16(number)
        mark_hot(view, own[item])
        numbers[item] = np.uint64(number)


@kernel
def _free_number(view, page):  # type: ignore[no-untyped-def]
    base = page * view.capacity
    size = np.int64(view.hot[view.page_slot[page]].planes[POOL_SIZE])
    for number in range(1, size + 1):
        slot = find_key(view.keys, base, view.capacity, POOL | np.uint64(number))
        if slot >= 0 and view.hot[slot].kind == FREE:
            view.hot[slot].kind = np.uint8(PLANE)  # taken; _give completes it
            return np.int64(number)
    return np.int64(0)


@kernel
def _give(view, own, slots, points, planes, numbers):  # type: ignore[no-untyped-def]
    """Make the slots into planes of their points, empty."""
    for item in range(own.shape[0]):
        record = view.hot[slots[item]]
        record.kind, record.plane = np.uint8(PLANE), np.uint8(planes[item])
        record.words[0] = np.int64(points[item])
        mark_hot(view, slots[item])
        for slice_ in range(view.cells.shape[0]):
            if view.cells[slice_, slots[item]]:
                write_cell(view, slots[item], slice_, 0)
            for channel in range(view.ring.shape[2]):
                if view.ring[slice_, slots[item], channel]:
                    view.ring[slice_, slots[item], channel] = 0
                    mark(view.ring_changed, view.ring_dirty, slice_, slots[item], view.capacity)


@kernel
def release(view, limits, oldest):  # type: ignore[no-untyped-def]
    """Give back the planes that no interval of the window needs any longer; those of the second halves stay.

    oldest: where the window begins, local seconds.
    """
    view = borrowed(view)
    planes = np.zeros(PLANES + 1, np.int64)
    for slot in range(view.keys.shape[0]):
        if view.hot[slot].kind != POINT:
            continue
        record = view.hot[slot]
        if record.planes[CUT_ROWS - 1] and holds_none(view, limits, list_of(view, slot), oldest):
            _return(view, slot, CUT_ROWS, list_of(view, slot))
        taken = False
        for plane in range(HIGH, PLANES + 1):
            taken = taken or record.planes[plane - 1] != 0
        if not taken:
            continue
        find_planes(view, slot, planes)
        for half in range(2):
            if planes[half] >= 0 and not _amends(view, planes[half]):
                _return(view, slot, half | AMENDED, planes[half | AMENDED])
                _return(view, slot, half | AMENDED | HIGH, planes[half | AMENDED | HIGH])
            if planes[half | HIGH] >= 0 and _is_empty(view, planes[half | HIGH]):
                _return(view, slot, half | HIGH, planes[half | HIGH])


@kernel
def _amends(view, slot):  # type: ignore[no-untyped-def]
    amends = False
    for slice_ in range(view.cells.shape[0]):
        amends = amends or is_amended(np.int64(view.cells[slice_, slot]))
    return amends


@kernel
def _is_empty(view, slot):  # type: ignore[no-untyped-def]
    for slice_ in range(view.ring.shape[0]):
        for channel in range(view.ring.shape[2]):
            if view.ring[slice_, slot, channel]:
                return False
    return True


@kernel
def _return(view, slot, plane, plane_slot):  # type: ignore[no-untyped-def]
    if plane_slot < 0:
        return
    page = view.page_slot[slot // view.capacity]
    view.hot[page].planes[POOL_FREE] = np.uint16(view.hot[page].planes[POOL_FREE] + 1)
    view.hot[slot].planes[plane - 1] = np.uint16(0)
    view.hot[plane_slot].kind = np.uint8(FREE)
    mark_hot(view, page)
    mark_hot(view, slot)
    mark_hot(view, plane_slot)


def lacking_planes(bits: int) -> list[int]:
    """Numbers of the planes that a kernel asked for."""
    return [plane for plane in range(1, CUT_ROWS + 1) if bits >> plane & 1]
