"""Grant planes to service points out of their page's pool."""

from __future__ import annotations

from functools import cache

import numpy as np

from agents.vee.borrow import borrowed
from agents.vee.jit import kernel
from agents.vee.kernels_cells import find_key, find_planes, is_amended, mark_hot
from agents.vee.kernels_midnights import uses_full
from agents.vee.kernels_part_rows import holds_none
from agents.vee.kernels_said_rows import is_said, says_nothing
from agents.vee.kernels_words import cell_of, is_outside, mark_word, put_word, word_at
from agents.vee.state import (
    ALL_PLANES,
    AMENDED,
    CARRY,
    CUT_ROWS,
    CUT_ROWS_MORE,
    EXPORT,
    EXPORT_WIDE,
    FREE,
    GROUPS,
    IMPORT_WIDE,
    MEMBERS,
    MIDNIGHTS,
    PAGE,
    PLANE,
    POINT,
    POOL,
    SAID,
    SAID_PLANES,
    TOP,
    WH,
    Pages,
    pages_of,
)
from agents.vee.tables import page_of
from pipeline.columns import Array
from pipeline.errors import Fatal
from pipeline.lookup import PAGE_GROUPS, PAGES
from pipeline.state import StateStore, mark

MOST_PLANES = 2**16 - 1
"""Numbers of a page's pool: its keys are POOL | number, and a record names the next plane with 16 bits."""


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
    numbers, behind = np.zeros(len(points), np.uint64), np.zeros(len(points), np.uint16)
    own = store.locate(points, points)
    full = _take(view, own, pages, planes, numbers, behind)
    if full >= 0:
        raise Fatal(
            "PLANES_EXHAUSTED",
            where=f"service point {points[full]}",
            what=f"{MOST_PLANES} planes of its page are taken (export, half intervals, large energies)",
            do="set vee.slot_secs to the shortest interval that many meters have, so that they need no second halves",
        )
    new = np.flatnonzero(numbers)
    if not len(new):
        return view
    slots = store.locate(points[new], POOL | numbers[new])
    if store.capacity != view.capacity:
        view, own = pages_of(store, page_records(store)), store.locate(points, points)
    _give(view, slots, planes[new], behind[new])
    return view


@kernel
def _enter_pages(view, slots):  # type: ignore[no-untyped-def]
    for item in range(slots.shape[0]):
        view.hot[slots[item]].kind = np.uint8(PAGE)
        mark_hot(view, slots[item])


@kernel
def _take(view, own, pages, planes, numbers, behind):  # type: ignore[no-untyped-def]
    """Put each plane that the point has not yet before its chain: numbers u64 (n,), free ones of the pool, 0 where the
    point has the plane; behind u16 (n,): the number of the plane that comes next.

    Returns -1, or the first item for which the page has no number any more."""
    for item in range(own.shape[0]):
        numbers[item] = np.uint64(0 if _has(view, own[item], np.int64(planes[item])) else 1)
    for item in range(own.shape[0]):
        if numbers[item] == 0:
            continue
        record, page = view.hot[own[item]], view.hot[view.page_slot[pages[item]]]
        number = np.int64(0)
        if page.link:
            number = _free_number(view, pages[item])
            page.link = np.uint32(page.link - 1)
        elif page.chain == MOST_PLANES:
            return item
        else:
            number = np.int64(page.chain) + 1
            page.chain = np.uint16(number)
        mark_hot(view, view.page_slot[pages[item]])
        behind[item] = record.chain
        record.chain = np.uint16(number)
        mark_hot(view, own[item])
        numbers[item] = np.uint64(number)
    return -1


@kernel
def _has(view, slot, plane):  # type: ignore[no-untyped-def]
    base, number = slot - slot % view.capacity, view.hot[slot].chain
    while number:
        at = find_key(view.keys, base, view.capacity, POOL | np.uint64(number))
        if view.hot[at].plane == plane:
            return True
        number = view.hot[at].chain
    return False


@kernel
def _free_number(view, page):  # type: ignore[no-untyped-def]
    base = page * view.capacity
    size = np.int64(view.hot[view.page_slot[page]].chain)
    for number in range(1, size + 1):
        slot = find_key(view.keys, base, view.capacity, POOL | np.uint64(number))
        if slot >= 0 and view.hot[slot].kind == FREE:
            view.hot[slot].kind = np.uint8(PLANE)  # taken; _give completes it
            return np.int64(number)
    return np.int64(0)


@kernel
def _give(view, slots, planes, behind):  # type: ignore[no-untyped-def]
    """Make the slots into planes, empty."""
    for item in range(slots.shape[0]):
        slot = slots[item]
        record = view.hot[slot]
        record.kind, record.plane, record.chain = np.uint8(PLANE), np.uint8(planes[item]), behind[item]
        mark_hot(view, slot)
        for slice_ in range(view.ring.shape[0]):
            if word_at(view, slice_, slot):
                put_word(view, slice_, slot, 0)
                mark_word(view, slice_, slot)
        for slice_ in range(view.registers.shape[0]):
            if view.registers[slice_, slot]:
                view.registers[slice_, slot] = 0
                mark(view.registers_changed, view.registers_dirty, slice_, slot, view.capacity)


@kernel
def release(view, limits, oldest):  # type: ignore[no-untyped-def]
    """Give back the planes that nothing of the window needs any longer; those of the second halves stay.

    oldest: where the window begins, local seconds.
    """
    view = borrowed(view)
    planes = np.zeros(ALL_PLANES, np.int64)
    for slot in range(view.keys.shape[0]):
        if view.hot[slot].kind != POINT or view.hot[slot].chain == 0:
            continue
        find_planes(view, slot, planes)
        if planes[CUT_ROWS] >= 0 and holds_none(view, limits, (planes[CUT_ROWS], planes[CUT_ROWS_MORE]), oldest):
            _return(view, slot, planes, CUT_ROWS)
            _return(view, slot, planes, CUT_ROWS_MORE)
        _release_said(view, limits, slot, planes, oldest)
        if planes[MIDNIGHTS] >= 0 and not uses_full(view, slot):
            _return(view, slot, planes, MIDNIGHTS)
        if planes[CARRY] >= 0 and view.hot[slot].carried == 0:
            _return(view, slot, planes, CARRY)
        for group in range(GROUPS):
            base, own = group * MEMBERS, planes[(group & ~AMENDED) * MEMBERS]
            if group & AMENDED and is_said(planes):
                continue  # kept for what comes behind an edit
            if group & AMENDED and own >= 0 and not _amends(view, own):
                for member in range(MEMBERS):
                    _return(view, slot, planes, base + member)
                continue
            _release_wide(view, slot, planes, base, base + IMPORT_WIDE)
            _release_wide(view, slot, planes, base + EXPORT, base + EXPORT_WIDE)
            if planes[base + EXPORT] >= 0 and _is_empty(view, planes[base + EXPORT]):
                _return(view, slot, planes, base + EXPORT)


@kernel
def _release_said(view, limits, slot, planes, oldest):  # type: ignore[no-untyped-def]
    if is_said(planes) and says_nothing(view, limits, planes, oldest):
        for plane in range(SAID, SAID + SAID_PLANES):
            _return(view, slot, planes, plane)


@kernel
def _release_wide(view, slot, planes, first, wide):  # type: ignore[no-untyped-def]
    """Give back what holds energies outside of the words of plane `first`, if none of them is outside."""
    taken = False
    for plane in range(wide + WH, wide + TOP + 1):
        taken = taken or planes[plane] >= 0
    if taken and not _goes_outside(view, planes[first]):
        for plane in range(wide + WH, wide + TOP + 1):
            _return(view, slot, planes, plane)


@kernel
def _goes_outside(view, slot):  # type: ignore[no-untyped-def]
    if slot >= 0:
        for slice_ in range(view.ring.shape[0]):
            if is_outside(word_at(view, slice_, slot)):
                return True
    return False


@kernel
def _amends(view, slot):  # type: ignore[no-untyped-def]
    amends = False
    for slice_ in range(view.ring.shape[0]):
        amends = amends or is_amended(cell_of(word_at(view, slice_, slot)))
    return amends


@kernel
def _is_empty(view, slot):  # type: ignore[no-untyped-def]
    for slice_ in range(view.ring.shape[0]):
        if word_at(view, slice_, slot):
            return False
    empty = True
    for slice_ in range(view.registers.shape[0]):
        empty = empty and view.registers[slice_, slot] == 0
    return empty


@kernel
def _return(view, slot, planes, plane):  # type: ignore[no-untyped-def]
    """Take a plane out of its point's chain; planes i64 (ALL_PLANES,) forgets it."""
    leaving = planes[plane]
    if leaving < 0:
        return
    base, before, page = slot - slot % view.capacity, slot, view.page_slot[slot // view.capacity]
    number = view.hot[slot].chain
    while number:
        at = find_key(view.keys, base, view.capacity, POOL | np.uint64(number))
        if at == leaving:
            break
        before, number = at, view.hot[at].chain
    view.hot[before].chain = view.hot[leaving].chain
    view.hot[leaving].kind, view.hot[leaving].chain = np.uint8(FREE), np.uint16(0)
    view.hot[page].link = np.uint32(view.hot[page].link + 1)
    planes[plane] = -1
    mark_hot(view, page)
    mark_hot(view, before)
    mark_hot(view, leaving)


def lacking_of(slots: Array, bits: Array) -> tuple[Array, Array]:
    """(slots i64, planes u8) of what each of some slots lacks, bits i64 (n,)."""
    item, plane = np.nonzero((bits[:, None] >> np.arange(ALL_PLANES)) & 1)
    return slots[item], plane.astype(np.uint8)


def lacking_planes(bits: int) -> list[int]:
    """Numbers of the planes that a kernel asked for."""
    return [plane for plane in range(1, ALL_PLANES) if bits >> plane & 1]
