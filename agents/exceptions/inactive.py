"""Service points that nobody should use anything at (V24): their account is closed, or none was ever opened."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.codes import Role
from pipeline.columns import Array
from pipeline.reference import FOREVER, Registry


class Spans(NamedTuple):
    """Service points in a time of theirs: point u64 (n,), since and until i64 (n,) epoch seconds UTC."""

    point: Array
    since: Array
    until: Array

    def among(self, points: Array, starts: Array, secs: int = 0) -> Array:
        """Mask of points u64 (n,) that are in such a time at starts i64 (n,), and `secs` long from then on."""
        found = np.zeros(len(points), bool)
        if len(self.point):
            for start in np.unique(starts).tolist():
                of_day = self.point[(self.since <= start) & (self.until > start) & (self.until >= start + secs)]
                found |= (starts == start) & np.isin(points, of_day)
        return found


def inactive_of(registry: Registry) -> Spans:
    """Consumers' times without an account: rows without one, and what no row of the point holds behind its first one.

    A registry in which no consumer has an account does not keep them, and says nothing of who is inactive.
    """
    consumer = registry.role == int(Role.CONSUMER)
    if not (consumer & (registry.account != 0)).any():
        return Spans(np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(0, np.int64))
    rows = np.flatnonzero(consumer)
    rows = rows[np.lexsort((registry.point_from[rows], registry.point[rows]))]
    point, until = registry.point[rows], registry.point_to[rows]
    follows = np.zeros(len(rows), bool)
    follows[:-1] = point[1:] == point[:-1]
    after = np.full(len(rows), FOREVER, np.int64)
    after[:-1][follows[:-1]] = registry.point_from[rows][1:][follows[:-1]]
    gaps = np.flatnonzero(until < after)
    closed = np.flatnonzero(registry.account[rows] == 0)
    return Spans(
        np.concatenate([point[closed], point[gaps]]),
        np.concatenate([registry.point_from[rows][closed], until[gaps]]),
        np.concatenate([until[closed], after[gaps]]),
    )
