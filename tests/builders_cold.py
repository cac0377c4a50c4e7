"""What the cold lane reads of a warehouse, made of records."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.cold.answer import Asked, days_of, days_said
from agents.cold.history import BILL, DAY, READING, REQUESTED, SAID, History
from pipeline.batch import DecodedBatch, ReadingBatch
from pipeline.channels import ENERGY
from pipeline.columns import Array, empty
from pipeline.localtime import DAY_SECS
from pipeline.statement_frames import ROW, StatementFrame

NAMES = [channel.name for channel in ENERGY]


def bill_of(record: Any) -> Array:
    """BILL () of a determinant."""
    one = np.zeros((), BILL)
    one["service_point"], one["start"] = record["service_point"], record["period_start"]
    one["month"], one["revision"] = record["kind"] == "MONTH", record["revision"]
    one["energy"], one["estimated"] = [record[name] for name in NAMES], record["estimated_wh"]
    for place, zone in enumerate(record["zones"]):
        one["zones"][place] = zone["wh"]
    for place, name in enumerate(("demand_w", "demand_va")):
        one["demand"][place] = record[name] or 0
    for place, name in enumerate(("demand_start", "demand_va_start")):
        one["demand_start"][place] = record[name] or 0
    one["counts"] = [record[f"intervals_{name}"] for name in ("actual", "estimated", "missing", "suspect")]
    for place, register in enumerate(record["registers"]):
        for bit, name in ((1, "opening"), (2, "closing")):
            if register[name] is not None:
                one["known"] |= bit
                one[name][place] = register[name]
    return one


def requested(place: int, record: Any) -> list[Array]:
    """REQUESTED () of the rows of a request, which is the `place`-th."""
    made = []
    for row in record["rows"]:
        one = np.zeros((), REQUESTED)
        one["service_point"], one["device"] = record["service_point"], int(record["device"], 16)
        for name in ("time", "kind", "flags", "counter", "present"):
            one[name] = row[name]
        one["energy"] = [row[name] for name in NAMES]
        one["partition"], one["offset"] = record["source_partition"], place
        made.append(one)
    return made


def told(place: int, record: Any) -> list[Array]:
    """SAID () of the statements of a request, which is the `place`-th."""
    made = []
    for said in record["statements"]:
        one = np.zeros((), SAID)
        one["service_point"] = record["service_point"]
        for name in ("kind", "number", "start", "secs", "present"):
            one[name] = said[name]
        one["energy"] = [said[name] for name in NAMES]
        one["partition"], one["offset"] = record["source_partition"], place
        made.append(one)
    return made


def asked_of(place: int, record: Any, offset_secs: int) -> Asked:
    """A request as it is judged."""
    times = np.array([row["time"] for row in record["rows"]], np.int64)
    kinds = np.array([row["kind"] for row in record["rows"]], np.int64)
    days = (
        days_of(times, kinds, offset_secs)
        | days_said(record, offset_secs)
        or frozenset([(record["day_start"] + offset_secs) // DAY_SECS])
    )  # fmt: skip
    return Asked(record["service_point"], place, record["source_partition"], record["tick_time"], days)


def history_of(
    batches: list[ReadingBatch], requests: list[Array], begin: int, said: list[Array] | None = None
) -> History:
    """What a warehouse would have of these batches, without determinants."""
    readings: list[Array] = []
    days: dict[tuple[int, int], Array] = {}
    for batch in batches:
        part = np.zeros(len(batch.service_point), READING)
        for name in READING.names or ():
            source = {"start": "interval_start", "secs": "interval_secs"}.get(name, name)
            part[name] = getattr(batch, source)
        readings.append(part)
        for row in range(len(batch.day_start)):
            day = np.zeros((), DAY)
            for name in DAY.names or ():
                day[name] = getattr(batch, f"day_{name}")[row]
            days[int(day["service_point"]), int(day["start"])] = day
    rows = np.array(requests, REQUESTED) if requests else np.zeros(0, REQUESTED)
    return History(
        begin, np.concatenate(readings), rows, np.array(list(days.values()), DAY),
        said=np.array(said, SAID) if said else np.zeros(0, SAID),
    )  # fmt: skip


def stated(frame: StatementFrame) -> DecodedBatch:
    """A statement as decode hands it on."""
    batch: Any = empty(DecodedBatch)
    for column in DecodedBatch.COLUMNS:
        if column.section == "statement":
            setattr(batch, column.name, column.empty(len(frame.rows)))
    for name in set(ROW.names or ()) - {"spare"}:
        setattr(batch, f"statement_{name}", np.ascontiguousarray(frame.rows[name]))
    batch.statement_kind[:], batch.statement_number[:] = frame.kind, frame.number
    batch.statement_service_point[:], batch.statement_said_at[:] = frame.service_point, frame.said_at
    made: DecodedBatch = batch
    return made
