"""Which service points an outage is of: one, or all that the registry has below a node of the network."""

from __future__ import annotations

import numpy as np

from pipeline.columns import Array
from pipeline.reference import Registry


def nodes_below(registry: Registry, node: int) -> Array:
    """The node and all that it feeds, at any level, u4."""
    below = np.array([node], np.uint32)
    while True:
        found = np.union1d(below, registry.node[np.isin(registry.node_parent, below)])
        if len(found) == len(below):
            return found
        below = found


def points_below(registry: Registry, node: int, start: int, until: int) -> Array:
    """Service points u8, ascending, that hang at a node or below it at some time in [start, until), epoch s UTC."""
    below = nodes_below(registry, node)
    rows = np.isin(registry.dt, below) | np.isin(registry.feeder, below)
    rows &= (registry.point_from < until) & (registry.point_to > start)
    return np.unique(registry.point[rows])


def knows(registry: Registry, node: int) -> bool:
    """Whether the registry has the node."""
    return bool((registry.node == np.uint32(node)).any())
