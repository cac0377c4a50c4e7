"""Names and levels of network nodes, by place in the registry in force."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.avro_columns import Texts, texts_of
from pipeline.codes import Level, Role
from pipeline.columns import Array
from pipeline.reference import Registry

UNKNOWN = -1
"""Place of a node that the registry does not know. It is called by its id and counts as a distribution transformer."""


@dataclass(frozen=True)
class Nodes:
    """Nodes of the registry in force, sorted: node u32 (n,), level code u8 (n,), names, and these as Avro strings.

    meter u64 (n,): the service point whose meter feeds the node, 0 where none does.
    """

    node: Array
    level: Array
    names: list[str]
    texts: Texts
    meter: Array

    def find(self, node: Array) -> Array:
        """Places i64 (m,) of nodes u32 (m,), UNKNOWN where there is none."""
        if not len(self.node):
            return np.full(len(node), UNKNOWN, np.int64)
        places = np.minimum(np.searchsorted(self.node, node), len(self.node) - 1)
        return np.where(self.node[places] == node, places, UNKNOWN)

    def levels_at(self, places: Array) -> Array:
        """Level codes i64 (m,) of the nodes at places i64 (m,)."""
        if not len(self.node):
            return np.full(len(places), int(Level.DT), np.int64)
        return np.where(places == UNKNOWN, int(Level.DT), self.level[places].astype(np.int64))

    def name(self, place: int, node: int) -> str:
        """What the node at a place is called."""
        return str(node) if place == UNKNOWN else self.names[place]

    def texts_at(self, places: Array, node: Array) -> Texts:
        """Names as Avro strings of nodes u32 (m,) at places i64 (m,)."""
        unknown = np.flatnonzero(places == UNKNOWN)
        if not len(unknown):
            return self.texts.take(places)
        # Seldom: the registry has lost a node whose readings still come.
        numbers, which = np.unique(node[unknown], return_inverse=True)
        return texts_of([*self.names, *map(str, numbers.tolist())]).take(
            _with(places, unknown, len(self.names) + which)
        )


def nodes_of(node: Array, names: list[str], level: Array, meter: Array | None = None) -> Nodes:
    """Nodes sorted by id; one without a name is called by its id. meter: None: none has one."""
    called = [name or str(number) for name, number in zip(names, node.tolist(), strict=True)]
    meter = np.zeros(len(node), np.uint64) if meter is None else meter
    return Nodes(node, level, called, texts_of(called), meter)


def meters_of(registry: Registry) -> Array:
    """Service point u64 (nodes,) whose meter feeds each node; of several the one that came last, then the least id."""
    meter = np.zeros(len(registry.node), np.uint64)
    for role, column in ((Role.DT_METER, registry.dt), (Role.FEEDER_METER, registry.feeder)):
        rows = np.flatnonzero((registry.role == int(role)) & np.isin(column, registry.node))
        # Of equal places the last one that is written stays.
        rows = rows[np.lexsort((-registry.point[rows].astype(np.int64), registry.point_from[rows]))]
        meter[np.searchsorted(registry.node, column[rows])] = registry.point[rows]
    return meter


def _with(places: Array, at: Array, values: Array) -> Array:
    out = places.copy()
    out[at] = values
    return out
