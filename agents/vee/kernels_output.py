"""Readings as a kernel wrote them, a structure each, into the columns of a batch: one pass over the rows.

numpy would go through all of the structures once for each column.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agents.vee.borrow import borrowed
from agents.vee.jit import kernel
from pipeline.channels import N_ENERGY, N_PHYSICAL
from pipeline.columns import Array


class Columns(NamedTuple):
    """Columns of a ReadingBatch, (rows,) or (rows, channels), and rows i64 (rows,) with room for those that replace."""

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
    expected_error: Array
    quality: Array
    energy: Array
    physical: Array
    replacing: Array


@kernel
def into_columns(readings, physical, columns):  # type: ignore[no-untyped-def]
    """Fill the columns from readings READING (rows,); returns how many of them replace an earlier revision.

    physical i32 (decoded rows, N_PHYSICAL): values of the rows that readings say they come from.
    """
    readings, physical, columns = borrowed(readings), borrowed(physical), borrowed(columns)
    replacing = 0
    for row in range(readings.shape[0]):
        reading = readings[row]
        columns.service_point[row], columns.device[row] = reading.service_point, reading.device
        columns.link[row], columns.revision[row] = reading.link, reading.revision
        columns.interval_start[row], columns.interval_secs[row] = reading.interval_start, reading.interval_secs
        columns.frame[row], columns.counter[row] = reading.frame, reading.counter
        columns.flags[row], columns.method[row], columns.rules[row] = reading.flags, reading.method, reading.rules
        columns.quality[row], columns.expected_error[row] = reading.quality, reading.expected_error
        for channel in range(N_ENERGY):
            columns.energy[row, channel] = reading.energy[channel]
        source = np.int64(reading.source)
        for channel in range(N_PHYSICAL):
            columns.physical[row, channel] = physical[source, channel] if source >= 0 else np.int32(0)
        if reading.replaces:
            columns.replacing[replacing] = row
            replacing += 1
    return replacing
