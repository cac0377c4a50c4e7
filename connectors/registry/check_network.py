"""Checks of `network`: parents, levels, cycles."""

from __future__ import annotations

import numpy as np

from connectors.registry.findings import Findings
from connectors.registry.read import Rows
from connectors.registry.spans import Book, book_of
from pipeline.codes import Level
from pipeline.columns import Array


def check_network(network: Rows, findings: Findings) -> Book:
    """Check the nodes; returns the book of their numbers."""
    book = book_of(network, "node")
    usable = network.usable("node", "parent")
    has_parent = usable & network.given["parent"]
    parent = np.where(has_parent, book.row(network["parent"]), -1)
    network.fault(findings, "PARENT_UNKNOWN", "parent", has_parent & (parent < 0))
    cyclic = _on_cycle(parent, book.row(network["node"]))
    network.fault(findings, "NODE_CYCLE", "parent", cyclic)
    at = np.flatnonzero((parent >= 0) & ~cyclic & network.usable("level"))
    at = at[network.fine["level"][parent[at]]]
    low = at[network["level"][parent[at]] <= network["level"][at]]
    names = {int(level): level.name for level in Level}
    pairs = zip(network["level"][low].tolist(), network["level"][parent[low]].tolist(), strict=True)
    details = [f"a {names[mine]} on a {names[other]}" for mine, other in pairs]
    network.fault(findings, "LEVEL_ORDER", "parent", low, details=details)
    alone = usable & ~network.given["parent"] & network.fine["level"] & (network["level"] < Level.SUBSTATION)
    network.fault(findings, "PARENT_MISSING", "parent", alone & ~network.bad)
    return book


def _on_cycle(parent: Array, own: Array) -> Array:
    """Rows that are their own ancestors; bool (n,). own: the row that stands for a row's number."""
    cyclic = np.zeros(len(parent), bool)
    # What hangs on a top after a few steps is on no cycle; there is hardly ever anything else.
    left = parent >= 0
    for _ in range(8):
        left = left & left[np.maximum(parent, 0)]
    walk = np.zeros(len(parent), np.int64)
    for start in np.flatnonzero(left).tolist():
        row = start
        while row >= 0 and not walk[row]:
            walk[row] = start + 1
            row = int(parent[row])
        if row < 0 or walk[row] != start + 1:
            continue
        # The walk has met itself: from here round is a cycle.
        first = row
        while not cyclic[first]:
            cyclic[first] = True
            first = int(parent[first])
    cyclic &= own == np.arange(len(parent))
    return cyclic
