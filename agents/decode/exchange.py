"""Counters around an exchange of keys: a window for the key in force, and one for its former key.

A window belongs to a key: in one row two keys in turns would begin it anew each time, and take replays. So the former
key of a device has a row of its own in the same tables, under the device with two more bits set. Everything else that
is known of the device (event status word, clock) stays in one row.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from agents.decode.kernels_exchange import find_strangers, settle
from agents.decode.kernels_open import Opened
from agents.decode.kernels_rows import Memory
from agents.decode.others import BROADCAST_OWNER, LONG_OWNER
from pipeline.columns import Array

FORMER_DEVICE = LONG_OWNER | BROADCAST_OWNER
"""Bits of the row of a device's former key. Keys of suite 2 and of broadcast have one of them each, and never both."""

Rows = Callable[[Array | None], Memory]
"""Memory of all frames, or with the slots of a mask."""
Formers = Callable[[Array], Array]
"""Slots i64 (n,) of the second rows of frames i64 (n,). Slots that were known before are good no more."""


def with_windows(
    rows: Rows, formers: Formers, chosen: Array | None, opened: Opened, usual: Array, spans: Array, *, late: bool
) -> tuple[Memory, Array]:
    """(Memory in which every frame has the window of its key; i64 (k,), frames whose key is too old to have one).

    Args:
        rows, formers: see there; `chosen` bool (n,) or None is what `rows` is asked for.
        opened: with the key that each frame was opened with.
        usual: bool (n,), frames that were opened with the usual keys of their device, and so have a SPAN.
        spans: SPAN, as in Tables.
        late: rows are those of frames that are offered again: their windows may begin anew for an older key.
    """
    memory, none = rows(chosen), np.zeros(0, np.int64)
    those = usual & (opened.span >= 0) & (opened.security != 0)
    candidates = np.flatnonzero(those if chosen is None else those & chosen)
    strangers = np.empty(len(candidates), np.int64)
    count = find_strangers(candidates, opened.check, memory, strangers)
    if count == 0:
        return memory, none
    apart = candidates[np.isin(memory.slots[candidates], memory.slots[strangers[:count]])]
    # Rows are entered first, then looked for: a table that grows moves.
    formers(apart)
    memory = rows(chosen)
    second = formers(apart)
    windows = memory.slots.copy()
    settle(apart, second, opened.check, opened.span, spans, late, memory, windows)
    older = np.flatnonzero(windows < 0)
    windows[older] = memory.slots[older]
    return memory._replace(windows=windows), older
