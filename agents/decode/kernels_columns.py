"""Kernels that read one column of a push into the values of its row.

Sources: IEC 62056-6-2 (Data), IS 15959 part 2 (event status word: 128 bits, bit 0 the highest).
"""

from __future__ import annotations

import numpy as np

from agents.decode.kernels_axdr import BIT_STRING, BROKEN, FLOATING, INTEGER, NOTHING, big_endian, length_at, number
from agents.decode.kernels_clock import UNUSABLE, clock, clock_place
from agents.decode.kernels_open import GOOD, MALFORMED
from pipeline.channels import FIRST_PHYSICAL, FIRST_REACTIVE, N_SNAPSHOT, SNAPSHOT_INDEX
from pipeline.codes import REJECT_NUMBER
from pipeline.jit import inlined, kernel
from pipeline.templates import IGNORED, SNAPSHOT_TARGET, TIMES, WORD

TEMPLATE_UNKNOWN = REJECT_NUMBER["TEMPLATE_UNKNOWN"]

COLUMN = np.dtype([("target", "<i4"), ("multiplier", "<i4"), ("divisor", "<i4"), ("form", "<i4"), ("factor", "<f8")])
"""A column of a push as kernels take it: see TemplateArrays; `form` is one of the four below."""

NUMBER, TIME, STATUS_WORD, SKIPPED = 0, 1, 2, 3

TARGETS = SNAPSHOT_TARGET + N_SNAPSHOT
"""Values of a row: channels, then snapshot fields, at their target number."""

CHANNEL_BITS = (1 << SNAPSHOT_TARGET) - 1
"""Of the values, those that are channels."""

ESW_BITS = 128
LARGEST = 2**53
"""Values beyond this are no measurement, and would not be exact in between."""
LARGEST_PHYSICAL = 2**31 - 1


def form_of(target: int) -> int:
    """How a column with this target is read."""
    if target == IGNORED:
        return SKIPPED
    if target == SNAPSHOT_TARGET + SNAPSHOT_INDEX[WORD]:
        return STATUS_WORD
    return TIME if target in {SNAPSHOT_TARGET + SNAPSHOT_INDEX[name] for name in TIMES} else NUMBER


@inlined
def scaled(octets, p, multiplier, divisor, factor):  # type: ignore[no-untyped-def]
    """(what, value) of the number at `p` in its target's unit; OTHER when it is none, BROKEN when it is too large."""
    what, whole, floating = number(octets, p)
    if what == FLOATING:
        floating = floating * factor + 0.5
        return (INTEGER, np.int64(np.floor(floating))) if abs(floating) <= LARGEST else (BROKEN, np.int64(0))
    if what != INTEGER:
        return what, np.int64(0)
    if not -LARGEST <= whole <= LARGEST:
        return BROKEN, np.int64(0)
    whole *= multiplier
    if divisor > 1:
        whole = (whole + divisor // 2) // divisor
    return (INTEGER, whole) if -LARGEST <= whole <= LARGEST else (BROKEN, np.int64(0))


@inlined
def read_number(octets, p, column, values):  # type: ignore[no-untyped-def]
    """The number at `p` to `values`; (code, bits that are there now)."""
    what, value = scaled(octets, p, column.multiplier, column.divisor, column.factor)
    target = column.target
    if what == INTEGER:
        if FIRST_PHYSICAL <= target < SNAPSHOT_TARGET and abs(value) > LARGEST_PHYSICAL:
            return MALFORMED, np.uint64(0)
        values[target] = value
        return GOOD, np.uint64(1) << np.uint64(target)
    if what == BROKEN:
        return MALFORMED, np.uint64(0)
    return (GOOD if what == NOTHING else TEMPLATE_UNKNOWN), np.uint64(0)


@kernel
def read_other(octets, p, end, column, offset, zero_is_utc, values):  # type: ignore[no-untyped-def]
    """A time, an event status word or a skipped column; (code, bits that are there now). Unusable times are absent."""
    target = column.target
    if column.form == SKIPPED or number(octets, p)[0] == NOTHING:
        return GOOD, np.uint64(0)
    if column.form == TIME:
        place = clock_place(octets, p)
        if place < 0:
            return TEMPLATE_UNKNOWN, np.uint64(0)
        time = clock(octets, place, offset, zero_is_utc)
        values[target] = time
        return GOOD, np.uint64(time != UNUSABLE) << np.uint64(target)
    if octets[p] != BIT_STRING:
        return TEMPLATE_UNKNOWN, np.uint64(0)
    bits, place = length_at(octets, p + 1, end)
    if bits != ESW_BITS:
        return TEMPLATE_UNKNOWN, np.uint64(0)
    values[target] = np.int64(big_endian(octets, place, 8))
    values[target + 1] = np.int64(big_endian(octets, place + 8, 8))
    return GOOD, np.uint64(3) << np.uint64(target)


@inlined
def write_channels(there, values, row, energy, reactive, physical):  # type: ignore[no-untyped-def]
    """The channels that were sent to their columns."""
    for channel in range(SNAPSHOT_TARGET):
        if there == 0:
            return
        if there & np.uint64(1):
            if channel < FIRST_REACTIVE:
                energy[row, channel] = values[channel]
            elif channel < FIRST_PHYSICAL:
                reactive[row, channel - FIRST_REACTIVE] = values[channel]
            else:
                physical[row, channel - FIRST_PHYSICAL] = values[channel]
        there >>= np.uint64(1)


@kernel
def write_snapshot(there, values, place, snapshot):  # type: ignore[no-untyped-def]
    """The snapshot fields that were sent to row `place`."""
    for field in range(N_SNAPSHOT):
        if (there >> np.uint64(field)) & np.uint64(1):
            snapshot[place, field] = values[SNAPSHOT_TARGET + field]
