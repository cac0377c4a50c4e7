"""The reading that a frame's row becomes."""

from __future__ import annotations

import numpy as np

from agents.vee.jit import inlined, kernel
from agents.vee.kernels_cells import method_of, quality_of, rules_of, sent_of
from agents.vee.kernels_links import remarks
from agents.vee.kernels_order import expected_of_sent
from agents.vee.state import EMPTY, GOOD, OFFERED
from pipeline.channels import CHANNELS, FIRST_PHYSICAL, N_ENERGY
from pipeline.codes import RULE_BIT, Flag, Quality

MOVED = int(Flag.OFF_GRID)
V03 = 1 << RULE_BIT["V03"]
ACTUAL, SUSPECT, ESTIMATED = int(Quality.ACTUAL), int(Quality.SUSPECT), int(Quality.ESTIMATED)


def _nibbles(quality: int, first: int, last: int) -> np.uint64:
    return np.uint64(sum(quality << (4 * channel) for channel in range(first, last)))


N_CHANNELS = len(CHANNELS)
ALL_ACTUAL = _nibbles(ACTUAL, 0, N_CHANNELS)
ALL_SUSPECT = _nibbles(SUSPECT, 0, FIRST_PHYSICAL) | _nibbles(ACTUAL, FIRST_PHYSICAL, N_CHANNELS)
ALL_ESTIMATED = _nibbles(ESTIMATED, 0, FIRST_PHYSICAL) | _nibbles(ACTUAL, FIRST_PHYSICAL, N_CHANNELS)
ALL_PRESENT = (1 << N_CHANNELS) - 1


@inlined
def begin_reading(limits, rows, row, interval, offset, start, reading):  # type: ignore[no-untyped-def]
    """What all readings of a frame have, and that it replaces nothing."""
    reading.replaces = np.uint8(0)
    reading.service_point, reading.device = rows.service_point[row], rows.device[row]
    reading.link = rows.link[row]
    reading.interval_start, reading.interval_secs = start - limits.offset, np.uint32(interval)
    reading.revision = (np.uint64(offset) << np.uint64(20)) | np.uint64(row)
    reading.frame, reading.counter = np.int32(rows.frame[row]), rows.counter[row]


@kernel
def note_replaced(cell, scaled, old, reading):  # type: ignore[no-untyped-def]
    """Say what is replaced: `cell` with the energies `old`."""
    reading.replaces = np.uint8(1 if cell & 15 != EMPTY else 0)
    reading.prior_quality = np.uint8(quality_of(cell, scaled, 0))
    for channel in range(N_ENERGY):
        reading.prior_energy[channel] = old[channel]


@inlined
def as_sent(tables, rows, row, cell, moved, billed, reading):  # type: ignore[no-untyped-def]
    """Complete a reading with the row's own values."""
    reading.source = np.int32(row)
    reading.flags = np.uint16(rows.flags[row] | (MOVED if moved else 0))
    reading.method = np.uint8(method_of(cell))
    rules = rules_of(cell) | remarks(tables, reading.service_point, reading.interval_start, cell, billed)
    reading.rules = np.uint32(rules | (V03 if moved else 0))
    word = ALL_ACTUAL if sent_of(cell) == GOOD else ALL_ESTIMATED if sent_of(cell) >= OFFERED else ALL_SUSPECT
    reading.quality = word if rows.present[row] == ALL_PRESENT else _of_present(word, rows.present[row])
    for channel in range(N_ENERGY):
        reading.energy[channel] = billed[channel]
    if sent_of(cell) >= OFFERED:
        reading.expected_error = np.uint16(expected_of_sent(tables, rows.link[row], cell, reading.interval_secs))


@inlined
def _of_present(word, present):  # type: ignore[no-untyped-def]
    """The nibbles of the channels that are there: each of 16 bits spread to four, in steps of halves."""
    bits = np.uint64(present) & np.uint64(ALL_PRESENT)
    bits = (bits | bits << np.uint64(24)) & np.uint64(0x000000FF_000000FF)
    bits = (bits | bits << np.uint64(12)) & np.uint64(0x000F000F_000F000F)
    bits = (bits | bits << np.uint64(6)) & np.uint64(0x03030303_03030303)
    bits = (bits | bits << np.uint64(3)) & np.uint64(0x11111111_11111111)
    return word & (bits * np.uint64(15))
