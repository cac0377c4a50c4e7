"""Names and levels of network nodes, by place in the registry in force."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.avro_columns import Texts, texts_of
from pipeline.codes import Level
from pipeline.columns import Array

UNKNOWN = -1
"""Place of a node that the registry does not know. It is called by its id and counts as a distribution transformer."""


@dataclass(frozen=True)
class Nodes:
    """Nodes of the registry in force, sorted: node u32 (n,), level code u8 (n,), names, and these as Avro strings."""

    node: Array
    level: Array
    names: list[str]
    texts: Texts

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


def nodes_of(node: Array, names: list[str], level: Array) -> Nodes:
    """Nodes sorted by id; one without a name is called by its id."""
    called = [name or str(number) for name, number in zip(names, node.tolist(), strict=True)]
    return Nodes(node, level, called, texts_of(called))


def _with(places: Array, at: Array, values: Array) -> Array:
    out = places.copy()
    out[at] = values
    return out
