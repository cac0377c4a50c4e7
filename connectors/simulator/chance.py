"""Chance without state: every draw is a hash of (seed, purpose, id, when); nothing depends on the order of drawing."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from pipeline.columns import Array
from pipeline.jit import allocating_kernel, expanded
from pipeline.lookup import mix

_ID = np.uint64(0x9E3779B97F4A7C15)
_WHEN = np.uint64(0xD1B54A32D192ED03)
_PURPOSE = np.uint64(0x8CB92BA72F3D8DD7)
_HALF = np.uint64(32)

MILLION = 1_000_000


class Purpose(IntEnum):
    """What a draw decides; each purpose has its own stream."""

    CLASS = 1
    SIZE = 2
    MODEL = 3
    TRANSPORT = 4
    SOLAR = 5
    KEY = 6
    REGISTER = 7
    FACTOR = 8
    NETWORK = 9
    DAY = 10
    NOISE = 11
    APPLIANCE = 12
    CLOUD = 13
    FRAME_FAULT = 14
    FAULT_DETAIL = 15
    CHOICE = 16
    SPELL = 17
    DELAY = 18
    VOLTAGE = 19
    DAMAGE = 20
    INSTANT = 21
    ALERT = 22
    BURST = 23
    RENEWAL = 24


@expanded
def draw(seed, purpose, item, when):  # type: ignore[no-untyped-def]
    """u64 from four integers."""
    x = mix(np.uint64(seed) + np.uint64(purpose) * _PURPOSE + _ID)
    x = mix(x + np.uint64(item) * _ID)
    return mix(x + np.uint64(when) * _WHEN)


@expanded
def below(value, limit):  # type: ignore[no-untyped-def]
    """A drawn u64 -> i64 in [0, limit), limit < 2^31."""
    return np.int64(((np.uint64(value) >> _HALF) * np.uint64(limit)) >> _HALF)


@allocating_kernel
def _draws(seed, purpose, items, when, out):  # type: ignore[no-untyped-def]
    for row in range(items.shape[0]):
        out[row] = draw(seed, purpose, items[row], when)


def draws(seed: int, purpose: Purpose, items: Array, when: int = 0) -> Array:
    """u64 (n,), one draw for each id in `items`."""
    out = np.empty(len(items), np.uint64)
    _draws(np.uint64(seed), np.uint64(purpose), np.ascontiguousarray(items, np.uint64), np.uint64(when), out)
    return out


def between(values: Array, low: int, high: int) -> Array:
    """Drawn u64 (n,) -> i64 (n,) in [low, high]."""
    span = np.uint64(high - low + 1)
    return (((values >> _HALF) * span) >> _HALF).astype(np.int64) + low


def happens(values: Array, share: float) -> Array:
    """Drawn u64 (n,) -> bool (n,), true for about `share` of them."""
    return between(values, 0, MILLION - 1) < round(share * MILLION)


def choose(values: Array, eligible: Array, count: int) -> Array:
    """Rows of the `count` smallest draws among `eligible` bool (n,), ascending."""
    rows = np.flatnonzero(eligible)
    order = np.lexsort((rows, values[rows]))
    return np.sort(rows[order[:count]])
