"""Classes of service points: role, tariff and band of sanctioned load, as the registry has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from agents.scorecard.kernels import pick
from pipeline.columns import Array
from pipeline.reference import Registry
from schemas.estimate_score import LOAD_BOUNDS_W, LoadClass

LOAD_SHIFT, ROLE_SHIFT = 16, 20
"""A class is a number: tariff in its lower 16 bits, then the band of load, then the role."""


class Class(NamedTuple):
    """A class in parts, each i64 (n,): as EstimateScore has them."""

    role: Array
    tariff: Array
    load_class: Array


def parts_of(numbers: Array) -> Class:
    """The parts of classes u32 (n,)."""
    wide = numbers.astype(np.int64)
    return Class(wide >> ROLE_SHIFT & 15, wide & 0xFFFF, wide >> LOAD_SHIFT & 15)


def load_classes(sanctioned_w: Array) -> Array:
    """LoadClass i64 (n,) of sanctioned loads, W."""
    found: Array = np.searchsorted(np.array(LOAD_BOUNDS_W), sanctioned_w.astype(np.int64), side="left")
    assert len(LOAD_BOUNDS_W) == LoadClass.ABOVE_100_KW
    return found


@dataclass(frozen=True)
class Classes:
    """Rows of the sampled service points in the registry, by point and time: point u64, since i64, number u32 (n,)."""

    point: Array
    since: Array
    number: Array

    def of(self, points: Array, time: int) -> Array:
        """Classes u32 (n,) of service points u64 (n,) at a time, epoch seconds UTC; 0 of those that are not known."""
        found: Array = np.zeros(len(points), np.uint32)
        if not len(self.point):
            return found
        first = np.searchsorted(self.point, points, side="left")
        last = np.searchsorted(self.point, points, side="right") - 1
        known = last >= first
        while True:
            early = known & (last > first) & (self.since[last] > time)
            if not early.any():
                break
            last[early] -= 1
        found[known] = self.number[last[known]]
        return found


def classes_of(registry: Registry, below: np.uint64) -> Classes:
    """The classes of the service points that are sampled."""
    rows = np.empty(len(registry.point), np.int64)
    rows = rows[: pick(np.ascontiguousarray(registry.point), below, rows)]
    number = registry.tariff[rows].astype(np.uint32)
    number |= load_classes(registry.sanctioned_w[rows]).astype(np.uint32) << np.uint32(LOAD_SHIFT)
    number |= registry.role[rows].astype(np.uint32) << np.uint32(ROLE_SHIFT)
    order = np.lexsort((registry.point_from[rows], registry.point[rows]))
    return Classes(registry.point[rows][order], registry.point_from[rows][order], number[order])
