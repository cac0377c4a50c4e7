"""What people and systems say of intervals, from a decoded batch into the hot window."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agents.vee.output import REJECT
from agents.vee.state import AMENDED, IMPORT_WIDE, MEMBERS, SAID, VAH, WH
from pipeline.batch import DecodedBatch
from pipeline.columns import Array
from pipeline.rejects import MEANINGS, Rejects
from pipeline.statement_frames import Statement
from pipeline.step import Emission, Origin

VALUED = (int(Statement.EDIT), int(Statement.DISCARD))
"""Kinds after which something else is published than what was sent."""
BESIDE_VALUES = (AMENDED * MEMBERS, IMPORT_WIDE + WH, IMPORT_WIDE + VAH)


class Said(NamedTuple):
    """The columns of statements that kernels read, as in DecodedBatch."""

    frame: Array
    service_point: Array
    kind: Array
    number: Array
    start: Array
    secs: Array
    present: Array
    energy: Array


def said_in(decoded: DecodedBatch) -> Said:
    """The statements of a batch, copied: arrays that can be written to are of one type, whatever they came in."""
    return Said(*(np.array(getattr(decoded, f"statement_{name}")) for name in Said._fields))


def usual_planes(said: Said, chosen: Array) -> tuple[Array, Array]:
    """(points u64, plane numbers u8) that the statements of a mask need nearly always; chosen bool (n,).

    A kernel stops for each plane that a point lacks; of a bulk edit these are many.
    """
    chosen = chosen & (said.kind != int(Statement.CHECK))  # it stands beside the window, not in it
    of_all, of_values = np.unique(said.service_point[chosen]), np.isin(said.kind, VALUED) & chosen
    valued = np.unique(said.service_point[of_values])
    parts = [(of_all, SAID), *((valued, plane) for plane in BESIDE_VALUES)]
    points = np.concatenate([points for points, _ in parts])
    return points, np.concatenate([np.full(len(points), plane, np.uint8) for points, plane in parts])


def known_among(points: Array, known: Array) -> Array:
    """bool (n,): which service points u64 (n,) are among `known` u64, which rise."""
    places = np.minimum(np.searchsorted(known, points), max(len(known) - 1, 0))
    found: Array = known[places] == points if len(known) else np.zeros(len(points), np.bool_)
    return found


def new_refused(said: Said) -> Array:
    """Room for a reject of each statement."""
    return np.zeros(len(said.kind), REJECT)


def statement_rejects(refused: Array, decoded: DecodedBatch, origin: Origin) -> list[Emission]:
    """The refused statements (REJECT) as one batch of rejects, each with the begin of its interval."""
    if not len(refused):
        return []
    rows, count = refused["row"], len(refused)
    rejects = Rejects(
        stage="vee", topic=origin.topic_id, origin=origin, code=refused["code"],
        frame=decoded.statement_frame[rows].astype(np.int64), service_point=decoded.statement_service_point[rows],
        device=np.zeros(count, np.uint64), received_at=np.zeros(count, np.int64),
        time=decoded.statement_start[rows], detail=MEANINGS[refused["code"]], raw=np.zeros(0, np.uint8),
        raw_length=np.zeros(count, np.int64),
    )  # fmt: skip
    return [Emission("rejects", rejects)]
