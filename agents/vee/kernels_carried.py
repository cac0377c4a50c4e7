"""What the cold lane changes of days behind a register that was carried on: see `kernels_registers.carry`."""

from __future__ import annotations

from agents.vee.borrow import borrowed
from agents.vee.jit import kernel
from agents.vee.kernels_cells import find_planes, set_dirty
from agents.vee.kernels_midnights import LONG
from agents.vee.kernels_words import long_at, put_long
from agents.vee.state import CARRY
from pipeline.channels import N_ENERGY

ALL_DAYS = 255


@kernel
def change_carried(pages, slot, change, planes):  # type: ignore[no-untyped-def]
    """Add change i64 (4,) to what was published since the carried register of a point, and have its days settled again.

    planes i64 (ALL_PLANES,): scratch.
    """
    pages, change, planes = borrowed(pages), borrowed(change), borrowed(planes)
    find_planes(pages, slot, planes)
    if planes[CARRY] < 0:
        return
    for channel in range(N_ENERGY):
        since = long_at(pages, planes[CARRY], LONG * channel)
        put_long(pages, planes[CARRY], LONG * channel, since + change[channel])
    set_dirty(pages, slot, ALL_DAYS)
