"""The kernel that enters counters of frames which were offered again into a second window of their device."""

from __future__ import annotations

import numpy as np

from agents.decode.kernels_window import enter, judge
from pipeline.jit import kernel
from pipeline.state import mark


@kernel
def remember(chosen, slots, counters, marks, checks, memory):  # type: ignore[no-untyped-def]
    """Enter the counters of frames chosen i64 (n,), as far as their windows do not have them; memory: Memory."""
    windows, prints = memory.counters, memory.prints
    for place in range(chosen.shape[0]):
        item = chosen[place]
        slot, counter = slots[item], np.int64(counters[item])
        code, _ = judge(windows[slot], prints, slot, counter, marks[item], checks[item], False)
        if code == 0:
            enter(
                windows[slot], prints, memory.prints_changed, memory.prints_dirty, slot, memory.capacity, counter,
                marks[item], checks[item],
            )  # fmt: skip
            mark(memory.counters_changed, memory.counters_dirty, 0, slot, memory.capacity)
