"""What must hold of every batch, whatever its frames are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.decode.kernels_open import Opened
from agents.decode.kernels_profile import MOST_PLACES, MOST_ROWS
from agents.decode.kernels_rows import Changes, Tables
from agents.decode.lane import MOST_SAID, SingleLane
from agents.decode.state import LAYOUT
from agents.decode.step import decode_batch
from bench.fuzz.guarded import Guards
from bench.fuzz.make import Made
from bench.fuzz.world import PAGES
from pipeline.batch import DecodedBatch, FrameBatch
from pipeline.channels import CHANNELS, FIRST_PHYSICAL, N_SNAPSHOT
from pipeline.codes import REJECT_BY_NUMBER, REJECT_NUMBER, Kind
from pipeline.columns import Array
from pipeline.state import StateStore

WITH_ROWS = [REJECT_NUMBER[name] for name in ("NOT_LINKED", "INTERVAL_OTHER")]
"""Verdicts on frames of readings of which some rows may be taken nevertheless."""

KNOWN = np.zeros(256, np.bool_)
KNOWN[[0, *REJECT_BY_NUMBER]] = True


@dataclass(frozen=True)
class Broken:
    """A law that did not hold; frame -1: of the batch as a whole."""

    law: str
    frame: int
    what: str

    def as_json(self) -> dict[str, Any]:
        """For the summary."""
        return {"law": self.law, "frame": self.frame, "what": self.what}


@dataclass(frozen=True)
class Decoded:
    """What came out of a batch, and the state behind it."""

    rows: DecodedBatch
    opened: Opened
    changes: Changes
    store: StateStore
    lane: SingleLane

    @property
    def arrays(self) -> dict[str, Array]:
        """All that must be the same when the batch is decoded again."""
        found = {column.name: getattr(self.rows, column.name) for column in DecodedBatch.COLUMNS}
        found |= {f"changes.{name}": getattr(self.changes, name) for name in Changes._fields}
        for name, area in self.store.areas.items():
            found |= {f"{name}.rows": area.rows, f"{name}.changed": area.changed, f"{name}.dirty": area.dirty}
        return found | {"code": self.opened.code, "lane": np.frombuffer(self._told().encode(), np.uint8)}

    def _told(self) -> str:
        """What the second lane says beside rows."""
        return repr((self.lane.read, self.lane.events, self.lane.rows, sorted(self.lane.said.items())))


def decode(made: Made, tables: Tables, context: int, lane_octets: int = 0) -> tuple[Decoded, list[Broken]]:
    """Decode a batch with a state of its own, everything between guards; `lane_octets`: bound of the second lane."""
    guards, lane = Guards(), SingleLane(lane_octets)
    store = guards.store(StateStore(LAYOUT, PAGES))
    batch = FrameBatch(**{column.name: guards.of(getattr(made.batch, column.name)) for column in FrameBatch.COLUMNS})
    with guards.installed():
        found = decode_batch(batch, store, tables, context, made.requeued, lane)
    broken = [Broken("guards", -1, f"{guards.broken()} were written over")] if guards.broken() else []
    broken += [
        Broken("input", -1, f"{column.name} was changed") for column in FrameBatch.COLUMNS
        if not _same(getattr(batch, column.name), getattr(made.batch, column.name))
    ]  # fmt: skip
    return Decoded(*found, store, lane), broken


def check(made: Made, decoded: Decoded, again: Decoded) -> list[Broken]:
    """The laws that do not hold of a batch that was decoded twice."""
    broken = [
        Broken("same", _first_other(made, one, again.arrays[name]), f"{name} differs when it is decoded again")
        for name, one in decoded.arrays.items() if not _same(one, again.arrays[name])
    ]  # fmt: skip
    return [
        *broken, *_verdicts(made, decoded), *_rows(made, decoded), *_snapshots(decoded), *_changes(decoded),
        *_lane(made, decoded),
    ]  # fmt: skip


def _same(one: Array, other: Array) -> bool:
    return one.shape == other.shape and one.tobytes() == other.tobytes()


def _first_other(made: Made, one: Array, other: Array) -> int:
    if one.shape != other.shape or len(one) != len(made.kind):
        return -1
    return made.first + int(np.flatnonzero((one != other).reshape(len(one), -1).any(axis=1))[0])


def _where(law: str, made: Made, bad: Array, what: str) -> list[Broken]:
    """A fault for the first frames of a mask."""
    return [Broken(law, made.first + int(item), what) for item in np.flatnonzero(bad)[:5]]


def _verdicts(made: Made, decoded: Decoded) -> list[Broken]:
    code = decoded.opened.code
    frame = decoded.rows.frame
    if len(code) != len(made.kind) or (len(frame) and int(frame.max()) >= len(code)):
        return [Broken("verdict", -1, "verdicts or rows of frames that are not there")]
    rows = np.bincount(frame, minlength=len(code))
    may, told = np.isin(code, WITH_ROWS) | (code == 0), np.zeros(len(code), np.bool_)
    told[[event.frame for event in decoded.lane.events] + [sent.frame for sent in decoded.lane.rows]] = True
    return [
        *_where("verdict", made, ~KNOWN[code], "a code that is none"),
        *_where("rows", made, (code == 0) & (rows == 0) & ~told, "taken, and nothing of it"),
        *_where("rows", made, ~may & (rows > 0), "refused, and rows of it"),
        *_where("rows", made, (code != 0) & told, "refused, and events or rows of a profile of it"),
        *_where("rows", made, rows > MOST_ROWS, "more rows than a frame may have"),
    ]


def _rows(made: Made, decoded: Decoded) -> list[Broken]:
    rows, batch = decoded.rows, made.batch
    count, frame = len(rows.frame), rows.frame.astype(np.int64)
    if any(len(getattr(rows, column.name)) != count for column in DecodedBatch.COLUMNS if column.section == "row"):
        return [Broken("rows", -1, "columns of one section differ in length")]
    whole = rows.present & ~np.uint32((1 << len(CHANNELS)) - 1)
    flat = np.hstack((rows.energy, rows.reactive, rows.physical.astype(np.int64)))
    absent = (rows.present[:, None] >> np.arange(len(CHANNELS), dtype=np.uint32)) & 1 == 0
    limits = np.where((np.arange(len(CHANNELS)) >= FIRST_PHYSICAL), 2**31 - 1, 2**53)
    faults = {
        "rows are not in the order of their frames": _disordered(made, frame),
        "a device or service point other than the frame's": (rows.device != batch.device[frame])
        | (rows.service_point != batch.service_point[frame]),
        "a kind that is none": ~np.isin(rows.kind, [int(kind) for kind in Kind]),
        "channels that are none": whole != 0,
        "a value that is absent and not 0": (absent & (flat != 0)).any(axis=1),
        "a value beyond the limits": (np.abs(flat) > limits).any(axis=1),
    }
    found = [
        Broken("rows", made.first + int(frame[row]), what)
        for what, bad in faults.items() for row in np.flatnonzero(bad)[:5]
    ]  # fmt: skip
    return found + ([Broken("rows", -1, "more than a record may have")] if count > MOST_PLACES else [])


def _disordered(made: Made, frame: Array) -> Array:
    """Rows of an earlier frame than the row before; rows of frames that are offered again follow all others."""
    behind = np.zeros(len(frame), np.bool_)
    if made.requeued is None:
        behind[1:] = frame[1:] < frame[:-1]
    return behind


def _snapshots(decoded: Decoded) -> list[Broken]:
    rows, found = decoded.rows, []
    places = rows.snapshot_row.astype(np.int64)
    if len({len(rows.snapshot_row), len(rows.snapshot), len(rows.snapshot_present)}) != 1:
        found.append("columns of one section differ in length")
    elif len(places):
        inside = (places < len(rows.frame)) & np.append(True, np.diff(places) > 0)
        there = (rows.snapshot_present[:, None] >> np.arange(N_SNAPSHOT, dtype=np.uint32)) & 1 != 0
        if not inside.all() or not np.isin(rows.kind[places[inside]], [int(Kind.INSTANT), int(Kind.ALERT)]).all():
            found.append("of a row that is not there, or has none")
        if (~there & (rows.snapshot != 0)).any() or (rows.snapshot_present >> np.uint32(N_SNAPSHOT)).any():
            found.append("a field that is absent and not 0, or none")
    return [Broken("snapshots", -1, what) for what in found]


def _changes(decoded: Decoded) -> list[Broken]:
    changes = decoded.changes
    if len(changes.row) and (int(changes.row.max()) >= len(decoded.rows.frame) or int(changes.row.min()) < 0):
        return [Broken("changes", -1, "of a row that is not there")]
    if (changes.before == changes.after).all(axis=1).any():
        return [Broken("changes", -1, "a word that is the one before")]
    return []


def _lane(made: Made, decoded: Decoded) -> list[Broken]:
    """What the second lane read, each frame once, and what it says of frames that it refused."""
    lane, code = decoded.lane, decoded.opened.code
    bad = {
        # What is offered again may be read once more as such.
        "read twice": made.requeued is None and len(set(lane.read)) != len(lane.read),
        "said of a frame that it did not read": not set(lane.said) <= set(lane.read),
        "said of a frame that is taken": any(code[frame] == 0 for frame in lane.said),
        "said at length, or not in ASCII": any(
            len(said) > MOST_SAID or not said.isascii() for said in lane.said.values()
        ),
        "an event code beyond 16 bits": any(not 0 <= event.code < 1 << 16 for event in lane.events),
        "a value that is of no kind, or of two": any(
            sum(part is not None for part in (value.value, value.text, value.time)) > 1
            for sent in lane.rows for value in sent.row.values
        ),
    }  # fmt: skip
    return [Broken("lane", -1, what) for what, there in bad.items() if there]
