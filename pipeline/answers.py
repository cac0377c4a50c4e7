"""What an ANSWER frame says of a whole day: the settlement after the correction, and what it replaces.

The rows of such a frame in which no energy is present are not intervals. Their numbers, `energy` then `prior_energy` of
one row after the other in the order of `method` (which counts from 1), are one record DAY_CORRECTION; `start` is the
local midnight that the day begins at, `secs` a day.
"""

from __future__ import annotations

import numpy as np

from pipeline.batch import MONTH_FIGURES, ReadingBatch
from pipeline.channels import N_ENERGY
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.statement_frames import ROW

ZONES = 5
"""Time-of-use zones that a tariff may have, as rating keeps them; Indian tariffs have at most four."""

DAY_FIELDS = (
    ("registers", "<i8"),
    ("opening", "<i8", (N_ENERGY,)),
    ("closing", "<i8", (N_ENERGY,)),
    ("register_energy", "<i8", (N_ENERGY,)),
    ("actual", "<i8", (N_ENERGY,)),
    ("estimated", "<i8", (N_ENERGY,)),
    ("suspect", "<i8", (N_ENERGY,)),
    ("unexplained", "<i8", (N_ENERGY,)),
    ("counts", "<i8", (4,)),
    ("demand", "<i8", (2,)),
    ("demand_start", "<i8", (2,)),
)
"""A settlement: columns day_... of ReadingBatch."""

DAY_CORRECTION = np.dtype(
    [
        *DAY_FIELDS,  # the day as it is now
        # What it replaces: columns correction_... of ReadingBatch.
        ("prior_registers", "<i8"),
        ("prior_energy", "<i8", (N_ENERGY,)),
        ("prior_estimated", "<i8"),
        ("prior_counts", "<i8", (4,)),
        ("prior_demand", "<i8", (2,)),
        ("prior_demand_start", "<i8", (2,)),
        ("prior_revision", "<i8"),
        ("prior_zones", "<i8", (ZONES,)),
        ("month", "<i8", (MONTH_FIGURES,)),
    ]
)
NUMBERS = DAY_CORRECTION.itemsize // 8
OF_A_ROW = 2 * N_ENERGY
ROWS = NUMBERS // OF_A_ROW
assert ROWS * OF_A_ROW == NUMBERS


def day_rows(correction: Array, day_start: int) -> Array:
    """ROW (ROWS,) that say DAY_CORRECTION ()."""
    rows = np.zeros(ROWS, ROW)
    numbers = np.frombuffer(correction.tobytes(), "<i8").reshape(ROWS, 2, N_ENERGY)
    rows["start"], rows["secs"] = day_start, DAY_SECS
    rows["method"] = np.arange(1, ROWS + 1)
    rows["energy"], rows["prior_energy"] = numbers[:, 0], numbers[:, 1]
    return rows


def correction_of(rows: Array) -> tuple[int, Array] | None:
    """(local midnight, DAY_CORRECTION ()) of the rows ROW (n,) of a frame; None when they do not say it whole."""
    said = rows[rows["present"] == 0]
    said = said[np.argsort(said["method"], kind="stable")]
    if len(said) != ROWS or (said["method"] != np.arange(1, ROWS + 1)).any() or len(np.unique(said["start"])) != 1:
        return None
    numbers = np.stack((said["energy"], said["prior_energy"]), axis=1)
    correction: Array = np.frombuffer(np.ascontiguousarray(numbers, "<i8").tobytes(), DAY_CORRECTION)[0]
    return int(said["start"][0]), correction


def of_corrected_days(batch: ReadingBatch) -> Array:
    """Mask of the readings of days that had left the hot window and are corrected."""
    mask = np.zeros(len(batch.service_point), bool)
    if not len(batch.correction_day):
        return mask
    points = batch.day_service_point[batch.correction_day]
    starts = batch.day_start[batch.correction_day]
    phase = int(starts[0]) % DAY_SECS
    days = set(zip(points.tolist(), ((starts - phase) // DAY_SECS).tolist(), strict=True))
    maybe = np.flatnonzero(np.isin(batch.service_point, points))
    found = (batch.interval_start[maybe] - phase) // DAY_SECS
    mask[maybe] = [key in days for key in zip(batch.service_point[maybe].tolist(), found.tolist(), strict=True)]
    return mask
