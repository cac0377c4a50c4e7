"""Frames that are offered again: each is accepted once, however far its device's counter has gone on meanwhile.

When a key or a registry row comes days late, new frames of the device arrive before the old ones are offered again, and
the old ones lie behind the window of its counters. So a device of which frames are offered again has a second window,
in a row of the same tables. What the first one finds too old is judged by the second; and what the first one takes is
entered into the second as well, so that a copy that is offered when the first has long forgotten it is known.

Frames are offered in the order in which they came, so the second window goes forward as the first one did. It also
keeps an event status word of its own: that of the time in which the old frames were sent.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from agents.decode.kernels_late import remember
from agents.decode.kernels_open import GOOD, Opened
from agents.decode.kernels_rows import Memory
from agents.decode.kernels_window import TOO_OLD
from pipeline.columns import Array

LATE_DEVICE = np.uint64(1 << 63)
"""Bit that tells the second row from the first. A system title begins with three letters, so no device has it."""

LEFT_OUT = 255
"""In place of the verdict on a frame that is not looked at again; no reject code."""


def read_late(
    opened: Opened,
    requeued: Array,
    memory_of: Callable[[Array], tuple[Memory, Array]],
    read: Callable[[Opened, Memory], None],
) -> None:
    """Judge the frames of a batch again that were too old, those offered again of them; opened.code gets the verdicts.

    requeued u32 (n,): as in Parcel. memory_of gives the second rows of the frames of a mask, and the frames whose key
    has none; read reads the frames that are good so far.
    """
    again = requeued > 0
    old = again & (opened.code == TOO_OLD)
    taken = again & (opened.code == GOOD) & (opened.security != 0)
    if not (old | taken).any():
        return
    memory, without = memory_of(old | taken)
    old[without], taken[without] = False, False
    if old.any():
        second = opened._replace(code=np.where(old, GOOD, LEFT_OUT).astype(np.uint8))
        read(second, memory)
        opened.code[old] = second.code[old]
    remember(np.flatnonzero(taken), memory.windows, opened.frames.counter, opened.mark, opened.check, memory)
