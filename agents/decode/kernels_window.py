"""The window of invocation counters of a device.

The strict rule (only a counter above the newest) would lose what gateways deliver out of order after an outage, so an
octet of each of the last WINDOW frames is kept: which counters have come, and whether one comes again as a duplicate or
as a replay.
"""

from __future__ import annotations

import numpy as np

from agents.decode.state import TOGETHER, WINDOW
from pipeline.codes import REJECT_NUMBER, Flag
from pipeline.jit import inlined
from pipeline.state import mark as note

REPLAYED = REJECT_NUMBER["COUNTER_REPLAYED"]
TOO_OLD = REJECT_NUMBER["COUNTER_TOO_OLD"]
DUPLICATE = REJECT_NUMBER["COUNTER_DUPLICATE"]
LATE = int(Flag.COUNTER_LATE)
CELLS = WINDOW // TOGETHER
LARGEST_MARK = np.uint8(255)


@inlined
def cell_of(counter):  # type: ignore[no-untyped-def]
    """Slice of PRINTS that has the octet of a counter."""
    return (counter & (WINDOW - 1)) // TOGETHER


@inlined
def print_of(mark):  # type: ignore[no-untyped-def]
    """What is kept of a frame whose octet is `mark` u8: not 0."""
    return mark if mark != 0 else LARGEST_MARK


@inlined
def is_used(record, prints, slot):  # type: ignore[no-untyped-def]
    """Whether the device in `record` (COUNTERS) has sent something under its key."""
    return record.newest != 0 or prints[0, slot, 0] != 0


@inlined
def clear(prints, changed, dirty, slot, capacity):  # type: ignore[no-untyped-def]
    """No counter has come."""
    for cell in range(CELLS):
        there = False
        for place in range(TOGETHER):
            there = there or prints[cell, slot, place] != 0
            prints[cell, slot, place] = np.uint8(0)
        if there:
            note(changed, dirty, cell, slot, capacity)


@inlined
def judge(record, prints, slot, counter, mark, check, strict):  # type: ignore[no-untyped-def]
    """(code, flags) of `counter` i64 for the device in `record` (COUNTERS); changes nothing.

    prints u8 (WINDOW / TOGETHER, slots, TOGETHER); `mark` is the frame's own octet, `check` u32 the check value of
    its key.
    """
    newest = np.int64(record.newest)
    if record.check != check or counter > newest or not is_used(record, prints, slot):
        return 0, 0
    if newest - counter >= WINDOW:
        return TOO_OLD, 0
    found = prints[cell_of(counter), slot, counter % TOGETHER]
    if found != 0:
        return (DUPLICATE if found == print_of(mark) else REPLAYED), 0
    return (TOO_OLD, 0) if strict else (0, LATE)


@inlined
def enter(record, prints, changed, dirty, slot, capacity, counter, mark, check):  # type: ignore[no-untyped-def]
    """Remember `counter`, which `judge` let pass; changed and dirty are the marks of `prints`."""
    newest = np.int64(record.newest)
    if record.check != check or not is_used(record, prints, slot) or counter - newest >= WINDOW:
        clear(prints, changed, dirty, slot, capacity)
        record.check = check
        record.newest = counter
    elif counter > newest:
        for skipped in range(newest + 1, counter):
            if prints[cell_of(skipped), slot, skipped % TOGETHER] != 0:
                prints[cell_of(skipped), slot, skipped % TOGETHER] = np.uint8(0)
                note(changed, dirty, cell_of(skipped), slot, capacity)
        record.newest = counter
    prints[cell_of(counter), slot, counter % TOGETHER] = print_of(mark)
    note(changed, dirty, cell_of(counter), slot, capacity)
