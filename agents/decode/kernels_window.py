"""The window of invocation counters of a device.

The strict rule (only a counter above the newest) would lose what gateways deliver out of order after an outage, so a
bit is kept for each of the last WINDOW counters, and one octet of each frame to tell a duplicate from a replay.
"""

from __future__ import annotations

import numpy as np

from agents.decode.state import TOGETHER, WINDOW
from pipeline.codes import REJECT_NUMBER, Flag
from pipeline.jit import inlined

REPLAYED = REJECT_NUMBER["COUNTER_REPLAYED"]
TOO_OLD = REJECT_NUMBER["COUNTER_TOO_OLD"]
DUPLICATE = REJECT_NUMBER["COUNTER_DUPLICATE"]
LATE = int(Flag.COUNTER_LATE)
WORDS = WINDOW // 64


@inlined
def cell_of(counter):  # type: ignore[no-untyped-def]
    """Slice of PRINTS that has the octet of a counter."""
    return (counter & (WINDOW - 1)) // TOGETHER


@inlined
def _clear(record):  # type: ignore[no-untyped-def]
    for word in range(WORDS):
        record.seen[word] = np.uint64(0)


@inlined
def judge(record, prints, slot, counter, mark, check, strict):  # type: ignore[no-untyped-def]
    """(code, flags) of `counter` i64 for the device in `record` (COUNTERS); changes nothing.

    prints u8 (WINDOW / TOGETHER, slots, TOGETHER); `mark` is the frame's own octet, `check` u32 the check value of
    its key.
    """
    used = record.seen[0] | record.seen[1] | record.seen[2] | record.seen[3]
    newest = np.int64(record.newest)
    if used == 0 or record.check != check or counter > newest:
        return 0, 0
    if newest - counter >= WINDOW:
        return TOO_OLD, 0
    place = counter & (WINDOW - 1)
    if (record.seen[place >> 6] >> np.uint64(place & 63)) & np.uint64(1) != 0:
        return (DUPLICATE if prints[cell_of(place), slot, place % TOGETHER] == mark else REPLAYED), 0
    return (TOO_OLD, 0) if strict else (0, LATE)


@inlined
def enter(record, prints, slot, counter, mark, check):  # type: ignore[no-untyped-def]
    """Remember `counter`, which `judge` let pass."""
    used = record.seen[0] | record.seen[1] | record.seen[2] | record.seen[3]
    newest = np.int64(record.newest)
    if used == 0 or record.check != check or counter - newest >= WINDOW:
        _clear(record)
        record.check = check
        record.newest = counter
    elif counter > newest:
        for skipped in range(newest + 1, counter):
            place = skipped & (WINDOW - 1)
            record.seen[place >> 6] &= ~(np.uint64(1) << np.uint64(place & 63))
        record.newest = counter
    place = counter & (WINDOW - 1)
    record.seen[place >> 6] |= np.uint64(1) << np.uint64(place & 63)
    prints[cell_of(place), slot, place % TOGETHER] = mark
