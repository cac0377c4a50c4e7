"""Blocks of state: what part of a page a record of the state topic holds, and how its bytes lie.

A page of a table is cut into *blocks*: runs of whole slices, of at most 256 kB. In a record bytes lie by their place in
the cell: first the first byte of all cells, then the second, and so on. So neighbours are alike, and LZ4 packs them ten
times as fast and to half the size of rows (docs/decisions/0001-state-layout.md). They are packed here, not by the
producer: the broker and its cleaner then pass them on unopened.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

import numpy as np

from pipeline.columns import Array
from pipeline.state import SLOT_STEP, Table

BLOCK_BYTES = 256 * 1024
"""No block is larger, nor a record, unpacked."""

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
            shape = pages, blocks_of(table, self.capacity)
            self.tables[table.name] = TableLedger(*(np.zeros(shape, np.int64) for _ in range(3)))
        return self.tables[table.name]


def run_of(table: Table, capacity: int) -> int:
    """Cells in a block: of some whole slices, or a whole part of one."""
    most = max(SLOT_STEP, BLOCK_BYTES // table.dtype.itemsize)
    if most >= capacity:
        return most - most % capacity
    return next(part for part in range(most - most % SLOT_STEP, 0, -SLOT_STEP) if capacity % part == 0)


def blocks_of(table: Table, capacity: int) -> int:
    """Blocks of a page."""
    return -(-table.slices * capacity // run_of(table, capacity))


def view_of(rows: Array, place: int, block: int, run: int) -> Array:
    """A block's cells (slices, slots) of rows (slices, pages, capacity, ...)."""
    capacity = rows.shape[2]
    slice_, slot = divmod(block * run, capacity)
    if run >= capacity:
        return rows[slice_ : slice_ + run // capacity, place]
    return rows[slice_ : slice_ + 1, place, slot : slot + run]


def words_of(rows: Array) -> Array:
    """Records as words (records, words of one), for kernels that copy any of them."""
    size = rows.dtype.itemsize
    word = np.dtype(np.uint64 if size % 8 == 0 else np.uint32 if size % 4 == 0 else np.uint8)
    return rows.reshape(-1).view(word).reshape(rows.size, rows.dtype.itemsize // word.itemsize)


def key_of(step: str, table: str, page: int, block: int, form: str, number: int) -> bytes:
    """Key of a record: `form` whole or delta, `number` of the delta, 0 of a whole block."""
    return f"{step}/{table}/{page}/{block}/{form}/{number}".encode()


def checksum_of(key: bytes, fields: tuple[int, ...], packed: bytes) -> int:
    """CRC-32 of key, header and packed bytes."""
    return zlib.crc32(packed, zlib.crc32(HEADER.pack(*fields, 0), zlib.crc32(key)))


def lay(rows: Array, out: Array) -> None:
    """Write records into `out` u8, by the place of each byte in its record."""
    out.reshape(rows.dtype.itemsize, -1)[:] = rows.view(np.uint8).reshape(len(rows), -1).T


def rows_of(laid: Array, dtype: np.dtype[np.void] | np.dtype[np.generic]) -> Array:
    """The inverse of `lay`."""
    return np.ascontiguousarray(laid.reshape(dtype.itemsize, -1).T).reshape(-1).view(dtype)
