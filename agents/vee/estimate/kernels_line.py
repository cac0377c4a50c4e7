"""E03, the line between two good neighbours, and the nearest good value carried on."""

from __future__ import annotations

import numpy as np

from agents.vee.estimate.model import GOOD
from agents.vee.jit import inlined, kernel


@inlined
def nearest(numerator, denominator):  # type: ignore[no-untyped-def]
    """The nearest whole number to a fraction, a half up; denominator > 0."""
    return (2 * numerator + denominator) // (2 * denominator)


@kernel
def line(series, first, last, out, used):  # type: ignore[no-untyped-def]
    """E03: out[first + k - 1] = a + k (b - a) / (m + 1), k = 1..m.

    The flat value of one side when the other is missing. An interval that is not GOOD is no end. Returns how many ends
    there were; their indices are in `used`.
    """
    left = first > 0 and series.standing[first - 1] == GOOD
    right = last + 1 < series.value.size and series.standing[last + 1] == GOOD
    if not left and not right:
        return 0
    if not left or not right:
        used[0] = first - 1 if left else last + 1
        for at in range(first, last + 1):
            out[at] = series.value[used[0]]
        return 1
    used[0], used[1] = first - 1, last + 1
    low, high = series.value[first - 1], series.value[last + 1]
    steps = np.int64(last - first + 2)
    for at in range(first, last + 1):
        step = at - first + 1
        out[at] = nearest(low * (steps - step) + high * step, steps)
    return 2


@kernel
def carry(series, first, last, out, used):  # type: ignore[no-untyped-def]
    """The last good interval before carried on, else the first one after carried back. Returns 1, or 0 without any."""
    near = first - 1
    while near >= 0 and series.standing[near] != GOOD:
        near -= 1
    if near < 0:
        near = last + 1
        while near < series.value.size and series.standing[near] != GOOD:
            near += 1
        if near == series.value.size:
            return 0
    used[0] = near
    for at in range(first, last + 1):
        out[at] = series.value[near]
    return 1
