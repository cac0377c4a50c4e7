"""Rows that the hot window has lost, as requests to the cold lane: docs/cold.md."""

from __future__ import annotations

from collections.abc import Iterator
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
    for index, group in enumerate(_groups(point, device, day)):
        first = group[0]
        record = {
            "service_point": int(point[first]),
            "device": device_names(device[first : first + 1])[0].decode(),
            "day_start": int(day[first]) * DAY_SECS - offset_secs,
            "tick_time": tick_time,
            "rows": [_row(decoded, row) for row in rows[group].tolist()],
            "statements": [],
            "source_topic_id": origin.topic_id,
            "source_partition": origin.partition,
            "source_offset": origin.offset,
            "source_index": index,
        }
        made.append(Emission(OUTPUT, record, key=int(point[first]).to_bytes(8, "big")))
    return made


def _groups(point: Array, device: Array, day: Array) -> Iterator[Array]:
    """Places i64 of the rows of each request, in the order of service point, device and day; within as they came."""
    order = np.lexsort((day, device, point))
    changes = np.zeros(len(order), bool)
    for column in (point, device, day):
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
