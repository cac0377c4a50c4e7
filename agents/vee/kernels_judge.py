"""What is to be thought of a row by itself."""

from __future__ import annotations

import numpy as np

from agents.vee.jit import inlined, kernel
from agents.vee.kernels_cells import MOST
from agents.vee.state import DOUBTED, GOOD, NEGATIVE, OFFERED, RANGE, SPLIT
from pipeline.channels import N_ENERGY
from pipeline.codes import REJECT_NUMBER, Flag
from pipeline.localtime import DAY_SECS

TOO_OLD, IN_FUTURE = REJECT_NUMBER["TOO_OLD"], REJECT_NUMBER["IN_FUTURE"]
SUBSTITUTES = int(Flag.HEAD_END_ESTIMATED | Flag.HEAD_END_EDITED)
SUSPECT = int(Flag.HEAD_END_SUSPECT)


@inlined
def outside(limits, clock, start, end, interval):  # type: ignore[no-untyped-def]
    """Reject code of what the window cannot hold, or 0."""
    now = clock.time + limits.offset
    today = now // DAY_SECS
    if start // DAY_SECS <= today - limits.hot_days:
        return TOO_OLD
    if start // DAY_SECS > today or (clock.ticked and end > now + interval + limits.slack):
        return IN_FUTURE
    return 0


@inlined
def judge(rows, row, link, limits, split, billed):  # type: ignore[no-untyped-def]
    """What was sent, by what its head-end says of it, and by rules V07 and V09 on the meter's side.

    billed i64 (4,) = energies times the factor.
    """
    sent = SPLIT if split else _as_declared(rows.flags[row], limits.doubted)
    for channel in range(N_ENERGY):
        energy = rows.energy[row, channel] if (rows.present[row] >> np.uint32(channel)) & np.uint32(1) else np.int64(0)
        billed[channel] = energy
        if link.numerator != 1 or link.denominator != 1:
            billed[channel] = energy * link.numerator // link.denominator
        if energy < 0:
            sent = NEGATIVE
        elif sent != NEGATIVE and _beyond(energy, billed[channel], link.limit * limits.range_percent // 100):
            sent = RANGE
    return sent


@inlined
def _as_declared(flags, doubted):  # type: ignore[no-untyped-def]
    """A head-end that calls a value suspect and estimated as well would not have it used."""
    if flags & (doubted | SUBSTITUTES) == 0:
        return GOOD
    return DOUBTED if flags & doubted else OFFERED


@kernel
def _beyond(energy, billed, limit):  # type: ignore[no-untyped-def]
    """More than the meter can pass (limit 0: not known), or than is kept."""
    return (limit > 0 and energy > limit) or billed > MOST
