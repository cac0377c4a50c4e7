"""Caller-owned buffers that the kernels write to, and the batch and rejects made of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pipeline.batch import DecodedBatch, ReadingBatch
from pipeline.codes import REJECT_BY_NUMBER
from pipeline.columns import Array, concat, empty
from pipeline.step import Emission, Origin

# Places of a kernel's cursor, i64 (CURSOR,).
AT, READINGS, PRIORS, DAYS, REJECTS, STATUS, SLOT, LACKING = range(8)
CURSOR = 8

# What a kernel stopped for.
DONE, FULL, PLANE_NEEDED = 0, 1, 2

FIRST_ROWS = 1024
"""Rows of a tick's buffers to begin with."""


class Readings(NamedTuple):
    """Columns of ReadingBatch's sections reading and prior; `source`: row of the decoded batch, -1 for a tick's."""

    service_point: Array
    device: Array
    link: Array
    interval_start: Array
    interval_secs: Array
    revision: Array
    frame: Array
    counter: Array
    flags: Array
    method: Array
    rules: Array
    quality: Array
    energy: Array
    source: Array
    prior_reading: Array
    prior_quality: Array
    prior_energy: Array


class Days(NamedTuple):
    """Columns of ReadingBatch's section settlement."""

    service_point: Array
    link: Array
    start: Array
    revision: Array
    state: Array
    registers: Array
    opening: Array
    closing: Array
    register_energy: Array
    actual: Array
    estimated: Array
    suspect: Array
    unexplained: Array
    counts: Array
    demand: Array
    demand_start: Array


class Rejects(NamedTuple):
    """Refused rows: `row` i4 of the decoded batch, `code` u1 of pipeline.codes.REJECT_CODES."""

    row: Array
    code: Array


_COLUMNS = {column.name: column for column in ReadingBatch.COLUMNS}


def readings(rows: int) -> Readings:
    """Room for `rows` readings, each with a prior."""
    arrays = [np.zeros(rows, np.int32) if name == "source" else _COLUMNS[name].empty(rows) for name in Readings._fields]
    return Readings(*arrays)


def days(rows: int) -> Days:
    """Room for `rows` settlements."""
    return Days(*(_COLUMNS[f"day_{name}"].empty(rows) for name in Days._fields))


def rejects(rows: int) -> Rejects:
    """Room for `rows` refusals."""
    return Rejects(np.zeros(rows, np.int32), np.zeros(rows, np.uint8))


def _longer(array: Array) -> Array:
    longer = np.zeros((2 * len(array), *array.shape[1:]), array.dtype)
    longer[: len(array)] = array
    return longer


class Buffers:
    """A tick's output, which may grow."""

    def __init__(self) -> None:
        self.readings = readings(FIRST_ROWS)
        self.days = days(FIRST_ROWS)
        self.cursor = np.zeros(CURSOR, np.int64)

    def grow(self) -> None:
        """Twice the room, whatever was full."""
        self.readings = Readings(*(_longer(array) for array in self.readings))
        self.days = Days(*(_longer(array) for array in self.days))

    @property
    def filled(self) -> bool:
        """Something was written."""
        return bool(self.cursor[READINGS] or self.cursor[DAYS])


def batch_of(
    out: Readings,
    settled: Days | None,
    cursor: Array,
    decoded: DecodedBatch | None,
    factors: tuple[Array, Array] | None,
) -> ReadingBatch:
    """The rows written so far; reactive energy and physical values come from the decoded rows.

    factors: numerator and denominator i64 (rows,) of the decoded rows, None when all are 1.
    """
    batch = empty(ReadingBatch)
    count, priors = int(cursor[READINGS]), int(cursor[PRIORS])
    for name in Readings._fields:
        if name != "source":
            setattr(batch, name, getattr(out, name)[: priors if name.startswith("prior") else count])
    if settled is not None:
        for name in Days._fields:
            setattr(batch, f"day_{name}", getattr(settled, name)[: int(cursor[DAYS])])
    if decoded is None:
        batch.reactive = _COLUMNS["reactive"].empty(count)
        batch.physical = _COLUMNS["physical"].empty(count)
        return batch
    source = out.source[:count]
    batch.physical = decoded.physical[source]
    batch.reactive = decoded.reactive[source]
    batch.physical[source < 0] = 0
    batch.reactive[source < 0] = 0
    if factors is not None:
        batch.reactive = batch.reactive * factors[0][source, None] // factors[1][source, None]
    return batch


def add_snapshots(batch: ReadingBatch, decoded: DecodedBatch, offset: int) -> None:
    """Instantaneous values and alerts pass as they are."""
    rows = decoded.snapshot_row.astype(np.int64)
    batch.snapshot_service_point = decoded.service_point[rows]
    batch.snapshot_device = decoded.device[rows]
    batch.snapshot_time = decoded.time[rows]
    batch.snapshot_kind = decoded.kind[rows]
    batch.snapshot_revision = (rows.astype(np.uint64) | np.uint64(offset << 20)).astype(np.uint64)
    batch.snapshot_flags = decoded.flags[rows]
    batch.snapshot_energy = decoded.energy[rows]
    batch.snapshot_physical = decoded.physical[rows]
    batch.snapshot_channels = decoded.present[rows]
    batch.snapshot = decoded.snapshot
    batch.snapshot_present = decoded.snapshot_present


def reject_emissions(refused: Rejects, count: int, decoded: DecodedBatch, origin: Origin) -> list[Emission]:
    """One plain record for each refused row, keyed by device."""
    emissions = []
    for place in range(count):
        row = int(refused.row[place])
        code = REJECT_BY_NUMBER[int(refused.code[place])]
        device = f"{int(decoded.device[row]):016X}"
        record: dict[str, Any] = {
            "stage": "vee",
            "code": code.code,
            "parked": code.parked,
            "topic": origin.topic_id,
            "partition": origin.partition,
            "offset": origin.offset,
            "frame": int(decoded.frame[row]),
            "service_point": int(decoded.service_point[row]),
            "device": device,
            "received_at": 0,
            "time": int(decoded.time[row]),
            "detail": code.meaning,
            "raw": b"",
            "source_topic_id": origin.topic_id,
            "source_partition": origin.partition,
            "source_offset": origin.offset,
            "source_index": place,
        }
        emissions.append(Emission("rejects", record, device.encode()))
    return emissions


def joined(first: ReadingBatch, second: ReadingBatch | None) -> ReadingBatch:
    """Both, in order; the priors of the second point into the whole."""
    if second is None:
        return first
    second.prior_reading = (second.prior_reading + np.uint32(len(first.service_point))).astype(np.uint32)
    return concat(ReadingBatch, [first, second])
