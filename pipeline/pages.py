"""Pages of state as records of a compacted topic.

A block (`pipeline.blocks`) is written in one of two forms, so that a change costs about its own bytes however many
there are:

- a *delta* holds the cells (slice, slot) that changed since the last checkpoint, and names the whole block it sits on;
- *whole*, once its deltas have grown to about twice the block, or are many: later deltas sit on it, older ones are
  ignored. The empty block has the sequence 0 and is never written.
"""

from __future__ import annotations

from dataclasses import dataclass

import cramjam
import numpy as np

from pipeline.blocks import (
    CELL_BYTES,
    HEADER,
    Ledger,
    Record,
    TableLedger,
    checksum_of,
    key_of,
    lay,
    run_of,
    view_of,
    words_of,
)
from pipeline.columns import Array
from pipeline.jit import expanded, kernel
from pipeline.state import Area, StateStore, Table

DELTA_BLOCKS = 2.0
"""Deltas may grow to this many times a block's cells: more is more to restore, less is more to write."""

MANY_DELTAS = 32
"""And to this number, if they hold a tenth of the block: each costs a restore some microseconds."""

MOST_DELTAS = 256
"""And to this number, however small they are."""

WHOLE_SHARE = 0.7
"""Above this share of a block's bytes a delta, with its cell numbers, is no gain."""


@dataclass(frozen=True)
class BlockCopy:
    """Cells of one block as they were between two batches.

    `cells` u32: numbers slice * capacity + slot of `rows`, rising; None when `rows` are all cells of the block.
    `number` of the delta; of a whole block, how many deltas it does away with.
    """

    step: str
    version: int
    table: str
    page: int
    block: int
    capacity: int
    base: int
    sequence: int
    number: int
    cells: Array | None
    rows: Array


def copy_pages(store: StateStore, ledger: Ledger, sequence: int) -> list[BlockCopy]:
    """Copy what changed since the last call and clear the marks. Work waits meanwhile, so nothing is encoded here."""
    anew = np.zeros(len(store.pages), np.bool_)
    if ledger.capacity != store.capacity:
        # Another capacity moves every cell, so all is written anew, and nothing of what is there counts any more.
        anew = store.used > 0
        for table in ledger.tables.values():
            anew |= (table.base + table.deltas > 0).any(axis=1)
        ledger.capacity = store.capacity
        ledger.tables.clear()
        ledger.live.clear()
    copies: list[BlockCopy] = []
    for area in store.areas.values():
        table = ledger.of(area.table, len(store.pages))
        counts = np.zeros_like(table.base)
        run = run_of(area.table, store.capacity)
        _count(area.changed, area.dirty, run, store.capacity, counts)
        whole = (counts > 0) & _is_whole(area.table, counts, table, run) | anew[:, None]
        copies += _copy_wholes(store, area, table, sequence, whole, run)
        copies += _copy_deltas(store, area, table, sequence, np.where(whole, 0, counts))
        area.dirty[:] = 0
    return copies


def _is_whole(table: Table, counts: Array, ledger: TableLedger, run: int) -> Array:
    size = table.dtype.itemsize
    # The limits are spread, so that blocks that fill alike are not all written whole at the same checkpoint.
    spread = 0.75 + 0.5 * (np.arange(1, counts.size + 1) * 0.6180339887498949 % 1.0).reshape(counts.shape)
    return (
        (counts * (size + CELL_BYTES) > WHOLE_SHARE * run * size)
        | (ledger.weight + counts > DELTA_BLOCKS * spread * run)
        | (ledger.deltas >= MANY_DELTAS * spread) & (ledger.weight > 0.1 * run)
        | (ledger.deltas >= MOST_DELTAS * spread)
    )  # fmt: skip


def _copy_wholes(
    store: StateStore, area: Area, ledger: TableLedger, sequence: int, whole: Array, run: int
) -> list[BlockCopy]:
    made = []
    for place, block in np.argwhere(whole).tolist():
        rows = view_of(area.rows, place, block, run).copy().reshape(-1)
        made.append(_copy(store, area, place, block, sequence, sequence, int(ledger.deltas[place, block]), None, rows))
    ledger.base[whole], ledger.deltas[whole], ledger.weight[whole] = sequence, 0, 0
    return made


def _copy_deltas(store: StateStore, area: Area, ledger: TableLedger, sequence: int, counts: Array) -> list[BlockCopy]:
    ends = np.cumsum(counts).reshape(counts.shape)
    cells, flat = np.empty(int(counts.sum()), np.uint32), np.empty(int(counts.sum()), np.int64)
    run = run_of(area.table, store.capacity)
    _collect(area.changed, area.dirty, ends - counts, counts, run, store.capacity, cells, flat)
    rows = np.empty(len(flat), area.table.dtype)
    _gather(words_of(area.rows), flat, words_of(rows))
    made = []
    for place, block in np.argwhere(counts).tolist():
        span = slice(ends[place, block] - counts[place, block], ends[place, block])
        base, number = int(ledger.base[place, block]), int(ledger.deltas[place, block])
        made.append(_copy(store, area, place, block, base, sequence, number, cells[span], rows[span]))
    ledger.deltas += counts > 0
    ledger.weight += counts
    return made


def _copy(
    store: StateStore, area: Area, place: int, block: int, base: int, sequence: int, number: int,
    cells: Array | None, rows: Array,
) -> BlockCopy:  # fmt: skip
    step, version = store.layout.step, store.layout.version
    return BlockCopy(
        step, version, area.table.name, store.pages[place], block, store.capacity, base, sequence, number, cells, rows
    )


@expanded
def _ones(word):  # type: ignore[no-untyped-def]
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@kernel
def _count(changed, dirty, run, capacity, counts):  # type: ignore[no-untyped-def]
    """counts i64 (pages, blocks) = cells marked in `changed` u64 (slices, pages, words), where `dirty` says so."""
    for slice_ in range(changed.shape[0]):
        for page in range(changed.shape[1]):
            if dirty[slice_, page]:
                for word in range(changed.shape[2]):
                    counts[page, (slice_ * capacity + word * 64) // run] += _ones(changed[slice_, page, word])


@kernel
def _collect(changed, dirty, at, counts, run, capacity, cells, flat):  # type: ignore[no-untyped-def]
    """Clear `changed`; of blocks with `counts` enter cells from `at` on (it moves), and their places in the table."""
    for page in range(changed.shape[1]):
        for slice_ in range(changed.shape[0]):
            if not dirty[slice_, page]:
                continue
            first = (slice_ * changed.shape[1] + page) * capacity
            for place in range(changed.shape[2]):
                word = changed[slice_, page, place]
                changed[slice_, page, place] = np.uint64(0)
                block = (slice_ * capacity + place * 64) // run
                if counts[page, block] == 0:
                    continue
                item = at[page, block]
                while word != np.uint64(0):
                    lowest = word & (~word + np.uint64(1))
                    slot = place * 64 + _ones(lowest - np.uint64(1))
                    cells[item] = slice_ * capacity + slot
                    flat[item] = first + slot
                    item += 1
                    word ^= lowest
                at[page, block] = item


@kernel
def _gather(source, flat, taken):  # type: ignore[no-untyped-def]
    for item in range(flat.shape[0]):
        row = flat[item]
        for place in range(source.shape[1]):
            taken[item, place] = source[row, place]


def encode(copy: BlockCopy, ledger: Ledger) -> Record:
    """The record of a copy; `ledger.live` follows."""
    whole = copy.cells is None
    if whole:
        for number in range(copy.number):
            ledger.live.pop(_key(copy, "delta", number), None)
    head = 0 if copy.cells is None else CELL_BYTES * len(copy.rows)
    body = np.empty(head + copy.rows.nbytes, np.uint8)
    if copy.cells is not None:
        lay(np.diff(copy.cells, prepend=np.uint32(0)), body[:head])
    lay(copy.rows, body[head:])
    packed = bytes(cramjam.lz4.compress_block(body.data))
    number = 0 if whole else copy.number
    key = _key(copy, "whole" if whole else "delta", number)
    fields = (
        whole, copy.version, copy.page, copy.block, copy.capacity, copy.base, copy.sequence, number, len(copy.rows)
    )  # fmt: skip
    checksum = ledger.live[key] = checksum_of(key, fields, packed)
    return Record(key, HEADER.pack(*fields, checksum) + packed)


def _key(copy: BlockCopy, form: str, number: int) -> bytes:
    return key_of(copy.step, copy.table, copy.page, copy.block, form, number)
