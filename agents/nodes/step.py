"""The node-energy step: the only re-key of the system. Sums go out at ticks, one record to each losses partition.

The partition is that of the node's number alone. Were it that of the feeder above, a transformer that is moved to
another feeder would get a second balance of the same day elsewhere. Every tick and control record goes to every losses
partition, with or without rows: they must know that nothing is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from agents.nodes.config import NodesConfig
from agents.nodes.kernels import CHANGE, LINK, address, changes, collect, link_nodes
from agents.nodes.state import LAYOUT, PENDING
from pipeline.answers import of_corrected_days
from pipeline.batch import NodeEnergy, ReadingBatch
from pipeline.columns import Array, empty
from pipeline.errors import ContractError
from pipeline.keyed import NODE_SHIFT, locate, retain, spread
from pipeline.reference import References, Registry
from pipeline.state import Layout, StateStore
from pipeline.step import Advance, Emission, Parcel

KEPT = ("point", "point_from", "role", "dt", "feeder")
"""Columns of the registry that are asked for while it is in force."""


@dataclass(frozen=True)
class Prepared:
    """Tables of the registry in force: its columns KEPT, links LINK (links,)."""

    registry: Registry
    links: Array


class NodesStep:
    """Energy by network node and interval."""

    name = "nodes"
    outputs: Mapping[str, str] = {"node_energy": "NodeEnergy"}
    layout: Layout = LAYOUT

    def __init__(self, config: NodesConfig) -> None:
        self.config = config

    def prepare(self, references: References) -> Prepared:
        """Find the nodes of each link."""
        registry = references.registry
        links = np.zeros(len(registry.service_point), LINK)
        link_nodes(
            registry.service_point, registry.valid_from, registry.valid_to, *registry.by_point, registry.point,
            registry.point_from, registry.role, registry.dt, registry.feeder, links,
        )  # fmt: skip
        return Prepared(registry.holding(*KEPT), links)

    def advance(self, parcel: Parcel, store: StateStore, prepared: Prepared) -> Advance:
        """Add one parcel's readings; it goes on unchanged."""
        batch = parcel.batch
        if batch is not None:
            if not isinstance(batch, ReadingBatch):
                raise ContractError(
                    "NOT_READINGS", where="nodes", what=type(batch).__name__, do="put vee before nodes in the topology"
                )
            self._collect(batch, store, prepared)
        marked = parcel.tick is not None or parcel.control is not None
        full = int(store.used.sum()) > self.config.max_pending
        if not marked and not full:
            return Advance(parcel)
        return Advance(parcel, self._send(store, always=marked))

    def _collect(self, batch: ReadingBatch, store: StateStore, prepared: Prepared) -> None:
        count = len(batch.service_point)
        if not count:
            return
        change = np.empty(count, CHANGE)
        changes(batch.quality, batch.energy, batch.prior_reading, batch.prior_quality, batch.prior_energy, change)
        if len(batch.correction_day):
            # Balances of such days are final; the readings say what has changed since.
            change[of_corrected_days(batch)] = np.zeros((), CHANGE)
        keys, rows, sides = np.empty(2 * count, np.uint64), np.empty(2 * count, np.int64), np.empty(2 * count, np.uint8)
        registry = prepared.registry
        made = address(
            batch.service_point, batch.link, batch.interval_start, change, self.config.interval_secs, prepared.links,
            *registry.by_point, registry.point, registry.point_from, registry.role, registry.dt, registry.feeder, keys,
            rows, sides,
        )  # fmt: skip
        slots = locate(store, keys[:made])
        area = store.areas["pending"]
        collect(
            slots, rows, sides, change, self.config.interval_secs, area.flat, area.marks, area.dirty,
            store.capacity,
        )  # fmt: skip

    def _send(self, store: StateStore, *, always: bool) -> list[Emission]:
        taken = np.flatnonzero(store.keys)
        taken = taken[np.argsort(store.keys[taken], kind="stable")]
        target = spread(store.keys[taken] >> np.uint64(NODE_SHIFT), self.config.partitions)
        order = np.argsort(target.astype(np.min_scalar_type(self.config.partitions)), kind="stable")
        taken, ends = taken[order], np.searchsorted(target[order], np.arange(self.config.partitions + 1))
        keys, sums = store.keys[taken], _taken(store.areas["pending"].flat[0], taken)
        emissions = []
        for partition in range(self.config.partitions):
            mine = slice(ends[partition], ends[partition + 1])
            if always or len(keys[mine]):
                energy = _batch(keys[mine], sums[mine]) if len(keys[mine]) else empty(NodeEnergy)
                emissions.append(Emission("node_energy", energy, partition=partition))
        if len(taken):
            retain(store, np.empty(0, np.int64))
        return emissions


def _taken(rows: Array, places: Array) -> Array:
    """Copies, PENDING (n,), of the rows at places i64 (n,): numpy moves words at once, and structures by field."""
    words = rows.view(np.uint64).reshape(len(rows), PENDING.itemsize // 8)
    return words[places].view(PENDING).reshape(-1)


def _batch(keys: Array, sums: Array) -> NodeEnergy:
    node = (keys >> np.uint64(NODE_SHIFT)).astype(np.uint32)
    start = (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
    columns = {name: np.ascontiguousarray(sums[name]) for name in sums.dtype.names or ()}
    return NodeEnergy(node=node, interval_start=start, **columns)
