"""Kernels that find the window of counters which belongs to a frame's key, where a device has several keys.

The row of a device has the window of its newest key. When a newer one comes, what is there moves to a second row, that
of the former key. Both stand in `Memory.counters`; a row without a check value has no key yet.
"""

from __future__ import annotations

import numpy as np

from agents.decode.kernels_window import CELLS, clear, is_used
from agents.decode.state import TOGETHER
from pipeline.jit import AHEAD, inlined, kernel, prefetch
from pipeline.state import mark


@inlined
def is_free(memory, slot):  # type: ignore[no-untyped-def]
    """Whether the window at `slot` belongs to no key."""
    return memory.counters[slot].check == 0 and not is_used(memory.counters[slot], memory.prints, slot)


@inlined
def begin(memory, slot, check):  # type: ignore[no-untyped-def]
    """The window at `slot` is that of a key which has sent nothing."""
    record = memory.counters[slot]
    clear(memory.prints, memory.prints_changed, memory.prints_dirty, slot, memory.capacity)
    record.newest = 0
    record.check = check
    mark(memory.counters_changed, memory.counters_dirty, 0, slot, memory.capacity)


@inlined
def move(memory, source, target):  # type: ignore[no-untyped-def]
    """The window at `source` stands at `target` too."""
    old, new = memory.counters[source], memory.counters[target]
    new.newest = old.newest
    new.check = old.check
    mark(memory.counters_changed, memory.counters_dirty, 0, target, memory.capacity)
    for cell in range(CELLS):
        differs = False
        for place in range(TOGETHER):
            differs = differs or memory.prints[cell, target, place] != memory.prints[cell, source, place]
            memory.prints[cell, target, place] = memory.prints[cell, source, place]
        if differs:
            mark(memory.prints_changed, memory.prints_dirty, cell, target, memory.capacity)


@inlined
def place_of(spans, span, check):  # type: ignore[no-untyped-def]
    """The row of `spans` with this check value, of the device that row `span` is of; -1: the key is there no more."""
    device = spans[span].device
    while span > 0 and spans[span - 1].device == device:
        span -= 1
    while span < spans.shape[0] and spans[span].device == device:
        if spans[span].check == check:
            return np.int64(span)
        span += 1
    return np.int64(-1)


@kernel
def find_strangers(chosen, checks, memory, found):  # type: ignore[no-untyped-def]
    """Of the frames chosen i64 (n,), those whose key is not that of their device's row, into found i64 (n,); how many.

    A row without a key gets that of the first frame.
    """
    windows, slots, count = memory.counters, memory.slots, 0
    for place in range(chosen.shape[0]):
        if place + AHEAD < chosen.shape[0]:
            prefetch(windows, slots[chosen[place + AHEAD]])
        item = chosen[place]
        slot = slots[item]
        if is_free(memory, slot):
            begin(memory, slot, checks[item])
        elif windows[slot].check != checks[item]:
            found[count] = item
            count += 1
    return count


@kernel
def settle(chosen, formers, checks, of_frame, spans, late, memory, windows_of):  # type: ignore[no-untyped-def]
    """Give each key of the devices of the frames chosen i64 (n,) its window, then each frame that of its key.

    Args:
        formers: i64 (n,), second rows of the devices.
        checks, of_frame: u32 and i64 of all frames, check value and row of SPAN of the key that opened it.
        late: whether the former key's window may begin anew for one that is older still.
        windows_of: i64 of all frames, gets the row; -1 where the key is older than both that have one.
    """
    windows, slots = memory.counters, memory.slots
    for place in range(chosen.shape[0]):
        item, former = chosen[place], formers[place]
        slot, check, span = slots[item], checks[item], of_frame[item]
        if windows[slot].check == check or windows[former].check == check:
            continue
        if span > place_of(spans, span, windows[slot].check):
            move(memory, slot, former)
            begin(memory, slot, check)
        elif late or is_free(memory, former) or span > place_of(spans, span, windows[former].check):
            begin(memory, former, check)
    for place in range(chosen.shape[0]):
        item = chosen[place]
        slot = slots[item]
        if windows[slot].check != checks[item]:
            slot = formers[place] if windows[formers[place]].check == checks[item] else np.int64(-1)
        windows_of[item] = slot
