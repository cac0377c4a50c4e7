"""Rows that the hot window has lost, as requests to the cold lane: docs/cold.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from agents.vee.kernels_judge import TOO_OLD
from pipeline.batch import DecodedBatch
from pipeline.channels import CHANNELS
from pipeline.codes import Kind
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.rejects import device_names
from pipeline.step import Emission, Origin

OUTPUT = "cold_requests"
MOST_ROWS = 300
"""Of a request: a day of intervals of five minutes and its registers."""


def parted(refused: Array, time: Array, oldest: int) -> tuple[Array, Array]:
    """(rows to ask for, rows to refuse) of REJECT (n,): the too old ones that are not older than `oldest`, epoch s."""
    if not len(refused):
        return refused, refused
    cold = (refused["code"] == TOO_OLD) & (time[refused["row"]] >= oldest)
    return refused[cold], refused[~cold]


def emissions(cold: Array, decoded: DecodedBatch, origin: Origin, offset_secs: int, tick_time: int) -> list[Emission]:
    """REJECT (n,) as requests, one a service point, device and local day; keyed by service point, 8 octets."""
    if not len(cold):
        return []
    rows = cold["row"].astype(np.int64)
    # A block's stamp at midnight closes the day before; a register read then begins a day, and is asked for with it.
    day = (decoded.time[rows] - (decoded.kind[rows] == Kind.BLOCK) + offset_secs) // DAY_SECS
    point, device = decoded.service_point[rows], decoded.device[rows]
    made = []
    for index, group in enumerate(groups(point, device, day)):
        first = group[0]
        start = int(day[first]) * DAY_SECS - offset_secs
        asked = [_row(decoded, row) for row in rows[group].tolist()]
        made.append(request(int(point[first]), int(device[first]), start, tick_time, origin, index, rows=asked))
    return made


def request(
    point: int,
    device: int,
    day_start: int,
    tick_time: int,
    origin: Origin,
    index: int,
    *,
    rows: Sequence[dict[str, Any]] = (),
    statements: Sequence[dict[str, Any]] = (),
) -> Emission:
    """A request about a service point's day, epoch s; index: its place among the requests of the record."""
    record = {
        "service_point": point,
        "device": device_names(np.array([device], np.uint64))[0].decode(),
        "day_start": day_start,
        "tick_time": tick_time,
        "rows": list(rows),
        "statements": list(statements),
        "source_topic_id": origin.topic_id,
        "source_partition": origin.partition,
        "source_offset": origin.offset,
        "source_index": index,
    }
    return Emission(OUTPUT, record, key=point.to_bytes(8, "big"))


def groups(*columns: Array) -> Iterator[Array]:
    """Places i64 of what each request has: rows that are the same in all columns, in the order of the columns; within
    as they came."""
    order = np.lexsort(columns[::-1])
    changes = np.zeros(len(order), bool)
    for column in columns:
        changes[1:] |= column[order][1:] != column[order][:-1]
    for group in np.split(order, np.flatnonzero(changes)):
        for begin in range(0, len(group), MOST_ROWS):
            yield group[begin : begin + MOST_ROWS]


def _row(decoded: DecodedBatch, row: int) -> dict[str, Any]:
    values = (*decoded.energy[row].tolist(), *decoded.reactive[row].tolist(), *decoded.physical[row].tolist())
    return {
        "time": int(decoded.time[row]),
        "kind": int(decoded.kind[row]),
        "flags": int(decoded.flags[row]),
        "counter": int(decoded.counter[row]),
        "present": int(decoded.present[row]),
        **{channel.name: value for channel, value in zip(CHANNELS, values, strict=True)},
    }
