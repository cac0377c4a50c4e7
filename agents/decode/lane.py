"""The second lane: frames of a batch that the kernels do not know are read by the decoder for single frames.

A kernel stops at such a frame, it is read here, and a kernel judges and writes it, in its turn: counters are judged in
the order in which frames came. This is Python, so what a record may cost is bounded by octets (`single_octets`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from agents.decode.kernels_columns import TARGETS
from agents.decode.kernels_lane import ENTRY, LOG, put_entries
from agents.decode.kernels_open import GOOD, Opened
from agents.decode.kernels_profile import MOST_PLACES
from agents.decode.kernels_rows import ASIDE, FRAMES, NEVER, ROWS, SNAPSHOTS, Changes, Memory, Rows, Tables
from agents.decode.single.describe import Describer, Options
from agents.decode.single.described import Described
from agents.decode.single.entries import SAY_QUANTITIES, Entry, Stamps, entries_of
from agents.decode.single.not_placed import NotPlacedError
from agents.decode.single.profile_rows import ProfileRow
from pipeline.codes import REJECT_NUMBER
from pipeline.columns import Array

LEAST_OCTETS = 256
"""What a frame costs of the bound at least, however short it is."""

REFUSED_COSTS = 8
"""Times its octets that a frame costs of the bound when nothing of it can be used.

What is made to cost time is refused: tens of thousands of small items take some 10 us each, twenty times what octets of
a list of quantities take. What meters send for use is not that.
"""

MOST_ENTRIES = 400
"""Of a frame, as of a profile."""

MOST_SAID = 600
"""Octets of the generic decode that a reject carries; the frame is kept whole beside it."""


@dataclass(frozen=True)
class LogEvent:
    """An entry of an event log: frame of the batch, epoch seconds UTC, flags, event code."""

    frame: int
    time: int
    flags: int
    code: int


@dataclass(frozen=True)
class SentRow:
    """A row of a profile that is kept whole: frame of the batch, epoch seconds UTC, flags, what it says."""

    frame: int
    time: int
    flags: int
    row: ProfileRow


@dataclass(frozen=True)
class Batch:
    """What the lane needs of a batch, and where it writes: see `read_frames`; received_at i64 (n,)."""

    octets: Array
    received_at: Array
    points: Array
    devices: Array
    tables: Tables
    changes: Changes
    done: Array


class Room(Protocol):
    """Gives the rows of the batch, with room for `more` of them, and for as many snapshots if asked."""

    def __call__(self, more: int, *, snapshots: bool) -> Rows:
        """The rows as they are from now on."""


class SingleLane:
    """Reads what the kernels leave aside, of one record.

    events: entries of event logs, rows: rows of profiles, both in the order of the frames; said: frame -> why it was
    not used, and its generic decode, as the tail of a reject's detail; read: the frames that were read here.
    """

    def __init__(self, most_octets: int) -> None:
        self.events: list[LogEvent] = []
        self.rows: list[SentRow] = []
        self.read: list[int] = []
        self.said: dict[int, bytes] = {}
        self._left = most_octets

    @property
    def aside(self) -> int:
        """What `read_frames` is told: whether frames may be left to the lane."""
        return 0 if self._left > 0 else NEVER

    def take(self, opened: Opened, memory: Memory, batch: Batch, room: Room) -> None:
        """Read the frame that `read_frames` stopped at, and go past it; opened.code gets the verdict."""
        done = batch.done
        item, code = int(done[FRAMES]), int(done[ASIDE])
        done[FRAMES] += 1
        left = len(batch.devices) - item
        start = int(opened.frames.start[item])
        octets = batch.octets[start : start + int(opened.frames.length[item])].tobytes()
        self._left -= max(LEAST_OCTETS, len(octets))
        self.read.append(item)
        policy = batch.tables.policy
        found: list[Described] = []
        try:
            describer = Describer(Options(offset_secs=policy.offset))
            read = describer.apdu if opened.security[item] else describer.read
            found += read(octets)
            stamps = Stamps(policy.offset, policy.zero_is_utc, int(batch.received_at[item]))
            entries = entries_of(found, stamps)
            if len(entries) > MOST_ENTRIES or done[ROWS] + len(entries) + left > MOST_PLACES:
                raise NotPlacedError(f"{len(entries)} entries", "FRAME_TOO_LONG")
        except NotPlacedError as refused:
            self._left -= max(0, REFUSED_COSTS * len(octets) - max(LEAST_OCTETS, len(octets)))
            opened.code[item] = REJECT_NUMBER[refused.code] if refused.code else code
            self.said[item] = said_of(refused.reason, found)
            return
        table, values = arrays_of(entries)
        rows = room(0, snapshots=True)
        if min(len(rows.frame) - done[ROWS], len(rows.snapshot_row) - done[SNAPSHOTS]) < len(entries) + left:
            rows = room(len(rows.frame) + len(entries) + left, snapshots=True)
        verdict = put_entries(
            table, values, item, opened, batch.points, batch.devices, batch.tables, memory, rows, batch.changes, done
        )
        opened.code[item] = verdict
        if verdict != GOOD:
            return
        for row, entry in zip(table, entries, strict=True):
            if entry.event is not None:
                self.events.append(LogEvent(item, int(row["time"]), int(row["flags"]), entry.event))
            if entry.row is not None:
                self.rows.append(SentRow(item, int(row["time"]), int(row["flags"]), entry.row))


def arrays_of(entries: list[Entry]) -> tuple[Array, Array]:
    """ENTRY (n,) and values i64 (n, TARGETS) as the kernel takes them."""
    table, values = np.zeros(len(entries), ENTRY), np.zeros((len(entries), TARGETS), np.int64)
    for place, entry in enumerate(entries):
        there = sum(1 << target for target in entry.values)
        table[place] = (entry.time, there, 0, entry.kind or LOG, entry.flags)
        for target, value in entry.values.items():
            values[place, target] = value
    return table, values


def said_of(reason: str, found: list[Described]) -> bytes:
    """The tail of a reject's detail, ASCII: why the frame was not used, and what is in it as far as it can be read."""
    told = [_generic(one) for one in found]
    text = json.dumps(told[0] if len(told) == 1 else told, separators=(",", ":"), default=str)
    whole = f"; {reason}; {text}".encode("ascii", "replace")
    return whole if len(whole) <= MOST_SAID else whole[: MOST_SAID - 3] + b"..."


def _generic(found: Described) -> dict[str, Any]:
    """What an APDU says; of one that is no message of a meter its name alone, since secrets may be in it."""
    told: dict[str, Any] = {"apdu": found.apdu}
    if found.apdu in SAY_QUANTITIES:
        told |= {"device": found.device, "time": found.time, "values": found.values, "data": found.data}
    return {name: value for name, value in told.items() if value}
