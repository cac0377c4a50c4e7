"""A stream of numbers for each frame, in kernels: `dice` u64 (1,) is its state.

SplitMix64 (public domain), begun at a hash of seed and frame number.
"""

from __future__ import annotations

import numpy as np

from pipeline.jit import expanded
from pipeline.lookup import mix

_STEP = np.uint64(0x9E3779B97F4A7C15)


@expanded
def begin(dice, seed, frame):  # type: ignore[no-untyped-def]
    """The stream of a frame."""
    dice[0] = mix(mix(np.uint64(seed) + _STEP) + np.uint64(frame) * _STEP)


@expanded
def word(dice):  # type: ignore[no-untyped-def]
    """The next u64."""
    dice[0] += _STEP
    return mix(dice[0])


@expanded
def roll(dice, limit):  # type: ignore[no-untyped-def]
    """The next number i64 in [0, limit), limit at least 1 and below 2^31."""
    dice[0] += _STEP
    return np.int64(((mix(dice[0]) >> np.uint64(32)) * np.uint64(limit)) >> np.uint64(32))
