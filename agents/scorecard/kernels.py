"""Kernels of the scorecard stage: which service points are sampled, and their intervals into windows and out again."""

from __future__ import annotations

import numpy as np

from agents.scorecard.config import PART_PLACES
from agents.scorecard.state import INTERVAL, OWNER, TAG, VALUES
from agents.vee.estimate.model import GOOD, LACKS
from pipeline.codes import Quality
from pipeline.jit import allocating_kernel, expanded
from pipeline.keyed import find_slot
from pipeline.localtime import DAY_SECS
from pipeline.lookup import mix
from pipeline.state import mark

SALT = np.uint64(0x6B76_6172_6E5F_7363)
"""So that the sample does not follow from the partition, which is of the same hash."""

LARGEST = np.uint64(2**63 - 1)
"""Of keys of parts: those of sums lie above."""

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
def part_key(point, part):  # type: ignore[no-untyped-def]
    """Key of a part of a window. Should two points share one by chance, the first has it (`ROW.owner`)."""
    return (mix(mix(point ^ SALT) + np.uint64(part)) & LARGEST) | np.uint64(1)


@allocating_kernel
def address(rows, points, start, secs, offset, parts, least_days, keys):  # type: ignore[no-untyped-def]
    """keys u64 (n,) of the parts that readings rows i64 (n,) of a ReadingBatch go to; a row that goes nowhere is left
    out of `rows`. Returns how many are left.

    A meter of whose intervals `parts` do not hold `least_days` local days is left out.
    """
    count = 0
    for item in range(rows.shape[0]):
        row = rows[item]
        interval, local = np.int64(secs[row]), start[row] + offset
        if interval <= 0 or DAY_SECS % interval or local % interval or local < 0:
            continue
        if DAY_SECS // interval * least_days > parts * PART_PLACES:
            continue
        rows[count] = row
        keys[count] = part_key(points[row], local // interval // PART_PLACES % parts)
        count += 1
    return count


@allocating_kernel
def keep(  # type: ignore[no-untyped-def]
    heads, parts, taken, points, start, secs, quality, method, energy, offset, words, longs, marks, dirty, capacity
):
    """Take readings `taken` i64 (n,) of a ReadingBatch into the rows: heads at slots i64 (n,), parts at slots i64 (n,).

    The length of the newest interval holds: what is of another length is forgotten. words, longs: `state`.
    """
    for item in range(taken.shape[0]):
        row, head, part = taken[item], heads[item], parts[item]
        interval, local = np.int64(secs[row]), start[row] + offset
        good = quality[row] & np.uint64(15) == ACTUAL and method[row] == NO_METHOD and 0 <= energy[row, 0] <= MOST_WH
        number = local // interval
        newest, known = np.int64(words[head, TAG]), np.int64(words[head, INTERVAL])
        if known != interval and (not good or local <= newest * known):
            continue
        if known != interval or number > newest:
            longs[head, OWNER] = points[row]
            words[head, TAG], words[head, INTERVAL] = np.uint32(number), np.uint32(interval)
            mark(marks, dirty, 0, head, capacity)
        block, tag = number // PART_PLACES, np.int64(words[part, TAG])
        if longs[part, OWNER] != 0 and longs[part, OWNER] != points[row]:
            continue
        if longs[part, OWNER] == 0 or np.int64(words[part, INTERVAL]) != interval or block > tag:
            longs[part, OWNER] = points[row]
            words[part, TAG], words[part, INTERVAL] = np.uint32(block), np.uint32(interval)
            for place in range(PART_PLACES):
                words[part, VALUES + place] = np.uint32(0)
        elif block < tag:
            continue
        word = energy[row, 0] + 1 if good else np.int64(0)
        words[part, VALUES + number % PART_PLACES] = np.uint32(word)
        mark(marks, dirty, 0, part, capacity)


@allocating_kernel
def unfold(  # type: ignore[no-untyped-def]
    points, interval, first, parts, keys, pages, capacity, words, longs, values, standings
):
    """values i64 (s, n), standings u1 (s, n): n intervals from number `first` on of service points u64 (s,)."""
    for item in range(points.shape[0]):
        slot, known = np.int64(-1), np.int64(-1)
        for at in range(values.shape[1]):
            number, word = first + at, np.int64(0)
            block = number // PART_PLACES
            if block != known:
                known = block
                slot = find_slot(part_key(points[item], block % parts), keys, pages, capacity)
                if slot >= 0 and (
                    longs[slot, OWNER] != points[item]
                    or np.int64(words[slot, INTERVAL]) != interval
                    or np.int64(words[slot, TAG]) != block
                ):
                    slot = np.int64(-1)
            if slot >= 0:
                word = np.int64(words[slot, VALUES + number % PART_PLACES])
            values[item, at] = max(word - 1, np.int64(0))
            standings[item, at] = GOOD if word else LACKS
