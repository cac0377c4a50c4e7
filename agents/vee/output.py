"""Buffers that the kernels write rows to, and the batch and rejects made of them."""

from __future__ import annotations

import numpy as np

from agents.vee.kernels_output import Columns, into_columns
from pipeline.batch import DecodedBatch, ReadingBatch
from pipeline.channels import N_ENERGY, N_PHYSICAL
from pipeline.columns import Array, concat, empty
from pipeline.rejects import MEANINGS, Rejects
from pipeline.statement_frames import Statement
from pipeline.step import Emission, Origin

# Places of a kernel's cursor, i64 (CURSOR,).
AT, READINGS, DAYS, REJECTS, STATUS, SLOT, LACKING = range(7)
CURSOR = 7

# What a kernel stopped for.
DONE, FULL, PLANE_NEEDED = 0, 1, 2

FIRST_ROWS = 1024
"""Rows of a tick's buffers to begin with."""

READING = np.dtype(
    [
        ("service_point", "<u8"),
        ("device", "<u8"),
        ("interval_start", "<i8"),
        ("revision", "<u8"),
        ("quality", "<u8"),
        ("energy", "<i8", (N_ENERGY,)),
        ("prior_energy", "<i8", (N_ENERGY,)),
        ("link", "<u4"),
        ("interval_secs", "<u4"),
        ("frame", "<i4"),
        ("counter", "<u4"),
        ("rules", "<u4"),
        ("source", "<i4"),  # row of the decoded batch that reactive energy and physical values come from; -1: none
        ("flags", "<u2"),
        ("expected_error", "<u2"),
        ("method", "<u1"),
        ("prior_quality", "<u1"),
        ("replaces", "<u1"),  # 1: there was an earlier revision
        ("spare", "<u1"),
    ]
)
"""A reading and what it replaces; columns as in ReadingBatch."""

DAY = np.dtype(
    [
        (column.name.removeprefix("day_"), column.dtype, (column.width,) if column.width > 1 else ())
        for column in ReadingBatch.COLUMNS
        if column.section == "settlement"
    ]
)
"""A settled day; columns as in ReadingBatch, without `day_`."""

REJECT = np.dtype([("row", "<i4"), ("code", "<u1")])
"""A refused row of the decoded batch, and its number in pipeline.codes.REJECT_CODES."""

_COLUMNS = {column.name: column for column in ReadingBatch.COLUMNS}
_OF_READING = tuple(name for name in Columns._fields if name in _COLUMNS)
_NOTHING_DECODED = np.zeros((0, N_PHYSICAL), "<i4")


def _uninitialized(name: str, rows: int) -> Array:
    """Room for a column of readings, or for the places of those that replace."""
    if name not in _COLUMNS:
        return np.empty(rows, np.int64)
    column = _COLUMNS[name]
    return np.empty(rows if column.width == 1 else (rows, column.width), column.dtype)


def _twice(rows: Array, used: int) -> Array:
    """Room for twice as many; of what is not used yet no memory is touched."""
    grown = np.zeros(2 * len(rows), rows.dtype)
    grown[:used] = rows[:used]
    return grown


class Buffers:
    """Output of one parcel; may grow while it is a tick's."""

    def __init__(self, readings: int = FIRST_ROWS, days: int = FIRST_ROWS) -> None:
        self.readings = np.zeros(readings, READING)
        self.days = np.zeros(days, DAY)
        self.cursor = np.zeros(CURSOR, np.int64)

    def grow(self, readings: int, days: int) -> None:
        """Twice the room for what has less left than so many rows; the other stays as it is.

        When frames of whole days are lost there are many readings, and room for a day of every point is there already.
        """
        if len(self.readings) - self.cursor[READINGS] < readings:
            self.readings = _twice(self.readings, self.cursor[READINGS])
        if len(self.days) - self.cursor[DAYS] < days:
            self.days = _twice(self.days, self.cursor[DAYS])

    def need(self, readings: int) -> None:
        """Room for at least so many readings more, and some."""
        if len(self.readings) - self.cursor[READINGS] < readings:
            self.readings = np.concatenate([self.readings, np.zeros(len(self.readings) + readings, READING)])

    def batch(self, decoded: DecodedBatch | None = None, factors: tuple[Array, Array] | None = None) -> ReadingBatch:
        """The rows written so far; reactive energy and physical values come from the decoded rows.

        factors: numerator and denominator i64 (rows,) of the decoded rows, None when all are 1.
        """
        batch = empty(ReadingBatch)
        rows, days = self.readings[: self.cursor[READINGS]], self.days[: self.cursor[DAYS]]
        columns = Columns(**{name: _uninitialized(name, len(rows)) for name in Columns._fields})
        physical = _NOTHING_DECODED if decoded is None else np.require(decoded.physical, "<i4", ["C", "W"])
        replacing = columns.replacing[: into_columns(rows, physical, columns)]
        for name in _OF_READING:
            setattr(batch, name, getattr(columns, name))
        batch.prior_reading = replacing.astype(np.uint32)
        batch.prior_quality, batch.prior_energy = rows["prior_quality"][replacing], rows["prior_energy"][replacing]
        for name in DAY.names or ():
            setattr(batch, f"day_{name}", np.ascontiguousarray(days[name]))
        batch.reactive = _COLUMNS["reactive"].empty(len(rows))
        if decoded is not None and decoded.reactive.any():
            own = np.flatnonzero(rows["source"] >= 0)
            source = rows["source"][own]
            reactive = decoded.reactive[source]
            if factors is not None:
                reactive = reactive * factors[0][source, None] // factors[1][source, None]
            batch.reactive[own] = reactive
        return batch


def add_snapshots(batch: ReadingBatch, decoded: DecodedBatch, offset: int) -> None:
    """Instantaneous values and alerts pass as they are."""
    rows = decoded.snapshot_row.astype(np.int64)
    batch.snapshot_service_point = decoded.service_point[rows]
    batch.snapshot_device = decoded.device[rows]
    batch.snapshot_time = decoded.time[rows]
    batch.snapshot_kind = decoded.kind[rows]
    batch.snapshot_revision = rows.astype(np.uint64) | np.uint64(offset << 20)
    batch.snapshot_flags = decoded.flags[rows]
    batch.snapshot_energy = decoded.energy[rows]
    batch.snapshot_physical = decoded.physical[rows]
    batch.snapshot_channels = decoded.present[rows]
    batch.snapshot = decoded.snapshot
    batch.snapshot_present = decoded.snapshot_present


def add_checks(batch: ReadingBatch, decoded: DecodedBatch) -> None:
    """What check meters measured passes as it is."""
    rows = np.flatnonzero(decoded.statement_kind == int(Statement.CHECK))
    for name in ("service_point", "number", "start", "secs"):
        setattr(batch, f"check_{name}", np.ascontiguousarray(getattr(decoded, f"statement_{name}")[rows]))
    batch.check_present = decoded.statement_present[rows] & np.uint8(1)
    batch.check_energy = np.ascontiguousarray(decoded.statement_energy[rows, 0])


def joined(first: ReadingBatch, second: ReadingBatch | None) -> ReadingBatch:
    """Both, in order; the priors and corrections of the second point into the whole."""
    if second is None:
        return first
    second.prior_reading = (second.prior_reading + len(first.service_point)).astype(np.uint32)
    second.correction_day = (second.correction_day + len(first.day_service_point)).astype(np.uint32)
    return concat(ReadingBatch, [first, second])


def reject_emissions(refused: Array, decoded: DecodedBatch, origin: Origin) -> list[Emission]:
    """The refused rows (REJECT) as one batch of rejects."""
    if not len(refused):
        return []
    rows, count = refused["row"], len(refused)
    rejects = Rejects(
        stage="vee", topic=origin.topic_id, origin=origin, code=refused["code"],
        frame=decoded.frame[rows].astype(np.int64), service_point=decoded.service_point[rows],
        device=decoded.device[rows], received_at=np.zeros(count, np.int64), time=decoded.time[rows],
        detail=MEANINGS[refused["code"]], raw=np.zeros(0, np.uint8), raw_length=np.zeros(count, np.int64),
    )  # fmt: skip
    return [Emission("rejects", rejects)]
