"""Second slots: room for the high parts of numbers, for the few service points that need it."""

from __future__ import annotations

import numpy as np

from agents.rating.state import MONTH_WIDE, WIDE
from pipeline.state import StateStore

_FLAGS = {"day": WIDE, "month": MONTH_WIDE}


def give_second_slot(store: StateStore, service_point: int) -> None:
    """Enter one and note it in the point's records, which stay what they are: all high parts are zero. The store may
    grow. Ids are below 2^63, as determinants have them, so no point has the key of another's second slot."""
    point = np.array([service_point], np.uint64)
    store.locate(point, ~point)
    slot = int(store.locate(point, point)[0])
    for name, flag in _FLAGS.items():
        area = store.areas[name]
        area.flat["flags"][:, slot] |= flag
        area.marks[:, slot >> 6] |= np.uint64(1) << np.uint64(slot & 63)
        area.dirty[:, slot // store.capacity] = 1
