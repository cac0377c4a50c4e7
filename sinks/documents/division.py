"""Records of one division: of service points that a node of the network feeds, whatever lies between."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.columns import Array
from pipeline.errors import ConfigError
from pipeline.reference import Registry
from sinks.documents.tables import mappings_of
from sinks.plain import PlainRows
from sinks.records import Record


def points_of(registry: Registry, division: str) -> Array:
    """Service points, u64 sorted, that a node feeds; it is named as in the registry, or by its id.

    Raises ConfigError when the registry has no such node.
    """
    names = [name.decode("utf-8", "replace") for name in registry.node_name.tolist()]
    ids = registry.node.tolist()
    inside = {id for id, name in zip(ids, names, strict=True) if division in (name, str(id))}
    if not inside:
        raise ConfigError(
            "DIVISION_UNKNOWN", where=division, what="no node of the network has this name or id",
            do="name a node as it stands in network.csv, or correct the registry",
        )  # fmt: skip
    parents = dict(zip(ids, registry.node_parent.tolist(), strict=True))
    fed = np.array(sorted(id for id in ids if _is_below(id, inside, parents)), np.int64)
    mask = np.isin(registry.dt, fed) | np.isin(registry.feeder, fed)
    found: Array = np.unique(registry.point[mask])
    return found


def _is_below(node: int, inside: set[int], parents: dict[int, int]) -> bool:
    seen: set[int] = set()
    while node and node not in seen:
        if node in inside:
            return True
        seen.add(node)
        node = parents.get(node, 0)
    return False


def of_points(records: list[Record], points: Array) -> list[Record]:
    """Plain records of these service points."""
    found = []
    for record in records:
        if isinstance(record.value, PlainRows):
            mine = np.array([row["service_point"] for row in mappings_of([record])], np.uint64)
            rows = record.value.kept(np.isin(mine, points))
            found += [replace(record, value=rows)] if len(rows) else []
    return found
