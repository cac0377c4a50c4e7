"""Pages of state as records of a compacted topic, and back.

A page of a table is written in one of two forms, so that a change costs about its own bytes however many there are:

- a *delta* holds the cells (slice, slot) that changed since the last checkpoint, and names the whole page it sits on;
- *whole*, once its deltas together have grown to about twice a page: later deltas sit on it, older ones are ignored.
  The empty page has the sequence 0 and is never written.

In a record bytes lie by their place in the cell: first the first byte of all cells, then the second, and so on. So
neighbours are alike, and LZ4 packs them ten times as fast and to half the size of rows
(docs/decisions/0001-state-layout.md). They are packed here, not by the producer: the broker and its cleaner then pass
them on unopened.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import cramjam
import numpy as np
from numba import njit

from pipeline.columns import Array
from pipeline.errors import Fatal
from pipeline.state import Area, Layout, StateStore, Table

RECORD_BYTES = 256 * 1024
"""No record is larger, unpacked; a larger page is cut."""

DELTA_PAGES = 2.0
"""Deltas may grow to this many times a page's cells: more is more to restore, less is more to write."""

WHOLE_SHARE = 0.7
"""Above this share of changed cells a delta with its cell numbers is no smaller than the page."""

CELL_BYTES = 4

# whole, layout version, page, capacity, sequence of the whole page, own sequence, part, parts, cells, checksum
HEADER = struct.Struct("<BIIIQQIIII")


@dataclass(frozen=True)
class Record:
    """For the state topic."""

    key: bytes
    value: bytes


@dataclass
class TableLedger:
    """By page, i64: sequence of the whole page in the topic, delta records that sit on it, cells in these."""

    base: Array
    deltas: Array
    weight: Array


@dataclass
class Ledger:
    """What the topic holds of one step's pages; `live`: key -> checksum of every record that a restore needs."""

    capacity: int = 0
    tables: dict[str, TableLedger] = field(default_factory=dict)
    live: dict[bytes, int] = field(default_factory=dict)

    def of(self, table: str, pages: int) -> TableLedger:
        """The ledger of a table."""
        if table not in self.tables:
            self.tables[table] = TableLedger(*(np.zeros(pages, np.int64) for _ in range(3)))
        return self.tables[table]


@dataclass(frozen=True)
class PageCopy:
    """Cells of one page as they were between two batches.

    `cells` u32: numbers slice * capacity + slot of `rows`, rising; None when `rows` are all cells. `first`: number of
    the first delta record; for a whole page the number of delta records that it does away with.
    """

    step: str
    version: int
    table: str
    page: int
    capacity: int
    base: int
    sequence: int
    first: int
    cells: Array | None
    rows: Array


def copy_pages(store: StateStore, ledger: Ledger, sequence: int) -> list[PageCopy]:
    """Copy what changed since the last call and clear the marks. Work waits meanwhile, so nothing is encoded here."""
    grown = ledger.capacity != store.capacity
    ledger.capacity = store.capacity
    copies: list[PageCopy] = []
    for area in store.areas.values():
        copies += _copy_table(store, area, ledger.of(area.table.name, len(store.pages)), sequence, grown)
        area.dirty[:] = 0
    return copies


def _copy_table(store: StateStore, area: Area, ledger: TableLedger, sequence: int, grown: bool) -> list[PageCopy]:
    counts = np.zeros(len(store.pages), np.int64)
    _count(area.changed, area.dirty, counts)
    # Another capacity moves every cell: deltas on the old page would mean other slots.
    if grown:
        whole = store.used + ledger.base + ledger.deltas > 0
    else:
        whole = (counts > 0) & _is_whole(counts, ledger, area.table.slices * store.capacity)
    copies = []
    for place in np.flatnonzero(whole).tolist():
        rows = area.rows[:, place].reshape(-1).copy()
        copies.append(_copy(store, area.table, place, sequence, sequence, int(ledger.deltas[place]), None, rows))
        ledger.base[place], ledger.deltas[place], ledger.weight[place] = sequence, 0, 0
    counts[whole] = 0
    starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
    cells, flat = np.empty(starts[-1], np.uint32), np.empty(starts[-1], np.int64)
    _collect(area.changed, area.dirty, starts, counts, store.capacity, cells, flat)
    rows = _take(area, flat)
    for place in np.flatnonzero(counts).tolist():
        span = slice(starts[place], starts[place + 1])
        base, first = int(ledger.base[place]), int(ledger.deltas[place])
        copies.append(_copy(store, area.table, place, base, sequence, first, cells[span], rows[span]))
        ledger.deltas[place] += _parts(int(counts[place]), _per_record(area.table.dtype.itemsize + CELL_BYTES))
        ledger.weight[place] += counts[place]
    return copies


def _is_whole(counts: Array, ledger: TableLedger, cells: int) -> Array:
    # The limits are spread, so that pages that fill alike are not all written whole at the same checkpoint.
    spread = 0.75 + 0.5 * (np.arange(1, len(counts) + 1) * 0.6180339887498949 % 1.0)
    return (counts > WHOLE_SHARE * cells) | (ledger.weight + counts > DELTA_PAGES * spread * cells)


def _copy(
    store: StateStore, table: Table, place: int, base: int, sequence: int, first: int, cells: Array | None, rows: Array
) -> PageCopy:
    layout, page = store.layout, store.pages[place]
    return PageCopy(layout.step, layout.version, table.name, page, store.capacity, base, sequence, first, cells, rows)


def _take(area: Area, flat: Array) -> Array:
    taken = np.empty(len(flat), area.table.dtype)
    _gather(_words(area.rows), flat, _words(taken))
    return taken


def _words(rows: Array) -> Array:
    """Records as words (records, words of one), for kernels that copy any of them."""
    word = np.dtype(np.uint64 if rows.dtype.itemsize % 8 == 0 else np.uint8)
    return rows.reshape(-1).view(word).reshape(rows.size, rows.dtype.itemsize // word.itemsize)


def _per_record(size: int, run: int = 1) -> int:
    """Cells of `size` bytes that a record holds: some whole runs, or a whole part of one."""
    most = RECORD_BYTES // size
    return most - most % run if most >= run else next(part for part in range(most, 0, -1) if run % part == 0)


def _parts(rows: int, per_record: int) -> int:
    return -(-rows // per_record)


@njit(nogil=True, cache=True, inline="always")
def _ones(word):  # type: ignore[no-untyped-def]
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(nogil=True, cache=True)
def _count(changed, dirty, counts):  # type: ignore[no-untyped-def]
    """counts i64 (pages,) = cells marked in `changed` u64 (slices, pages, words), where `dirty` u8 (slices, pages)."""
    for slice_ in range(changed.shape[0]):
        for page in range(changed.shape[1]):
            if dirty[slice_, page]:
                for word in range(changed.shape[2]):
                    counts[page] += _ones(changed[slice_, page, word])


@njit(nogil=True, cache=True)
def _collect(changed, dirty, starts, counts, capacity, cells, flat):  # type: ignore[no-untyped-def]
    """Clear `changed`; of pages with `counts` enter the cells from `starts` on, and their places in the flat table."""
    for page in range(changed.shape[1]):
        at = starts[page]
        for slice_ in range(changed.shape[0]):
            if not dirty[slice_, page]:
                continue
            first = (slice_ * changed.shape[1] + page) * capacity
            for place in range(changed.shape[2]):
                word = changed[slice_, page, place]
                changed[slice_, page, place] = np.uint64(0)
                if counts[page] == 0:
                    continue
                while word != np.uint64(0):
                    lowest = word & (~word + np.uint64(1))
                    slot = place * 64 + _ones(lowest - np.uint64(1))
                    cells[at] = slice_ * capacity + slot
                    flat[at] = first + slot
                    at += 1
                    word ^= lowest


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


def encode(copy: PageCopy, ledger: Ledger) -> Iterator[Record]:
    """The records of a copy, in order; `ledger.live` follows."""
    whole = copy.cells is None
    size = copy.rows.dtype.itemsize
    per_record = _per_record(size, copy.capacity) if whole else _per_record(size + CELL_BYTES)
    parts = _parts(len(copy.rows), per_record)
    if whole:
        for number in range(copy.first):
            ledger.live.pop(_key(copy.step, copy.table, copy.page, False, number), None)
    for part in range(parts):
        span = slice(part * per_record, (part + 1) * per_record)
        rows = copy.rows[span]
        head = 0 if whole else CELL_BYTES * len(rows)
        body = np.empty(head + size * len(rows), np.uint8)
        if copy.cells is not None:
            _lay(np.diff(copy.cells[span], prepend=np.uint32(0)), body[:head])
        _lay(rows, body[head:])
        number = part if whole else copy.first + part
        key = _key(copy.step, copy.table, copy.page, whole, number)
        fields = (whole, copy.version, copy.page, copy.capacity, copy.base, copy.sequence, number, parts, len(rows))
        packed = bytes(cramjam.lz4.compress_block(body.data))
        ledger.live[key] = _checksum(key, fields, packed)
        yield Record(key, HEADER.pack(*fields, ledger.live[key]) + packed)


def _key(step: str, table: str, page: int, whole: bool, number: int) -> bytes:
    return f"{step}/{table}/{page}/{'whole' if whole else 'delta'}/{number}".encode()


def _checksum(key: bytes, fields: tuple[int, ...], packed: bytes) -> int:
    return zlib.crc32(packed, zlib.crc32(HEADER.pack(*fields, 0), zlib.crc32(key)))


def _lay(rows: Array, out: Array) -> None:
    out.reshape(rows.dtype.itemsize, -1)[:] = rows.view(np.uint8).reshape(len(rows), -1).T


def _rows(laid: Array, dtype: np.dtype[np.void] | np.dtype[np.generic]) -> Array:
    return np.ascontiguousarray(laid.reshape(dtype.itemsize, -1).T).reshape(-1).view(dtype)


@dataclass(frozen=True)
class _Piece:
    """A record of the topic, taken apart; `fields` as in HEADER without the checksum."""

    key: bytes
    fields: tuple[int, ...]
    checksum: int
    packed: bytes

    @property
    def whole(self) -> bool:
        return bool(self.fields[0])

    @property
    def base(self) -> int:
        return self.fields[4]

    @property
    def part(self) -> int:
        return self.fields[6]

    def body(self) -> Array:
        if _checksum(self.key, self.fields, self.packed) != self.checksum:
            raise _unfit("PAGE_DAMAGED", self.key, "the checksum does not fit the bytes")
        body: Array = np.frombuffer(memoryview(cramjam.lz4.decompress_block(self.packed)), np.uint8)
        return body


def restore(layout: Layout, pages: range, capacity: int, records: Mapping[bytes, bytes]) -> tuple[StateStore, Ledger]:
    """The store, and what the topic holds of it, from the last record of each key of this step.

    Raises Fatal when a record is damaged, is of another layout version or capacity, or is missing.
    """
    store, ledger = StateStore(layout, pages, capacity), Ledger(capacity)
    groups: dict[tuple[str, int], list[_Piece]] = {}
    for key, value in records.items():
        _step, name, number, _form, _part = key.decode().split("/")
        groups.setdefault((name, int(number)), []).append(_piece(key, value))
    for (table, page), pieces in groups.items():
        if table not in store.areas or page not in pages:
            raise _unfit("PAGE_STRANGE", pieces[0].key, "no such table or page here")
        _restore_page(store, ledger, store.areas[table], pages.index(page), pieces)
    store.used[:] = np.count_nonzero(store.areas["keys"].rows[0], axis=1)
    return store, ledger


def _piece(key: bytes, value: bytes) -> _Piece:
    if len(value) < HEADER.size:
        raise _unfit("PAGE_DAMAGED", key, "the record is shorter than its header")
    *fields, checksum = HEADER.unpack_from(value)
    return _Piece(key, tuple(fields), checksum, value[HEADER.size :])


def _restore_page(store: StateStore, ledger: Ledger, area: Area, place: int, pieces: list[_Piece]) -> None:
    base = max((piece.base for piece in pieces if piece.whole), default=0)
    if any(piece.base > base for piece in pieces):
        raise _unfit("PAGE_MISSING", pieces[0].key, "a delta names a whole page that is not there")
    live = sorted((piece for piece in pieces if piece.base == base), key=lambda piece: piece.part)
    wholes = [piece for piece in live if piece.whole]
    deltas = [piece for piece in live if not piece.whole]
    expected = wholes[0].fields[7] if wholes else 0
    for found, count in ((wholes, expected), (deltas, len(deltas))):
        if [piece.part for piece in found] != list(range(count)):
            raise _unfit("PAGE_MISSING", pieces[0].key, "a part of the page is missing")
    for piece in live:
        if piece.fields[1] != store.layout.version:
            raise _unfit("LAYOUT_OTHER", piece.key, f"layout version {piece.fields[1]}, not {store.layout.version}")
        if piece.fields[3] != store.capacity:
            raise _unfit("CAPACITY_OTHER", piece.key, f"capacity {piece.fields[3]}, not {store.capacity}")
        ledger.live[piece.key] = piece.checksum
    first = 0
    for piece in wholes:
        _fill(area, place, first, piece.body())
        first += piece.fields[8]
    for piece in deltas:
        body, head = piece.body(), CELL_BYTES * piece.fields[8]
        cells = np.cumsum(_rows(body[:head], np.dtype("<u4")), dtype=np.int64)
        flat = (cells // store.capacity * len(store.pages) + place) * store.capacity + cells % store.capacity
        _scatter(_words(_rows(body[head:], area.table.dtype)), flat, _words(area.rows))
    table = ledger.of(area.table.name, len(store.pages))
    table.base[place], table.deltas[place] = base, len(deltas)
    table.weight[place] = sum(piece.fields[8] for piece in deltas)


def _fill(area: Area, place: int, first: int, body: Array) -> None:
    """Enter a part of a whole page, from cell `first` on: whole slices, or a run within one."""
    if not body.any():
        return  # the store is made of zeros, and memory that is not touched is not taken
    size, capacity = area.table.dtype.itemsize, area.rows.shape[2]
    octets = area.rows.view(np.uint8).reshape(*area.rows.shape, size)
    slice_, slot = divmod(first, capacity)
    run = min(len(body) // size, capacity - slot)
    laid = body.reshape(size, -1, run)
    octets[slice_ : slice_ + laid.shape[1], place, slot : slot + run] = laid.transpose(1, 2, 0)


def _unfit(code: str, key: bytes, what: str) -> Fatal:
    return Fatal(
        code, where=f"state record {key.decode(errors='replace')}", what=what,
        do="restore the state topic, or remove it and the group's offsets to begin anew from the log",
    )  # fmt: skip
