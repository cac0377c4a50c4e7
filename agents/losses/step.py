"""The losses step: partial sums of all source partitions into the balance of each node.

A balance is emitted when the smallest tick over all sources has passed its end, and once more at each later tick that
changed it. Copies of what a source has sent are dropped; a hole stops the process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from agents.losses.balances import Losses
from agents.losses.config import LossesConfig
from agents.losses.exceptions import exceptions_of_nodes
from agents.losses.kernels import add_partials, due_balances
from agents.losses.nodes import Nodes, meters_of, nodes_of
from agents.losses.state import DAY, FREE, INTERVAL, LAYOUT, PLACE, PLACES, SOURCE, WAITING, taken
from agents.losses.waiting import close, source_slots, take, wait
from pipeline.batch import NodeEnergy
from pipeline.columns import Array
from pipeline.errors import ContractError, Fatal
from pipeline.keyed import locate, node_keys, retain
from pipeline.localtime import DAY_SECS, OFFSETS
from pipeline.reference import References
from pipeline.state import Layout, StateStore
from pipeline.step import Advance, Emission, Origin, Parcel

NEVER = -(2**62)
SPARE_DAYS = 1


@dataclass(frozen=True)
class Mark:
    """What all sources have reached: smallest tick time, and what that closes. NEVER until each has sent a tick."""

    tick: int
    closes: int


class LossesStep:
    """Balances of network nodes."""

    name = "losses"
    outputs: Mapping[str, str] = {"losses": "Loss", "exceptions": "ReadingException"}
    layout: Layout = LAYOUT

    def __init__(self, config: LossesConfig) -> None:
        self.config = config
        self._offset = OFFSETS[config.timezone]

    def prepare(self, references: References) -> Nodes:
        """Names and levels of the nodes."""
        registry = references.registry
        return nodes_of(
            registry.node, [bytes(raw).decode() for raw in registry.node_name.tolist()], registry.node_level,
            meters_of(registry),
        )  # fmt: skip

    def advance(self, parcel: Parcel, store: StateStore, prepared: Nodes) -> Advance:
        """Take one record of one source on."""
        batch = parcel.batch
        if batch is not None and not isinstance(batch, NodeEnergy):
            raise ContractError(
                "NOT_NODE_ENERGY", where="losses", what=type(batch).__name__, do="feed losses from the output of nodes"
            )
        passed = replace(parcel, batch=None)
        sources = self._sources(store)
        before = _mark(sources, store)
        if not self._is_next(parcel, sources, store):
            return Advance(passed)
        if batch is not None and len(batch.node):
            wait(batch, parcel.origin.partition, store)
            sources = self._sources(store)  # new keys may have moved every row
        if parcel.tick is None:
            return Advance(passed)
        close(int(sources[parcel.origin.partition]), store)
        now = _mark(sources, store)
        if now.tick == NEVER or now.tick == before.tick:
            return Advance(passed)
        self._apply(before, now, store)
        made = self._emit(before, now, parcel.named, store, prepared)
        return Advance(passed, [Emission("losses", made), *self._judge(made)] if len(made) else [])

    def _judge(self, made: Losses) -> Iterator[Emission]:
        """V35 of the days that are final."""
        if not self.config.balance_tolerance_permille or not made.final.any():
            return
        rows, places = made.rows[made.final], made.places[made.final]
        found = exceptions_of_nodes(rows, places, made.nodes, self.config, made.tick_time, made.origin)
        if len(found):
            yield Emission("exceptions", found)

    def _sources(self, store: StateStore) -> Array:
        """Slots i64 (sources,) of the rows of all sources, good until a key is entered."""
        return source_slots(store, 0, self.config.sources)

    def _is_next(self, parcel: Parcel, sources: Array, store: StateStore) -> bool:
        """Note the record's place in its source; False when it was seen before."""
        origin = parcel.origin
        if not 0 <= origin.partition < self.config.sources:
            raise Fatal(
                "SOURCE_UNKNOWN",
                where=f"source partition {origin.partition}",
                what=f"losses was configured for {self.config.sources} sources",
                do="set sources of losses to the partitions of the frames topic",
            )
        slot = int(sources[origin.partition])
        rows = _rows(store)
        last = int(rows["offset"][slot]) - 1
        if origin.offset <= last:
            return False
        if parcel.previous_offset is not None and parcel.previous_offset != last:
            raise Fatal(
                "SOURCE_HOLE",
                where=f"source partition {origin.partition}, offset {origin.offset}",
                what=f"the record before it had offset {parcel.previous_offset}, the last one seen here {last}",
                do="check the retention of the node-energy topic; restore an older checkpoint or replay the frames",
            )
        rows["row"][slot] = SOURCE
        rows["offset"][slot] = origin.offset + 1
        if parcel.tick is not None:
            # Never back: what has been counted at a tick stays counted.
            rows["tick"][slot] = max(rows["tick"][slot], parcel.tick.time)
            rows["closes"][slot] = max(rows["closes"][slot], parcel.tick.closes)
        store.touch("balance", slot)
        return True

    def _apply(self, before: Mark, now: Mark, store: StateStore) -> None:
        """Count the partials that all sources have reached. The window is that in front of the tick: after a gap of
        days one tick brings what was still open then, and only behind it the old days go."""
        partials = take(self.config.sources, now.tick, store)
        if not len(partials):
            return
        if before.tick != NEVER and int(partials["start"].min()) < self._oldest(before):
            raise Fatal(
                "PARTIAL_TOO_OLD",
                where=f"node {int(partials['node'][partials['start'].argmin()])}",
                what="the interval has left the window of losses",
                do="set hot_days of losses to that of vee",
            )
        day = (partials["start"] + self._offset) // DAY_SECS * DAY_SECS - self._offset
        length = np.full(len(partials), DAY_SECS, np.int64)
        _add(store, partials, INTERVAL, partials["secs"].astype(np.int64), partials["start"], partials["start"])
        _add(store, partials, DAY, length, day, day + 1)

    def _oldest(self, now: Mark) -> int:
        """Start of the window: the local midnight that its oldest day begins at."""
        today = (now.closes + self._offset) // DAY_SECS
        return (today - self.config.hot_days - SPARE_DAYS) * DAY_SECS - self._offset

    def _emit(self, before: Mark, now: Mark, origin: Origin, store: StateStore, prepared: Nodes) -> Losses:
        """Balances whose end has passed and that changed, and the last word on days that leave the window."""
        oldest = self._oldest(now)
        area, chosen = store.areas["balance"], np.empty(len(store.keys), np.int64)
        marks = area.changed.reshape(1, -1), area.dirty, store.capacity
        count = due_balances(now.closes, oldest, area.flat, *marks, chosen)
        made = taken(_rows(store), chosen[:count])
        made = taken(made, np.lexsort((made["start"], made["row"], made["node"])))
        if before.tick != NEVER and oldest > self._oldest(before):
            _forget(oldest, store)
        return Losses(made, prepared.find(made["node"]), prepared, made["start"] < oldest, now.tick, origin)


def _mark(slots: Array, store: StateStore) -> Mark:
    """What all sources have reached, whose rows are at slots i64 (sources,)."""
    rows = _rows(store)
    ticks = rows["tick"][slots]
    if not ticks.all():
        return Mark(NEVER, NEVER)
    return Mark(int(ticks.min()), int(rows["closes"][slots].min()))


def _rows(store: StateStore) -> Array:
    rows: Array = store.areas["balance"].flat[0]
    return rows


def _forget(oldest: int, store: StateStore) -> None:
    """Drop balances that begin before the window; and the places, when nobody waits in any."""
    rows = _rows(store)
    kind = rows["row"]
    kept = (kind != FREE) & ~(np.isin(kind, (INTERVAL, DAY)) & (rows["start"] < oldest))
    if not (kind == WAITING).any():
        kept &= ~np.isin(kind, (PLACE, PLACES))
    retain(store, np.flatnonzero(kept))


def _add(store: StateStore, partials: Array, row: int, secs: Array, start: Array, key: Array) -> None:
    slots = locate(store, node_keys(partials["node"], key))
    area = store.areas["balance"]
    add_partials(slots, partials, row, secs, start, area.flat, area.changed.reshape(1, -1), area.dirty, store.capacity)
