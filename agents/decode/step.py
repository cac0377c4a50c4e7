"""The decode step: FrameBatch -> DecodedBatch, events, rejects."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from agents.decode.config import DecodeConfig
from agents.decode.exchange import FORMER_DEVICE, with_windows
from agents.decode.kernels_axdr import NESTING
from agents.decode.kernels_columns import TARGETS
from agents.decode.kernels_compact import UNPACKED
from agents.decode.kernels_drift import Drifts, new_drifts
from agents.decode.kernels_open import Opened, gather, new_opened, open_frames
from agents.decode.kernels_profile import INSTANT, MOST_PLACES
from agents.decode.kernels_push import PUSHED
from agents.decode.kernels_rows import (
    ASIDE,
    CHANGES,
    DONE,
    FRAMES,
    LACKING,
    NEVER,
    ROWS,
    SNAPSHOTS,
    Changes,
    Memory,
    Rows,
    Scratch,
    Tables,
    read_frames,
)
from agents.decode.kernels_window import TOO_OLD
from agents.decode.lane import Batch, SingleLane
from agents.decode.late import LATE_DEVICE, read_late
from agents.decode.openings import close_intervals
from agents.decode.others import open_others
from agents.decode.prepare import tables_of
from agents.decode.profile_records import profile_records
from agents.decode.profile_rules import Links, judge_rows, links_of
from agents.decode.records import drift_records, event_records, log_records, rejects_of
from agents.decode.second_try import second_try, try_neighbours
from agents.decode.state import LAYOUT, TOGETHER
from agents.decode.statements import read_statements
from pipeline import gcm
from pipeline.batch import DecodedBatch, FrameBatch
from pipeline.columns import Array
from pipeline.errors import ContractError
from pipeline.reference import References
from pipeline.state import StateStore
from pipeline.step import Advance, Emission, Parcel

_TABLE = tuple(column for column in DecodedBatch.COLUMNS if column.section != "statement")
"""What kernels write."""


class Prepared(NamedTuple):
    """Tables for kernels; factors of links, where profiles are judged."""

    tables: Tables
    links: Links | None


class _Cipher(threading.local):
    """A cipher context a thread; given back when the thread ends."""

    def __init__(self) -> None:
        self.context = gcm.new_context(encrypt=False)
        weakref.finalize(threading.current_thread(), gcm.free_context, self.context)

    def __reduce__(self) -> tuple[type[_Cipher], tuple[()]]:
        """In another process it has contexts of its own."""
        return _Cipher, ()


class DecodeStep:
    """Unwrap, open, read and check frames; state is what must be known of each device from frame to frame."""

    name = "decode"
    layout = LAYOUT
    outputs: Mapping[str, str] = MappingProxyType(
        {"events": "Event", "profile_rows": "ProfileRow", "exceptions": "ReadingException", "rejects": "Reject"}
    )

    def __init__(self, config: DecodeConfig | None = None) -> None:
        self.config = config or DecodeConfig()
        self._cipher = _Cipher()

    def prepare(self, references: References) -> Prepared:
        """Device index, links, keys, templates and settings."""
        links = links_of(references.registry) if self.config.judge_profiles else None
        return Prepared(tables_of(references, self.config), links)

    def advance(self, parcel: Parcel, store: StateStore, prepared: Any) -> Advance:
        """Rows of the parcel's frames; ticks and controls pass."""
        if parcel.batch is None:
            return Advance(parcel)
        if not isinstance(parcel.batch, FrameBatch):
            raise ContractError(
                "BATCH_OTHER", where=self.name, what=f"a {type(parcel.batch).__name__} came in",
                do="put decode behind a topic of FrameBatch",
            )  # fmt: skip
        lane, drifts = SingleLane(self.config.single_octets), new_drifts(len(parcel.batch.length))
        decoded, opened, changes = decode_batch(
            parcel.batch, store, prepared.tables, self._cipher.context, parcel.requeued, lane, drifts
        )
        records = [*event_records(parcel, decoded, changes)]
        records += log_records(parcel, lane.events, len(records))
        records += drift_records(parcel, decoded, drifts, len(records))
        emissions = [Emission("events", record, key=record["device"].encode()) for record in records]
        emissions += [
            Emission("profile_rows", record, key=record["device"].encode())
            for record in profile_records(parcel, lane.rows)
        ]
        if prepared.links is not None and lane.rows:
            judged = judge_rows(parcel, lane.rows, prepared.links, self.config)
            emissions += [Emission("exceptions", judged)] if judged is not None else []
        refused = rejects_of(parcel, opened.code, opened.frames.counter, lane.said)
        if refused is not None:
            emissions.append(Emission("rejects", refused))
        there = len(decoded.frame) or len(decoded.statement_frame)
        return Advance(replace(parcel, batch=decoded if there else None), emissions)


def decode_batch(
    batch: FrameBatch,
    store: StateStore,
    tables: Tables,
    context: int,
    requeued: Array | None = None,
    lane: SingleLane | None = None,
    drifts: Drifts | None = None,
) -> tuple[DecodedBatch, Opened, Changes]:
    """The rows of a batch, the verdict on each frame (opened.code), and the event status words that changed.

    requeued: as in Parcel. lane: reads what the kernels cannot; None: nobody does. drifts: gets the clocks that
    came to be off, or right again.
    """
    count = len(batch.length)
    # Copied, so that frames are opened in place; the batch itself is read only and keeps the bytes as they came.
    octets = np.array(batch.payload, np.uint8)
    points, devices = np.array(batch.service_point, np.uint64), np.array(batch.device, np.uint64)
    received = np.array(batch.received_at, np.int64)
    opened, good, owners = open_batch(batch, octets, devices, received, tables, context)
    statements = read_statements(batch, octets, opened)
    rows = Rows(**{column.name: column.empty(count) for column in _TABLE})
    changes = Changes(
        np.zeros(count, np.int64), np.zeros((count, 2), np.uint64), np.zeros((count, 2), np.uint64),
        np.zeros(count, np.uint8),
    )  # fmt: skip
    scratch = Scratch(
        np.zeros(TARGETS, np.int64), np.zeros(NESTING, np.int64), np.zeros(1, PUSHED),
        np.zeros(int(tables.pushes["width"].max()), np.int64), np.empty(UNPACKED, np.uint8),
    )  # fmt: skip
    done, measured = np.zeros(DONE, np.int64), drifts or new_drifts(count)
    lane_batch = Batch(octets, batch.received_at, points, devices, tables, changes, done)
    if requeued is not None:
        received[requeued > 0] = 0

    def room(more: int, *, snapshots: bool) -> Rows:
        nonlocal rows
        rows = _with_room(rows, done, more, snapshots=snapshots)
        return rows

    def read(opened: Opened, memory: Memory) -> None:
        done[FRAMES] = 0
        while True:
            done[ASIDE] = lane.aside if lane is not None else NEVER
            read_frames(
                octets, opened, good, points, devices, received, tables, memory, rows, changes, measured, scratch, done
            )
            left = count - int(done[FRAMES])
            if done[LACKING]:
                # Most profiles of a record are alike.
                room(int(done[LACKING]) * left, snapshots=bool(scratch.pushed["kind"][0] == INSTANT))
            elif lane is not None and done[ASIDE]:
                lane.take(opened, memory, lane_batch, room)
            else:
                return

    def windows(bits: np.uint64, chosen: Array | None) -> tuple[Memory, Array]:
        """Rows of the devices under `bits`; frames whose key is too old for a window."""
        mine = owners | bits if bits else owners
        if not len(tables.spans):
            return memory_of(store, points, mine, chosen), np.zeros(0, np.int64)
        return with_windows(
            lambda those: memory_of(store, points, mine, those),
            lambda frames: store.locate(points[frames], mine[frames] | FORMER_DEVICE),
            chosen, opened, (owners == devices) & (good == 1), tables.spans, late=bits != 0,
        )  # fmt: skip

    memory, without = windows(np.uint64(0), None)
    opened.code[without] = TOO_OLD
    read(opened, memory)
    if requeued is not None:
        # Each frame may have a row once more.
        room(count, snapshots=True)
        read_late(opened, requeued, lambda chosen: windows(LATE_DEVICE, chosen), read)
    if tables.opening:
        close_intervals(rows, int(done[ROWS]), tables.links)
    sizes = {"row": done[ROWS], "snapshot": done[SNAPSHOTS]}
    decoded = DecodedBatch(
        **{column.name: getattr(rows, column.name)[: sizes[column.section]] for column in _TABLE},
        **statements.columns,
    )
    statements.accept(opened)
    return decoded, opened, Changes(*(column[: done[CHANGES]] for column in changes))


def open_batch(
    batch: FrameBatch, octets: Array, devices: Array, received: Array, tables: Tables, context: int
) -> tuple[Opened, Array, Array]:
    """Open the frames in `octets`, a copy of the batch's: (Opened, good u8 (n,), whose rows of state u64 (n,)).

    devices, received: u64 and i64 (n,); received is the first time of receipt.
    """
    count, owners = len(devices), devices
    opened, good = new_opened(count), np.zeros(count, np.uint8)
    gather(devices, received, tables.devices, tables.pairs, tables.spans, opened)
    others = open_frames(octets, np.array(batch.length, np.uint32), devices, tables.policy, opened)
    gcm.unseal_batch(context, opened.keys, opened.frames, opened.security, octets, octets, good)
    if others:
        second = second_try(tables, received)
        owners = open_others(octets, devices, tables.others, tables.policy, opened, good, second)
    if len(tables.spans):
        try_neighbours(context, batch, octets, devices, received, tables, opened, good)
    return opened, good, owners


def _with_room(rows: Rows, done: Array, more: int, *, snapshots: bool) -> Rows:
    """The same rows with room for `more` rows, and with `snapshots` for as many snapshots."""
    grown = {}
    for column in _TABLE:
        had = grown[column.name] = getattr(rows, column.name)
        used = int(done[ROWS if column.section == "row" else SNAPSHOTS])
        room = min(used + more, MOST_PLACES)
        if room > len(had) and (snapshots or column.section == "row"):
            wider = grown[column.name] = column.empty(room)
            wider[:used] = had[:used]
    return Rows(**grown)


def memory_of(store: StateStore, points: Array, devices: Array, chosen: Array | None = None) -> Memory:
    """The tables of the store as kernels take them, with the slots of the batch's devices; of a mask only these."""
    if chosen is None:
        slots = store.locate(points, devices)
    else:
        slots = np.zeros(len(points), np.int64)
        slots[chosen] = store.locate(points[chosen], devices[chosen])
    counters, prints, words, drifts = (store.areas[table.name] for table in LAYOUT.tables)
    return Memory(
        slots,
        slots,
        store.capacity,
        counters.flat[0],
        counters.changed.reshape(1, -1),
        counters.dirty,
        prints.octets.reshape(prints.table.slices, -1, TOGETHER),
        prints.changed.reshape(prints.table.slices, -1),
        prints.dirty,
        words.flat[0],
        words.changed.reshape(1, -1),
        words.dirty,
        drifts.flat[0],
        drifts.changed.reshape(1, -1),
        drifts.dirty,
    )
