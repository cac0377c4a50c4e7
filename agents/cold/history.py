"""What a warehouse knows of some service points and days: what the cold lane judges by."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pipeline.answers import DAY_FIELDS, ZONES
from pipeline.channels import N_ENERGY
from pipeline.columns import Array

READING = np.dtype(
    [
        ("service_point", "<u8"),
        ("device", "<u8"),
        ("start", "<i8"),
        ("secs", "<i8"),
        ("revision", "<u8"),
        ("frame", "<i8"),  # -1: made by a tick, or by an answer
        ("flags", "<i8"),
        ("method", "<i8"),
        ("rules", "<i8"),
        ("quality", "<u8"),
        ("energy", "<i8", (N_ENERGY,)),
    ]
)
"""A revision of a reading; columns as in ReadingBatch."""

DAY = np.dtype([("service_point", "<u8"), ("start", "<i8"), ("revision", "<u8"), *DAY_FIELDS])
"""The last settlement of a day; columns as in ReadingBatch, without `day_`."""

REQUESTED = np.dtype(
    [
        ("service_point", "<u8"),
        ("device", "<u8"),
        ("time", "<i8"),
        ("kind", "<i8"),
        ("flags", "<i8"),
        ("counter", "<i8"),
        ("present", "<i8"),
        ("energy", "<i8", (N_ENERGY,)),  # meter side
        ("partition", "<i8"),  # of the log of frames that it came from
        ("offset", "<i8"),
    ]
)
"""A row of a cold request, former or new."""

SAID = np.dtype(
    [
        ("service_point", "<u8"),
        ("kind", "<i8"),  # pipeline.statement_frames.Statement
        ("number", "<u8"),
        ("start", "<i8"),
        ("secs", "<i8"),
        ("present", "<i8"),
        ("energy", "<i8", (N_ENERGY,)),  # times the multiplying factor
        ("partition", "<i8"),  # of the log of frames that it came from
        ("offset", "<i8"),
    ]
)
"""What a cold request says of an interval, former or new."""

BILL = np.dtype(
    [
        ("service_point", "<u8"),
        ("start", "<i8"),
        ("month", "<i8"),  # 1: of a month, 0: of a day
        ("revision", "<i8"),
        ("energy", "<i8", (N_ENERGY,)),
        ("estimated", "<i8"),
        ("zones", "<i8", (ZONES,)),
        ("demand", "<i8", (2,)),  # W, VA
        ("demand_start", "<i8", (2,)),  # 0: none
        ("counts", "<i8", (4,)),
        ("known", "<i8"),  # bits: 1 opening, 2 closing register known
        ("opening", "<i8", (N_ENERGY,)),
        ("closing", "<i8", (N_ENERGY,)),
    ]
)
"""The last determinant of a day or month."""


AROUND = np.dtype(
    [
        ("service_point", "<u8"),
        ("start", "<i8"),
        ("secs", "<i8"),
        ("method", "<i8"),
        ("quality", "<u8"),
        ("energy", "<i8", (N_ENERGY,)),
    ]
)
"""The last revision of a good reading of the days around, of the service points and of their neighbours."""

CHECK = np.dtype([("service_point", "<u8"), ("channel", "<i8"), ("start", "<i8"), ("until", "<i8"), ("energy", "<i8")])
"""What a check meter measured in one interval, Wh or VAh."""

TEMPERATURE = np.dtype([("service_point", "<u8"), ("node", "<i8"), ("start", "<i8"), ("tenths", "<i8")])
"""Tenths of a degree Celsius, of a service point, of a node, or (both 0) of the place that stands for all others."""

NEIGHBOUR = np.dtype([("service_point", "<u8"), ("neighbour", "<u8"), ("start", "<i8"), ("until", "<i8")])
"""A service point whose use is alike; until 0: without an end."""


def _none(kind: np.dtype[np.void]) -> Array:
    return np.zeros(0, kind)


@dataclass
class Around:
    """What gaps are estimated by: readings AROUND of weeks, and facts CHECK, TEMPERATURE and NEIGHBOUR."""

    readings: Array = field(default_factory=lambda: _none(AROUND))
    checks: Array = field(default_factory=lambda: _none(CHECK))
    temperatures: Array = field(default_factory=lambda: _none(TEMPERATURE))
    neighbours: Array = field(default_factory=lambda: _none(NEIGHBOUR))


@dataclass
class History:
    """Of some service points: readings READING (all revisions), requests REQUESTED and what they say, SAID, of the days
    asked for; days DAY and bills BILL of these and of the whole months that they lie in. begin: first local midnight of
    which the warehouse has anything, epoch seconds. around: None where what lacks stays as the hot window would
    estimate it."""

    begin: int
    readings: Array = field(default_factory=lambda: _none(READING))
    requests: Array = field(default_factory=lambda: _none(REQUESTED))
    days: Array = field(default_factory=lambda: _none(DAY))
    bills: Array = field(default_factory=lambda: _none(BILL))
    said: Array = field(default_factory=lambda: _none(SAID))
    around: Around | None = None

    def latest(self) -> dict[tuple[int, int], Array]:
        """(service point, start) -> the newest revision READING ()."""
        order = np.argsort(self.readings["revision"], kind="stable")
        rows = self.readings[order]
        return dict(zip(zip(rows["service_point"].tolist(), rows["start"].tolist(), strict=True), rows, strict=True))
