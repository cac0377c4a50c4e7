"""A chain's state as a checkpoint: copied between two records, and made again from what the state topic holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.blocks import Ledger, Record
from pipeline.checkpoint import HEAD_KEY, Head, StepHead, check_head, check_sums, shape_of, sums
from pipeline.lookup import pages_of_partition
from pipeline.pages import BlockCopy, copy_pages, encode
from pipeline.restore import restore
from pipeline.runtime.chain import NO_OFFSET, Chain, Position, Prepared
from pipeline.state import Layout, StateStore
from pipeline.step import Step
from pipeline.topology.plan import ChainPlan
from pipeline.wire import Contracts


@dataclass(frozen=True)
class Place:
    """One partition of a chain: what its state belongs to. `source_id` is Kafka's id of the source topic."""

    plan: ChainPlan
    steps: tuple[Step, ...]
    prepared: Prepared
    contracts: Contracts
    source_id: str
    partition: int

    @property
    def pages(self) -> range:
        """Pages of state in this partition."""
        return pages_of_partition(self.partition, self.plan.source.partitions)

    def chain(self, stores: tuple[StateStore, ...], position: Position) -> Chain:
        """A chain on these stores."""
        return Chain(self.plan, self.steps, stores, self.prepared, self.contracts, position)

    def fresh(self, applied: int = NO_OFFSET) -> Chain:
        """A chain that knows nothing, before the record after `applied`."""
        stores = tuple(StateStore(step.layout, self.pages) for step in self.steps)
        return self.chain(stores, Position(applied))


@dataclass
class Saved:
    """What the state topic holds of a partition: number of the last checkpoint, and the pages of each step."""

    ledgers: tuple[Ledger, ...]
    sequence: int = 0


@dataclass(frozen=True)
class ChainCopy:
    """State between two records; `records` may be asked for once, while work goes on."""

    head: Head
    pages: list[tuple[BlockCopy, Ledger]] = field(repr=False)
    ledgers: tuple[Ledger, ...] = field(repr=False)

    def records(self) -> Iterator[Record]:
        """Pages, and last the head with their sums; a page is let go when its record is made."""
        self.pages.reverse()
        while self.pages:
            yield encode(*self.pages.pop())
        number, checksum = sums(self.ledgers)
        yield Record(HEAD_KEY, replace(self.head, records=number, checksum=checksum).to_bytes())


def nothing_saved(place: Place) -> Saved:
    """Before the first checkpoint."""
    return Saved(tuple(Ledger() for _ in place.steps))


def copy_chain(place: Place, chain: Chain, saved: Saved) -> ChainCopy:
    """Everything that a checkpoint writes, as of now."""
    saved.sequence += 1
    pages = [
        (page, ledger)
        for store, ledger in zip(chain.stores, saved.ledgers, strict=True)
        for page in copy_pages(store, ledger, saved.sequence)
    ]
    steps = tuple(
        StepHead(store.layout.step, store.layout.version, shape_of(store.layout), store.capacity)
        for store in chain.stores
    )
    now = chain.position
    head = Head(
        place.plan.name, place.partition, place.source_id, now.applied, saved.sequence, now.tick_time,
        dict(now.versions), dict(now.sent), dict(now.received), steps,
    )  # fmt: skip
    return ChainCopy(head, pages, saved.ledgers)


def restore_stores(
    layouts: Sequence[Layout], pages: range, head: Head, records: Mapping[bytes, bytes]
) -> list[tuple[StateStore, Ledger]]:
    """The stores of a checkpoint whose head fits the layouts, and what the topic holds of each."""
    by_step: dict[str, dict[bytes, bytes]] = {layout.step: {} for layout in layouts}
    for key, value in records.items():
        by_step.setdefault(key.split(b"/", 1)[0].decode(), {})[key] = value
    return [
        restore(layout, pages, step.capacity, by_step[layout.step])
        for layout, step in zip(layouts, head.steps, strict=True)
    ]


def restore_chain(place: Place, head: Head, records: Mapping[bytes, bytes]) -> tuple[Chain, Saved]:
    """The chain of a checkpoint: its head, and the last record of every page key; raises Fatal when it does not fit."""
    layouts = [step.layout for step in place.steps]
    check_head(head, place.plan.name, place.partition, place.source_id, layouts)
    made = restore_stores(layouts, place.pages, head, records)
    saved = Saved(tuple(ledger for _, ledger in made), head.sequence)
    check_sums(head, saved.ledgers)
    position = Position(head.applied, head.tick_time, dict(head.versions), dict(head.sent), dict(head.received))
    return place.chain(tuple(store for store, _ in made), position), saved
