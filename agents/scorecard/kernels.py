"""Kernels of the scorecard stage: which service points are sampled, and their intervals into windows and out again."""

from __future__ import annotations

import numpy as np

from agents.scorecard.config import PART_PLACES
from agents.vee.estimate.model import GOOD, LACKS
from pipeline.codes import Quality
from pipeline.jit import allocating_kernel, expanded
from pipeline.localtime import DAY_SECS
from pipeline.lookup import mix
from pipeline.state import mark

SALT = np.uint64(0x6B76_6172_6E5F_7363)
"""So that the sample does not follow from the partition, which is of the same hash."""

ACTUAL = int(Quality.ACTUAL)
NO_METHOD = 0
MOST_WH = 2**32 - 2


def threshold(permille: int) -> np.uint64:
    """Hashes below it are sampled."""
    return np.uint64(min(2**64 - 1, (permille << 64) // 1000))


@allocating_kernel
def pick(points, below, rows):  # type: ignore[no-untyped-def]
    """rows i64 (n,): those of the sampled among service points u64 (n,); returns how many."""
    count = 0
    for row in range(points.shape[0]):
        if mix(points[row] ^ SALT) <= below:
            rows[count] = row
            count += 1
    return count


@allocating_kernel
def draw(points, day, out):  # type: ignore[no-untyped-def]
    """out u64 (n,): hashes of service points and a local day, which say what is tried."""
    turn = mix(np.uint64(day) + SALT)
    for item in range(points.shape[0]):
        out[item] = mix(points[item] ^ turn)


@expanded
def _word_at(windows, slot, number, size):  # type: ignore[no-untyped-def]
    place = number % size
    return np.int64(windows[place // PART_PLACES, slot].value[place % PART_PLACES])


@expanded
def _put(windows, slot, number, size, word, marks, dirty, capacity):  # type: ignore[no-untyped-def]
    place = number % size
    part = windows[place // PART_PLACES, slot]
    if part.value[place % PART_PLACES] != word:
        part.value[place % PART_PLACES] = np.uint32(word)
        mark(marks, dirty, place // PART_PLACES, slot, capacity)


@allocating_kernel
def keep(  # type: ignore[no-untyped-def]
    slots, rows, start, secs, quality, method, energy, offset, least_days, points, windows, point_marks, point_dirty,
    window_marks, window_dirty, capacity,
):  # fmt: skip
    """Take readings rows i64 (n,) of a ReadingBatch into the windows at slots i64 (n,), in order.

    The length of the newest interval holds: what is of another length is forgotten. A meter of whose intervals a
    window does not hold `least_days` local days is left out.
    """
    size = np.int64(windows.shape[0] * PART_PLACES)
    for item in range(rows.shape[0]):
        row, slot = rows[item], slots[item]
        interval, local = np.int64(secs[row]), start[row] + offset
        point = points[slot]
        if interval <= 0 or DAY_SECS % interval or local % interval or DAY_SECS // interval * least_days > size:
            continue
        good = quality[row] & np.uint64(15) == ACTUAL and method[row] == NO_METHOD and 0 <= energy[row, 0] <= MOST_WH
        number = local // interval
        forget = np.int64(0)
        if point.interval != interval:
            if not good or local <= point.newest * point.interval:
                continue
            point.interval, forget = interval, size
        elif number > point.newest:
            forget = min(number - point.newest, size)
        if forget:
            point.newest = number
            mark(point_marks, point_dirty, 0, slot, capacity)
        for old in range(number - forget + 1, number + 1):
            _put(windows, slot, old, size, np.int64(0), window_marks, window_dirty, capacity)
        if number > point.newest - size:
            word = energy[row, 0] + 1 if good else np.int64(0)
            _put(windows, slot, number, size, word, window_marks, window_dirty, capacity)


@allocating_kernel
def unfold(slots, first, points, windows, values, standings):  # type: ignore[no-untyped-def]
    """values i64 (s, n), standings u1 (s, n): n intervals from number `first` on of the windows at slots i64 (s,)."""
    size = np.int64(windows.shape[0] * PART_PLACES)
    for item in range(slots.shape[0]):
        point = points[slots[item]]
        for at in range(values.shape[1]):
            number, word = first + at, np.int64(0)
            if point.newest - size < number <= point.newest:
                word = _word_at(windows, slots[item], number, size)
            values[item, at] = max(word - 1, np.int64(0))
            standings[item, at] = GOOD if word else LACKS
