"""Frames at each point of the way, when everything is drained."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

from bench.truth.warehouse import Warehouse
from connectors.simulator.network import FIRST_POINT


@dataclass
class Counts:
    """Frames sent, accepted by connectors, in the log; rows of the warehouse, without FINAL; intervals with rows.

    odd_intervals: those in which not exactly the meters have a row each.
    """

    sent: int = 0
    accepted: int = 0
    logged: int = 0
    readings: int = 0
    rejects: int = 0
    intervals: int = 0
    odd_intervals: int = 0


def count(dsn: str, meters: int, last: dict[str, Any]) -> Counts:
    """With `last`, the last look. The warehouse must be nobody's any more."""
    points = meters * FIRST_POINT + meters * (meters - 1) // 2
    with closing(Warehouse(dsn)) as warehouse:
        rows = warehouse.rows({"n": "count()", "points": "sum(service_point)"}, "readings", group="interval_start")
        rejects = warehouse.count("rejects")
    odd = int(((rows["n"] != meters) | (rows["points"] != points)).sum())
    frames = last["frames"]
    return Counts(frames["sent"], frames["accepted"], frames["logged"], int(rows["n"].sum()), rejects, len(rows["n"]),
                  odd)  # fmt: skip
