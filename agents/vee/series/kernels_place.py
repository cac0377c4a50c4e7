"""From readings in any order to one an interval: V02, V03, V06 and the winner of a duplicate."""

from __future__ import annotations

import numpy as np

from pipeline.columns import Array
from pipeline.jit import kernel
from pipeline.rules import RULE_BIT

V02, V03, V06 = (np.uint64(1 << RULE_BIT[code]) for code in ("V02", "V03", "V06"))


@kernel
def unbelievable(time: Array, captured: Array, ahead: int, oldest: int, flags: Array) -> None:
    """V06: a stamp, i64 (k,), is after its capture, i64 (k,), by more than `ahead` s, or older by more than `oldest`.

    captured 0: not known, and not judged.
    """
    for item in range(len(time)):
        if captured[item] and (time[item] > captured[item] + ahead or time[item] < captured[item] - oldest):
            flags[item] |= V06


@kernel
def on_grid(start: Array, length: Array, origin: int, interval: int, tolerance: int, slot: Array, moved: Array) -> None:
    """V03: the slot of each reading to `slot` i64 (k,); -1 where it is off the grid or of another length.

    moved u1 (k,): 1 where a stamp within `tolerance` s of the grid was moved to it. length i64 (k,): 0 not known.
    """
    for item in range(len(start)):
        passed = start[item] - origin
        nearest = (passed + interval // 2) // interval
        off = abs(passed - nearest * interval)
        slot[item] = -1
        if off <= tolerance and (length[item] == 0 or length[item] == interval):
            slot[item] = nearest
            moved[item] = 1 if off else 0


@kernel
def winners(
    slot: Array, value: Array, rank: Array, push: Array, captured: Array, source: Array, chosen: Array, same: Array,
    other: Array,
) -> None:  # fmt: skip
    """V02: of several readings of an interval the winner, whatever the order in which they come.

    rank u1 (k,): actual above edited above estimated above suspect; then a profile before a push (push u1); the later
    capture, i64; the smaller source u4 (its place in the order of sources); the larger value. To chosen i64 (n,): its
    row, -1 for none; same, other i32 (n,): how many further readings have its value, or another of its rank.
    """
    for item in range(len(slot)):
        place = slot[item]
        if place < 0:
            continue
        held = chosen[place]
        if held < 0 or _before(item, held, value, rank, push, captured, source):
            chosen[place] = item
    for item in range(len(slot)):
        place = slot[item]
        if place < 0 or chosen[place] == item:
            continue
        held = chosen[place]
        if value[item] == value[held]:
            same[place] += 1
        elif rank[item] == rank[held]:
            other[place] += 1


@kernel
def _before(left: int, right: int, value: Array, rank: Array, push: Array, captured: Array, source: Array) -> bool:
    """The reading `left` wins over `right`."""
    if rank[left] != rank[right]:
        return bool(rank[left] > rank[right])
    if push[left] != push[right]:
        return bool(push[left] < push[right])
    if captured[left] != captured[right]:
        return bool(captured[left] > captured[right])
    if source[left] != source[right]:
        return bool(source[left] < source[right])
    return bool(value[left] > value[right])
