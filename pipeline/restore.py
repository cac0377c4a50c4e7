"""Stores made again from the records of a compacted topic, and nothing else: what does not fit is refused."""

from __future__ import annotations

from collections.abc import Mapping

import cramjam
import numpy as np

from pipeline.blocks import (
    CELL_BYTES,
    HEADER,
    Ledger,
    TableLedger,
    checksum_of,
    rows_of,
    run_of,
    view_of,
    words_of,
)
from pipeline.columns import Array
from pipeline.errors import Fatal
from pipeline.jit import kernel
from pipeline.state import Area, Layout, StateStore


@kernel
def _scatter(taken, flat, target):  # type: ignore[no-untyped-def]
    for item in range(flat.shape[0]):
        row = flat[item]
        for place in range(taken.shape[1]):
            target[row, place] = taken[item, place]


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
        if checksum_of(self.key, self._fields, self.packed) != self.checksum:
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
            octets = area.rows.view(np.uint8).reshape(*area.rows.shape, size)
            target = view_of(octets, place, block, run_of(area.table, capacity))
            laid = body.reshape(size, *target.shape[:2])
            # The store is made of zeros, and memory that is not touched is not taken.
            for slice_ in np.flatnonzero(laid.any(axis=(0, 2))).tolist():
                target[slice_] = laid[:, slice_].T
            continue
        head = CELL_BYTES * piece.count
        cells = np.cumsum(rows_of(body[:head], np.dtype("<u4")), dtype=np.int64)
        flat = (cells // capacity * area.rows.shape[1] + place) * capacity + cells % capacity
        _scatter(words_of(rows_of(body[head:], area.table.dtype)), flat, words_of(area.rows))
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
