"""Pages of state as records of a compacted topic, and back.

A page of a table is cut into *blocks*: runs of whole slices, of at most 256 kB. A block is written in one of two forms,
so that a change costs about its own bytes however many there are:

- a *delta* holds the cells (slice, slot) that changed since the last checkpoint, and names the whole block it sits on;
- *whole*, once its deltas have grown to about twice the block, or are many: later deltas sit on it, older ones are
  ignored. The empty block has the sequence 0 and is never written.

In a record bytes lie by their place in the cell: first the first byte of all cells, then the second, and so on. So
neighbours are alike, and LZ4 packs them ten times as fast and to half the size of rows
(docs/decisions/0001-state-layout.md). They are packed here, not by the producer: the broker and its cleaner then pass
them on unopened.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import cramjam
import numpy as np
from numba import njit

from pipeline.columns import Array
from pipeline.errors import Fatal
from pipeline.state import SLOT_STEP, Area, Layout, StateStore, Table

BLOCK_BYTES = 256 * 1024
"""No block is larger, nor a record, unpacked."""

DELTA_BLOCKS = 2.0
"""Deltas may grow to this many times a block's cells: more is more to restore, less is more to write."""

MOST_DELTAS = 32
"""And to this number: each costs a restore about the time of a kilobyte."""

WHOLE_SHARE = 0.7
"""Above this share of a block's bytes a delta, with its cell numbers, is no gain."""

CELL_BYTES = 4

# whole, layout version, page, block, capacity, sequence of the whole block, own sequence, number, cells, checksum
HEADER = struct.Struct("<BIIIIQQIII")


@dataclass(frozen=True)
class Record:
    """For the state topic."""

    key: bytes
    value: bytes


@dataclass
class TableLedger:
    """By page and block, i64: sequence of the whole block in the topic, deltas that sit on it, cells in these."""

    base: Array
    deltas: Array
    weight: Array


@dataclass
class Ledger:
    """What the topic holds of one step's pages; `live`: key -> checksum of every record that a restore needs."""

    capacity: int = 0
    tables: dict[str, TableLedger] = field(default_factory=dict)
    live: dict[bytes, int] = field(default_factory=dict)

    def of(self, table: Table, pages: int) -> TableLedger:
        """The ledger of a table."""
        if table.name not in self.tables:
            shape = pages, _blocks(table, self.capacity)
            self.tables[table.name] = TableLedger(*(np.zeros(shape, np.int64) for _ in range(3)))
        return self.tables[table.name]


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


def _run(table: Table, capacity: int) -> int:
    """Cells in a block: of some whole slices, or a whole part of one."""
    most = max(SLOT_STEP, BLOCK_BYTES // table.dtype.itemsize)
    if most >= capacity:
        return most - most % capacity
    return next(part for part in range(most - most % SLOT_STEP, 0, -SLOT_STEP) if capacity % part == 0)


def _blocks(table: Table, capacity: int) -> int:
    return -(-table.slices * capacity // _run(table, capacity))


def _view(rows: Array, place: int, block: int, run: int) -> Array:
    """A block's cells (slices, slots) of rows (slices, pages, capacity, ...)."""
    capacity = rows.shape[2]
    slice_, slot = divmod(block * run, capacity)
    if run >= capacity:
        return rows[slice_ : slice_ + run // capacity, place]
    return rows[slice_ : slice_ + 1, place, slot : slot + run]


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
        run = _run(area.table, store.capacity)
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
        | (ledger.deltas >= MOST_DELTAS * spread)
    )  # fmt: skip


def _copy_wholes(
    store: StateStore, area: Area, ledger: TableLedger, sequence: int, whole: Array, run: int
) -> list[BlockCopy]:
    made = []
    for place, block in np.argwhere(whole).tolist():
        rows = _view(area.rows, place, block, run).copy().reshape(-1)
        made.append(_copy(store, area, place, block, sequence, sequence, int(ledger.deltas[place, block]), None, rows))
    ledger.base[whole], ledger.deltas[whole], ledger.weight[whole] = sequence, 0, 0
    return made


def _copy_deltas(store: StateStore, area: Area, ledger: TableLedger, sequence: int, counts: Array) -> list[BlockCopy]:
    ends = np.cumsum(counts).reshape(counts.shape)
    cells, flat = np.empty(int(counts.sum()), np.uint32), np.empty(int(counts.sum()), np.int64)
    run = _run(area.table, store.capacity)
    _collect(area.changed, area.dirty, ends - counts, counts, run, store.capacity, cells, flat)
    rows = np.empty(len(flat), area.table.dtype)
    _gather(_words(area.rows), flat, _words(rows))
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


def _words(rows: Array) -> Array:
    """Records as words (records, words of one), for kernels that copy any of them."""
    word = np.dtype(np.uint64 if rows.dtype.itemsize % 8 == 0 else np.uint8)
    return rows.reshape(-1).view(word).reshape(rows.size, rows.dtype.itemsize // word.itemsize)


@njit(nogil=True, cache=True, inline="always")
def _ones(word):  # type: ignore[no-untyped-def]
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(nogil=True, cache=True)
def _count(changed, dirty, run, capacity, counts):  # type: ignore[no-untyped-def]
    """counts i64 (pages, blocks) = cells marked in `changed` u64 (slices, pages, words), where `dirty` says so."""
    for slice_ in range(changed.shape[0]):
        for page in range(changed.shape[1]):
            if dirty[slice_, page]:
                for word in range(changed.shape[2]):
                    counts[page, (slice_ * capacity + word * 64) // run] += _ones(changed[slice_, page, word])


@njit(nogil=True, cache=True)
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


@njit(nogil=True, cache=True)
def _gather(source, flat, taken):  # type: ignore[no-untyped-def]
    for item in range(flat.shape[0]):
        row = flat[item]
        for place in range(source.shape[1]):
            taken[item, place] = source[row, place]


@njit(nogil=True, cache=True)
def _scatter(taken, flat, target):  # type: ignore[no-untyped-def]
    for item in range(flat.shape[0]):
        row = flat[item]
        for place in range(taken.shape[1]):
            target[row, place] = taken[item, place]


def encode(copy: BlockCopy, ledger: Ledger) -> Record:
    """The record of a copy; `ledger.live` follows."""
    whole = copy.cells is None
    if whole:
        for number in range(copy.number):
            ledger.live.pop(_key(copy, "delta", number), None)
    head = 0 if copy.cells is None else CELL_BYTES * len(copy.rows)
    body = np.empty(head + copy.rows.nbytes, np.uint8)
    if copy.cells is not None:
        _lay(np.diff(copy.cells, prepend=np.uint32(0)), body[:head])
    _lay(copy.rows, body[head:])
    packed = bytes(cramjam.lz4.compress_block(body.data))
    number = 0 if whole else copy.number
    key = _key(copy, "whole" if whole else "delta", number)
    fields = (
        whole, copy.version, copy.page, copy.block, copy.capacity, copy.base, copy.sequence, number, len(copy.rows)
    )  # fmt: skip
    checksum = ledger.live[key] = _checksum(key, fields, packed)
    return Record(key, HEADER.pack(*fields, checksum) + packed)


def _key(copy: BlockCopy, form: str, number: int) -> bytes:
    return f"{copy.step}/{copy.table}/{copy.page}/{copy.block}/{form}/{number}".encode()


def _checksum(key: bytes, fields: tuple[int, ...], packed: bytes) -> int:
    return zlib.crc32(packed, zlib.crc32(HEADER.pack(*fields, 0), zlib.crc32(key)))


def _lay(rows: Array, out: Array) -> None:
    out.reshape(rows.dtype.itemsize, -1)[:] = rows.view(np.uint8).reshape(len(rows), -1).T


def _rows(laid: Array, dtype: np.dtype[np.void] | np.dtype[np.generic]) -> Array:
    return np.ascontiguousarray(laid.reshape(dtype.itemsize, -1).T).reshape(-1).view(dtype)


class _Piece:
    """A record of the topic, taken apart."""

    def __init__(self, key: bytes, value: bytes) -> None:
        if len(value) < HEADER.size:
            raise _unfit("PAGE_DAMAGED", key, "the record is shorter than its header")
        self.key = key
        self.packed = value[HEADER.size :]
        *fields, self.checksum = HEADER.unpack_from(value)
        self._fields = tuple(fields)
        (self.whole, self.version, self.page, self.block, self.capacity, self.base, _, self.number, self.count) = fields

    def body(self) -> Array:
        """The unpacked bytes, when the checksum fits."""
        if _checksum(self.key, self._fields, self.packed) != self.checksum:
            raise _unfit("PAGE_DAMAGED", self.key, "the checksum does not fit the bytes")
        body: Array = np.frombuffer(memoryview(cramjam.lz4.decompress_block(self.packed)), np.uint8)
        return body


def restore(layout: Layout, pages: range, capacity: int, records: Mapping[bytes, bytes]) -> tuple[StateStore, Ledger]:
    """The store, and what the topic holds of it, from the last record of each key of this step.

    Records of another capacity are older than the last growth, and ignored. Raises Fatal when a record is damaged, is
    of another layout version, or one that another sits on is missing; what else is missing the head's sums show.
    """
    store, ledger = StateStore(layout, pages, capacity), Ledger(capacity)
    blocks: dict[tuple[str, int, int], list[_Piece]] = {}
    for key, value in records.items():
        _step, name, page, block, _form, _number = key.decode().split("/")
        piece = _Piece(key, value)
        if piece.capacity == capacity:
            blocks.setdefault((name, int(page), int(block)), []).append(piece)
    for (name, page_number, block_number), pieces in blocks.items():
        area = store.areas.get(name)
        if area is None or page_number not in pages:
            raise _unfit("PAGE_STRANGE", pieces[0].key, "no such table or page here")
        live = _live(pieces)
        for piece in live:
            if piece.version != layout.version:
                raise _unfit("LAYOUT_OTHER", piece.key, f"layout version {piece.version}, not {layout.version}")
            ledger.live[piece.key] = piece.checksum
        if live:
            _restore_block(ledger.of(area.table, len(pages)), area, pages.index(page_number), block_number, live)
    store.used[:] = np.count_nonzero(store.areas["keys"].rows[0], axis=1)
    return store, ledger


def _live(pieces: list[_Piece]) -> list[_Piece]:
    """The whole block, if there is one, and the deltas that sit on it, in order. What sits on an older one is not."""
    wholes = [piece for piece in pieces if piece.whole]
    base = wholes[0].base if wholes else 0
    deltas = sorted((piece for piece in pieces if not piece.whole and piece.base == base), key=lambda one: one.number)
    missing = [piece.number for piece in deltas] != list(range(len(deltas)))
    if missing or any(piece.base > base for piece in pieces):
        raise _unfit("PAGE_MISSING", pieces[0].key, "a record that another one sits on is missing")
    return wholes + deltas


def _restore_block(ledger: TableLedger, area: Area, place: int, block: int, live: list[_Piece]) -> None:
    size, capacity = area.table.dtype.itemsize, area.rows.shape[2]
    for piece in live:
        body = piece.body()
        if piece.whole:
            if body.any():  # the store is made of zeros, and memory that is not touched is not taken
                octets = area.rows.view(np.uint8).reshape(*area.rows.shape, size)
                target = _view(octets, place, block, _run(area.table, capacity))
                target[:] = body.reshape(size, *target.shape[:2]).transpose(1, 2, 0)
            continue
        head = CELL_BYTES * piece.count
        cells = np.cumsum(_rows(body[:head], np.dtype("<u4")), dtype=np.int64)
        flat = (cells // capacity * area.rows.shape[1] + place) * capacity + cells % capacity
        _scatter(_words(_rows(body[head:], area.table.dtype)), flat, _words(area.rows))
    deltas = [piece for piece in live if not piece.whole]
    ledger.base[place, block] = live[0].base
    ledger.deltas[place, block] = len(deltas)
    ledger.weight[place, block] = sum(piece.count for piece in deltas)


def _unfit(code: str, key: bytes, what: str) -> Fatal:
    return Fatal(
        code,
        where=f"state record {key.decode(errors='replace')}",
        what=what,
        do="restore the state topic, or remove it and the group's offsets to begin anew from the log",
    )
